/**
 * Whether a format gives a value back as it was set, before it is written: what a format would bend in silence is refused instead,
 * with the path. Python's own writers bend (a set comes back as a list, a date as text), and their developers know; ours does not know
 * which of the two languages will read it.
 */
import { unwritable } from './bounds.js';
import { ByteArray, DateTime, Dict, type Python, PythonSet, Tuple } from './python.js';

/** What is wrong with a value in some format, if anything. The parts of a list or dict are asked for by themselves. */
export type Misfit = (value: Python) => string | undefined;

const SECONDS = "Flask's cookie keeps whole seconds: set the milliseconds to 0, or keep a number";
const TEXT_KEYS = 'JSON has only text keys: use a plain object';
const NO_SETS = 'this format has no sets: use an array';
const NO_DATES = 'JSON has no dates: keep a text or a number';
const NO_BYTES = 'JSON has no bytes: keep a text';

export const inCookie: Misfit = (value) => {
  if (value instanceof PythonSet) return NO_SETS;
  if (value instanceof DateTime && value.time.microsecond !== 0) return SECONDS;
  return hasOtherKeys(value) ? TEXT_KEYS : undefined;
};

export const inMsgpack: Misfit = (value) => (value instanceof PythonSet ? NO_SETS : undefined);

export const inJson: Misfit = (value) => {
  if (value instanceof PythonSet) return NO_SETS;
  if (value instanceof DateTime) return NO_DATES;
  if (value instanceof Uint8Array || value instanceof ByteArray) return NO_BYTES;
  return hasOtherKeys(value) ? TEXT_KEYS : undefined;
};

/** SOJOURN_VALUE for the first part that does not fit. */
export function demandFit(value: Python, misfit: Misfit, path: string = ''): void {
  const problem = misfit(value);
  if (problem !== undefined) throw unwritable(path, problem);
  if (Array.isArray(value)) for (const [i, item] of value.entries()) demandFit(item, misfit, `${path}[${i}]`);
  else if (value instanceof Tuple) demandFit([...value.items], misfit, path);
  else if (value instanceof Dict)
    for (const [key, item] of value.entries()) demandFit(item, misfit, `${path}.${String(key)}`);
}

function hasOtherKeys(value: Python): boolean {
  return value instanceof Dict && [...value.entries()].some(([key]) => typeof key !== 'string');
}

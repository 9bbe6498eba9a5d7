/**
 * Checking what users configure: unknown names (with the name they probably meant), kinds, durations.
 *
 * Only own properties count: settings inherited through a prototype are ignored, so a polluted prototype or a parsed
 * `__proto__` cannot weaken anything. Every complaint is a SOJOURN_OPTION that names the option, what was wanted and what came.
 */
import type { Duration } from '../contract.js';
import { failure } from '../errors.js';

/** A copy of the own, defined properties of `options`, after refusing every name that is not in `known`. */
export function checked<T extends object>(
  where: string,
  options: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> {
  // Without a prototype: what somebody put on Object.prototype must not become a default here.
  const own: Partial<T> = Object.create(null);
  if (options === undefined) return own;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw failure('SOJOURN_OPTION', { option: `of ${where}`, wanted: 'must be an object', got: show(options) });
  }
  for (const name of Object.keys(options) as (keyof T & string)[]) {
    if (!known.includes(name)) {
      // JSON.parse('{"__proto__": ...}') makes an own key of that name: the same trick as inheritance, and as harmless here.
      if ((name as string) === '__proto__') continue;
      const near = nearest(name, known);
      const hint = near ? `; did you mean ${near}?` : `; known are ${known.join(', ')}`;
      throw failure('SOJOURN_OPTION', { option: `${name} of ${where}`, wanted: `is not an option of ${where}${hint}` });
    }
    // A null would pass for "not given" wherever a default stands behind `??`, and somebody may have meant "never" by it.
    if (options[name] === null)
      throw failure('SOJOURN_OPTION', {
        option: `${name} of ${where}`,
        wanted: 'must not be null; leave it out for the default',
      });
    if (options[name] !== undefined) own[name] = options[name];
  }
  return own;
}

const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a `Duration`; SOJOURN_OPTION unless it is positive and at most 100 years. */
export function durationMs(option: string, value: Duration): number {
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null;
  const ms = match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : value;
  if (typeof ms !== 'number' || !(ms > 0) || ms > 36_500 * unitMs.d) {
    throw failure('SOJOURN_OPTION', {
      option,
      wanted: "must be a positive duration like '30m', '12h', '7d' or a number of milliseconds",
      got: show(value),
    });
  }
  return Math.max(1, Math.round(ms));
}

/** `value` itself; SOJOURN_OPTION unless it is a whole number between `min` and `max`. */
export function wholeNumber(option: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw failure('SOJOURN_OPTION', {
      option,
      wanted: `must be a whole number from ${min} to ${max}`,
      got: show(value),
    });
  }
  return value;
}

/** `value` itself; SOJOURN_OPTION unless it is one of `allowed`. */
export function oneOf<V extends string>(option: string, value: unknown, allowed: readonly V[]): V {
  if (!allowed.includes(value as V)) {
    throw failure('SOJOURN_OPTION', { option, wanted: `must be one of ${allowed.join(', ')}`, got: show(value) });
  }
  return value as V;
}

/** `value` itself; SOJOURN_OPTION unless it is true or false. */
export function flag(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean')
    throw failure('SOJOURN_OPTION', { option, wanted: 'must be true or false', got: show(value) });
  return value;
}

/** A value as an error message may show it: short, one line, and never the inside of an object. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}

/** The known name within two edits, if there is one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > 40) return undefined;
  return known.find((candidate) => distance(name.toLowerCase(), candidate.toLowerCase()) <= 2);
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/**
 * From parsed JSON back to values: tags become what they stand for, and what no writer of ours makes is refused.
 *
 * Arrays and objects are mended in place, for nobody else holds them yet. The bound on depth is checked on the way in, so the
 * walk needs as little stack as the writer's; JSON.parse itself does not recurse. Every tag has one spelling: a date, a number
 * or base64 that would not be written the same way again is refused, so that no two texts compete for one value.
 *
 * Not refused: white space, order of keys, spelling of plain numbers, and a key that comes twice, where the last one wins as
 * everywhere in JavaScript. A person may mend a field by hand.
 */
import { corrupt, isEscaped, isTagLike, MAX_BIGINT_DIGITS, oddNumbers } from './json-rules.js';

/** The value that parsed JSON stands for, nested at most `levels` deep. Throws SOJOURN_CORRUPT. */
export function revive(json: unknown, levels: number): unknown {
  if (typeof json === 'object' && json !== null) return revivedContainer(json, levels);
  if (typeof json === 'number' && !Number.isFinite(json)) throw corrupt('a number in it is too large');
  return json;
}

function revivedContainer(json: object, levels: number): unknown {
  if (Array.isArray(json)) return revivedArray(json, below(levels));
  const keys = Object.keys(json);
  const only = keys.length === 1 ? keys[0]! : '';
  if (isTagLike(only)) return revivedTag(only, (json as Record<string, unknown>)[only], levels);
  return revivedObject(json as Record<string, unknown>, keys, below(levels));
}

function below(levels: number): number {
  if (levels === 0) throw corrupt('it is nested too deep');
  return levels - 1;
}

function revivedArray(json: unknown[], levels: number): unknown[] {
  for (let i = 0; i < json.length; i++) {
    const item = json[i];
    const value = revive(item, levels);
    if (value !== item) json[i] = value;
  }
  return json;
}

function revivedObject(json: Record<string, unknown>, keys: readonly string[], levels: number): object {
  for (const key of keys) {
    if (key === '__proto__') throw corrupt('it has a key named __proto__');
    const item = json[key];
    const value = revive(item, levels);
    if (value !== item) json[key] = value;
  }
  return json;
}

function revivedTag(key: string, content: unknown, levels: number): unknown {
  if (isEscaped(key)) return { [key.slice(1)]: revive(content, below(levels)) };
  const reader = readers.get(key);
  if (reader === undefined) throw corrupt('it has a tag that is not known here');
  return reader(content, levels);
}

type Reader = (content: unknown, levels: number) => unknown;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['$date', date],
  ['$map', map],
  ['$set', set],
  ['$bigint', bigint],
  ['$number', number],
  ['$undefined', nothing],
  ['$bytes', (content: unknown) => new Uint8Array(base64(content))],
  ['$buffer', base64],
  ['$bare', bare],
]);

function date(content: unknown): Date {
  const value = new Date(text(content));
  if (Number.isNaN(value.getTime()) || value.toISOString() !== content) throw corrupt('a $date in it is malformed');
  return value;
}

function map(content: unknown, levels: number): Map<unknown, unknown> {
  const inside = below(levels);
  const value = new Map(list(content).map((entry) => revivedEntry(entry, inside)));
  if (value.size !== list(content).length) throw corrupt('a $map in it has a key twice');
  return value;
}

function revivedEntry(entry: unknown, levels: number): readonly [unknown, unknown] {
  const pair = list(entry);
  if (pair.length !== 2) throw corrupt('a $map in it is malformed');
  return [revive(pair[0], levels), revive(pair[1], levels)];
}

function set(content: unknown, levels: number): Set<unknown> {
  const value = new Set(revivedArray(list(content), below(levels)));
  if (value.size !== list(content).length) throw corrupt('a $set in it has an element twice');
  return value;
}

/** Digits are counted before they are read: a million of them would take a second. */
function bigint(content: unknown): bigint {
  const digits = text(content);
  const count = digits.length - (digits.startsWith('-') ? 1 : 0);
  if (count > MAX_BIGINT_DIGITS || !/^(?:0|-?[1-9][0-9]*)$/.test(digits)) throw corrupt('a $bigint in it is malformed');
  return BigInt(digits);
}

function number(content: unknown): number {
  const value = oddNumbers.get(text(content));
  if (value === undefined) throw corrupt('a $number in it is malformed');
  return value;
}

function nothing(content: unknown): undefined {
  if (content !== true) throw corrupt('an $undefined in it is malformed');
  return undefined;
}

/** Buffer.from skips what is not base64; writing it again shows whether it did. */
function base64(content: unknown): Buffer {
  const value = Buffer.from(text(content), 'base64');
  if (value.toString('base64') !== content) throw corrupt('bytes in it are not base64');
  return value;
}

/** The content is a plain object by the ordinary rules, escape included. */
function bare(content: unknown, levels: number): object {
  const value = revive(content, levels);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    throw corrupt('a $bare in it is malformed');
  }
  return Object.assign(Object.create(null), value);
}

function text(content: unknown): string {
  if (typeof content !== 'string') throw corrupt('a tag in it is malformed');
  return content;
}

function list(content: unknown): unknown[] {
  if (!Array.isArray(content)) throw corrupt('a tag in it is malformed');
  return content;
}

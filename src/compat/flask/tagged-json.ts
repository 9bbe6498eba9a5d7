/**
 * Flask's tagged JSON: what JSON cannot say is an object with one key, a blank and a letter or two.
 *
 *     tuple {" t":[...]}   bytes {" b":"<base64>"}   Markup {" m":"..."}   UUID {" u":"<32 hex>"}   datetime {" d":"<RFC 1123>"}
 *
 * A dict of the user's own that looks like one is wrapped: {" di":{" t__":...}}. Reading goes from the inside out: a tag's value has
 * been converted before the tag is. What a tag cannot hold exactly (microseconds, an offset) is lost here as it is in Flask; dates and
 * decimals become plain text, by the rules of Flask's JSON provider.
 */
import { MAX_DEPTH, unreadable, unwritable } from './bounds.js';
import { httpDate, readHttpDate } from './http-date.js';
import { readJson, writeJson } from './json-text.js';
import { CalendarDate, type ClockTime, DateTime, Decimal, Dict, Markup, type Python, Tuple, Uuid } from './python.js';

/** How Flask's cookie spells this value. SOJOURN_VALUE for what makes Flask raise a TypeError: a set, keys of different types. */
export function writeTagged(value: Python): string {
  return writeJson(tagged(value, '', 0));
}

/** SOJOURN_CORRUPT for text that `writeTagged`, or Flask, cannot have made. */
export function readTagged(text: string): Python {
  return readJson(text, untagged);
}

/** The same for a whole session, which is a dict. */
export function readTaggedDict(text: string): Dict {
  const value = readTagged(text);
  if (!(value instanceof Dict)) throw unreadable('it is no dict');
  return value;
}

function tagged(value: Python, path: string, depth: number): Python {
  if (depth > MAX_DEPTH) throw unwritable(path, `it is nested more than ${MAX_DEPTH} deep`);
  if (value instanceof Dict) {
    const only = loneTag(value);
    if (only !== undefined) return tag(' di', tag(`${only}__`, tagged(value.get(only)!, `${path}.${only}`, depth + 1)));
    return Dict.of([...value.entries()].map(([key, item]) => [key, tagged(item, `${path}.${String(key)}`, depth + 1)]));
  }
  if (value instanceof Tuple) return tag(' t', list(value.items, path, depth));
  if (Array.isArray(value)) return list(value, path, depth);
  if (value instanceof Uint8Array) return tag(' b', Buffer.from(value).toString('base64'));
  if (value instanceof Markup) return tag(' m', value.text);
  if (value instanceof Uuid) return tag(' u', value.hex);
  if (value instanceof DateTime) return tag(' d', httpDate(value.epochSeconds, path));
  if (value instanceof CalendarDate) return httpDate(new DateTime(value, MIDNIGHT, null).epochSeconds, path);
  if (value instanceof Decimal) return value.text;
  return value;
}

const MIDNIGHT: ClockTime = { hour: 0, minute: 0, second: 0, microsecond: 0, fold: false };

function list(items: readonly Python[], path: string, depth: number): Python[] {
  return items.map((item, i) => tagged(item, `${path}[${i}]`, depth + 1));
}

function tag(name: string, value: Python): Dict {
  return Dict.of([[name, value]]);
}

const TAGS: ReadonlyMap<string, (value: Python) => Python> = new Map<string, (value: Python) => Python>([
  [' di', unwrapped],
  [' t', (value) => new Tuple(expected(Array.isArray(value) ? value : undefined))],
  [' b', (value) => base64(expected(text(value)))],
  [' m', (value) => new Markup(expected(text(value)))],
  [' u', (value) => uuid(expected(text(value)))],
  [' d', (value) => readHttpDate(expected(text(value)))],
]);

/** The tag that is the only key of this dict. */
function loneTag(dict: Dict): string | undefined {
  if (dict.size !== 1) return undefined;
  const [key] = [...dict.entries()][0]!;
  return typeof key === 'string' && TAGS.has(key) ? key : undefined;
}

function untagged(dict: Dict): Python {
  const only = loneTag(dict);
  return only === undefined ? dict : TAGS.get(only)!(dict.get(only)!);
}

/** {" t__": value} is the user's own {" t": value}: Flask cuts the last two characters, whatever they are. */
function unwrapped(value: Python): Python {
  if (!(value instanceof Dict) || value.size !== 1) throw unreadable('a tag of its JSON holds something else');
  for (const [key, item] of value.entries()) return tag([...String(key)].slice(0, -2).join(''), item);
  return value;
}

function text(value: Python): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function expected<T>(value: T | undefined): T {
  if (value === undefined) throw unreadable('a tag of its JSON holds something else');
  return value;
}

function base64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') !== text) throw unreadable('a tag of its JSON holds no base64');
  return new Uint8Array(bytes);
}

function uuid(text: string): Uuid {
  if (!/^[0-9a-f]{32}$/.test(text)) throw unreadable('a tag of its JSON holds no UUID');
  return new Uuid(text);
}

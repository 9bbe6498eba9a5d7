/**
 * A JavaScript value as a Python value, guided by the one that it replaces.
 *
 * What is equal to the original is the original: a UUID that was read as text goes back as a UUID, a list in which one number changed
 * keeps its tuples. What is new follows one rule: a whole Number is an int, any other a float, a Date an aware datetime in UTC, a Map a
 * dict, a Set a set. Text in the place of Markup is only text: it may come from anybody.
 */
import { MAX_DEPTH, unwritable } from './bounds.js';
import {
  ByteArray,
  DateTime,
  Dict,
  Float,
  hashed,
  Markup,
  type Python,
  PythonSet,
  TimeDelta,
  Tuple,
  Uuid,
} from './python.js';
import { int } from './python-numbers.js';
import { isWord, type PythonWord } from './python-words.js';
import { dateOf, secondsOf, toPlain } from './to-plain.js';

export interface Guide {
  /** The value that stood there before. */
  readonly before?: Python | undefined;
  /** What an object was made from, if it was made by `toPlain`. Goes before `before`: a thing that was moved is still itself. */
  readonly originOf?: (plain: object) => Python | undefined;
}

/** SOJOURN_VALUE, with the path, for what Python has no counterpart of. */
export function fromPlain(value: unknown, guide: Guide = {}): Python {
  return converted(value, guide.before, { originOf: guide.originOf ?? (() => undefined), path: '', depth: 0 });
}

interface Place {
  readonly originOf: (plain: object) => Python | undefined;
  readonly path: string;
  readonly depth: number;
}

function converted(value: unknown, before: Python | undefined, place: Place): Python {
  if (place.depth > MAX_DEPTH)
    throw unwritable(place.path, `it is nested more than ${MAX_DEPTH} deep, or contains itself`);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') return text(value, before);
  if (typeof value === 'number') return number(value, before);
  if (typeof value === 'bigint') return int(value);
  if (typeof value !== 'object') throw unwritable(place.path, `Python has no counterpart of ${kindOf(value)}`);
  return object(value, place.originOf(value) ?? before, place);
}

function text(value: string, before: Python | undefined): Python {
  const isOriginal = typeof before === 'object' && before !== null && toPlain(before) === value;
  return isOriginal ? before : value;
}

function number(value: number, before: Python | undefined): Python {
  if (before instanceof TimeDelta) return secondsOf(before) === value ? before : timeDelta(value);
  if (before instanceof Float && Object.is(before.value, value)) return before;
  return Number.isSafeInteger(value) && !Object.is(value, -0) ? value : new Float(value);
}

function timeDelta(seconds: number): Python {
  const days = Math.floor(seconds / 86_400);
  const rest = Math.round((seconds - days * 86_400) * 1_000_000);
  return Number.isFinite(seconds)
    ? new TimeDelta(days, Math.floor(rest / 1_000_000), rest % 1_000_000)
    : new Float(seconds);
}

function object(value: object, before: Python | undefined, place: Place): Python {
  if (Array.isArray(value)) {
    const items = list(value, before instanceof Tuple ? before.items : before, place);
    return before instanceof Tuple ? new Tuple(items) : items;
  }
  if (value instanceof Uint8Array) return before instanceof ByteArray ? new ByteArray(value) : new Uint8Array(value);
  if (value instanceof Date) return dateTime(value, before, place);
  if (value instanceof Set)
    return hashed(
      () => set(value, before, place),
      () => noKey(place),
    );
  if (value instanceof Map)
    return hashed(
      () => dict([...value], before, place),
      () => noKey(place),
    );
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype)
    throw unwritable(place.path, `Python has no counterpart of ${kindOf(value)}`);
  if (isWord(value)) return word(value, place);
  return hashed(
    () => dict(Object.entries(value), before, place),
    () => noKey(place),
  );
}

function list(items: readonly unknown[], before: unknown, place: Place): Python[] {
  const originals: readonly Python[] = Array.isArray(before) ? before : [];
  // Not `map`, which passes over holes.
  return Array.from(items, (item, i) => converted(item, originals[i], at(place, `[${i}]`)));
}

function dict(entries: readonly (readonly [unknown, unknown])[], before: Python | undefined, place: Place): Dict {
  const originals = before instanceof Dict ? before : new Dict();
  const keys = new Map([...originals.entries()].map(([key]) => [toPlain(key), key]));
  return Dict.of(
    entries.map(([name, item]) => {
      const inside = at(place, `.${String(name)}`);
      const key = converted(name, keys.get(name), inside);
      return [key, converted(item, originals.get(key), inside)];
    }),
  );
}

function set(value: Set<unknown>, before: Python | undefined, place: Place): PythonSet {
  const originals = before instanceof PythonSet ? before : undefined;
  const known = new Map((originals?.items ?? []).map((item) => [toPlain(item), item]));
  const items = [...value].map((item) => converted(item, known.get(item), at(place, '{}')));
  return new PythonSet(items, originals?.frozen ?? false);
}

function dateTime(value: Date, before: Python | undefined, { path }: Place): DateTime {
  const ms = value.getTime();
  if (Number.isNaN(ms)) throw unwritable(path, 'it is an invalid Date');
  if (before instanceof DateTime && dateOf(before).getTime() === ms) return before;
  const seconds = Math.floor(ms / 1000);
  const year = value.getUTCFullYear();
  if (year < 1 || year > 9999) throw unwritable(path, 'Python has years from 1 to 9999 only');
  const aware = DateTime.utc(seconds, (ms - seconds * 1000) * 1000);
  const isNaive = before instanceof DateTime && before.offset === null;
  return isNaive ? new DateTime(aware.date, aware.time, null) : aware;
}

function word({ $python, of }: PythonWord, place: Place): Python {
  if ($python === 'tuple' && Array.isArray(of)) return new Tuple(list(of, undefined, place));
  if ($python === 'float' && typeof of === 'number') return new Float(of);
  if ($python === 'markup' && typeof of === 'string') return new Markup(of);
  const hex = $python === 'uuid' && typeof of === 'string' ? of.replaceAll('-', '').toLowerCase() : '';
  if (!/^[0-9a-f]{32}$/.test(hex)) throw unwritable(place.path, 'it is no tuple, float, markup or uuid');
  return new Uuid(hex);
}

function noKey({ path }: Place): Error {
  return unwritable(path, 'Python takes no such key: a list, a dict, something very long');
}

function at(place: Place, step: string): Place {
  return { ...place, path: place.path + step, depth: place.depth + 1 };
}

function kindOf(value: unknown): string {
  if (typeof value !== 'object' || value === null)
    return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
  return `a ${Object.getPrototypeOf(value)?.constructor?.name ?? 'strange object'}`;
}

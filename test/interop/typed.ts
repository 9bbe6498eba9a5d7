/**
 * The notation of the vectors for Python's values (README.md, "Typed JSON"), as values of ours and back.
 */
import { readFileSync } from 'node:fs';
import {
  ByteArray,
  CalendarDate,
  DateTime,
  Decimal,
  Dict,
  Float,
  Markup,
  type Python,
  PythonSet,
  TimeDelta,
  Tuple,
  Uuid,
} from '../../src/compat/flask/python.js';
import { floatText } from '../../src/compat/flask/python-numbers.js';

export type Typed = null | boolean | number | string | Typed[] | { [key: string]: Typed };

/** A file of vectors, numbers and all as the file has them. */
export function vectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T;
}

export function secretOf(secret: string | { b: string }): string | Uint8Array {
  return typeof secret === 'string' ? secret : Buffer.from(secret.b, 'base64');
}

export function python(typed: Typed): Python {
  if (typed === null || typeof typed !== 'object') return typed;
  if (Array.isArray(typed)) return typed.map(python);
  const kind = Object.hasOwn(typed, '$') ? typed.$ : undefined;
  if (typeof kind !== 'string') return Dict.of(Object.entries(typed).map(([key, value]) => [key, python(value)]));
  const make = KINDS.get(kind);
  if (make === undefined) throw new Error(`The vectors have a ${kind}, which this test does not know.`);
  return make(typed.v!);
}

const items = (value: Typed) => (value as Typed[]).map(python);
const bytes = (value: Typed) => new Uint8Array(Buffer.from(value as string, 'base64'));
const FLOATS: Record<string, number> = {
  nan: Number.NaN,
  inf: Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
};

const KINDS = new Map<string, (value: Typed) => Python>([
  ['int', (value) => BigInt(value as string)],
  ['float', (value) => new Float(FLOATS[value as string] ?? Number(value))],
  ['bytes', bytes],
  ['bytearray', (value) => new ByteArray(bytes(value))],
  ['tuple', (value) => new Tuple(items(value))],
  ['set', (value) => new PythonSet(items(value), false)],
  ['frozenset', (value) => new PythonSet(items(value), true)],
  ['uuid', (value) => new Uuid((value as string).replaceAll('-', ''))],
  ['markup', (value) => new Markup(value as string)],
  ['decimal', (value) => new Decimal(value as string)],
  ['datetime', (value) => dateTime(value as string)],
  ['date', (value) => date(value as string)],
  ['timedelta', (value) => new TimeDelta(...(value as [number, number, number]))],
  ['dict', (value) => Dict.of((value as [Typed, Typed][]).map(([key, item]) => [python(key), python(item)]))],
  ['str16', (value) => String.fromCodePoint(...(value as number[]))],
]);

function date(text: string): CalendarDate {
  const [year = 0, month = 0, day = 0] = text.split('-').map(Number);
  return new CalendarDate(year, month, day);
}

function dateTime(text: string): DateTime {
  const [, day = '', hour, minute, second, micro = '', zone] =
    /^(.{10})T(..):(..):(..)(?:\.(\d{6}))?([+-].*)?$/.exec(text) ?? [];
  const time = {
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    microsecond: Number(micro),
    fold: false,
  };
  return new DateTime(date(day), time, zone === undefined ? null : offset(zone));
}

function offset(zone: string): TimeDelta {
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  const seconds = (zone[0] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
  return new TimeDelta(Math.floor(seconds / 86_400), ((seconds % 86_400) + 86_400) % 86_400, 0);
}

/** One text for each value, type included: dicts in any order unless `ordered`, sets in any order. */
export function shown(value: Python, ordered = false): string {
  const all = (values: readonly Python[]) => values.map((each) => shown(each, ordered));
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number' || typeof value === 'bigint') return `int ${value}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Float) return `float ${Number.isFinite(value.value) ? floatText(value.value) : value.value}`;
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`;
  if (value instanceof ByteArray) return `bytearray ${Buffer.from(value.bytes).toString('hex')}`;
  if (Array.isArray(value)) return `[${all(value)}]`;
  if (value instanceof Tuple) return `(${all(value.items)})`;
  if (value instanceof PythonSet) return `${value.frozen ? 'frozenset' : 'set'} {${all(value.items).sort()}}`;
  if (value instanceof Dict) {
    const entries = [...value.entries()].map(([key, item]) => `${shown(key)}: ${shown(item, ordered)}`);
    return `{${ordered ? numbersFirst(entries) : entries.sort()}}`;
  }
  if (value instanceof Markup) return `Markup ${JSON.stringify(value.text)}`;
  if (value instanceof Decimal) return `Decimal ${value.text}`;
  if (value instanceof TimeDelta) return `timedelta ${value.days} ${value.seconds} ${value.microseconds}`;
  return `${value.constructor.name} ${value}`;
}

/** The vectors are read with JSON.parse, which puts keys like "10" in front: so much of their order is not known here. */
function numbersFirst(entries: readonly string[]): string[] {
  const number = (entry: string) => Number(/^"(0|[1-9]\d*)":/.exec(entry)?.[1] ?? Number.POSITIVE_INFINITY);
  return [...entries].sort((a, b) => (number(a) === number(b) ? 0 : number(a) - number(b)));
}

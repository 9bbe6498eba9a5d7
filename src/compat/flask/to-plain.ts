/**
 * A Python value as handlers see it: arrays for lists and tuples, numbers for ints and floats, text for whatever Python prints as text.
 *
 * A dict becomes a plain object if all its keys are text, and none is `__proto__`; else a Map. A naive datetime is taken as UTC. The way
 * back is from-plain.ts, which needs the original to know what was what.
 */
import { ByteArray, DateTime, Dict, Float, Markup, type Python, PythonSet, TimeDelta, Tuple } from './python.js';

/** `note` hears of every object that is made, and what it was made from. */
export function toPlain(value: Python, note: (plain: object, origin: Python) => void = () => {}): unknown {
  if (value === null || typeof value !== 'object') return value;
  const plain = objectOf(value, note);
  if (typeof plain === 'object') note(plain as object, value);
  return plain;
}

function objectOf(value: Exclude<Python, null | boolean | string | number | bigint>, note: Note): unknown {
  const inner = (each: Python) => toPlain(each, note);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(inner);
  if (value instanceof Tuple) return value.items.map(inner);
  if (value instanceof Dict) return dict(value, inner);
  if (value instanceof Float) return value.value;
  if (value instanceof PythonSet) return new Set(value.items.map(inner));
  if (value instanceof ByteArray) return new Uint8Array(value.bytes);
  if (value instanceof DateTime) return dateOf(value);
  if (value instanceof TimeDelta) return secondsOf(value);
  return value instanceof Markup ? value.text : 'text' in value ? value.text : String(value);
}

type Note = (plain: object, origin: Python) => void;

function dict(value: Dict, inner: (each: Python) => unknown): unknown {
  const entries = [...value.entries()].map(([key, item]) => [key, inner(item)] as const);
  if (entries.every(([key]) => typeof key === 'string' && key !== '__proto__'))
    return Object.fromEntries(entries as (readonly [string, unknown])[]);
  return new Map(entries.map(([key, item]) => [inner(key), item]));
}

/** To the millisecond: JavaScript has no finer dates. */
export function dateOf(value: DateTime): Date {
  return new Date(value.epochSeconds * 1000 + Math.floor(value.time.microsecond / 1000));
}

export function secondsOf({ days, seconds, microseconds }: TimeDelta): number {
  return days * 86_400 + seconds + microseconds / 1_000_000;
}

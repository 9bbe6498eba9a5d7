/**
 * JSON as msgspec writes it, for Flask-Session with SESSION_SERIALIZATION_FORMAT = 'json'.
 *
 * UTF-8, without blanks, in the order of the dict; keys that are no text become text. Bytes become base64, dates ISO text, and come
 * back as text: that is Flask-Session's own loss. What Python would lose beyond that (NaN becomes null) or answer with 500 is refused.
 * Reading is strict JSON: msgspec knows no NaN.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_BYTES, MAX_DEPTH, unreadable, unwritable } from './bounds.js';
import { readStrictJson } from './json-text.js';
import { awareText, demandWellFormed, msgspecText } from './msgspec-text.js';
import { ByteArray, DateTime, Dict, Float, type Python, PythonSet, Tuple } from './python.js';
import { floatText, intText } from './python-numbers.js';

export function readMsgspecJson(bytes: Uint8Array): Dict {
  if (bytes.length > MAX_BYTES) throw unreadable(`it takes more than ${MAX_BYTES} bytes`);
  if (!isUtf8(bytes)) throw unreadable('its text is no UTF-8');
  const value = readStrictJson(Buffer.from(bytes).toString('utf8'));
  if (!(value instanceof Dict)) throw unreadable('its JSON is no dict');
  return value;
}

/** SOJOURN_VALUE for Markup, NaN, ints of thousands of digits, half characters, keys that JSON has no form for, and what is nested too deep. */
export function writeMsgspecJson(dict: Dict): Buffer {
  return Buffer.from(written(dict, '', 0), 'utf8');
}

function written(value: Python, path: string, depth: number): string {
  if (depth > MAX_DEPTH) throw unwritable(path, `it is nested more than ${MAX_DEPTH} deep`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return intText(value, path);
  if (typeof value === 'string') return JSON.stringify(demandWellFormed(value, path));
  if (value instanceof Float) return float(value.value, path);
  if (value instanceof Uint8Array) return base64(value);
  if (value instanceof ByteArray) return base64(value.bytes);
  if (Array.isArray(value)) return list(value, path, depth);
  if (value instanceof Tuple || value instanceof PythonSet) return list(value.items, path, depth);
  if (value instanceof Dict) return members(value, path, depth);
  const text = jsonText(value);
  if (text === undefined) throw unwritable(path, 'msgspec, which Flask-Session writes with, has no form for it');
  return JSON.stringify(text);
}

function list(items: readonly Python[], path: string, depth: number): string {
  return `[${items.map((item, i) => written(item, `${path}[${i}]`, depth + 1)).join(',')}]`;
}

function members(dict: Dict, path: string, depth: number): string {
  const all = [...dict.entries()].map(([key, value]) => {
    const name = keyText(key, path);
    return `${JSON.stringify(name)}:${written(value, `${path}.${name}`, depth + 1)}`;
  });
  return `{${all.join(',')}}`;
}

function keyText(key: Python, path: string): string {
  if (typeof key === 'string') return demandWellFormed(key, path);
  if (typeof key === 'number' || typeof key === 'bigint') return String(key);
  if (key instanceof Float) return float(key.value, path);
  const text = key instanceof Uint8Array ? Buffer.from(key).toString('base64') : jsonText(key);
  if (text === undefined) throw unwritable(path, 'it has a key that JSON has no form for');
  return text;
}

function jsonText(value: Python): string | undefined {
  return value instanceof DateTime && value.offset !== null ? awareText(value) : msgspecText(value);
}

function float(value: number, path: string): string {
  if (!Number.isFinite(value)) throw unwritable(path, 'it is no number, which msgspec would turn into null');
  return floatText(value);
}

function base64(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('base64'));
}

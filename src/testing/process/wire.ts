/**
 * How sessions, deltas and outcomes travel between two processes: one JSON value per line, for tests only.
 *
 * Bytes become `{"bytes": base64}` and maps `{"map": pairs}`, whatever they are part of: so the wire knows nothing of the contract and
 * needs no change when that grows. JSON.stringify with a replacer was rejected: a Buffer is turned into an array before the
 * replacer ever sees it.
 */
import { isMap } from '../store/samples.js';

/** A JSON text without line ends. */
export function write(value: unknown): string {
  return JSON.stringify(packed(value));
}

export function read(line: string): unknown {
  return unpacked(JSON.parse(line));
}

function packed(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') };
  if (isMap(value)) return { map: [...value].map(([key, item]) => [key, packed(item)]) };
  if (Array.isArray(value)) return value.map(packed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, packed(item)]));
}

function unpacked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unpacked);
  if (typeof value !== 'object' || value === null) return value;
  if ('bytes' in value) return new Uint8Array(Buffer.from(String(value.bytes), 'base64'));
  if ('map' in value) return new Map(unpacked(value.map) as [string, unknown][]);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unpacked(item)]));
}

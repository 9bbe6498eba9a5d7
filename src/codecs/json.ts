/**
 * The default codec: JSON that says what it cannot say by itself.
 *
 * A value that plain JSON holds exactly is kept as plain JSON, so that a field can be read, and mended, with the store's own
 * command line. Everything else is a tagged value, an object with exactly one key that begins with `$`:
 *
 *     {"$date":"2026-01-02T03:04:05.678Z"}   {"$map":[[k,v],...]}   {"$set":[...]}   {"$bigint":"123"}   {"$undefined":true}
 *     {"$number":"NaN"}, "Infinity", "-Infinity", "-0"              {"$bytes":"<base64>"} Uint8Array
 *     {"$bare":{...}} object without prototype                      {"$buffer":"<base64>"} Buffer
 *
 * An object of the user's own that looks like one gets one more `$` in front of its key, which decoding takes away: two
 * different values never share their bytes. What has neither JSON nor tag is refused with its path, never bent.
 * docs/codec.md tells users the same with examples.
 *
 * Rejected: tags by path in a side table (SuperJSON), unreadable and lost with a hand edit; `Buffer` coming back as
 * Uint8Array, whose `toString('hex')` quietly answers something else; calling `toJSON`, which would make the next request
 * see another value than this one.
 */
import { isUtf8 } from 'node:buffer';
import type { Codec } from '../contract.js';
import { checked, wholeNumber } from '../core/options.js';
import { isPickle, PICKLE_PROBLEM } from '../core/pickle.js';
import { failure } from '../errors.js';
import { isPlain } from './json-plain.js';
import { revive } from './json-read.js';
import { corrupt, DEFAULT_DEPTH, DEPTH_LIMIT, MAX_SIZE } from './json-rules.js';
import { written } from './json-write.js';

export interface JsonOptions {
  /** How deep arrays, objects, Maps and Sets may be nested: 1 to 500, 100 unless told. Never lower it while sessions live. */
  readonly maxDepth?: number;
}

/**
 * Typed JSON, the codec that `sessions` uses unless told otherwise.
 *
 * `encode` throws SOJOURN_VALUE; `details.path` is relative to the value, ready to be put behind a field's name: `.a[2]`,
 * or '' for the value itself. `decode` throws SOJOURN_CORRUPT. Equal values give equal bytes if their keys stand in equal order.
 */
export function json(options?: JsonOptions): Codec {
  const maxDepth = depthOf(options);
  return {
    name: 'json',
    encode: (value) => bytesOf(textOf(value, maxDepth)),
    decode: (bytes) => revive(parsed(bytes), maxDepth),
  };
}

function depthOf(options: JsonOptions | undefined): number {
  const { maxDepth = DEFAULT_DEPTH } = checked('json', options, ['maxDepth']);
  return wholeNumber('maxDepth of json', maxDepth, 1, DEPTH_LIMIT);
}

/** The quick way for what is JSON already; else the careful way, which writes tags and knows the path of what it refuses. */
function textOf(value: unknown, maxDepth: number): string {
  try {
    if (isPlain(value, maxDepth)) return JSON.stringify(value);
  } catch {
    // A getter or a proxy threw. The careful way meets it again, and tells where.
  }
  return written(value, maxDepth);
}

function bytesOf(text: string): Uint8Array {
  // The length of the text first: it is the smaller one, and costs nothing to know.
  const bytes = text.length > MAX_SIZE ? null : Buffer.from(text, 'utf8');
  if (bytes === null || bytes.length > MAX_SIZE) {
    throw failure('SOJOURN_VALUE', { path: '', problem: 'it takes more than 4 MiB' });
  }
  return bytes;
}

function parsed(bytes: Uint8Array): unknown {
  const text = utf8(bytes);
  try {
    return JSON.parse(text);
  } catch {
    // The SyntaxError quotes what it read, which is somebody's data: it does not travel, not even as a cause.
    throw corrupt('it is not JSON');
  }
}

/** Strict: a replacement character is believed only if the bytes really hold one. (A TextDecoder takes twice as long.) */
function utf8(bytes: Uint8Array): string {
  if (bytes.length > MAX_SIZE) throw corrupt('it is longer than 4 MiB');
  const text = asBuffer(bytes).toString();
  if (text.includes('\ufffd') && !isUtf8(bytes)) throw corrupt(isPickle(bytes) ? PICKLE_PROBLEM : 'it is not UTF-8');
  return text;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * MessagePack as msgspec writes it: the smallest form of each int and length, floats always of eight bytes, the order of dicts kept.
 *
 * What msgspec refuses is refused here too, before it reaches the store: Flask-Session would read it, and then answer 500 when it writes
 * the session again.
 */
import { MAX_DEPTH, unwritable } from './bounds.js';
import { demandWellFormed, msgspecText } from './msgspec-text.js';
import { ByteArray, DateTime, Dict, Float, type Python, PythonSet, Tuple } from './python.js';

/** SOJOURN_VALUE for Markup, ints beyond 64 bits, half characters, and what is nested too deep. */
export function writeMsgpack(dict: Dict): Buffer {
  const parts: Buffer[] = [];
  write(parts, dict, '', 0);
  return Buffer.concat(parts);
}

function write(parts: Buffer[], value: Python, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw unwritable(path, `it is nested more than ${MAX_DEPTH} deep`);
  if (value === null) parts.push(Buffer.from([0xc0]));
  else if (typeof value === 'boolean') parts.push(Buffer.from([value ? 0xc3 : 0xc2]));
  else if (typeof value === 'number' || typeof value === 'bigint') parts.push(int(BigInt(value), path));
  else if (typeof value === 'string') text(parts, demandWellFormed(value, path));
  else if (value instanceof Float) parts.push(float(value.value));
  else if (value instanceof Uint8Array) bytes(parts, value);
  else if (value instanceof ByteArray) bytes(parts, value.bytes);
  else if (Array.isArray(value)) list(parts, value, path, depth);
  else if (value instanceof Tuple || value instanceof PythonSet) list(parts, value.items, path, depth);
  else if (value instanceof Dict) members(parts, value, path, depth);
  else if (value instanceof DateTime && value.offset !== null) parts.push(timestamp(value));
  else text(parts, textOr(value, path));
}

function textOr(value: Python, path: string): string {
  const written = msgspecText(value);
  if (written === undefined) throw unwritable(path, 'msgspec, which Flask-Session writes with, has no form for it');
  return written;
}

function list(parts: Buffer[], items: readonly Python[], path: string, depth: number): void {
  parts.push(length(items.length, [0x90, 15], undefined, 0xdc));
  for (const [i, item] of items.entries()) write(parts, item, `${path}[${i}]`, depth + 1);
}

function members(parts: Buffer[], dict: Dict, path: string, depth: number): void {
  parts.push(length(dict.size, [0x80, 15], undefined, 0xde));
  for (const [key, value] of dict.entries()) {
    write(parts, key, path, depth + 1);
    write(parts, value, `${path}.${String(key)}`, depth + 1);
  }
}

function text(parts: Buffer[], value: string): void {
  const encoded = Buffer.from(value, 'utf8');
  parts.push(length(encoded.length, [0xa0, 31], 0xd9, 0xda), encoded);
}

function bytes(parts: Buffer[], value: Uint8Array): void {
  parts.push(length(value.length, undefined, 0xc4, 0xc5), Buffer.from(value));
}

/** Inside the first byte, or in one, two or four bytes behind it. */
function length(
  count: number,
  fixed: readonly [first: number, most: number] | undefined,
  inOne: number | undefined,
  inTwo: number,
): Buffer {
  if (fixed !== undefined && count <= fixed[1]) return Buffer.from([fixed[0] + count]);
  if (inOne !== undefined && count < 0x100) return Buffer.from([inOne, count]);
  const size = count < 0x10000 ? 2 : 4;
  const head = Buffer.alloc(1 + size);
  head[0] = size === 2 ? inTwo : inTwo + 1;
  head.writeUIntBE(count, 1, size);
  return head;
}

function int(value: bigint, path: string): Buffer {
  if (value >= -32n && value < 128n) return Buffer.from([Number(value) & 0xff]);
  for (const [i, size] of [1, 2, 4].entries()) {
    const room = 1n << BigInt(8 * size);
    if (value >= 0n && value < room) return sized(0xcc + i, size, value);
    if (value < 0n && value >= -room / 2n) return sized(0xd0 + i, size, value);
  }
  if (value < -(1n << 63n) || value >= 1n << 64n)
    throw unwritable(path, 'it is an int of more than 64 bits, which msgspec refuses');
  return sized(value < 0n ? 0xd3 : 0xcf, 8, value);
}

function sized(first: number, size: number, value: bigint): Buffer {
  const hex = BigInt.asUintN(8 * size, value)
    .toString(16)
    .padStart(2 * size, '0');
  return Buffer.concat([Buffer.from([first]), Buffer.from(hex, 'hex')]);
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xcb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

/** The smallest of the three forms. */
function timestamp(value: DateTime): Buffer {
  const seconds = value.epochSeconds;
  const nanoseconds = value.time.microsecond * 1000;
  if (seconds >= 0 && seconds < 2 ** 34) {
    const both = (BigInt(nanoseconds) << 34n) | BigInt(seconds);
    const size = both < 1n << 32n ? 4 : 8;
    return Buffer.concat([Buffer.from([size === 4 ? 0xd6 : 0xd7]), sized(0xff, size, both)]);
  }
  const bytes = Buffer.alloc(15);
  bytes.set([0xc7, 12, 0xff]);
  bytes.writeUInt32BE(nanoseconds, 3);
  bytes.writeBigInt64BE(BigInt(seconds), 7);
  return bytes;
}

/**
 * MessagePack as msgspec writes it, which is what Flask-Session keeps since 0.7.
 *
 * Everything msgspec can write is read, in any length form; extensions other than the timestamp are refused, since Python would hand
 * its application an object that nobody could write again. One pass, bounded depth, no length believed before it is compared with what
 * is left. A lone 0x80 is the empty dict.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_BYTES, MAX_DEPTH, unreadable, unreadableKey } from './bounds.js';
import { DateTime, Dict, Float, hashed, type Python, Tuple } from './python.js';
import { int } from './python-numbers.js';

/** SOJOURN_CORRUPT unless it is one dict and nothing else. */
export function readMsgpack(bytes: Uint8Array): Dict {
  if (bytes.length > MAX_BYTES) throw unreadable(`it takes more than ${MAX_BYTES} bytes`);
  const reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  const value = reader.value(0);
  if (!reader.isAtEnd) throw unreadable('there is more behind its msgpack');
  if (!(value instanceof Dict)) throw unreadable('its msgpack is no dict');
  return value;
}

const TIMESTAMP = -1;

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  value(depth: number): Python {
    if (depth > MAX_DEPTH) throw unreadable(`it is nested more than ${MAX_DEPTH} deep`);
    const first = this.#take(1)[0]!;
    if (first < 0x80) return first;
    if (first < 0x90) return this.#dict(first & 0x0f, depth);
    if (first < 0xa0) return this.#list(first & 0x0f, depth);
    if (first < 0xc0) return this.#text(first & 0x1f);
    if (first >= 0xe0) return first - 0x100;
    return this.#long(first, depth);
  }

  #long(first: number, depth: number): Python {
    switch (first) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return new Uint8Array(this.#take(this.#count(1 << (first - 0xc4))));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#count(1 << (first - 0xc7)));
      case 0xca:
        return new Float(this.#take(4).readFloatBE());
      case 0xcb:
        return new Float(this.#take(8).readDoubleBE());
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#count(1 << (first - 0xcc));
      case 0xcf:
        return int(this.#take(8).readBigUInt64BE());
      case 0xd0:
        return this.#take(1).readInt8();
      case 0xd1:
        return this.#take(2).readInt16BE();
      case 0xd2:
        return this.#take(4).readInt32BE();
      case 0xd3:
        return int(this.#take(8).readBigInt64BE());
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (first - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#count(1 << (first - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#count(first === 0xdc ? 2 : 4), depth);
      case 0xde:
      case 0xdf:
        return this.#dict(this.#count(first === 0xde ? 2 : 4), depth);
      default:
        throw unreadable('its msgpack has a byte that means nothing');
    }
  }

  #list(length: number, depth: number): Python[] {
    const list: Python[] = [];
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1));
    return list;
  }

  #dict(size: number, depth: number): Dict {
    const dict = new Dict();
    for (let i = 0; i < size; i++) {
      const [key, value] = [this.value(depth + 1), this.value(depth + 1)];
      hashed(() => dict.set(frozen(key), value), unreadableKey);
    }
    return dict;
  }

  #text(length: number): string {
    const bytes = this.#take(length);
    if (!isUtf8(bytes)) throw unreadable('its text is no UTF-8');
    return bytes.toString('utf8');
  }

  /** A timestamp in 4, 8 or 12 bytes: seconds; nanoseconds and seconds in one; nanoseconds, then seconds. */
  #extension(length: number): Python {
    const type = this.#take(1).readInt8();
    const bytes = this.#take(length);
    if (type !== TIMESTAMP) throw unreadable('its msgpack has an extension that Flask-Session does not write');
    if (length === 4) return dateTime(bytes.readUInt32BE(), 0);
    if (length === 8) return dateTime((bytes[3]! & 3) * 2 ** 32 + bytes.readUInt32BE(4), bytes.readUInt32BE() >>> 2);
    if (length === 12) return dateTime(Number(bytes.readBigInt64BE(4)), bytes.readUInt32BE());
    throw unreadable('its msgpack has a timestamp of no known length');
  }

  #count(size: number): number {
    return this.#take(size).readUIntBE(0, size);
  }

  #take(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw unreadable('its msgpack ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** A tuple was written as an array. In the place of a key msgspec knows that it was one. */
function frozen(key: Python): Python {
  return Array.isArray(key) ? new Tuple(key.map(frozen)) : key;
}

/** Years 1 to 9999, as Python has them; rounded to the microsecond, as msgspec does. */
function dateTime(seconds: number, nanoseconds: number): DateTime {
  const microseconds = Math.round(nanoseconds / 1000);
  const whole = microseconds === 1_000_000 ? seconds + 1 : seconds;
  if (whole < -62_135_596_800 || whole > 253_402_300_799 || nanoseconds > 999_999_999)
    throw unreadable('its msgpack has a timestamp that is no date');
  return DateTime.utc(whole, microseconds % 1_000_000);
}

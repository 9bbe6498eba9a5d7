/**
 * The bytes of a pickle, taken from front to back. Every length is compared with what is left before anything is made of it, so that
 * nothing is allocated because a pickle says so.
 *
 * Text is in here as well, since each of Python's five ways to write it is a way to cut bytes: UTF-8 with halves of surrogate pairs,
 * Latin-1 with escapes, and what Python 2 called a string.
 */
import { isUtf8 } from 'node:buffer';
import { MAX_BYTES, unreadable } from './bounds.js';

export class PickleInput {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    if (bytes.length > MAX_BYTES) throw unreadable(`it takes more than ${MAX_BYTES} bytes`);
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  /** An unsigned count of that many bytes, little-endian: the length of something that follows. */
  count(size: 1 | 2 | 4 | 8): number {
    const bytes = this.take(size);
    if (size < 8) return bytes.readUIntLE(0, size);
    return Number(bytes.readBigUInt64LE());
  }

  take(length: number): Buffer {
    if (length > this.left) throw unreadable('its pickle ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** What stands before the next line feed. */
  line(): Buffer {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end === -1) throw unreadable('its pickle ends too early');
    const line = this.#bytes.subarray(this.#at, end);
    this.#at = end + 1;
    return line;
  }
}

/** UTF-8 as Python's `surrogatepass` has it: half a surrogate pair is three bytes. SOJOURN_CORRUPT for anything else that is no UTF-8. */
export function readText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  let text = '';
  let from = 0;
  for (let at = bytes.indexOf(0xed); at !== -1; at = bytes.indexOf(0xed, at + 1)) {
    const [second = 0, third = 0] = [bytes[at + 1], bytes[at + 2]];
    if (second < 0xa0 || second > 0xbf || third < 0x80 || third > 0xbf) continue;
    text += strictText(bytes.subarray(from, at));
    const half = 0xd000 | ((second & 0x3f) << 6) | (third & 0x3f);
    // Two halves that meet would be one character here, and are two in Python.
    if (half >= 0xdc00 && /[\ud800-\udbff]$/.test(text)) throw unreadable('its text has a character in two halves');
    text += String.fromCharCode(half);
    from = at + 3;
  }
  return text + strictText(bytes.subarray(from));
}

function strictText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw unreadable('its text is no UTF-8');
  return bytes.toString('utf8');
}

/** A `str` of Python 2: text if it is UTF-8, else bytes. */
export function readNativeString(bytes: Buffer): string | Uint8Array {
  return isUtf8(bytes) ? bytes.toString('utf8') : new Uint8Array(bytes);
}

/** The text between the quotes of a Python 2 `repr`. */
export function readQuoted(line: Buffer): string | Uint8Array {
  const quote = line[0];
  if (line.length < 2 || (quote !== 0x27 && quote !== 0x22) || line[line.length - 1] !== quote)
    throw unreadable('a string of its pickle has no quotes');
  const inside = line.toString('latin1', 1, line.length - 1);
  const text = inside.replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/gs, (whole, hex, octal, letter) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8) & 0xff);
    if (letter === 'x') throw unreadable('a string of its pickle has half an escape');
    return LETTERS.get(letter) ?? whole;
  });
  return readNativeString(Buffer.from(text, 'latin1'));
}

const LETTERS: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
]);

/** Python's `raw-unicode-escape`: only \u and \U are escapes, all other bytes are Latin-1. */
export function readRawUnicode(line: Buffer): string {
  return line
    .toString('latin1')
    .replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gs, (whole, four, eight, other) => {
      if (four !== undefined) return String.fromCharCode(Number.parseInt(four, 16));
      const code = eight === undefined ? -1 : Number.parseInt(eight, 16);
      if (other === 'u' || other === 'U' || code > 0x10ffff)
        throw unreadable('a text of its pickle has half an escape');
      return eight === undefined ? whole : String.fromCodePoint(code);
    });
}

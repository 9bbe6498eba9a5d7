/**
 * The fields of a packed session as a map that looks into the bytes: nothing is copied, nothing decoded before it is asked for.
 *
 * A lookup walks the length prefixes and compares names byte by byte; for the handful of fields of a session that is
 * quicker than building a Map first. The bytes were checked by `unpack`, so no length in here can point outside.
 */
import { MOST_COUNT_BYTES } from './record-layout.js';

/** How many bytes the two lengths take in front of a value that long: one for the name's, seven bits a byte for the value's. */
export function fieldHeaderBytes(valueBytes: number): number {
  return 1 + countBytes(valueBytes);
}

/** How long the value is whose field begins at `at`. */
export function valueBytesAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at + 1]!;
  return first < 0x80 ? first : countAt(bytes, at + 1);
}

/** A count, seven bits a byte, low ones first. More than eight bytes are none: what comes out is no length that anything has. */
export function countAt(bytes: Uint8Array, at: number): number {
  let count = 0;
  for (let i = 0, unit = 1; i < MOST_COUNT_BYTES; i++, unit *= 0x80) {
    const byte = bytes[at + i]!;
    count += (byte & 0x7f) * unit;
    if (byte < 0x80) return count;
  }
  return Number.POSITIVE_INFINITY;
}

/** How many bytes a count takes. */
export function countBytes(count: number): number {
  let length = 1;
  for (let rest = count; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

export class PackedFields implements ReadonlyMap<string, Uint8Array> {
  readonly size: number;
  protected readonly bytes: Buffer;
  private readonly start: number;

  /** `size` fields, the first of which begins at `start`. */
  constructor(bytes: Buffer, start: number, size: number) {
    this.bytes = bytes;
    this.start = start;
    this.size = size;
  }

  /** The bytes of all names and values. */
  get contentBytes(): number {
    let total = this.bytes.length - this.start;
    for (let at = this.start, left = this.size; left > 0; left--) {
      total -= fieldHeaderBytes(valueBytesAt(this.bytes, at));
      at = this.after(at);
    }
    return total;
  }

  get(name: string): Uint8Array | undefined {
    const at = this.find(name);
    return at === -1 ? undefined : this.valueAt(at);
  }

  has(name: string): boolean {
    return this.find(name) !== -1;
  }

  *entries(): MapIterator<[string, Uint8Array]> {
    for (let at = this.start, left = this.size; left > 0; left--) {
      yield [this.nameAt(at), this.valueAt(at)];
      at = this.after(at);
    }
  }

  *keys(): MapIterator<string> {
    for (let at = this.start, left = this.size; left > 0; left--) {
      yield this.nameAt(at);
      at = this.after(at);
    }
  }

  *values(): MapIterator<Uint8Array> {
    for (let at = this.start, left = this.size; left > 0; left--) {
      yield this.valueAt(at);
      at = this.after(at);
    }
  }

  [Symbol.iterator](): MapIterator<[string, Uint8Array]> {
    return this.entries();
  }

  forEach(
    visit: (value: Uint8Array, name: string, map: ReadonlyMap<string, Uint8Array>) => void,
    self?: unknown,
  ): void {
    for (const [name, value] of this) visit.call(self, value, name, this);
  }

  /**
   * The bytes of all fields but the named ones, as few runs as there are gaps. With their number: what a record that
   * changes these names takes over unread.
   */
  without(names: Iterable<string>): { readonly count: number; readonly runs: readonly Uint8Array[] } {
    const gaps: number[] = [];
    for (const name of names) {
      const at = this.find(name);
      if (at !== -1) gaps.push(at);
    }
    const runs: Uint8Array[] = [];
    let from = this.start;
    for (const gap of gaps.sort((a, b) => a - b)) {
      if (gap > from) runs.push(this.bytes.subarray(from, gap));
      from = this.after(gap);
    }
    if (from < this.bytes.length) runs.push(this.bytes.subarray(from));
    return { count: this.size - gaps.length, runs };
  }

  /** Where the field of that name begins, or -1. */
  private find(name: string): number {
    const { bytes } = this;
    const wanted = isAscii(name) ? null : Buffer.from(name);
    const length = wanted?.length ?? name.length;
    for (let at = this.start, left = this.size; left > 0; left--) {
      if (bytes[at] === length && (wanted ? holdsBytes(bytes, at, wanted) : holdsAscii(bytes, at, name))) return at;
      at = this.after(at);
    }
    return -1;
  }

  private nameAt(at: number): string {
    const from = nameStart(this.bytes, at);
    return this.bytes.toString('utf8', from, from + this.bytes[at]!);
  }

  private valueAt(at: number): Uint8Array {
    const end = this.after(at);
    return this.part(end - valueBytesAt(this.bytes, at), end);
  }

  /** What is handed out of the record. A map whose record must outlive its readers' mistakes hands out copies. */
  protected part(from: number, to: number): Uint8Array {
    return this.bytes.subarray(from, to);
  }

  private after(at: number): number {
    return nameStart(this.bytes, at) + this.bytes[at]! + valueBytesAt(this.bytes, at);
  }
}

/** Where the name of the field begins, behind the two lengths. */
function nameStart(bytes: Uint8Array, at: number): number {
  let from = at + 1;
  while (bytes[from]! >= 0x80) from++;
  return from + 1;
}

function isAscii(name: string): boolean {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) > 0x7f) return false;
  return true;
}

function holdsAscii(bytes: Uint8Array, at: number, name: string): boolean {
  const from = nameStart(bytes, at);
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name.charCodeAt(i)) return false;
  return true;
}

function holdsBytes(bytes: Buffer, at: number, name: Buffer): boolean {
  const from = nameStart(bytes, at);
  return bytes.compare(name, 0, name.length, from, from + name.length) === 0;
}

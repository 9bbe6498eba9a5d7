/**
 * The fields of a replica: walking over them, and a map that looks into the bytes.
 *
 * Nothing is copied and nothing decoded before it is asked for. All of it trusts the lengths, which the reader has checked.
 * The map of packed records was not taken: its fields stand in one run, and none of them can be a tombstone.
 */
import { countAt, countBytes } from '../../core/packed-fields.js';
import type { Group, Live } from './replica.js';
import type { Run } from './replica-write.js';
import { STAMP_BYTES, type Stamp } from './stamp.js';

export const EMPTY: Uint8Array = new Uint8Array(0);

/** A walk over fields that stand one after the other. Between two calls of `step` it shows one of them. */
export class Walk {
  readonly bytes: Buffer;
  /** Where the field begins, its name, its value, and where it ends. */
  from = 0;
  nameAt = 0;
  valueAt = 0;
  to: number;
  isDead = false;

  constructor(bytes: Buffer, from: number) {
    this.bytes = bytes;
    this.to = from;
  }

  step(): void {
    const { bytes, to } = this;
    const first = bytes[to + 1]!;
    const length = first < 0x80 ? first : countAt(bytes, to + 1);
    this.from = to;
    this.nameAt = to + 1 + (first < 0x80 ? 1 : countBytes(length));
    this.valueAt = this.nameAt + bytes[to]!;
    this.isDead = length === 0;
    this.to = this.isDead ? this.valueAt : this.valueAt + length - 1;
  }

  /** The bytes of the name as latin1. */
  get name(): string {
    return this.bytes.toString('latin1', this.nameAt, this.valueAt);
  }

  get text(): string {
    return this.bytes.toString('utf8', this.nameAt, this.valueAt);
  }

  get value(): Uint8Array {
    return this.bytes.subarray(this.valueAt, this.to);
  }

  isNamed(name: string): boolean {
    const { bytes, nameAt } = this;
    if (this.valueAt - nameAt !== name.length) return false;
    for (let i = 0; i < name.length; i++) if (bytes[nameAt + i] !== name.charCodeAt(i)) return false;
    return true;
  }
}

/** A field and when it was written. */
export interface Entry extends Run {
  readonly stamp: Stamp;
  readonly valueAt: number;
}

/** When the fields of a group were written. Made when it is asked for: most groups are only copied. */
export function groupStamp({ bytes }: Live, { stampAt }: Group): Stamp {
  return bytes.subarray(stampAt, stampAt + STAMP_BYTES);
}

/** All fields with their tombstones, by the latin1 of their names. */
export function entriesOf(replica: Live): Map<string, Entry> {
  const { bytes, groups } = replica;
  const entries = new Map<string, Entry>();
  for (const group of groups) {
    const { from, count } = group;
    const stamp = groupStamp(replica, group);
    const walk = new Walk(bytes, from);
    for (let left = count; left > 0; left--) {
      walk.step();
      const { name, valueAt, to, isDead } = walk;
      entries.set(name, { bytes, from: walk.from, to, name, isDead, stamp, valueAt });
    }
  }
  return entries;
}

export function valueIn({ bytes, valueAt, to }: Entry): Buffer {
  return bytes.subarray(valueAt, to);
}

/** The text of a name in latin1. */
export function textOf(name: string): string {
  return Buffer.from(name, 'latin1').toString();
}

/** A name as it is looked for: the latin1 of its bytes. */
export function latin1Of(text: string): string {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.from(text).toString('latin1');
  return text;
}

/** The fields that are there, without the tombstones. */
export class ReplicaFields implements ReadonlyMap<string, Uint8Array> {
  readonly size: number;
  readonly #bytes: Buffer;
  readonly #groups: readonly Group[];

  constructor({ bytes, groups }: Live) {
    this.#bytes = bytes;
    this.#groups = groups;
    this.size = groups.reduce((total, { count, dead }) => total + count - dead, 0);
  }

  get(text: string): Uint8Array | undefined {
    return this.#find(text)?.value;
  }

  has(text: string): boolean {
    return this.#find(text) !== undefined;
  }

  *entries(): MapIterator<[string, Uint8Array]> {
    for (const walk of this.#walk()) yield [walk.text, walk.value];
  }

  *keys(): MapIterator<string> {
    for (const walk of this.#walk()) yield walk.text;
  }

  *values(): MapIterator<Uint8Array> {
    for (const walk of this.#walk()) yield walk.value;
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

  #find(text: string): Walk | undefined {
    const name = latin1Of(text);
    for (const { from, count } of this.#groups) {
      const walk = new Walk(this.#bytes, from);
      for (let left = count; left > 0; left--) {
        walk.step();
        if (walk.isNamed(name)) return walk.isDead ? undefined : walk;
      }
    }
    return undefined;
  }

  *#walk(): Generator<Walk, undefined> {
    for (const { from, count } of this.#groups) {
      const walk = new Walk(this.#bytes, from);
      for (let left = count; left > 0; left--) {
        walk.step();
        if (!walk.isDead) yield walk;
      }
    }
  }
}

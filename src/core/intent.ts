/**
 * What requests want of one field, and how several wishes become one write.
 *
 * A handler's wish must be able to meet a value that it has not read, because another request may have got there first:
 * a blind `set` does not care; an `assign` after a read notices and wins all the same; an `update` runs again on the new
 * value; a `take` leaves what was added meanwhile. The same rule serves three cases: one request alone, several requests
 * of one process combined into one commit, and the second try after the store has answered `conflict`.
 */
import type { Write } from '../contract.js';
import { failure } from '../errors.js';
import { sameBytes } from './delta.js';

export type Bytes = Uint8Array | null;

export type Intent =
  | { readonly kind: 'set'; readonly value: Bytes }
  | { readonly kind: 'assign'; readonly read: Bytes; readonly value: Bytes }
  | { readonly kind: 'update'; readonly read: Bytes; readonly value: Bytes; rerun(current: Bytes): Bytes }
  | { readonly kind: 'take'; readonly read: Bytes };

/** A field on its way through the intents of a batch. */
export interface Course {
  /** What we believe the store holds; undefined when nobody has looked. */
  readonly base: Bytes | undefined;
  readonly value: Bytes;
  /** Whether `value` stands whatever was there before, or was made out of `base`, so that the store must check that. */
  readonly made: 'blindly' | 'from-base';
}

export type Mutations = 'last-wins' | 'reject';
export type OnConflict = (field: string, lost: boolean) => void;

/** The write of an intent that meets nobody else: what it has read is what it builds on. */
export function soleWrite(intent: Intent): Write {
  if (intent.kind === 'set') return blind(intent.value);
  return { op: 'swap', expect: intent.read, value: intent.kind === 'take' ? null : intent.value };
}

/** Where a field's course begins: at what this process knows, or at what the first request read. */
export function start(intent: Intent, known: Bytes | undefined): Course {
  const base = known !== undefined ? known : intent.kind === 'set' ? undefined : intent.read;
  return { base, value: base ?? null, made: 'from-base' };
}

/** One intent further. Throws what an update function throws, and SOJOURN_CONFLICT where assignments are not to overwrite. */
export function follow(
  course: Course,
  field: string,
  intent: Intent,
  mutations: Mutations,
  onConflict: OnConflict,
): Course {
  if (intent.kind === 'set') return { base: course.base, value: intent.value, made: 'blindly' };
  const isAsRead = sameBytes(course.value, intent.read);
  switch (intent.kind) {
    case 'assign':
      if (isAsRead) return { ...course, value: intent.value };
      if (mutations === 'reject') throw failure('SOJOURN_CONFLICT', { field });
      onConflict(field, true);
      return { ...course, value: intent.value, made: 'blindly' };
    case 'update':
      if (isAsRead) return { ...course, value: intent.value };
      onConflict(field, false);
      return { ...course, value: intent.rerun(course.value) };
    case 'take':
      if (isAsRead) return { ...course, value: null };
      if (course.value !== null) onConflict(field, false);
      return course;
  }
}

/**
 * The write at the end of a course. A value that equals `base` is written all the same: `base` may be older than what a
 * request of the batch has read, and skipping the write would lose it. So a `take` that leaves what it finds lets the store
 * check that it is there.
 */
export function writeOf({ base, value, made }: Course): Write {
  if (made === 'from-base') return { op: 'swap', expect: base ?? null, value };
  return blind(value);
}

/** What a field holds once this write has landed. */
export function bytesOf(write: Write): Bytes {
  return write.op === 'delete' ? null : write.value;
}

function blind(value: Bytes): Write {
  return value === null ? { op: 'delete' } : { op: 'set', value };
}

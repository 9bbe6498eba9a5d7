/**
 * Reading a packed session: the head at once, the fields only as far as needed to know that every length adds up.
 *
 * Damage is an exception here, not a null: a session that cannot be read must never be mistaken for one that is not there.
 * The reason names what was wrong (torn, another version, a pickle), never what was found.
 */
import type { Head, Stored } from '../contract.js';
import { failure, type SojournError } from '../errors.js';
import { countAt, PackedFields } from './packed-fields.js';
import { isPickle, PICKLE_PROBLEM } from './pickle.js';
import {
  FIXED_BYTES,
  FLOAT_BYTES,
  FLOAT_FOLLOWS,
  FORMAT,
  KNOWN_FLAGS,
  PREVIOUS,
  PREVIOUS_OPENS_NOTHING,
  REMEMBER,
  REMEMBER_NO_MORE,
  SECRET,
  SIGNED_IN,
  TIME_BYTES,
  TIMES_BEGIN,
  USER,
} from './record-layout.js';

/** What `unpack` gives: a session whose fields are still in the record. */
export interface Packed extends Stored {
  readonly fields: PackedFields;
}

/**
 * The session of a record. Keeps the memory it is given: hand in bytes that nobody will change. SOJOURN_CORRUPT for
 * anything that `pack` cannot have made; `id` is there for the message only.
 */
export function unpack(record: Uint8Array, id?: string): Packed {
  const reader = readerOf(record, id);
  const head = readHead(reader);
  const count = readCount(reader);
  const fields = new PackedFields(reader.bytes, reader.at, count);
  for (let i = 0; i < count; i++) skipField(reader);
  if (reader.at !== record.length) throw corrupt(reader, 'bytes follow its end');
  return { head, fields };
}

/** The head alone, for walks over many sessions. Does not look at the fields, so damage there goes unnoticed. */
export function headOf(record: Uint8Array, id?: string): Head {
  return readHead(readerOf(record, id));
}

/** The head that begins at `from`, and where it ends: for everything that keeps a head as a record does. */
export function readHeadAt(
  bytes: Uint8Array,
  from: number,
  id?: string,
): { readonly head: Head; readonly end: number } {
  const reader = readerOf(bytes, id);
  reader.at = from;
  return { head: readHead(reader), end: reader.at };
}

/** A position in a record that only moves within its bytes. */
interface Reader {
  readonly bytes: Buffer;
  readonly id: string | undefined;
  at: number;
}

function readerOf(record: Uint8Array, id: string | undefined): Reader {
  const bytes = Buffer.isBuffer(record) ? record : Buffer.from(record.buffer, record.byteOffset, record.length);
  return { bytes, id, at: 0 };
}

/** Steps 1 to 6, read back. Numbers that no session can have are damage too: a deadline of NaN would never come. */
function readHead(reader: Reader): Head {
  const { bytes } = reader;
  const from = skip(reader, FIXED_BYTES);
  if (bytes[from] !== FORMAT) throw corrupt(reader, formatProblem(bytes.subarray(from)));
  const flags = bytes[from + 1]!;
  if (flags > KNOWN_FLAGS || (flags & (PREVIOUS | PREVIOUS_OPENS_NOTHING)) === PREVIOUS_OPENS_NOTHING) {
    throw corrupt(reader, 'its flags are not of this format');
  }
  const head: { -readonly [K in keyof Head]: Head[K] } = {
    createdAt: readTime(reader),
    expiresAt: readTime(reader),
    version: readCount(reader),
    generation: readCount(reader),
  };
  if (flags & SECRET) head.secret = readHash(reader);
  if (flags & PREVIOUS) {
    const until = readTime(reader);
    head.previous = { secret: readHash(reader), until, opens: flags & PREVIOUS_OPENS_NOTHING ? 'nothing' : 'session' };
  }
  if (flags & USER) head.user = readText(reader, readCount(reader));
  if (flags & SIGNED_IN) head.signedInAt = readTime(reader);
  if (flags & (REMEMBER | REMEMBER_NO_MORE)) head.remember = (flags & REMEMBER) !== 0;
  return head;
}

function formatProblem(bytes: Uint8Array): string {
  return isPickle(bytes) ? PICKLE_PROBLEM : `its format is ${bytes[0]}, and this version reads ${FORMAT}`;
}

function readHash(reader: Reader): Uint8Array {
  const from = skip(reader, 1) + 1;
  skip(reader, reader.bytes[from - 1]!);
  return reader.bytes.subarray(from, reader.at);
}

function readText(reader: Reader, length: number): string {
  const from = skip(reader, length);
  return reader.bytes.toString('utf8', from, reader.at);
}

function readTime(reader: Reader): number {
  const time = reader.bytes.readUIntLE(skip(reader, TIME_BYTES), TIME_BYTES);
  if (time === FLOAT_FOLLOWS) return finite(reader, reader.bytes.readDoubleLE(skip(reader, FLOAT_BYTES)));
  return time + TIMES_BEGIN;
}

function readCount(reader: Reader): number {
  const { bytes, at } = reader;
  const count = countAt(bytes, at);
  while (bytes[skip(reader, 1)]! >= 0x80);
  return finite(reader, count);
}

function skipField(reader: Reader): void {
  const nameBytes = reader.bytes[skip(reader, 1)]!;
  skip(reader, nameBytes + readCount(reader));
}

/** Moves on by `length` bytes and returns where it was. The only place that moves, so the only one that checks. */
function skip(reader: Reader, length: number): number {
  const { at } = reader;
  if (at + length > reader.bytes.length) throw corrupt(reader, 'it ends too early');
  reader.at = at + length;
  return at;
}

function finite(reader: Reader, value: number): number {
  if (!Number.isFinite(value)) throw corrupt(reader, 'a number in it is not one');
  return value;
}

function corrupt({ id }: Reader, problem: string): SojournError {
  return failure('SOJOURN_CORRUPT', { what: id === undefined ? 'A stored session' : `Session ${id}`, problem });
}

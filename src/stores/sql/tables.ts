/**
 * What stands where in the database.
 *
 *   <table>          one row per session
 *     id             what tokens begin with
 *     mark           64 random bits, new with every write: an update names the mark it has read, and so is a compare-and-set
 *     expires_at     epoch milliseconds, for sweeping; what counts is the deadline in the record
 *     user_key       128 bits of SHA-256(user): user names may be longer than an index takes, and hold what a text column refuses
 *     record         the session as core/record.ts packs it
 *   <table>_cells    one row per cell of a ring: the same columns, of the cell
 *   <table>_fences   one row per slot of a ring, all of them from the start: a row that is there can be locked
 *
 * One row per session rather than one per field: docs/decisions/0014-sql-layout.md has the figures.
 */
import { createHash } from 'node:crypto';
import type { Kysely } from 'kysely';
import { show } from '../../core/options.js';
import { failure } from '../../errors.js';
import type { SqlDatabase } from './dialect.js';

/** Text, or bytes: see `Dialect.key`. */
export type Key = string | Buffer;

export interface Row {
  readonly id: Key;
  readonly mark: Key;
  /** May come back as text. */
  readonly expires_at: number;
  readonly user_key: Key | null;
  readonly record: Uint8Array;
}

interface FenceRow {
  readonly slot: number;
  readonly epoch: number;
}

export interface Tables {
  readonly sessions: Row;
  readonly cells: Row;
  readonly fences: FenceRow;
}

/** The tables by the names that they have in the database. They stand for the keys of `Tables`, which Kysely's types know. */
export interface TableNames {
  readonly sessions: 'sessions';
  readonly cells: 'cells';
  readonly fences: 'fences';
}

export type Db = Kysely<Tables>;
/** The same instance, for tables that somebody else has made. */
export type OtherTables<T> = Kysely<T>;

export const DEFAULT_TABLE = 'sojourn_sessions';
/** Of an id, in UTF-8: what all three can index. */
export const MAX_ID_BYTES = 512;
/** What MySQL's MEDIUMBLOB holds. */
export const MAX_RECORD_BYTES: number = 2 ** 24 - 1;

const USER_KEY_BYTES = 16;
/** Characters of `userKey`, and of a mark. */
export const USER_KEY_LENGTH = 22;
export const MARK_LENGTH = 11;

/** Without the user's plugins: one that renames columns would not find ours. */
export function open(db: SqlDatabase): Db {
  return db.withoutPlugins() as Db;
}

/** SOJOURN_OPTION unless `table` is a plain name, or a schema and one. */
export function namesOf(table: unknown): TableNames {
  if (typeof table !== 'string' || !/^(?:[a-z_]\w{0,39}\.)?[a-z_]\w{0,39}$/i.test(table)) {
    const wanted = "must be 1 to 40 letters, digits or _, like 'sojourn_sessions', with a schema in front or not";
    throw failure('SOJOURN_OPTION', { option: 'table of sql', wanted, got: show(table) });
  }
  const names = { sessions: table, cells: `${table}_cells`, fences: `${table}_fences` };
  return names as unknown as TableNames;
}

/** True for what can be an id. Everything else is an id that nothing has. */
export function isId(id: string): boolean {
  return id.length > 0 && Buffer.byteLength(id) <= MAX_ID_BYTES && id.isWellFormed() && !id.includes('\0');
}

export function userKey(user: string): string {
  return createHash('sha256').update(user).digest().subarray(0, USER_KEY_BYTES).toString('base64url');
}

/** The text of a mark of eight bytes. */
export function markText(mark: Uint8Array): string {
  return Buffer.from(mark).toString('base64url');
}

/** A deadline as a whole number that every database keeps, never before the real one. */
export function filedAt(deadlineMs: number): number {
  return Math.min(Math.max(Math.ceil(deadlineMs), 0), Number.MAX_SAFE_INTEGER);
}

/** The bytes of a column: most drivers give a Buffer, node:sqlite a Uint8Array, libsql an ArrayBuffer. */
export function bytesOf(column: Uint8Array | ArrayBuffer): Buffer {
  if (Buffer.isBuffer(column)) return column;
  return column instanceof Uint8Array
    ? Buffer.from(column.buffer, column.byteOffset, column.byteLength)
    : Buffer.from(column);
}

/**
 * What databases and their drivers report, as an error of ours: which are worth a second try, which mean that there is no room.
 *
 * Only codes are looked at and passed on; messages quote statements and values. A statement that fails because another transaction
 * stood in its way, or because its connection was cut, is tried once more: a pool has another connection at hand. That is safe although
 * the first try may have been carried out, because every write has a mark of its own, by which it is known again.
 */
import { pause } from '../../core/environment.js';
import { failure, isFailure, type SojournError } from '../../errors.js';

/** Rolled back by the database, which asks to try again. */
const inTheWay = new Set([
  '40001', // PostgreSQL: serialization failure
  '40P01', // PostgreSQL: deadlock
  'ER_LOCK_DEADLOCK',
  'ER_CHECKREAD', // MariaDB: the row has changed since it was read (innodb_snapshot_isolation)
  'SQLITE_BUSY',
  'SQLITE_BUSY_SNAPSHOT',
  'SQLITE_LOCKED',
]);

/** The connection is gone; whether the statement was carried out, nobody knows. */
const cut = new Set([
  '57P01', // PostgreSQL: terminated by an administrator
  '57P02',
  '57P03',
  '08006',
  '08003',
  'ECONNRESET',
  'EPIPE',
  'PROTOCOL_CONNECTION_LOST',
  'ER_CONNECTION_KILLED',
  'ER_SERVER_SHUTDOWN',
  'ER_CLIENT_INTERACTION_TIMEOUT',
]);

/** Of these, what the server says before it ends the connection. */
const announced = new Set(['57P01', '57P02', '57P03']);

const twice = new Set(['23505', 'ER_DUP_ENTRY', 'SQLITE_CONSTRAINT_PRIMARYKEY', 'SQLITE_CONSTRAINT_UNIQUE']);

const there = new Set(['42P07', '42710', 'ER_TABLE_EXISTS_ERROR']);

const full = new Set(['53100', 'ER_DISK_FULL', 'ER_RECORD_FILE_FULL', 'ER_DISK_FULL_NOWAIT', 'SQLITE_FULL', 'ENOSPC']);

const absent = new Set(['42P01', '3F000', 'ER_NO_SUCH_TABLE', 'ER_BAD_DB_ERROR']);
const forbidden = new Set(['42501', 'ER_TABLEACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', 'SQLITE_READONLY']);

/** No matter of one session. */
const damaged = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB', 'ER_CRASHED_ON_USAGE', 'XX001', 'XX002']);

/** node:sqlite reports numbers: https://sqlite.org/rescode.html. Extended ones have the plain one in their low byte. */
const sqliteCodes: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
};

export function isTwice(error: unknown): boolean {
  return twice.has(codeOf(error));
}

/** What a migration was to make is there, by the hand of another server that starts at the same time. */
export function isThere(error: unknown): boolean {
  return isTwice(error) || there.has(codeOf(error));
}

/** The statement may succeed if it is sent once more. */
export function isPassing(error: unknown): boolean {
  return isUndone(error) || cut.has(codeOf(error)) || /^connection terminated/i.test(messageOf(error));
}

/** The statement was certainly not carried out. */
export function isUndone(error: unknown): boolean {
  return inTheWay.has(codeOf(error));
}

/** So long is the pause before a second try, in milliseconds. Who stood in the way is through by then. */
const PAUSE_LEAST_MS = 10;
const PAUSE_MOST_MS = 50;
/**
 * After the server has announced that it will end the connection, until it has: a pool would hand that very connection out again, and the
 * `pg` package ends the process with an uncaught error when a connection ends that somebody holds. Still within the engine's deadline.
 */
const ENDING_LEAST_MS = 150;
const ENDING_MOST_MS = 250;

/** Asks once more where that may help: for what may be done twice. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isPassing(error)) throw error;
    const [least, most] = announced.has(codeOf(error))
      ? [ENDING_LEAST_MS, ENDING_MOST_MS]
      : [PAUSE_LEAST_MS, PAUSE_MOST_MS];
    await pause(least, most);
    return ask();
  }
}

export function trouble(store: string, operation: string, error: unknown): SojournError {
  if (isFailure(error)) return error;
  const code = codeOf(error);
  if (full.has(code)) return failure('SOJOURN_STORE_FULL', { store, limit: `the database: ${code}` }, error);
  return failure('SOJOURN_STORE', { store, operation, problem: problemOf(code, error) }, error);
}

function problemOf(code: string, error: unknown): string {
  if (absent.has(code) || /no such table/i.test(messageOf(error)))
    return 'its tables are missing: run sqlMigration().up(db), or what sqlSchema() prints';
  if (forbidden.has(code)) return `the database forbids it (${code}); it needs select, insert, update and delete`;
  if (code === 'ER_NET_PACKET_TOO_LARGE')
    return 'the session is larger than the database takes: raise its max_allowed_packet, or lower limits.bytes';
  if (damaged.has(code)) return `the database is damaged (${code}): restore it, or start with an empty one`;
  return code === '' ? 'its driver failed (see cause)' : `its driver failed with ${code}`;
}

function codeOf(error: unknown): string {
  const { code, errcode } = (error ?? {}) as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof errcode === 'number') return sqliteCodes[errcode] ?? sqliteCodes[errcode & 0xff] ?? `SQLITE_${errcode}`;
  return typeof code === 'string' && /^\w{1,40}$/.test(code) ? code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}

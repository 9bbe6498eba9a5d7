/**
 * What stands where in the LMDB file, and under which key.
 *
 *   sessions   id                          the packed session; LMDB's version of the entry is its mark, see `markOf`
 *   users      SHA-256(user) id            nothing: sessions that a login has bound, found by range
 *   deadlines  deadline (8 bytes, BE) id   nothing: one entry for each session, in the order in which they may expire
 *
 *   cells, cell-users, cell-deadlines      the same for cells: see cells.ts
 *   fences     slot (2 bytes)              the epoch before which the slot is closed, also as LMDB's version
 *
 * A session is filed under its first deadline and stays there when it is touched: touches write one entry, not three. The
 * sweep meets it there, and files it anew if it still lives. Users are hashed because LMDB bounds keys and names are unbounded.
 */
import { createHash } from 'node:crypto';

/** Longer ids are unknown ids: what the engine makes has 22 characters. LMDB bounds keys at 1978 bytes, a character has three at most. */
const MAX_ID_LENGTH = 511;

const HASH_BYTES = 32;
const DEADLINE_BYTES = 8;

/** Versions that a mark can tell apart. With 42 bits for the deadline that fits the 53 of a number. */
const MARKED_VERSIONS = 1024;
/** The year 2109. Sessions that live longer are looked at then. */
const LAST_DEADLINE = 2 ** 42 - 1;

/** What a range of keys is empty of: above every id. */
const ABOVE_IDS = Buffer.from([0xff]);

/** True for what can be a key. Everything else is an id that no session has. */
export function isKey(id: string): boolean {
  return id.length > 0 && id.length <= MAX_ID_LENGTH && !id.includes('\0') && id.isWellFormed();
}

/** The deadline under which a session is filed: whole, and within what a mark can hold. */
export function filingOf(expiresAt: number): number {
  return Math.min(Math.max(Math.ceil(expiresAt), 0), LAST_DEADLINE);
}

/**
 * The number that LMDB keeps and compares with each session: what a conditional write is conditional on. It grows a little
 * with every commit (the version, as a fraction), so that a write meets only the session that was read; and it carries
 * the deadline under which the session is filed, so that whoever removes the session can remove that entry too.
 */
export function markOf(filedUnder: number, version: number): number {
  return filedUnder + (version % MARKED_VERSIONS) / MARKED_VERSIONS;
}

export function filedUnder(mark: number): number {
  return Math.floor(mark);
}

/** The mark of the same version, filed under another deadline. */
export function refiled(mark: number, deadline: number): number {
  return deadline + (mark - filedUnder(mark));
}

export function userKey(user: string, id: string): Buffer {
  return Buffer.concat([hashOf(user), Buffer.from(id)]);
}

/** From (included) to (excluded): the keys of one user. */
export function userRange(user: string): readonly [from: Buffer, to: Buffer] {
  const hash = hashOf(user);
  return [hash, Buffer.concat([hash, ABOVE_IDS])];
}

export function idOfUserKey(key: Uint8Array): string {
  return Buffer.from(key.subarray(HASH_BYTES)).toString();
}

export function slotKey(slot: number): Buffer {
  const key = Buffer.allocUnsafe(2);
  key.writeUInt16BE(slot);
  return key;
}

export function deadlineKey(deadline: number, id: string): Buffer {
  const key = Buffer.allocUnsafe(DEADLINE_BYTES + Buffer.byteLength(id));
  // Positive doubles sort like their bytes.
  key.write(id, key.writeDoubleBE(deadline));
  return key;
}

/** From (included) to (excluded): everything that is due at `now`. */
export function dueRange(now: number): readonly [from: Buffer, to: Buffer] {
  return [deadlineKey(0, ''), Buffer.concat([deadlineKey(filingOf(Math.floor(now)), ''), ABOVE_IDS])];
}

export function idOfDeadlineKey(key: Uint8Array): string {
  return Buffer.from(key.subarray(DEADLINE_BYTES)).toString();
}

/** The first key after `key`. */
export function after(key: Uint8Array): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}

function hashOf(user: string): Buffer {
  return createHash('sha256').update(user).digest();
}

/**
 * A cell as one run of bytes, for stores that keep it as one value.
 *
 *   1 byte    the format, 1
 *   8 bytes   the mark
 *   8 bytes   keepUntil, a float, little-endian
 *   2 bytes   the length of the user in UTF-8 and one more, little-endian; 0: no user
 *   the user, and then to the end the bytes of the cell
 *
 * Everything that a store looks at stands in front, at a fixed place: a script compares marks without touching a megabyte behind
 * them. There is no length of the whole, so a torn cell is noticed by whoever reads its bytes. Rejected: the session's record
 * (core/record.ts), whose head is walked over; a ring looks into its cells by itself.
 */
import type { Cell } from '../contract.js';
import { failure } from '../errors.js';
import { wholeNumber } from './options.js';

export const MARK_BYTES = 8;
/** Slots of a ring's table: what a fence can close. */
const SLOTS = 16384;

const FORMAT = 1;
const MARK_AT = 1;
const KEEP_UNTIL_AT = MARK_AT + MARK_BYTES;
const USER_LENGTH_AT = KEEP_UNTIL_AT + 8;
/** Where the user stands, or the bytes of a cell without one. */
export const USER_AT: number = USER_LENGTH_AT + 2;
const MAX_USER_BYTES = 0xfffe;

/** Shares no memory with the cell. SOJOURN_VALUE for what has no place in it. */
export function packCell({ mark, bytes, keepUntil, user }: Cell): Buffer {
  if (mark.length !== MARK_BYTES) throw misfit('mark', `it has ${mark.length} bytes instead of ${MARK_BYTES}`);
  if (Number.isNaN(keepUntil)) throw misfit('keepUntil', 'it is not a number');
  const userBytes = user === undefined ? 0 : Buffer.byteLength(user);
  if (userBytes > MAX_USER_BYTES) throw misfit('user', `it has more than ${MAX_USER_BYTES} bytes`);
  if (user?.isWellFormed() === false) throw misfit('user', 'it holds half a character');
  const packed = Buffer.allocUnsafe(USER_AT + userBytes + bytes.length);
  packed[0] = FORMAT;
  packed.set(mark, MARK_AT);
  packed.writeDoubleLE(keepUntil, KEEP_UNTIL_AT);
  packed.writeUInt16LE(user === undefined ? 0 : userBytes + 1, USER_LENGTH_AT);
  if (user !== undefined) packed.write(user, USER_AT);
  packed.set(bytes, USER_AT + userBytes);
  return packed;
}

/** The cell keeps the memory that it is given. SOJOURN_CORRUPT for what `packCell` cannot have made. */
export function unpackCell(packed: Buffer, id: string): Cell {
  const from = bytesAt(packed, id);
  const user = userIn(packed, id);
  return {
    mark: markIn(packed),
    bytes: packed.subarray(from),
    keepUntil: packed.readDoubleLE(KEEP_UNTIL_AT),
    ...(user !== undefined && { user }),
  };
}

/** The parts that a store looks at, of a packed cell that is known to be one. */
export function markIn(packed: Buffer): Buffer {
  return packed.subarray(MARK_AT, KEEP_UNTIL_AT);
}

export function isMarked(packed: Buffer, mark: Uint8Array): boolean {
  return mark.length === MARK_BYTES && packed.compare(mark, 0, MARK_BYTES, MARK_AT, KEEP_UNTIL_AT) === 0;
}

export function keepUntilIn(packed: Buffer): number {
  return packed.readDoubleLE(KEEP_UNTIL_AT);
}

export function userIn(packed: Buffer, id: string): string | undefined {
  const end = bytesAt(packed, id);
  return packed.readUInt16LE(USER_LENGTH_AT) === 0 ? undefined : packed.toString('utf8', USER_AT, end);
}

/** SOJOURN_OPTION for what is no slot, or no epoch. */
export function checkFence(slots: readonly number[], epoch: number): void {
  wholeNumber('epoch of a fence', epoch, 0, Number.MAX_SAFE_INTEGER);
  for (const slot of slots) wholeNumber('slot of a fence', slot, 0, SLOTS - 1);
}

/** Where the bytes of the cell begin. SOJOURN_CORRUPT where nothing is that could be a cell. */
function bytesAt(packed: Buffer, id: string): number {
  if (packed.length < USER_AT) throw corrupt(id, 'it ends too early');
  if (packed[0] !== FORMAT) throw corrupt(id, `its format is ${packed[0]}, and this version reads ${FORMAT}`);
  const from = USER_AT + Math.max(packed.readUInt16LE(USER_LENGTH_AT) - 1, 0);
  if (packed.length < from) throw corrupt(id, 'it ends too early');
  return from;
}

function corrupt(id: string, problem: string): Error {
  return failure('SOJOURN_CORRUPT', { what: `Cell ${id}`, problem });
}

function misfit(part: string, problem: string): Error {
  return failure('SOJOURN_VALUE', { path: `${part} of a cell`, problem });
}

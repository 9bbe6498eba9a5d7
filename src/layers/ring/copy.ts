/**
 * A copy: a replica and the mark under which it lies in a cell.
 *
 * The mark is made of the bytes and the id, so whoever merges the same replicas writes the same cell, and nodes whose marks are equal
 * need nothing from each other. It cannot come back after something else was there: every commit raises the version in the bytes.
 * And what does not fit its mark is damaged, or lies under an id that it was not written for: somebody else's session.
 *
 * Rejected: the id among the bytes (20 bytes more in every cell, and a torn value would still pass).
 */
import { hash } from 'node:crypto';
import type { Cell } from '../../contract.js';
import { MARK_BYTES } from '../../core/cell.js';
import { failure, isFailure } from '../../errors.js';
import { reconcile } from './merge.js';
import { keepUntil, type Replica } from './replica.js';
import { readReplica } from './replica-read.js';

export interface Copy {
  readonly replica: Replica;
  readonly mark: Buffer;
}

export function copyOf(replica: Replica, id: string): Copy {
  return { replica, mark: markOf(replica.bytes, id) };
}

/** SOJOURN_CORRUPT for what no ring has written under this id. */
export function copyIn(cell: Cell, id: string): Copy {
  const replica = readReplica(cell.bytes, id);
  const mark = Buffer.from(cell.mark);
  if (markOf(replica.bytes, id).equals(mark)) return { replica, mark };
  const problem = 'its mark is of other bytes, or of another id';
  throw failure('SOJOURN_CORRUPT', { what: `A copy of session ${id}`, problem });
}

export function cellOf({ replica, mark }: Copy): Cell {
  const cell = { mark, bytes: replica.bytes, keepUntil: keepUntil(replica) };
  const user = replica.kind === 'live' ? replica.head.user : undefined;
  return user === undefined ? cell : { ...cell, user };
}

export interface Joined {
  /** The very `a` or `b` where one of them knew it all. */
  readonly copy: Copy;
  /** Fields of which one value was lost. */
  readonly lost: readonly string[];
}

/** What two copies of a session know together, to be written down. */
export function joined(a: Copy, b: Copy, id: string): Joined {
  if (a === b || a.mark.equals(b.mark)) return { copy: a, lost: [] };
  const { replica, lost } = reconcile(a.replica, b.replica);
  if (replica.bytes.equals(a.replica.bytes)) return { copy: a, lost };
  if (replica.bytes.equals(b.replica.bytes)) return { copy: b, lost };
  return { copy: copyOf(replica, id), lost };
}

export function isCorrupt(error: unknown): boolean {
  return isFailure(error, 'SOJOURN_CORRUPT');
}

/** SHA-256 of the bytes, and the id mixed in: a millionth of a second for a usual session. */
function markOf(bytes: Buffer, id: string): Buffer {
  const mark = hash('sha256', bytes, 'buffer').subarray(0, MARK_BYTES);
  let [low, high] = [0x811c_9dc5, 0x9e37_79b9];
  for (let i = 0; i < id.length; i++) {
    const code = id.charCodeAt(i);
    low = Math.imul(low ^ code, 0x0100_0193);
    high = Math.imul(high ^ code, 0x85eb_ca6b) ^ (high >>> 13);
  }
  mark.writeInt32LE(mark.readInt32LE(0) ^ low, 0);
  mark.writeInt32LE(mark.readInt32LE(4) ^ high, 4);
  return mark;
}

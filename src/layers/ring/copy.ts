/**
 * A copy: a replica and the mark under which it lies in a cell.
 *
 * The mark is made of the bytes, so whoever merges the same replicas writes the same cell, and nodes whose marks are equal need
 * nothing from each other. It cannot come back after something else was there: every commit raises the version in the bytes.
 */
import { hash } from 'node:crypto';
import type { Cell } from '../../contract.js';
import { MARK_BYTES } from '../../core/cell.js';
import { isFailure } from '../../errors.js';
import { reconcile } from './merge.js';
import { keepUntil, type Replica } from './replica.js';
import { readReplica } from './replica-read.js';

export interface Copy {
  readonly replica: Replica;
  readonly mark: Buffer;
}

export function copyOf(replica: Replica): Copy {
  return { replica, mark: hash('sha256', replica.bytes, 'buffer').subarray(0, MARK_BYTES) };
}

/** SOJOURN_CORRUPT for what no ring has written. */
export function copyIn(cell: Cell, id: string): Copy {
  return { replica: readReplica(cell.bytes, id), mark: Buffer.from(cell.mark) };
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

/** What two copies know together, to be written down. */
export function joined(a: Copy, b: Copy): Joined {
  if (a === b || a.mark.equals(b.mark)) return { copy: a, lost: [] };
  const { replica, lost } = reconcile(a.replica, b.replica);
  if (replica.bytes.equals(a.replica.bytes)) return { copy: a, lost };
  if (replica.bytes.equals(b.replica.bytes)) return { copy: b, lost };
  return { copy: copyOf(replica), lost };
}

export function isCorrupt(error: unknown): boolean {
  return isFailure(error, 'SOJOURN_CORRUPT');
}

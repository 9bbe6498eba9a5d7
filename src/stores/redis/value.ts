/**
 * The value of a session in Redis: the marks of the last operations, then the record of core/record.ts.
 *
 *   1 byte         how many marks follow, at most 8
 *   6 bytes each   44 random bits that the operation brought along, and in the last 4 the time in units of 16 s; the oldest first
 *   the rest       the packed record
 *
 * A client library that loses its connection sends again what was not answered. The script finds the mark of a commit that was
 * applied already, and answers as it did then; the version is known, because every mark is one version. Marks older than two
 * minutes go with the next commit, so a session at rest carries one. (Four bits of time come round after four minutes: then an old
 * mark may stay longer, and never goes earlier.)
 */

import type { Head } from '../../contract.js';
import { environment } from '../../core/environment.js';
import { headOf, type Packed, unpack } from '../../core/record.js';

const MARK_BYTES = 6;
const MOST_MARKS = 8;

/** A session that was just created: no marks. */
export function freshValue(record: Buffer): Buffer {
  return Buffer.concat([NO_MARKS, record]);
}
const NO_MARKS = Buffer.of(0);

/** SOJOURN_CORRUPT for anything that is not such a value. */
export function sessionIn(value: Buffer, id: string): Packed {
  return unpack(recordIn(value), id);
}

export function headIn(value: Buffer, id: string): Head {
  return headOf(recordIn(value), id);
}

/** The record behind the marks. A value that cannot begin with marks is handed on whole: its first byte says what it is. */
function recordIn(value: Buffer): Buffer {
  const marks = value[0] ?? 0;
  return marks > MOST_MARKS ? value : value.subarray(1 + marks * MARK_BYTES);
}

const POOL_BYTES = 4080; // 680 marks
let pool: Uint8Array = new Uint8Array(0);
let used = 0;

/** The mark of a new operation. Drawn from a pool: asking the kernel for six bytes costs as much as for four thousand. */
export function newMark(): Buffer {
  if (used >= pool.length) {
    pool = environment.random(POOL_BYTES);
    used = 0;
  }
  used += MARK_BYTES;
  pool[used - 1]! &= 0xf0; // the script's: the time
  return Buffer.from(pool.buffer, pool.byteOffset + used - MARK_BYTES, MARK_BYTES);
}

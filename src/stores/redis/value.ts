/**
 * The value of a session in Redis: the marks of the last operations, a check of the id, then the record of core/record.ts.
 *
 *   1 byte         how many marks follow, at most 8
 *   6 bytes each   44 random bits that the operation brought along, and in the last 4 the time in units of 16 s; the oldest first
 *   2 bytes        the check: 16 bits mixed from the id's characters
 *   the rest       the packed record
 *
 * A client library that loses its connection sends again what was not answered. The script finds the mark of a commit that was
 * applied already, and answers as it did then; the version is known, because every mark is one version. Marks older than two
 * minutes go with the next commit, so a session at rest carries one. (Four bits of time come round after four minutes: then an old
 * mark may stay longer, and never goes earlier.)
 *
 * The check is there because a reply does not say which command it answers. When one came twice, or a command was given up in the wrong
 * way, everybody gets the reply to the question before; and somebody else's session looks like a wrong secret, which is a logout. Scripts
 * carry these bytes along untouched. The id itself would take ten times the room, and push common sessions over 1018 bytes
 * (docs/decisions/0009-redis-layout.md).
 */

import type { Head } from '../../contract.js';
import { environment } from '../../core/environment.js';
import { headOf, type Packed, unpack } from '../../core/record.js';

const MARK_BYTES = 6;
const MOST_MARKS = 8;
const CHECK_BYTES = 2;

/** A session that was just created: no marks. */
export function freshValue(id: string, record: Buffer): Buffer {
  const check = checkOf(id);
  return Buffer.concat([Buffer.of(0, check >> 8, check & 0xff), record]);
}

/** False for the value of another session: one in 65536 of those looks right. What is too short to tell is not somebody else's. */
export function isOf(value: Buffer, id: string): boolean {
  const at = checkAt(value);
  return at === undefined || value.readUInt16BE(at) === checkOf(id);
}

/** FNV-1a, folded: a twentieth of the cost of SHA-256 for an id of ours. Nobody gains anything by making two ids collide. */
export function checkOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) & 0xffff;
}

function checkAt(value: Buffer): number | undefined {
  const marks = value[0] ?? 0;
  const at = 1 + marks * MARK_BYTES;
  return marks > MOST_MARKS || value.length < at + CHECK_BYTES ? undefined : at;
}

/** SOJOURN_CORRUPT for anything that is not such a value. */
export function sessionIn(value: Buffer, id: string): Packed {
  return unpack(recordIn(value), id);
}

export function headIn(value: Buffer, id: string): Head {
  return headOf(recordIn(value), id);
}

/** The record behind the check. A value that cannot begin with marks is handed on whole: its first byte says what it is. */
function recordIn(value: Buffer): Buffer {
  const at = checkAt(value);
  if (at !== undefined) return value.subarray(at + CHECK_BYTES);
  return (value[0] ?? 0) > MOST_MARKS ? value : NOTHING;
}
const NOTHING = Buffer.alloc(0);

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

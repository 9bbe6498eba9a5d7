/**
 * Reading a replica: the head and the stamps at once, the fields only as far as needed to know that everything adds up.
 *
 * A node's answer is not trusted: SOJOURN_CORRUPT for whatever `writeLive` and `writeEnded` cannot have made, also for what means
 * something but would be written otherwise. Two replicas that mean the same would have different bytes then, and
 * repair would go on for ever. A copy that cannot be read is never taken for a session that is not there.
 */
import { isUtf8 } from 'node:buffer';
import type { Head } from '../../contract.js';
import { countAt, countBytes } from '../../core/packed-fields.js';
import { headBytes, writeHead } from '../../core/record.js';
import { REMEMBER, REMEMBER_NO_MORE } from '../../core/record-layout.js';
import { readHeadAt } from '../../core/record-read.js';
import { failure, isFailure, type SojournError } from '../../errors.js';
import type { Group, Live, Replica, Stamps } from './replica.js';
import { Walk } from './replica-fields.js';
import {
  ENDED,
  LIFETIME_OF_PROOF,
  LINEAGE_LENGTH,
  LIVE,
  MOST_FIELDS,
  OWN_LIFETIME,
  OWN_PROOF,
  SHAPE_BYTES,
  TRACE_BYTES,
  UNTIL_BYTES,
} from './replica-layout.js';
import { stampsAt, stampsBytes } from './replica-write.js';
import { compareStamps, LAST_MS, msOf, STAMP_BYTES, type Stamp } from './stamp.js';

/** Keeps the memory it is given: hand in bytes that nobody will change. `id` is there for the message only. */
export function readReplica(cell: Uint8Array, id?: string): Replica {
  const bytes = Buffer.isBuffer(cell) ? cell : Buffer.from(cell.buffer, cell.byteOffset, cell.length);
  try {
    if (bytes[0] === LIVE) return readLive(bytes);
    if (bytes[0] === ENDED) return readEnded(bytes);
    throw corrupt(bytes.length === 0 ? 'it is empty' : `its format is ${bytes[0]}, which this version does not know`);
  } catch (error) {
    if (!isFailure(error) || (error.code !== 'SOJOURN_CORRUPT' && error.code !== 'SOJOURN_VALUE')) throw error;
    const { problem } = error.details as { problem: string };
    throw failure('SOJOURN_CORRUPT', { what: id === undefined ? 'A copy' : `A copy of session ${id}`, problem });
  }
}

function readEnded(bytes: Buffer): Replica {
  if (bytes.length !== 1 + STAMP_BYTES + UNTIL_BYTES) throw corrupt('its length is not that of an ended session');
  const stamp = checkedStamp(bytes.subarray(1, 1 + STAMP_BYTES));
  return { kind: 'ended', bytes, stamp, until: bytes.readUIntBE(1 + STAMP_BYTES, UNTIL_BYTES) };
}

function readLive(bytes: Buffer): Live {
  const shape = bytes[1] ?? 0;
  const lineageAt = SHAPE_BYTES + stampsBytes(shape);
  const headAt = lineageAt + TRACE_BYTES * (shape & LINEAGE_LENGTH);
  if (headAt >= bytes.length) throw corrupt('it ends too early');
  const stamps = stampsAt(bytes, shape);
  checkStamps(stamps, shape);
  const { head, end } = readHeadAt(bytes, headAt);
  if (!isWrittenSo(bytes, headAt, end, head)) throw corrupt('its head is not written as it should be');
  const groups = readGroups(bytes, end, stamps);
  checkNames(bytes, groups);
  return { kind: 'live', bytes, head, stamps, lineage: bytes.subarray(lineageAt, headAt), groups };
}

const REPLACED = '\ufffd';

/**
 * Whether `writeHead` would write it so. What it would write otherwise has another length, but for two flags that exclude each
 * other, and bytes that are not text; those become one and the same character.
 */
function isWrittenSo(bytes: Buffer, from: number, to: number, head: Head): boolean {
  if (headBytes(head) !== to - from) return false;
  const both = REMEMBER | REMEMBER_NO_MORE;
  if ((bytes[from + 1]! & both) === both) return false;
  if (head.user === undefined || !head.user.includes(REPLACED)) return true;
  const again = Buffer.allocUnsafe(to - from);
  writeHead(again, 0, head);
  return bytes.compare(again, 0, again.length, from, to) === 0;
}

/** Each stamp of its own is later than `begun`, and none is written twice. */
function checkStamps({ begun, proof, lifetime, floor }: Stamps, shape: number): void {
  const own = [
    ...(shape & OWN_PROOF ? [proof] : []),
    ...(shape & OWN_LIFETIME ? [lifetime] : []),
    ...(floor === undefined ? [] : [floor]),
  ];
  const isTwice = (shape & OWN_PROOF) !== 0 && (shape & OWN_LIFETIME) !== 0 && compareStamps(proof, lifetime) === 0;
  const isOdd = (shape & LIFETIME_OF_PROOF) !== 0 && ((shape & OWN_LIFETIME) !== 0 || (shape & OWN_PROOF) === 0);
  checkedStamp(begun);
  for (const stamp of own)
    if (compareStamps(checkedStamp(stamp), begun) <= 0) throw corrupt('its stamps are out of order');
  if (isTwice || isOdd) throw corrupt('its stamps are not written as they should be');
}

function checkedStamp(stamp: Stamp): Stamp {
  if (msOf(stamp) > LAST_MS) throw corrupt('a stamp in it leaves no room for a later one');
  return stamp;
}

function readGroups(bytes: Buffer, start: number, { begun, floor }: Stamps): Group[] {
  let [last, isFollowed] = readGroup(bytes, SHAPE_BYTES, start);
  if (last.dead > 0) throw corrupt('a field was deleted before it began');
  const groups: Group[] = [last];
  let before = begun;
  let fields = last.count;
  while (isFollowed) {
    const at = last.to + STAMP_BYTES;
    if (at > bytes.length) throw corrupt('it ends too early');
    const stamp = checkedStamp(bytes.subarray(last.to, at));
    const [group, isOneMore] = readGroup(bytes, last.to, at);
    if (group.count === 0 || compareStamps(stamp, before) <= 0) throw corrupt('its groups are out of order');
    if (group.dead > 0 && floor !== undefined && compareStamps(stamp, floor) === 0) {
      throw corrupt('it keeps a tombstone that its floor stands for');
    }
    groups.push(group);
    fields += group.count;
    before = stamp;
    [last, isFollowed] = [group, isOneMore];
  }
  if (last.to !== bytes.length) throw corrupt('bytes follow its end');
  if (fields > MOST_FIELDS) throw corrupt(`it has more than ${MOST_FIELDS} fields`);
  return groups;
}

function readGroup(bytes: Buffer, stampAt: number, at: number): [group: Group, isFollowed: boolean] {
  const counted = countIn(bytes, at);
  const count = Math.floor(counted / 2);
  const from = at + countBytes(counted);
  let dead = 0;
  let to = from;
  for (let left = count; left > 0; left--) {
    const length = countIn(bytes, to + 1);
    if (length === 0) dead++;
    to += 1 + countBytes(length) + bytes[to]! + Math.max(length - 1, 0);
    if (to > bytes.length) throw corrupt('it ends too early');
  }
  return [{ stampAt, from, to, count, dead }, counted % 2 === 1];
}

/** A count that is there whole, and as short as it can be. */
function countIn(bytes: Buffer, at: number): number {
  if (at >= bytes.length) throw corrupt('it ends too early');
  const count = countAt(bytes, at);
  if (!Number.isFinite(count)) throw corrupt('a length in it is not one');
  const length = countBytes(count);
  if (at + length > bytes.length) throw corrupt('it ends too early');
  if (bytes[at + length - 1]! >= 0x80) throw corrupt('a length in it is longer than it needs to be');
  return count;
}

/** Above so many a set is quicker than comparing each with each. */
const FEW_FIELDS = 24;

/** Names are text, in order within their group, and nowhere twice. */
function checkNames(bytes: Buffer, groups: readonly Group[]): void {
  const places: number[] = [];
  for (const { from, count } of groups) {
    const walk = new Walk(bytes, from);
    const first = places.length;
    for (let left = count; left > 0; left--) {
      walk.step();
      if (!isText(bytes, walk)) throw corrupt('a name in it is not text');
      const last = places.length - 2;
      if (last >= first && compareNames(bytes, places[last]!, places[last + 1]!, walk) >= 0) {
        throw corrupt('its fields are out of order');
      }
      for (let i = 0; i < first && i < 2 * FEW_FIELDS; i += 2) {
        if (compareNames(bytes, places[i]!, places[i + 1]!, walk) === 0) throw corrupt('a field stands in it twice');
      }
      places.push(walk.nameAt, walk.valueAt);
    }
  }
  if (groups.length > 1 && places.length > 2 * FEW_FIELDS) checkTwice(bytes, places);
}

function checkTwice(bytes: Buffer, places: readonly number[]): void {
  const seen = new Set<string>();
  for (let i = 0; i < places.length; i += 2) seen.add(bytes.toString('latin1', places[i], places[i + 1]));
  if (2 * seen.size !== places.length) throw corrupt('a field stands in it twice');
}

/** Names are so short that a loop is quicker than a call. */
function compareNames(bytes: Buffer, from: number, to: number, { nameAt, valueAt }: Walk): number {
  const length = Math.min(to - from, valueAt - nameAt);
  for (let i = 0; i < length; i++) {
    const difference = bytes[from + i]! - bytes[nameAt + i]!;
    if (difference !== 0) return difference;
  }
  return to - from - (valueAt - nameAt);
}

function isText(bytes: Buffer, { nameAt, valueAt }: Walk): boolean {
  for (let at = nameAt; at < valueAt; at++) {
    if (bytes[at]! > 0x7f) return isUtf8(bytes.subarray(nameAt, valueAt));
  }
  return true;
}

function corrupt(problem: string): SojournError {
  return failure('SOJOURN_CORRUPT', { what: 'A copy', problem });
}

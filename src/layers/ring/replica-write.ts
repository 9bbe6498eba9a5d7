/**
 * Writing a replica down. What stays as it was is copied in runs, from whichever replica it stands in.
 *
 * The steps follow replica-layout.ts. What comes out is read back only as far as its head, since where the rest stands is known.
 * Patching the old bytes in place was rejected: whoever holds the old replica would see it change.
 */
import type { Head } from '../../contract.js';
import { countBytes } from '../../core/packed-fields.js';
import { checkField, headBytes, writeCount, writeHead } from '../../core/record.js';
import { readHeadAt } from '../../core/record-read.js';
import { failure } from '../../errors.js';
import type { Ended, Group, Live, Stamps } from './replica.js';
import {
  ENDED,
  FLOOR,
  LAST_UNTIL,
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
import { compareStamps, STAMP_BYTES, type Stamp } from './stamp.js';

/** Fields that stand one after the other in `bytes`. */
export interface Span {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
}

/** One field. */
export interface Run extends Span {
  /** The bytes of its name as latin1: its order is theirs. */
  readonly name: string;
  readonly isDead: boolean;
}

/** A field that stands nowhere yet. */
export interface Fresh {
  readonly bytes: null;
  readonly text: string;
  /** Null is a tombstone. */
  readonly value: Uint8Array | null;
  /** As in a run. */
  readonly name: string;
  readonly nameBytes: number;
  readonly isDead: boolean;
}

/** A group to be written: its fields in the order of their names. */
export interface Plan {
  /** The bytes in which its stamp stands, and where. */
  readonly stampBytes: Uint8Array;
  readonly stampAt: number;
  readonly runs: readonly (Span | Fresh)[];
  readonly count: number;
  readonly dead: number;
}

/**
 * The first plan is of `begun`; the others have fields and are in the order of their stamps. SOJOURN_VALUE for what has no place
 * in a replica. `own`: the same head, where nobody else can change it and reading it back is not needed: a tenth of a commit.
 */
export function writeLive(head: Head, stamps: Stamps, lineage: Uint8Array, plans: readonly Plan[], own?: Head): Live {
  const shape = shapeOf(stamps);
  const bytes = Buffer.allocUnsafe(liveBytes(head, shape, lineage, plans));
  // 1. What it is, and of which stamps.
  bytes[0] = LIVE;
  bytes[1] = shape | (lineage.length / TRACE_BYTES);
  let at = writeBytes(bytes, SHAPE_BYTES, stamps.begun);
  if (shape & OWN_PROOF) at = writeBytes(bytes, at, stamps.proof);
  if (shape & OWN_LIFETIME) at = writeBytes(bytes, at, stamps.lifetime);
  if (shape & FLOOR) at = writeBytes(bytes, at, stamps.floor!);
  // 2. The traces of the last commits.
  at = writeBytes(bytes, at, lineage);
  const lineageAt = at - lineage.length;
  // 3. The head.
  const headAt = at;
  at = writeHead(bytes, at, head);
  // 4. The fields.
  const groups: Group[] = [];
  for (const { stampBytes, stampAt, runs, count, dead } of plans) {
    const isFirst = groups.length === 0;
    const isLast = groups.length === plans.length - 1;
    const ownStampAt = isFirst ? SHAPE_BYTES : at;
    if (!isFirst) at = writeShort(bytes, at, stampBytes, stampAt, STAMP_BYTES);
    const from = writeCount(bytes, at, 2 * count + (isLast ? 0 : 1));
    at = from;
    for (const run of runs) {
      at = run.bytes === null ? writeFresh(bytes, at, run) : at + run.bytes.copy(bytes, at, run.from, run.to);
    }
    groups.push({ stampAt: ownStampAt, from, to: at, count, dead });
  }
  return {
    kind: 'live',
    bytes,
    head: own ?? readHeadAt(bytes, headAt).head,
    stamps: stampsAt(bytes, shape),
    lineage: bytes.subarray(lineageAt, headAt),
    groups,
  };
}

/** The stamps in front of a live replica of this shape. */
export function stampsAt(bytes: Buffer, shape: number): Stamps {
  let at = SHAPE_BYTES;
  const next = (): Stamp => {
    at += STAMP_BYTES;
    return bytes.subarray(at - STAMP_BYTES, at);
  };
  const begun = next();
  const proof = shape & OWN_PROOF ? next() : begun;
  const lifetime = shape & OWN_LIFETIME ? next() : shape & LIFETIME_OF_PROOF ? proof : begun;
  return { begun, proof, lifetime, floor: shape & FLOOR ? next() : undefined };
}

/** How many bytes `stampsAt` looks at. */
export function stampsBytes(shape: number): number {
  return STAMP_BYTES * (1 + (shape & OWN_PROOF ? 1 : 0) + (shape & OWN_LIFETIME ? 1 : 0) + (shape & FLOOR ? 1 : 0));
}

export function writeEnded(stamp: Stamp, until: number): Ended {
  const bytes = Buffer.allocUnsafe(1 + STAMP_BYTES + UNTIL_BYTES);
  bytes[0] = ENDED;
  const at = writeBytes(bytes, 1, stamp);
  const kept = Math.min(Math.max(Math.ceil(until), 0), LAST_UNTIL);
  bytes.writeUIntBE(kept, at, UNTIL_BYTES);
  return { kind: 'ended', bytes, stamp: bytes.subarray(1, at), until: kept };
}

/** A field to be written; null is a tombstone. SOJOURN_VALUE for what has no place in a replica. */
export function freshField(text: string, value: Uint8Array | null): Fresh {
  const nameBytes = checkField(text, value?.length ?? 0);
  const name = nameBytes === text.length ? text : Buffer.from(text).toString('latin1');
  return { bytes: null, text, value, name, nameBytes, isDead: value === null };
}

/** The same, in bytes of its own. */
export function writeField(text: string, value: Uint8Array | null): Run {
  const fresh = freshField(text, value);
  const bytes = Buffer.allocUnsafe(freshBytes(fresh));
  writeFresh(bytes, 0, fresh);
  return { bytes, from: 0, to: bytes.length, name: fresh.name, isDead: fresh.isDead };
}

/** The lineage after one more commit. */
export function extended(lineage: Uint8Array, trace: number): Uint8Array {
  const kept = Math.min(lineage.length, TRACE_BYTES * (LINEAGE_LENGTH - 1));
  const next = new Uint8Array(kept + TRACE_BYTES);
  next.set(lineage.subarray(lineage.length - kept));
  for (let k = TRACE_BYTES - 1; k >= 0; k--, trace >>>= 8) next[kept + k] = trace;
  return next;
}

function freshBytes({ value, nameBytes }: Fresh): number {
  return 1 + nameBytes + (value === null ? 1 : countBytes(value.length + 1) + value.length);
}

function writeFresh(bytes: Buffer, at: number, { text, value, nameBytes }: Fresh): number {
  bytes[at] = nameBytes;
  const nameAt = writeCount(bytes, at + 1, value === null ? 0 : value.length + 1);
  bytes.write(text, nameAt);
  if (value !== null) bytes.set(value, nameAt + nameBytes);
  return nameAt + nameBytes + (value?.length ?? 0);
}

/** The one shape in which these stamps are written. */
function shapeOf({ begun, proof, lifetime, floor }: Stamps): number {
  const isOwnProof = compareStamps(proof, begun) !== 0;
  const isOfBegun = compareStamps(lifetime, begun) === 0;
  const isOfProof = !isOfBegun && compareStamps(lifetime, proof) === 0;
  return (
    (isOwnProof ? OWN_PROOF : 0) |
    (isOfBegun ? 0 : isOfProof ? LIFETIME_OF_PROOF : OWN_LIFETIME) |
    (floor === undefined ? 0 : FLOOR)
  );
}

function liveBytes(head: Head, shape: number, lineage: Uint8Array, plans: readonly Plan[]): number {
  let total = SHAPE_BYTES + stampsBytes(shape) + lineage.length + headBytes(head) - STAMP_BYTES;
  let fields = 0;
  for (const { runs, count } of plans) {
    total += STAMP_BYTES + countBytes(2 * count);
    fields += count;
    for (const run of runs) total += run.bytes === null ? freshBytes(run) : run.to - run.from;
  }
  if (fields > MOST_FIELDS) {
    throw failure('SOJOURN_VALUE', { path: 'the session', problem: `it has more than ${MOST_FIELDS} fields` });
  }
  return total;
}

function writeBytes(bytes: Buffer, at: number, part: Uint8Array): number {
  return writeShort(bytes, at, part, 0, part.length);
}

/** A dozen bytes: a loop is quicker than a call. */
function writeShort(bytes: Buffer, at: number, part: Uint8Array, from: number, length: number): number {
  for (let i = 0; i < length; i++) bytes[at + i] = part[from + i]!;
  return at + length;
}

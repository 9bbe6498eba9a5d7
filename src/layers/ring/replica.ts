/**
 * A replica: what one node of a ring knows of one session, so that any two of them can be merged.
 *
 * It is a join of registers, and of each the greatest value counts. In the order in which they decide:
 * 1. `ended`. Nothing comes after it.
 * 2. Which session it is, should an id ever be used twice: the later `createdAt`.
 * 3. Which generation, and where two logins made the same one, which login: `begun`, the stamp with which it began. The later one wins whole,
 *    so nothing of an earlier one is left, neither a field nor a secret nor a user.
 * 4. Within it, each for itself: the *proof* (secret, the one before it, user) by the stamp of the last rotation; the *lifetime*
 *    (`remember`, and under the same `remember` the later deadline); each field by its stamp.
 *
 * Proof and lifetime are two, so that a `remember` on one side of a partition does not bring back the secret that a rotation
 * replaced on the other. The version is the highest; see `reconcile` (merge.ts) for how it goes on growing.
 *
 * A deleted field leaves a tombstone. When tombstones are dropped, the *floor* rises to the latest of them: a field that is not here
 * counts as deleted then. So a copy that was away for longer brings nothing back; what it alone knew of that time is lost.
 *
 * Rejected: version vectors (six bytes for each process that ever wrote, and a process that changes sides in a partition breaks
 * them); one stamp for the whole head (see above); a stamp for each field alone (fields written together share theirs).
 */
import type { Head, Stored } from '../../contract.js';
import { EMPTY, groupStamp, ReplicaFields } from './replica-fields.js';
import { extended, type Run, writeEnded, writeField, writeLive } from './replica-write.js';
import { compareStamps, laterStamp, type Stamp, traceOf } from './stamp.js';

export type Replica = Live | Ended;

/** A session as a node knows it. Everything in here looks into `bytes`. */
export interface Live {
  readonly kind: 'live';
  readonly bytes: Buffer;
  readonly head: Head;
  readonly stamps: Stamps;
  /** Traces of the last commits, the latest one last: from them `merge` tells an ancestor from a rival. */
  readonly lineage: Uint8Array;
  /** At least one: the first is of `begun`, the others later and later. */
  readonly groups: readonly Group[];
}

export interface Stamps {
  /** The login of this generation, or the creation. */
  readonly begun: Stamp;
  /** The last change of the secret; `begun` itself where there was none. */
  readonly proof: Stamp;
  /** The last change of `remember`; `begun` or `proof` themselves where it came with them. */
  readonly lifetime: Stamp;
  readonly floor: Stamp | undefined;
}

/** Fields that were written together, by name. */
export interface Group {
  /** Where its stamp stands. */
  readonly stampAt: number;
  /** Where its first field begins, and where its last one ends. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** How many of them are tombstones. */
  readonly dead: number;
}

/** What is left of a session that was destroyed. */
export interface Ended {
  readonly kind: 'ended';
  readonly bytes: Buffer;
  readonly stamp: Stamp;
  /** Until then it must be kept. */
  readonly until: number;
}

/** How long a copy may be away and still come back: tombstones are kept that long. */
export const REPAIR_HORIZON_MS = 86_400_000;

export function created({ head, fields }: Stored, stamp: Stamp): Live {
  const runs: Run[] = [...fields].map(([name, value]) => writeField(name, value)).sort(byName);
  const lineage = extended(EMPTY, traceOf(stamp));
  return writeLive(head, { begun: stamp, proof: stamp, lifetime: stamp, floor: undefined }, lineage, [
    { stampBytes: stamp, stampAt: 0, runs, count: runs.length, dead: 0 },
  ]);
}

/** The end of a session, of whatever is known of it. An end that is there already stays. */
export function ended(before: Replica | null, stamp: Stamp, now: number): Ended {
  if (before?.kind === 'ended') return before;
  return writeEnded(stamp, Math.max(now + REPAIR_HORIZON_MS, before?.head.expiresAt ?? 0));
}

/** What the engine gets; null for a session that has ended. Its deadline is for the caller to look at. */
export function storedOf(replica: Replica): Stored | null {
  return replica.kind === 'ended' ? null : { head: replica.head, fields: new ReplicaFields(replica) };
}

/** Until when a node has to keep it. */
export function keepUntil(replica: Replica): number {
  return replica.kind === 'ended' ? replica.until : replica.head.expiresAt;
}

/** The latest stamp in it: show it to the clock before writing on top. */
export function newestOf(replica: Replica): Stamp {
  if (replica.kind === 'ended') return replica.stamp;
  const { stamps, groups } = replica;
  const newest = laterStamp(groupStamp(replica, groups[groups.length - 1]!), laterStamp(stamps.proof, stamps.lifetime));
  return stamps.floor === undefined ? newest : laterStamp(newest, stamps.floor);
}

/**
 * Whether something that was written with this stamp is still there: after a write without an answer, so that it is not done
 * twice. False also for one that was overwritten since, and for a touch, which leaves no stamp.
 */
export function holds(replica: Replica, stamp: Stamp): boolean {
  const is = (other: Stamp | undefined): boolean => other !== undefined && compareStamps(stamp, other) === 0;
  if (replica.kind === 'ended') return is(replica.stamp);
  const { proof, lifetime } = replica.stamps;
  return is(proof) || is(lifetime) || replica.groups.some((group) => is(groupStamp(replica, group)));
}

function byName(a: Run, b: Run): number {
  return a.name < b.name ? -1 : 1;
}

/**
 * Merging two replicas of a session: for each register of replica.ts the greater value, by one total order for each.
 *
 * That is why the order and the number of merges do not matter: the maximum of a total order is idempotent, commutative and
 * associative, and so is a tuple of them, also where one register decides about the rest. Equal stamps with
 * different content should not be (two writers of one name, or a write that was done twice): the bytes decide then, so that
 * everybody still decides alike.
 *
 * The version is the only number that cannot grow by such a rule: two copies that each took one commit both say 5, and what is made of them
 * must not, because a near cache that holds one of them would take it for the other. Raising it in `merge` would depend on the order of merges. So
 * who is about to write a merged replica down calls `reconcile`, which raises it where one of the two had it and said something else.
 */
import type { Head } from '../../contract.js';
import { headBytes, writeHead } from '../../core/record.js';
import { lostOf } from './merge-lost.js';
import { type Ended, type Group, type Live, newestOf, type Replica, type Stamps } from './replica.js';
import { type Entry, entriesOf, valueIn } from './replica-fields.js';
import { extended, type Plan, type Run, writeEnded, writeLive } from './replica-write.js';
import { compareStamps, laterStamp, mergeTraceOf, nextTraceOf, type Stamp } from './stamp.js';

export interface Merged {
  /** The very `a` or `b` where one of them knew it all. */
  readonly replica: Replica;
  /**
   * Fields of which a value is gone that was acknowledged to somebody, and that the other side cannot have seen: for the event
   * `conflict`. Where it cannot be told, a field is named rather than not, but for a copy that is merely far behind.
   */
  readonly lost: readonly string[];
}

const NO_LINEAGE = new Uint8Array(0);
const NOTHING_LOST: readonly string[] = Object.freeze([]);

export function merge(a: Replica, b: Replica): Merged {
  if (a === b || a.bytes.equals(b.bytes)) return unchanged(a);
  if (a.kind === 'ended') return unchanged(b.kind === 'ended' ? laterEnd(a, b) : a);
  if (b.kind === 'ended') return unchanged(b);
  if (a.head.createdAt !== b.head.createdAt) return unchanged(a.head.createdAt > b.head.createdAt ? a : b);
  const order = loginOrder(a, b);
  if (order === 0) return joined(a, b);
  const [winner, loser] = order > 0 ? [a, b] : [b, a];
  const replica = withVersionOf(winner, loser);
  return { replica, lost: lostOf(loser, winner, replica, false).sort() };
}

/**
 * `merge` for who will write the result down: its version is higher than that of either one that says something else. Two
 * nodes that reconcile with each other again and again end with the same bytes.
 */
export function reconcile(a: Replica, b: Replica): Merged {
  const merged = merge(a, b);
  const { replica } = merged;
  if (replica.kind === 'ended' || !(isMistaken(a, replica) || isMistaken(b, replica))) return merged;
  // Of two logins one stays, and nothing of the other: that is no merge of what both have written.
  const trace = a.kind === 'live' && b.kind === 'live' && loginOrder(a, b) === 0 ? mergeTraceOf : nextTraceOf;
  return { ...merged, replica: raised(replica, trace(newestOf(replica))) };
}

/** Which of two logins of one session counts. 0: it is the same one. */
function loginOrder(a: Live, b: Live): number {
  const order = a.head.createdAt - b.head.createdAt || a.head.generation - b.head.generation;
  return order || compareStamps(a.stamps.begun, b.stamps.begun);
}

/** Whether who knows the version would take `before` for `after`. */
function isMistaken(before: Replica, after: Live): boolean {
  return before.kind === 'live' && before.head.version === after.head.version && !before.bytes.equals(after.bytes);
}

function raised(replica: Live, trace: number): Live {
  const { head, stamps, lineage } = replica;
  return writeLive({ ...head, version: head.version + 1 }, stamps, extended(lineage, trace), plansOf(replica));
}

/** All fields as they stand. */
export function plansOf({ bytes, groups }: Live): Plan[] {
  return groups.map((group) => whole(bytes, group));
}

/** A group as it stands. */
export function whole(bytes: Buffer, { stampAt, from, to, count, dead }: Group): Plan {
  return { stampBytes: bytes, stampAt, runs: [{ bytes, from, to }], count, dead };
}

/** A field, and when it was written. */
export interface Stamped extends Run {
  readonly stamp: Stamp;
}

/** Entries as groups, by stamp and then by name; the first one is of `begun`, also when it is empty. */
export function plansFrom(entries: Iterable<Stamped>, begun: Stamp): Plan[] {
  const sorted = [...entries].sort((a, b) => compareStamps(a.stamp, b.stamp) || (a.name < b.name ? -1 : 1));
  const plans: { stampBytes: Stamp; stampAt: 0; runs: Stamped[]; count: number; dead: number }[] = [
    { stampBytes: begun, stampAt: 0, runs: [], count: 0, dead: 0 },
  ];
  for (const entry of sorted) {
    let plan = plans[plans.length - 1]!;
    if (compareStamps(plan.stampBytes, entry.stamp) !== 0) {
      plan = { stampBytes: entry.stamp, stampAt: 0, runs: [], count: 0, dead: 0 };
      plans.push(plan);
    }
    plan.runs.push(entry);
    plan.count++;
    if (entry.isDead) plan.dead++;
  }
  return plans;
}

function unchanged(replica: Replica): Merged {
  return { replica, lost: NOTHING_LOST };
}

function laterEnd(a: Ended, b: Ended): Ended {
  return sameAsOne(writeEnded(laterStamp(a.stamp, b.stamp), Math.max(a.until, b.until)), a, b);
}

/** Two of one generation, and one login: register by register. */
function joined(a: Live, b: Live): Merged {
  const proof = later(compareProofs, a, b);
  const lifetime = later(compareLifetimes, a, b);
  const version = later(compareVersions, a, b);
  const floor = laterFloor(a.stamps.floor, b.stamps.floor);
  const fields = joinedFields(a, b, floor);
  const stamps: Stamps = {
    begun: a.stamps.begun,
    proof: proof.stamps.proof,
    lifetime: lifetime.stamps.lifetime,
    floor,
  };
  const head = headFrom(proof.head, lifetime.head, version.head.version);
  const replica = sameAsOne(writeLive(head, stamps, version.lineage, plansFrom(fields.entries, stamps.begun)), a, b);
  if (replica === a || replica === b) {
    const [winner, loser] = replica === a ? [a, b] : [b, a];
    return { replica, lost: lostOf(loser, winner, replica, false).sort() };
  }
  const isAhead = (side: Live, other: Live, hasFields: boolean): boolean =>
    hasFields ||
    (proof === side && compareProofs(side, other) !== 0) ||
    (lifetime === side && compareLifetimes(side, other) !== 0);
  const lost = new Set([
    ...lostOf(a, b, replica, isAhead(a, b, fields.isAheadA)),
    ...lostOf(b, a, replica, isAhead(b, a, fields.isAheadB)),
  ]);
  return { replica, lost: [...lost].sort() };
}

interface JoinedFields {
  readonly entries: readonly Entry[];
  /** A field of that side is later than what the other one has. */
  readonly isAheadA: boolean;
  readonly isAheadB: boolean;
}

/** Name by name the later one. A name that a side does not have counts as deleted at its floor. */
function joinedFields(a: Live, b: Live, floor: Stamp | undefined): JoinedFields {
  const [ofA, ofB] = [entriesOf(a), entriesOf(b)];
  const entries: Entry[] = [];
  let isAheadA = false;
  let isAheadB = false;
  for (const name of new Set([...ofA.keys(), ...ofB.keys()])) {
    const [entryA, entryB] = [ofA.get(name), ofB.get(name)];
    const order = compareEntries(entryA ?? a.stamps.floor, entryB ?? b.stamps.floor);
    isAheadA ||= order > 0;
    isAheadB ||= order < 0;
    const entry =
      order >= 0 ? (entryA ?? deadAt(a.stamps.floor!, entryB!)) : (entryB ?? deadAt(b.stamps.floor!, entryA!));
    if (!(entry.isDead && floor !== undefined && compareStamps(entry.stamp, floor) === 0)) entries.push(entry);
  }
  return { entries, isAheadA, isAheadB };
}

/** A tombstone in the place of `entry`. */
function deadAt(stamp: Stamp, entry: Entry): Entry {
  const { bytes, from, valueAt, name } = entry;
  const nameAt = valueAt - name.length;
  const tombstone = Buffer.allocUnsafe(2 + name.length);
  tombstone[0] = bytes[from]!;
  tombstone[1] = 0;
  bytes.copy(tombstone, 2, nameAt, valueAt);
  return { bytes: tombstone, from: 0, to: tombstone.length, name, isDead: true, stamp, valueAt: tombstone.length };
}

/** An entry, or the floor under a name that is not there. */
function compareEntries(a: Entry | Stamp | undefined, b: Entry | Stamp | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const order = compareStamps(stampIn(a), stampIn(b));
  if (order !== 0) return order;
  const [aIsDead, bIsDead] = [isDead(a), isDead(b)];
  if (aIsDead || bIsDead) return Number(aIsDead) - Number(bIsDead);
  return Buffer.compare(valueIn(a as Entry), valueIn(b as Entry));
}

function stampIn(entry: Entry | Stamp): Stamp {
  return entry instanceof Uint8Array ? entry : entry.stamp;
}

function isDead(entry: Entry | Stamp): boolean {
  return entry instanceof Uint8Array || entry.isDead;
}

function compareProofs(a: Live, b: Live): number {
  return compareStamps(a.stamps.proof, b.stamps.proof) || compareProofContents(a.head, b.head);
}

/** A secret whose time is over is forgotten by one copy earlier than by the other; the one that forgot it is later. */
function compareProofContents(a: Head, b: Head): number {
  const order = Buffer.compare(proofBytes(a, false), proofBytes(b, false));
  if (order !== 0) return order;
  if (a.previous === undefined || b.previous === undefined) return Number(!a.previous) - Number(!b.previous);
  return Buffer.compare(proofBytes(a, true), proofBytes(b, true));
}

function proofBytes(head: Head, withPrevious: boolean): Buffer {
  const proof = headFrom(head, NO_LIFETIME, 0);
  const { previous: _previous, ...rest } = proof;
  const compared = withPrevious ? proof : rest;
  const bytes = Buffer.allocUnsafe(headBytes(compared));
  writeHead(bytes, 0, compared);
  return bytes;
}

const NO_LIFETIME: Head = { createdAt: 0, expiresAt: 0, version: 0, generation: 0 };

function compareLifetimes(a: Live, b: Live): number {
  return (
    compareStamps(a.stamps.lifetime, b.stamps.lifetime) ||
    rememberOf(a.head) - rememberOf(b.head) ||
    a.head.expiresAt - b.head.expiresAt
  );
}

function rememberOf({ remember }: Head): number {
  return remember === undefined ? 0 : remember ? 2 : 1;
}

function compareVersions(a: Live, b: Live): number {
  return a.head.version - b.head.version || Buffer.compare(a.lineage, b.lineage);
}

function later(compare: (a: Live, b: Live) => number, a: Live, b: Live): Live {
  return compare(a, b) >= 0 ? a : b;
}

function laterFloor(a: Stamp | undefined, b: Stamp | undefined): Stamp | undefined {
  return a === undefined || b === undefined ? (a ?? b) : laterStamp(a, b);
}

/** Who somebody is from the one, how long it lasts from the other. */
function headFrom(proof: Head, lifetime: Head, version: number): Head {
  const { createdAt, generation, secret, previous, user, signedInAt } = proof;
  const { expiresAt, remember } = lifetime;
  return {
    createdAt,
    expiresAt,
    version,
    generation,
    ...(secret && { secret }),
    ...(previous && { previous }),
    ...(user !== undefined && { user }),
    ...(signedInAt !== undefined && { signedInAt }),
    ...(remember !== undefined && { remember }),
  };
}

/** Of another login the number counts, and not what happened: the lineage tells of what this one is made of. */
function withVersionOf(replica: Live, { head: { version } }: Live): Live {
  if (replica.head.version >= version) return replica;
  return writeLive({ ...replica.head, version }, replica.stamps, NO_LINEAGE, plansOf(replica));
}

/** One of the two that were there, where nothing is new. */
function sameAsOne<R extends Replica>(merged: R, a: R, b: R): R {
  if (merged.bytes.equals(a.bytes)) return a;
  return merged.bytes.equals(b.bytes) ? b : merged;
}

/**
 * A delta on a replica: the rule of `commit` (core/delta.ts), and what it leaves behind for those who will merge.
 *
 * The rule itself is not told again: it gets the head and the fields that the delta names, and says what becomes of them. Here
 * the outcome is stamped. What the delta does not name is copied with the stamp it has, in runs and undecoded. A login stamps all
 * anew, and no tombstone outlives it. Tried again, it is the same login. A touch stamps nothing: of two deadlines the later one counts.
 *
 * An earlier deadline is written as the delta says, and lasts as long as no copy comes back that has the later one: clocks of
 * servers differ by a little, and a commit of one that is behind must not outlast the touches of an hour.
 */
import type { Delta, Head, Outcome } from '../../contract.js';
import { apply } from '../../core/delta.js';
import { failure } from '../../errors.js';
import { plansFrom, type Stamped, whole } from './merge.js';
import { type Group, type Live, newestOf, REPAIR_HORIZON_MS, type Replica, type Stamps } from './replica.js';
import { entriesOf, groupStamp, latin1Of, Walk } from './replica-fields.js';
import { MOST_TOMBSTONES } from './replica-layout.js';
import {
  extended,
  type Fresh,
  freshField,
  type Plan,
  type Run,
  type Span,
  writeField,
  writeLive,
} from './replica-write.js';
import { compareStamps, laterStamp, msOf, type Stamp, traceOf } from './stamp.js';

/** What came of it, and what to write down when that is 'ok'. */
export type AppliedTo = readonly [outcome: Outcome, next: Live | null];

/** Where a field stands that the delta names, and in which group. */
interface Spot {
  readonly group: Group;
  readonly from: number;
  readonly to: number;
  readonly isDead: boolean;
}

/**
 * `stamp` must be later than all that the replica holds (`StampClock.after` of its `newestOf`): SOJOURN_STORE otherwise, since of
 * two writes of one field the later one would lose. `first`: the stamp of the first time that this delta was tried.
 * SOJOURN_VALUE for what has no place in a replica.
 */
export function applyTo(
  replica: Replica | null,
  delta: Delta,
  stamp: Stamp,
  now: number,
  first: Stamp = stamp,
): AppliedTo {
  if (replica === null || replica.kind === 'ended') return [{ status: 'gone' }, null];
  const values = new Map<string, Uint8Array>();
  const spots: Spot[] = [];
  for (const name of delta.fields.keys()) look(replica, name, values, spots);
  const [outcome, next] = apply({ head: replica.head, fields: values }, delta, now);
  if (next === null) return [outcome, null];
  checkOrder(replica, next.head, stamp);
  const lineage = extended(replica.lineage, traceOf(stamp));
  if (next.head.generation !== replica.head.generation) {
    const named = [...delta.fields.keys()].map((name) => writeField(name, next.fields.get(name) ?? null));
    return [outcome, begunAnew(replica, next.head, stamp, first, lineage, named)];
  }
  const written: Fresh[] = [];
  for (const name of delta.fields.keys()) written.push(freshField(name, next.fields.get(name) ?? null));
  if (written.length > 1) written.sort(byName);
  const dead = written.reduce((total, { isDead }) => total + Number(isDead), 0);
  const floor = nextFloor(replica, now - REPAIR_HORIZON_MS, dead);
  const plans = floor === replica.stamps.floor ? without(replica, spots) : above(floor!, replica, delta);
  if (written.length > 0) plans.push({ stampBytes: stamp, stampAt: 0, runs: written, count: written.length, dead });
  const stamps = stampsAfter(replica.stamps, delta.head, stamp, floor);
  // Somebody else's memory comes in only with a new proof.
  const own = stamps.proof === stamp ? undefined : withOwnSecrets(next.head);
  return [outcome, writeLive(next.head, stamps, lineage, plans, own)];
}

/** Finds a field and, unless that is a tombstone, its value. */
function look({ bytes, groups }: Live, text: string, values: Map<string, Uint8Array>, spots: Spot[]): void {
  const name = latin1Of(text);
  for (const group of groups) {
    const walk = new Walk(bytes, group.from);
    for (let left = group.count; left > 0; left--) {
      walk.step();
      if (!walk.isNamed(name)) continue;
      spots.push({ group, from: walk.from, to: walk.to, isDead: walk.isDead });
      if (!walk.isDead) values.set(text, walk.value);
      return;
    }
  }
}

function checkOrder(replica: Live, next: Head, stamp: Stamp): void {
  if (next.generation < replica.head.generation) {
    throw failure('SOJOURN_VALUE', { path: 'the session', problem: 'its generation would go back' });
  }
  if (compareStamps(stamp, newestOf(replica)) > 0) return;
  const problem = 'the stamp of the write is not later than what is there';
  throw failure('SOJOURN_STORE', { store: 'ring', operation: 'commit', problem });
}

/**
 * The session after a login: all that is there is of the login.
 *
 * A node that did not answer may have taken its first try, and others may have met it there. So when it is tried again, on top of writes that
 * the first try did not see, it is the same login, of the same stamp; what is later than that stays later.
 */
function begunAnew(
  replica: Live,
  head: Head,
  stamp: Stamp,
  begun: Stamp,
  lineage: Uint8Array,
  named: readonly Run[],
): Live {
  const isLater = (other: Stamp): boolean => compareStamps(other, begun) > 0;
  const entries = new Map<string, Stamped>();
  for (const [name, entry] of entriesOf(replica)) {
    if (isLater(entry.stamp)) entries.set(name, entry);
    else if (!entry.isDead) entries.set(name, { ...entry, stamp: begun });
  }
  for (const run of named) {
    const before = entries.get(run.name);
    const own = before !== undefined && isLater(before.stamp) ? stamp : begun;
    if (run.isDead && own === begun) entries.delete(run.name);
    else entries.set(run.name, { ...run, stamp: own });
  }
  const { floor } = replica.stamps;
  const kept = floor !== undefined && isLater(floor) ? floor : undefined;
  const stamps = { begun, proof: begun, lifetime: begun, floor: kept };
  return writeLive(head, stamps, lineage, plansFrom(entries.values(), begun));
}

/** Who names a secret or a user changes the proof; who names `remember`, the lifetime. */
function stampsAfter(before: Stamps, change: Delta['head'], stamp: Stamp, floor: Stamp | undefined): Stamps {
  const { secret, previous, user, signedInAt, remember } = change;
  const isProof = secret !== undefined || previous !== undefined || user !== undefined || signedInAt !== undefined;
  return {
    begun: before.begun,
    proof: isProof ? stamp : before.proof,
    lifetime: remember !== undefined ? stamp : before.lifetime,
    floor,
  };
}

/** So that no replica holds on to the bytes of the one before it. */
function withOwnSecrets(head: Head): Head {
  const { secret, previous } = head;
  if (secret === undefined) return head;
  return {
    ...head,
    secret: alone(secret),
    ...(previous && { previous: { ...previous, secret: alone(previous.secret) } }),
  };
}

/** Bytes that look into nothing larger. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : Uint8Array.prototype.slice.call(bytes);
}

/** The stamp of the last tombstone that need not be kept any longer, if that is higher than the floor there is. */
function nextFloor(replica: Live, beforeMs: number, more: number): Stamp | undefined {
  const { groups } = replica;
  let { floor } = replica.stamps;
  let dead = more;
  for (const group of groups) dead += group.dead;
  if (dead === more) return floor;
  for (const group of groups) {
    if (group.dead === 0) continue;
    const stamp = groupStamp(replica, group);
    if (msOf(stamp) >= beforeMs && dead <= MOST_TOMBSTONES) break;
    dead -= group.dead;
    floor = floor === undefined ? stamp : laterStamp(floor, stamp);
  }
  return floor;
}

/** All groups but the fields in these spots. */
function without(replica: Live, spots: readonly Spot[]): Plan[] {
  const plans: Plan[] = [];
  for (const group of replica.groups) {
    const gaps = spots.filter((spot) => spot.group === group);
    const plan = gaps.length === 0 ? whole(replica.bytes, group) : withGaps(replica, group, gaps);
    if (plan.count > 0 || plans.length === 0) plans.push(plan);
  }
  return plans;
}

function withGaps({ bytes }: Live, { stampAt, from, to, count, dead }: Group, gaps: Spot[]): Plan {
  const runs: Span[] = [];
  let at = from;
  let deadInGaps = 0;
  for (const gap of gaps.sort((a, b) => a.from - b.from)) {
    if (gap.from > at) runs.push({ bytes, from: at, to: gap.from });
    if (gap.isDead) deadInGaps++;
    at = gap.to;
  }
  if (to > at) runs.push({ bytes, from: at, to });
  return { stampBytes: bytes, stampAt, runs, count: count - gaps.length, dead: dead - deadInGaps };
}

/** All that the delta does not name, without the tombstones that the new floor stands for. */
function above(floor: Stamp, replica: Live, delta: Delta): Plan[] {
  const entries = entriesOf(replica);
  for (const name of delta.fields.keys()) entries.delete(latin1Of(name));
  const kept = [...entries.values()].filter(({ isDead, stamp }) => !isDead || compareStamps(stamp, floor) > 0);
  return plansFrom(kept, replica.stamps.begun);
}

function byName(a: Fresh, b: Fresh): number {
  return a.name < b.name ? -1 : 1;
}

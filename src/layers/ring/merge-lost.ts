/**
 * Which values were lost in a merge: not those that were overwritten by somebody who had seen them, but those that nobody had.
 *
 * A stamp tells what is later, not what was known. So each replica carries the traces of its last commits, four bytes each, and
 * where these tell the same story at first and then another one, the rest of either story was written without the other. With
 * more than fifteen commits since then the beginning is not there any more: all is counted that is later than the last
 * thing in common. A replica that is so far behind, and ahead in nothing, is taken for one that was merely away: that is what
 * repair meets all day.
 *
 * Rejected: a version vector (see replica.ts); telling every value that loses (a node that comes back would report
 * thousands); telling only what is certain (the hot field of a session, written on both sides, is the case that matters).
 */
import type { Live } from './replica.js';
import { entriesOf, groupStamp, textOf, valueIn } from './replica-fields.js';
import { TRACE_BYTES } from './replica-layout.js';
import { compareStamps, isMergeTrace, type Stamp, traceOf } from './stamp.js';

/** Names of fields whose value in `from` is not in `merged`, and was not known to `other`. `isAhead`: something else of it is in there. */
export function lostOf(from: Live, other: Live, merged: Live, isAhead: boolean): string[] {
  const isUnseen = unseenBy(from, other, isAhead);
  if (isUnseen === null) return [];
  const now = entriesOf(merged);
  const lost: string[] = [];
  for (const entry of entriesOf(from).values()) {
    if (entry.isDead || !isUnseen(entry.stamp)) continue;
    const present = now.get(entry.name);
    const isThere = present !== undefined && !present.isDead && valueIn(present).equals(valueIn(entry));
    if (!isThere) lost.push(textOf(entry.name));
  }
  return lost;
}

/** Whether `later` was made of `earlier`. Undefined: that is longer ago than its lineage knows, or came in by a merge, which tells of one side only. */
export function isMadeOf(later: Live, earlier: Live): boolean | undefined {
  const { version } = earlier.head;
  if (later.head.version <= version) return false;
  if (version <= lowOf(later) || version <= lowOf(earlier)) return undefined;
  if (traceAt(later, version) === traceAt(earlier, version)) return true;
  for (let next = version + 1; next <= later.head.version; next++)
    if (isMergeTrace(traceAt(later, next))) return undefined;
  return false;
}

/** Tells of a stamp in `from` whether `other` was written without it. Null: `from` is an ancestor. */
function unseenBy(from: Live, other: Live, isAhead: boolean): ((stamp: Stamp) => boolean) | null {
  const low = Math.max(lowOf(from), lowOf(other));
  const high = Math.min(from.head.version, other.head.version);
  const shared = sharedUpTo(from, other, low, high);
  if (shared === from.head.version && high > low) return null;
  if (high <= low && !isAhead && from.head.version < other.head.version) return null;
  const common = lastInCommon(from, other);
  const isAfter = (stamp: Stamp): boolean => common === undefined || compareStamps(stamp, common) > 0;
  if (shared === low) return isAfter;
  const own = new Set<number>();
  for (let version = shared + 1; version <= from.head.version; version++) own.add(traceAt(from, version));
  return (stamp) => own.has(traceOf(stamp)) && isAfter(stamp);
}

/** The version before the first commit that the lineage knows. */
function lowOf({ head, lineage }: Live): number {
  return head.version - lineage.length / TRACE_BYTES;
}

/** Of the commit that made this version; it must be one that the lineage knows. */
function traceAt(replica: Live, version: number): number {
  const { lineage } = replica;
  const at = TRACE_BYTES * (version - lowOf(replica) - 1);
  return ((lineage[at]! << 24) | (lineage[at + 1]! << 16) | (lineage[at + 2]! << 8) | lineage[at + 3]!) >>> 0;
}

/** The last version between the two up to which both had the same commits. */
function sharedUpTo(a: Live, b: Live, low: number, high: number): number {
  let version = low;
  while (version < high && traceAt(a, version + 1) === traceAt(b, version + 1)) version++;
  return version;
}

/** The latest stamp that both have. */
function lastInCommon(a: Live, b: Live): Stamp | undefined {
  let last: Stamp | undefined;
  for (const stamp of stampsOf(a)) {
    const isLater = last === undefined || compareStamps(stamp, last) > 0;
    if (isLater && stampsOf(b).some((other) => compareStamps(stamp, other) === 0)) last = stamp;
  }
  return last;
}

function stampsOf(replica: Live): Stamp[] {
  const { stamps, groups } = replica;
  return [stamps.begun, stamps.proof, stamps.lifetime, ...groups.map((group) => groupStamp(replica, group))];
}

/**
 * Stamps: which of two writes came later, told the same way by everybody who compares them.
 *
 * Twelve bytes: 48 bits of milliseconds, a 16-bit counter for what happens within one of them, 32 bits that name the writer. All big-endian,
 * so the order of stamps is the order of their bytes, for a comparison in C, in a Redis script or in an index. The generation
 * of the session comes before all of that in the order; it stands once in a replica, because nothing of an older one is in it.
 *
 * Two writers that drew the same name (one in four thousand million) may make the same stamp: then the content decides (merge.ts).
 * Rejected: a counter in one node (it cannot order what two nodes accept in a partition); the wall clock alone (two writes of
 * one process in a millisecond, and clocks that step back); numbers of 64 bits (BigInt costs ten times as much).
 */

/** Not to be changed: replicas hand out views of themselves. */
export type Stamp = Uint8Array;

export const STAMP_BYTES = 12;
const MS_BYTES = 6;
const COUNTER_AT = MS_BYTES;
const WRITER_AT = 8;

/** The last millisecond that a stamp can name belongs to nobody, so that there is always a later one. */
export const LAST_MS: number = 2 ** 48 - 2;
export const LAST_COUNTER = 0xffff;

export function stampOf(ms: number, counter: number, writer: number): Buffer {
  const stamp = Buffer.allocUnsafe(STAMP_BYTES);
  stamp.writeUIntBE(ms, 0, MS_BYTES);
  stamp.writeUInt16BE(counter, COUNTER_AT);
  stamp.writeUInt32BE(writer, WRITER_AT);
  return stamp;
}

export function msOf(stamp: Stamp): number {
  const low = ((stamp[2]! << 24) | (stamp[3]! << 16) | (stamp[4]! << 8) | stamp[5]!) >>> 0;
  return (stamp[0]! * 0x100 + stamp[1]!) * 2 ** 32 + low;
}

export function counterOf(stamp: Stamp): number {
  return stamp[COUNTER_AT]! * 0x100 + stamp[COUNTER_AT + 1]!;
}

/** Below zero when `a` is the earlier one. The two mostly differ in their first bytes or not at all. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a === b) return 0;
  for (let i = 0; i < STAMP_BYTES; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

export function laterStamp(a: Stamp, b: Stamp): Stamp {
  return compareStamps(a, b) >= 0 ? a : b;
}

/** 31 bits that say of a stamp that it is hardly another one, and a last one for merges (`mergeTraceOf`). */
export function traceOf(stamp: Stamp): number {
  let mixed = 0x811c_9dc5;
  for (let i = 0; i < STAMP_BYTES; i++) mixed = Math.imul(mixed ^ stamp[i]!, 0x0100_0193);
  return (mixed & ~1) >>> 0;
}

/** What a merge leaves in place of a commit: of the two that it was made of, the lineage tells only one. */
export function mergeTraceOf(newest: Stamp): number {
  return (traceOf(newest) | 1) >>> 0;
}

/** What a higher version leaves that is no commit and no merge. */
export function nextTraceOf(newest: Stamp): number {
  return (traceOf(newest) + 2) >>> 0;
}

export function isMergeTrace(trace: number): boolean {
  return (trace & 1) === 1;
}

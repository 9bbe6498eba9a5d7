/**
 * From a list of nodes to the owners of every slot, in three steps of which each is exact by itself: how many (quota.ts), which
 * nodes (copies.ts), in which order (homes.ts).
 *
 * Copies are settled before homes because a copy is data and a home is a word: the first step decides what has to travel, and
 * the second only who answers first.
 */
import { type Placing, placeCopies, VACANT } from './copies.js';
import { placeHomes } from './homes.js';
import { type RingNode, SLOTS } from './nodes.js';
import { slotOrder } from './order.js';
import { type Quotas, quotas } from './quota.js';

/** The owners of each slot, by number in the list of nodes: `width` entries a slot, the home first. */
export interface Owners {
  readonly width: number;
  readonly entries: Uint8Array;
}

export interface Placed {
  readonly owners: Owners;
  readonly quotas: Quotas;
}

/** `kept(slot)` are the owners that a slot has had, by number in `nodes`, VACANT for those that are gone; the home first. */
export function place(
  nodes: readonly RingNode[],
  copies: number,
  epoch: number,
  kept?: { readonly width: number; readonly entries: Int16Array },
): Placed {
  const share = quotas(nodes, copies);
  const placing: Placing = {
    quotas: share,
    nodes: nodes.length,
    owners: new Int16Array(SLOTS * share.owners).fill(VACANT),
    homes: new Int16Array(SLOTS).fill(VACANT),
    order: slotOrder(epoch),
  };
  if (kept) keep(placing, kept);
  placeCopies(placing);
  placeHomes(placing);
  return { owners: { width: share.owners, entries: Uint8Array.from(placing.owners) }, quotas: share };
}

/**
 * Takes over what may stay. Where a slot has too many owners, or too many of one zone, the node that has most above its quota lets go
 * of it; of equal ones, the one that stands further back.
 */
function keep(placing: Placing, kept: { readonly width: number; readonly entries: Int16Array }): void {
  const { quotas: share, owners, homes, order } = placing;
  const surplus = share.copies.map((copies) => -copies);
  for (const node of kept.entries) if (node !== VACANT) surplus[node]!++;
  for (const slot of order) {
    const before = kept.entries.subarray(slot * kept.width, (slot + 1) * kept.width);
    const row = [...before];
    for (let tooMany = crowd(row, share); tooMany.length > 0; tooMany = crowd(row, share)) {
      const loser = tooMany.reduce((a, b) => (surplus[row[b]!]! >= surplus[row[a]!]! ? b : a));
      surplus[row[loser]!]!--;
      row[loser] = VACANT;
    }
    homes[slot] = row[0]!;
    // Each stays in its place where there is one, so that an unchanged slot keeps its order.
    const rest = row.length > share.owners ? row.filter((node) => node !== VACANT) : row;
    for (const [k, node] of rest.entries()) owners[slot * share.owners + k] = node;
  }
}

/** The places of a slot of which one has to go: those of a zone that has too many, or all of them. */
function crowd(row: readonly number[], share: Quotas): number[] {
  const taken = row.flatMap((node, k) => (node === VACANT ? [] : k));
  const crowded = taken.filter(
    (k) => taken.filter((j) => share.zones[row[j]!] === share.zones[row[k]!]).length > share.perZone,
  );
  if (crowded.length > 0) return crowded;
  return taken.length > share.owners ? taken : [];
}

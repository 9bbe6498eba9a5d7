/**
 * A table, ready for lookups: from an id to its nodes, the home first.
 *
 * One frozen list for each combination of owners that occurs, made once; a lookup reads three characters and one array. So it
 * allocates nothing, however often it is asked, and no caller can spoil the list of another. A ring never changes: a resize holds
 * two of them.
 *
 * A lookup takes about 10 ns (bench/ring.ts): more than 90 times as fast as npm hashring's, with the copies in the answer.
 */
import { type RingNode, SLOTS } from './nodes.js';
import { slotOf, slotOfDigest } from './slot.js';
import { fingerprint, type RingTable } from './table.js';

/** `N` is whatever stands for a node: by default its name. */
export interface Ring<N = string> {
  readonly table: RingTable;
  /** SHA-256 of the table in hex: processes with the same one agree on every session's place. */
  readonly fingerprint: string;
  /** The slot of a session's id. */
  slotOf(id: string): number;
  /** The owners of a session in the order in which they are asked: the home first. The same frozen list each time. */
  nodesFor(id: string): readonly N[];
  /** The owners of a slot, the home first. */
  nodesOf(slot: number): readonly N[];
}

/** The ring of a table. `handle` says what stands for a node in the lists, such as a connection. */
export function ringOf(table: RingTable): Ring;
export function ringOf<N>(table: RingTable, handle: (node: RingNode) => N): Ring<N>;
export function ringOf(table: RingTable, handle: (node: RingNode) => unknown = ({ name }) => name): Ring<unknown> {
  const lists = preferenceLists(table, table.nodes.map(handle));
  const nodesOf = (slot: number) => lists[slot]!;
  const shared = { table, fingerprint: fingerprint(table), nodesOf };
  return table.routing === 'sha256'
    ? { ...shared, slotOf: slotOfDigest, nodesFor: (id) => lists[slotOfDigest(id)]! }
    : { ...shared, slotOf, nodesFor: (id) => lists[slotOf(id)]! };
}

/** One list for each combination of owners, and each slot's place in it. */
function preferenceLists<N>({ owners: { width, entries } }: RingTable, handles: readonly N[]): (readonly N[])[] {
  const known = new Map<string, readonly N[]>();
  return Array.from({ length: SLOTS }, (_, slot) => {
    const row = entries.subarray(slot * width, (slot + 1) * width);
    const name = row.join();
    const list = known.get(name) ?? Object.freeze(Array.from(row, (node) => handles[node]!));
    known.set(name, list);
    return list;
  });
}

/**
 * The first table, from the list of nodes alone.
 *
 * Processes that start together compute the same bytes without a word between them: nothing goes in but names, weights, zones
 * and the number of copies, and the order of the list does not matter. About 50 ms for ten nodes and two copies, 0.2 to 0.4 s for a
 * hundred, so it may be done at start.
 */
import { checkedCopies, checkedNodes, type NodeSpec } from './nodes.js';
import { place } from './plan.js';
import type { Warning } from './quota.js';
import type { Routing } from './slot.js';
import type { RingTable } from './table.js';

export interface RingPlan {
  readonly table: RingTable;
  /** Where the nodes cannot have what their weights ask for, and which. */
  readonly warnings: readonly Warning[];
}

export interface FirstTableOptions {
  /** How many nodes hold each session. 1 to 5. */
  readonly copies: number;
  /** Default `id-bits`. */
  readonly routing?: Routing;
}

const FIRST_EPOCH = 1;

/** @example firstTable([{ name: 'a', weight: 15 }, { name: 'b', weight: 20 }, { name: 'c', weight: 10 }], { copies: 2 }).table */
export function firstTable(specs: readonly NodeSpec[], options: FirstTableOptions): RingPlan {
  const nodes = checkedNodes(specs);
  const copies = checkedCopies(options.copies);
  const { owners, quotas } = place(nodes, copies, FIRST_EPOCH);
  const table = { copies, epoch: FIRST_EPOCH, nodes, owners, routing: options.routing ?? 'id-bits' };
  return { table, warnings: quotas.warnings };
}

/**
 * The next table: the previous one, and what has changed. As little as possible moves, and the quotas are exact again.
 *
 * What goes in is the whole list of nodes as it is to be, so a change is a join, a leave, a new weight, a drain (weight 0), a
 * new number of copies, or several of these at once. The same list again changes nothing. Only a remembered table has both exact
 * weights and minimal movement; a function of the node list alone has to choose. Times are those of a first table, or less.
 */
import type { RingPlan } from './first-table.js';
import { checkedCopies, checkedNodes, type NodeSpec } from './nodes.js';
import { place } from './plan.js';
import type { RingTable } from './table.js';

export interface NextTableOptions {
  /** Default: as before. */
  readonly copies?: number;
}

/** The table that follows `previous` when the nodes are to be these. */
export function nextTable(previous: RingTable, specs: readonly NodeSpec[], options: NextTableOptions = {}): RingPlan {
  const nodes = checkedNodes(specs);
  const copies = checkedCopies(options.copies ?? previous.copies);
  const epoch = previous.epoch + 1;
  const now = previous.nodes.map(({ name }) => nodes.findIndex((node) => node.name === name && node.weight > 0));
  const entries = Int16Array.from(previous.owners.entries, (node) => now[node]!);
  const { owners, quotas } = place(nodes, copies, epoch, { width: previous.owners.width, entries });
  return { table: { copies, epoch, nodes, owners, routing: previous.routing }, warnings: quotas.warnings };
}

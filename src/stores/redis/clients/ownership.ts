/**
 * The masters of a cluster, proved to be all of them.
 *
 * A cluster client learns the shape of its cluster at the start and from MOVED replies, so its list of masters may be old: after a
 * failover it has a server that is a replica now, and lacks the one that took over. A SCAN over such a list would leave out sessions in
 * silence. So every master of the list is asked for its own slots, and the list counts only when these are all slots that
 * are owned at all. Comparing addresses was rejected: they differ where clients reach servers under other names.
 */
import type { Node, Reply } from '../door.js';
import { shapeUnknown } from './trouble.js';

/** How often a list is refreshed before we say that the cluster is changing. */
const ATTEMPTS = 3;

/** @param refresh has the client learn the cluster's shape anew */
export async function provedMasters(
  list: () => Promise<readonly Node[]>,
  refresh: () => Promise<unknown>,
): Promise<readonly Node[]> {
  let cause: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await refresh();
    try {
      const nodes = await list();
      const views = await Promise.all(nodes.map((node) => node.send(['CLUSTER', 'NODES']).then(viewOf)));
      const owned = views.reduce((sum, view) => sum + view.own, 0);
      const needed = Math.max(1, ...views.map((view) => view.all));
      if (owned >= needed) return nodes.filter((_, i) => (views[i]?.own ?? 0) > 0);
    } catch (error) {
      cause = error;
    }
  }
  throw shapeUnknown(cause);
}

interface View {
  /** How many slots the node that answered owns. */
  readonly own: number;
  /** How many slots have an owner, as it sees it. */
  readonly all: number;
}

/** CLUSTER NODES: one line per node, `<id> <address> <flags> <master> <ping> <pong> <epoch> <link> <slot> <first>-<last> [moving]`. */
function viewOf(reply: Reply): View {
  const lines = String(reply)
    .split('\n')
    .map((line) => line.split(' '));
  const own = lines.filter(([, , flags]) => flags?.split(',').includes('myself'));
  return { own: slotsOf(own), all: slotsOf(lines) };
}

function slotsOf(lines: readonly (readonly string[])[]): number {
  return lines.flatMap((line) => line.slice(8)).reduce((sum, range) => sum + sizeOf(range), 0);
}

function sizeOf(range: string): number {
  const match = /^(\d+)(?:-(\d+))?$/.exec(range);
  return match ? Number(match[2] ?? match[1]) - Number(match[1]) + 1 : 0; // the rest are slots on the move: `[93-<-...]`
}

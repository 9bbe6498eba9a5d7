/**
 * A ring of stores that keep no cells: one copy, at its home, by the plain verbs.
 *
 * There is nothing to decide and nothing to repair; a home that is down is down for its sessions, and for no others. So this is
 * routing and no more, and answers come as the stores give them, at once where they do. Such a ring cannot be
 * resized: nothing stops a server that has the older table.
 */
import type {
  Celled,
  Delta,
  Ended,
  Head,
  Indexed,
  Listable,
  Store,
  Stored,
  Sweepable,
  Watchable,
  Watcher,
} from '../../contract.js';
import type { Ring } from '../../ring/ring.js';
import { listenToAll, watchAll } from './watch.js';

export type Able = Store & Partial<Indexed & Listable & Sweepable & Watchable & Celled>;

/** Whatever names the home of a session first. */
export type Placing = Pick<Ring<Able>, 'nodesFor'>;

/** The verbs, and those abilities that all nodes have. */
export function plainRing(ring: Placing, nodes: readonly Able[]): Omit<Store, 'name'> & Partial<Able> {
  const all = (ability: keyof Able): boolean => nodes.every((node) => typeof node[ability] === 'function');
  return {
    load: (id: string, atLeast?: number) => homeOf(ring, id).load(id, atLeast),
    create: (id: string, session: Stored) => homeOf(ring, id).create(id, session),
    commit: (id: string, delta: Delta) => homeOf(ring, id).commit(id, delta),
    destroy: (id: string) => homeOf(ring, id).destroy(id),
    ...(all('byUser') && { byUser: (user: string) => oneAfterTheOther(nodes, (node) => node.byUser!(user)) }),
    ...(all('list') && { list: () => oneAfterTheOther(nodes, (node) => node.list!()) }),
    ...(all('sweep') && { sweep: (limit: number) => sweepAll(nodes, limit) }),
    ...(all('watch') && {
      watch: (watcher: Watcher, everyMs: number) => watchAll(nodes as readonly Watchable[], watcher, everyMs),
      listen: (ended: (id: string, how: Ended) => void) => listenToAll(nodes as readonly Watchable[], ended),
    }),
  };
}

/** Removes up to `limit` expired entries on all nodes together. */
export async function sweepAll(nodes: readonly Partial<Sweepable>[], limit: number): Promise<number> {
  let removed = 0;
  for (const node of nodes) if (node.sweep && removed < limit) removed += await node.sweep(limit - removed);
  return removed;
}

function homeOf(ring: Placing, id: string): Able {
  return ring.nodesFor(id)[0]!;
}

async function* oneAfterTheOther(
  nodes: readonly Able[],
  walk: (node: Able) => AsyncIterable<readonly [id: string, head: Head]>,
): AsyncIterableIterator<readonly [id: string, head: Head]> {
  for (const node of nodes) yield* walk(node);
}

/**
 * A ring that runs, opened by the tool as one more process beside the application's servers, and closed again.
 *
 * The tool joins a ring and never begins one: a ring that is new gets its table and its marks from whoever opens it first, and a slip in
 * an address or a prefix must not make one. So the nodes are asked for the mark of a ring before anything else.
 */

import { SYNCED } from '../../layers/ring/control.js';
import { type RingStore, ring } from '../../layers/ring.js';
import { type RedisOptions, redis } from '../../stores/redis.js';
import type { Given } from '../arguments.js';
import { type Answer, isRefusal, type Refusal } from '../command.js';
import { quoted } from '../visible.js';
import { type Connection, installedClient } from './clients.js';
import { addressOf, type RingServers, serversGiven } from './servers.js';

export interface LiveRing {
  readonly store: RingStore<ReturnType<typeof redis>>;
  readonly servers: RingServers;
  /** The nodes' own stores, by name: for looking at the copies themselves. */
  readonly stores: ReadonlyMap<string, ReturnType<typeof redis>>;
}

/** Longer than an application waits: an operator may sit far away from the servers, and wants an answer rather than speed. */
const DEADLINE = '1s';

/** Opens the ring that was named, lets `work` have it, and closes it whatever happens. */
export async function withRing(
  given: Given,
  work: (live: LiveRing) => Promise<Answer | Refusal>,
): Promise<Answer | Refusal> {
  const servers = serversGiven(given);
  if (isRefusal(servers)) return servers;
  const connect = await installedClient();
  if ('refused' in connect) return connect;
  const connections = servers.nodes.map(({ url }) => connect(url));
  try {
    await Promise.all(connections.map(({ ready }) => ready));
    return await opened(servers, connections, work);
  } finally {
    for (const { close } of connections) close();
  }
}

async function opened(
  servers: RingServers,
  connections: readonly Connection[],
  work: (live: LiveRing) => Promise<Answer | Refusal>,
): Promise<Answer | Refusal> {
  const { copies, prefix, nodes } = servers;
  const stores = new Map(
    nodes.map(({ name }, i) => {
      const options: RedisOptions = prefix === undefined ? { name } : { name, prefix };
      return [name, redis(connections[i]!.client, options)] as const;
    }),
  );
  const problem = await nobodyThere(servers, stores);
  if (problem !== undefined) return { refused: problem };
  const store = ring(
    nodes.map(({ url: _, ...spec }) => ({ ...spec, store: stores.get(spec.name)! })),
    { copies, deadline: DEADLINE },
  );
  try {
    return await work({ store, servers, stores });
  } finally {
    await store.close();
  }
}

/** Why there is no ring to join. */
async function nobodyThere(
  { nodes, prefix }: RingServers,
  stores: ReadonlyMap<string, ReturnType<typeof redis>>,
): Promise<string | undefined> {
  const seen = await Promise.allSettled([...stores.values()].map(async (store) => store.cells!.read(SYNCED)));
  if (seen.some((one) => one.status === 'fulfilled' && one.value !== null)) return undefined;
  const silent = nodes.filter((_, i) => seen[i]!.status === 'rejected');
  if (silent.length === nodes.length) {
    const named = silent.map(({ name, url }) => `${name} at ${addressOf(url)}`).join(', ');
    return `none of the nodes answers (${named}); look at the addresses, and at the password if there is one`;
  }
  const under = prefix === undefined ? 'under the usual prefix' : `under the prefix ${quoted(prefix)}`;
  return `there is no ring on these nodes ${under}; it begins when a server of the application opens it for the first time. Look at --prefix and at the addresses`;
}

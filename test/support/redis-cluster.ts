/**
 * A Redis Cluster of one's own: three masters, with replicas if asked for, on loopback.
 *
 * Slots are dealt out and nodes introduced by hand, which is what `redis-cli --cluster create` does, without needing it. A cluster
 * is ready when every node says `cluster_state:ok` and knows all others; Redis itself waits two seconds before it says so. Nodes
 * are ordinary servers of ./redis.ts: kill, freeze and restart them one by one.
 */
import { freePort } from './ports.js';
import { type RedisServer, startServer, until } from './redis.js';

export interface RedisCluster {
  /** Those that were given slots at the start, in the order of the slots: 0-5460, 5461-10922, 10923-16383. */
  readonly masters: readonly RedisServer[];
  /** `replicas[i]` follow `masters[i]`. */
  readonly replicas: readonly (readonly RedisServer[])[];
  readonly nodes: readonly RedisServer[];
  /** The master that had this key's slot at the start. */
  ownerOf(key: string): Promise<RedisServer>;
  /** A key that belongs to the given master: `<name>:<some number>`. */
  keyOn(master: number, name?: string): Promise<string>;
}

export interface ClusterOptions {
  readonly replicasPerMaster?: number;
  /** Milliseconds until a silent node counts as failed. Default 2000. */
  readonly nodeTimeout?: number;
  /** Added to each node's command line. */
  readonly args?: readonly string[];
}

/** The last slot of each master. */
const LAST_SLOTS = [5460, 10922, 16383] as const;

/** Starts a fresh cluster and resolves when all of it agrees that it works (about three seconds). Use under `need('redis')`. */
export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const { replicasPerMaster = 0 } = options;
  const started = await Promise.all(
    Array.from({ length: LAST_SLOTS.length * (1 + replicasPerMaster) }, () => startNode(options)),
  );
  const masters = started.slice(0, LAST_SLOTS.length);
  const replicas = masters.map((_, i) =>
    started.slice(LAST_SLOTS.length).filter((_, n) => n % LAST_SLOTS.length === i),
  );
  await dealSlots(masters);
  await introduce(started);
  await Promise.all(masters.flatMap((master, i) => (replicas[i] ?? []).map((replica) => follow(replica, master))));
  await until('the cluster state is ok on every node', async () =>
    (await Promise.all(started.map(isOk))).every(Boolean),
  );
  return new Cluster(
    masters.map(({ server }) => server),
    replicas.map((group) => group.map(({ server }) => server)),
  );
}

interface Started {
  readonly server: RedisServer;
  readonly bus: number;
}

async function startNode({ nodeTimeout = 2000, args = [] }: ClusterOptions): Promise<Started> {
  let bus = 0;
  const server = await startServer(async (port, folder) => {
    bus = await freePort();
    return [
      ...['--port', String(port), '--cluster-port', String(bus), '--bind', '127.0.0.1', '--dir', folder],
      ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
      ...['--cluster-node-timeout', String(nodeTimeout)],
      ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning', '--repl-diskless-sync-delay', '0'],
      ...args,
    ];
  });
  return { server, bus };
}

async function dealSlots(masters: readonly Started[]): Promise<void> {
  await Promise.all(
    masters.map(async ({ server }, i) => {
      await server.raw('CLUSTER', 'ADDSLOTSRANGE', (LAST_SLOTS[i - 1] ?? -1) + 1, LAST_SLOTS[i] ?? 0);
      await server.raw('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    }),
  );
}

/** The first node meets all others; the rest they tell each other. */
async function introduce(nodes: readonly Started[]): Promise<void> {
  const [first, ...others] = nodes;
  for (const { server, bus } of others) await first?.server.raw('CLUSTER', 'MEET', '127.0.0.1', server.port, bus);
  await until('all nodes know each other', async () => {
    const known = await Promise.all(nodes.map(({ server }) => clusterInfo(server, 'cluster_known_nodes')));
    return known.every((count) => Number(count) === nodes.length);
  });
}

async function follow(replica: Started, master: Started): Promise<void> {
  const id = await master.server.raw('CLUSTER', 'MYID');
  await until('the replica knows its master', async () => {
    await replica.server.raw('CLUSTER', 'REPLICATE', String(id));
    return true;
  });
  await until('the replica is in step', async () =>
    String(await replica.server.raw('INFO', 'replication')).includes('master_link_status:up'),
  );
}

async function isOk({ server }: Started): Promise<boolean> {
  return (await clusterInfo(server, 'cluster_state')) === 'ok';
}

async function clusterInfo(server: RedisServer, field: string): Promise<string | undefined> {
  return new RegExp(`^${field}:(\\S+)`, 'm').exec(String(await server.raw('CLUSTER', 'INFO')))?.[1];
}

class Cluster implements RedisCluster {
  readonly masters: readonly RedisServer[];
  readonly replicas: readonly (readonly RedisServer[])[];

  constructor(masters: readonly RedisServer[], replicas: readonly (readonly RedisServer[])[]) {
    this.masters = masters;
    this.replicas = replicas;
  }

  get nodes(): readonly RedisServer[] {
    return [...this.masters, ...this.replicas.flat()];
  }

  async ownerOf(key: string): Promise<RedisServer> {
    const slot = Number(await this.masters[0]?.raw('CLUSTER', 'KEYSLOT', key));
    return this.masters[LAST_SLOTS.findIndex((last) => slot <= last)] as RedisServer;
  }

  async keyOn(master: number, name = 'key'): Promise<string> {
    for (let n = 0; ; n++) {
      const key = `${name}:${n}`;
      if ((await this.ownerOf(key)) === this.masters[master]) return key;
    }
  }
}

/**
 * A Sentinel group of one's own: a master, a replica, and three sentinels that watch them, on loopback.
 *
 * It is ready when the sentinels have a quorum and know the replica (about two seconds). Kill the master and the replica takes
 * over some 1.2 seconds later. Sentinels are the same program with another configuration, so they too can be killed and frozen.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RedisServer, startServer, until } from './redis.js';

export interface RedisSentinel {
  /** What clients ask for: `mymaster`. */
  readonly name: string;
  readonly sentinels: readonly RedisServer[];
  /** Master and replica as they began. */
  readonly master: RedisServer;
  readonly replica: RedisServer;
  /** The one that the sentinels call master now. */
  current(): Promise<RedisServer>;
  /** Resolves when the sentinels call this one master, and it takes writes. */
  becameMaster(server: RedisServer): Promise<void>;
}

const NAME = 'mymaster';
const SENTINELS = 3;

/** Starts a fresh group. `args` go to master and replica. Use under `need('redis')`. */
export async function startRedisSentinel(options: { readonly args?: readonly string[] } = {}): Promise<RedisSentinel> {
  const shared = ['--repl-diskless-sync-delay', '0', ...(options.args ?? [])];
  const master = await startServer(shared);
  const [replica, ...sentinels] = await Promise.all([
    startServer([...shared, '--replicaof', '127.0.0.1', String(master.port)]),
    ...Array.from({ length: SENTINELS }, () => startSentinel(master.port)),
  ]);
  const group = new Group(master, replica, sentinels);
  await until('the sentinels agree', async () => (await Promise.all(sentinels.map(isInformed))).every(Boolean));
  return group;
}

function startSentinel(masterPort: number): Promise<RedisServer> {
  return startServer((port, folder) => {
    const file = join(folder, 's.conf'); // it must be a file: sentinels write down what they learn
    writeFileSync(
      file,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir ${folder}`,
        `sentinel monitor ${NAME} 127.0.0.1 ${masterPort} 2`,
        `sentinel down-after-milliseconds ${NAME} 500`,
        `sentinel failover-timeout ${NAME} 2000`,
        `sentinel parallel-syncs ${NAME} 1`,
        '',
      ].join('\n'),
    );
    return [file, '--sentinel'];
  });
}

/** It sees enough other sentinels to decide with, and it knows the replica and that it may be promoted. */
async function isInformed(sentinel: RedisServer): Promise<boolean> {
  await sentinel.raw('SENTINEL', 'CKQUORUM', NAME); // an error until there is one
  const [master, replicas] = await Promise.all([
    sentinel.raw('SENTINEL', 'MASTER', NAME),
    sentinel.raw('SENTINEL', 'REPLICAS', NAME),
  ]);
  const others = fieldOf(master, 'num-other-sentinels');
  const link = Array.isArray(replicas) ? fieldOf(replicas[0], 'master-link-status') : undefined;
  return others === String(SENTINELS - 1) && link === 'ok';
}

function fieldOf(pairs: unknown, name: string): unknown {
  return Array.isArray(pairs) ? pairs[pairs.indexOf(name) + 1] : undefined;
}

class Group implements RedisSentinel {
  readonly name = NAME;
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly sentinels: readonly RedisServer[];

  constructor(master: RedisServer, replica: RedisServer, sentinels: readonly RedisServer[]) {
    this.master = master;
    this.replica = replica;
    this.sentinels = sentinels;
  }

  async current(): Promise<RedisServer> {
    const answers = await Promise.allSettled(
      this.sentinels.map((sentinel) => sentinel.raw('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME)),
    );
    const ports = answers.map((answer) =>
      answer.status === 'fulfilled' && Array.isArray(answer.value) ? Number(answer.value[1]) : undefined,
    );
    const named = (server: RedisServer) => ports.filter((port) => port === server.port).length;
    return named(this.replica) > named(this.master) ? this.replica : this.master;
  }

  async becameMaster(server: RedisServer): Promise<void> {
    await until(`port ${server.port} is the master`, async () => {
      if ((await this.current()) !== server) return false;
      return Array.isArray(await server.raw('ROLE')) && String(await server.raw('ROLE')).startsWith('master');
    });
  }
}

/** The Redis store on real servers, a cluster and a group with sentinels: the promises of every store, with every client. */
import { need } from '../../test/support/needs.js';
import { startRedis } from '../../test/support/redis.js';
import { type ConnectedClient, redisClients } from '../../test/support/redis-clients.js';
import { startRedisCluster } from '../../test/support/redis-cluster.js';
import { type MakeStore, storeKit } from '../testing/store-kit.js';
import { redis } from './redis.js';

const { describe, test } = need('redis');
const mustHave = ['byUser', 'list'] as const;

let stores = 0;

/** Each store of a kit has a prefix of its own on the one server of that kit. */
function fresh(connect: () => Promise<ConnectedClient>, clock: 'given' | 'own' = 'given'): MakeStore {
  const connected = once(connect);
  return async ({ now }) =>
    redis((await connected()).client, { prefix: `kit:${stores++}:`, ...(clock === 'given' && { now }) });
}

/** Starts what a group of tests shares when the first of them asks for it. */
function once<T>(start: () => Promise<T>): () => Promise<T> {
  let started: Promise<T> | undefined;
  return () => {
    started ??= start();
    return started;
  };
}

const server = once(() => startRedis());
for (const [i, { name, connect }] of redisClients.single.entries()) {
  const options = { mustHave, races: i === 0 ? 100 : 20, parallel: i === 0 ? 100 : 40 };
  storeKit(
    { describe, test },
    fresh(async () => connect(await server())),
    { name: `one server, ${name}`, ...options },
  );
}
storeKit(
  { describe, test },
  fresh(async () => redisClients.single[0]!.connect(await server()), 'own'),
  {
    name: 'one server, by its own clock',
    clock: 'own',
    patienceMs: 2000,
    mustHave,
    races: 20,
  },
);

const cluster = once(() => startRedisCluster());
for (const [i, { name, connect }] of redisClients.cluster.entries()) {
  const options = { mustHave, races: i === 0 ? 100 : 20, parallel: 40 };
  storeKit(
    { describe, test },
    fresh(async () => connect(await cluster())),
    { name: `a cluster, ${name}`, ...options },
  );
}

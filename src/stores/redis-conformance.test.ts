/** The promises of every store, with every client: on one server, on a cluster, and on a group with sentinels that loses its master. */
import { runs } from '../../test/support/exam.js';
import { need } from '../../test/support/needs.js';
import { startRedis, until } from '../../test/support/redis.js';
import { type ConnectedClient, redisClients } from '../../test/support/redis-clients.js';
import { startRedisCluster } from '../../test/support/redis-cluster.js';
import { startRedisSentinel } from '../../test/support/redis-sentinel.js';
import { type MakeStore, storeKit } from '../testing/store-kit.js';
import { redis } from './redis.js';

const { describe, test } = need('redis');
const kit = { mustHave: ['byUser', 'list'] as const, races: runs(20, 200), parallel: 40 };

let prefixes = 0;

/** Stores with a prefix each, through one client. */
function stores(connected: () => Promise<ConnectedClient>, clock: 'given' | 'own' = 'given'): MakeStore {
  return async ({ now }) =>
    redis((await connected()).client, { prefix: `kit:${prefixes++}:`, ...(clock === 'given' && { now }) });
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
for (const { name, connect } of redisClients.single) {
  const fresh = stores(once(async () => connect(await server())));
  storeKit({ describe, test }, fresh, { ...kit, name: `one server, ${name}` });
}
const own = stores(
  once(async () => redisClients.single[0]!.connect(await server())),
  'own',
);
storeKit({ describe, test }, own, {
  ...kit,
  name: 'one server, by its own clock',
  clock: 'own',
  patienceMs: 2000,
});

const cluster = once(() => startRedisCluster());
for (const { name, connect } of redisClients.cluster) {
  const fresh = stores(once(async () => connect(await cluster())));
  storeKit({ describe, test }, fresh, { ...kit, name: `a cluster, ${name}` });
}

const group = once(() => startRedisSentinel());
const bySentinel = redisClients.sentinel.map(({ name, connect }) => ({
  name,
  connected: once(async () => connect(await group())),
}));
for (const { name, connected } of bySentinel) {
  const fresh = stores(connected);
  storeKit({ describe, test }, fresh, { ...kit, name: `sentinels, ${name}` });
}

test('when the master dies, every client finds the new one', async () => {
  const sentinels = await group();
  const open = await Promise.all(bySentinel.map(({ connected }) => connected()));
  await sentinels.master.kill();
  await sentinels.becameMaster(sentinels.replica);
  for (const { client } of open) {
    const store = redis(client, { prefix: 'after:' });
    await until('the client has found the new master', () => store.check!().then(() => true));
  }
}, 60_000);

for (const { name, connected } of bySentinel) {
  const fresh = stores(connected);
  storeKit({ describe, test }, fresh, { ...kit, name: `sentinels after a failover, ${name}` });
}

/** The promises of every store, with every client: on one server, on a cluster, and on a group with sentinels that loses its master. */
import { runs } from '../../test/support/exam.js';
import { need } from '../../test/support/needs.js';
import { type RedisServer, startRedis, until } from '../../test/support/redis.js';
import { type ConnectedClient, redisClients } from '../../test/support/redis-clients.js';
import { startRedisCluster } from '../../test/support/redis-cluster.js';
import { startRedisSentinel } from '../../test/support/redis-sentinel.js';
import { type MakeStore, type StoreKitOptions, storeKit } from '../testing/store-kit.js';
import { redis } from './redis.js';

const { describe, test } = need('redis');
const races = { races: runs(20, 200), parallel: 40 };
const kit = { ...races, mustHave: ['byUser', 'list', 'watch', 'listen', 'cells'] as const };
/** Nodes of a ring are servers, not clusters. */
const clusterKit = { ...races, mustHave: ['byUser', 'list', 'watch', 'listen'] as const };

let prefixes = 0;

/** Stores with a prefix each, through one client; and, as in another process, one more with the prefix of the last. */
function stores(connected: () => Promise<ConnectedClient>, clock: 'given' | 'own' = 'given') {
  const open: MakeStore = async ({ now }) =>
    redis((await connected()).client, { prefix: `kit:${prefixes}:`, ...(clock === 'given' && { now }) });
  const fresh: MakeStore = (context) => {
    prefixes++;
    return open(context);
  };
  return { fresh, another: open };
}

/** Cuts the connections over which changes are heard, on these servers. */
function cutting(servers: () => Promise<readonly RedisServer[]>): Pick<StoreKitOptions, 'cutLinks'> {
  return {
    async cutLinks() {
      for (const server of await servers()) {
        const clients = String(await server.raw('CLIENT', 'LIST')).split('\n');
        // Flag `t`: it is told of changes.
        const links = clients.map((line) => /^id=(\d+) .*flags=\w*t/.exec(line)?.[1]).filter((id) => id !== undefined);
        for (const id of links) await server.raw('CLIENT', 'KILL', 'ID', id);
      }
    },
  };
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
const onServer = cutting(async () => [await server()]);
for (const { name, connect } of redisClients.single) {
  const { fresh, another } = stores(once(async () => connect(await server())));
  storeKit({ describe, test }, fresh, { ...kit, ...onServer, another, name: `one server, ${name}` });
}
const own = stores(
  once(async () => redisClients.single[0]!.connect(await server())),
  'own',
);
storeKit({ describe, test }, own.fresh, {
  ...kit,
  ...onServer,
  another: own.another,
  name: 'one server, by its own clock',
  clock: 'own',
  patienceMs: 2000,
});

const cluster = once(() => startRedisCluster());
const onCluster = cutting(async () => (await cluster()).masters);
for (const { name, connect } of redisClients.cluster) {
  const { fresh, another } = stores(once(async () => connect(await cluster())));
  storeKit({ describe, test }, fresh, { ...clusterKit, ...onCluster, another, name: `a cluster, ${name}` });
}

const group = once(() => startRedisSentinel());
const bySentinel = redisClients.sentinel.map(({ name, connect }) => ({
  name,
  connected: once(async () => connect(await group())),
}));
for (const { name, connected } of bySentinel) {
  const { fresh, another } = stores(connected);
  storeKit({ describe, test }, fresh, { ...kit, another, name: `sentinels, ${name}` });
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
  const { fresh, another } = stores(connected);
  storeKit({ describe, test }, fresh, { ...kit, another, name: `sentinels after a failover, ${name}` });
}

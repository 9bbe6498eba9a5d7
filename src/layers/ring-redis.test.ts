/** The promises of every store, kept by a ring over Redis: three nodes, two copies, and another process beside. */
import { runs } from '../../test/support/exam.js';
import { need } from '../../test/support/needs.js';
import { type RedisServer, startRedis } from '../../test/support/redis.js';
import { type ConnectedClient, redisClients } from '../../test/support/redis-clients.js';
import { environment as real } from '../core/environment.js';
import { redis } from '../stores/redis.js';
import { type MakeStore, storeKit } from '../testing/store-kit.js';
import { ring } from './ring.js';

const { describe, test } = need('redis');

let started: Promise<readonly [RedisServer, ConnectedClient]> | undefined;
let places = 0;

/** The three nodes share a server: what a ring promises does not hang on where they are. */
const open: MakeStore = async ({ inner, ...environment }) => {
  started ??= startRedis().then(async (server) => [server, await redisClients.single[0]!.connect(server)] as const);
  const [, { client }] = await started;
  const nodes = ['a', 'b', 'c'].map((name) => {
    const store = redis(client, { prefix: `kit:${places}:${name}:`, now: environment.now, name });
    return { name, store: inner(store) };
  });
  // The kit sets the time; but two processes that begin a ring at once wait for each other, and that must end.
  return ring(nodes, { copies: 2, deadline: '10s', environment: { ...environment, every: real.every } });
};
const fresh: MakeStore = (context) => {
  places++;
  return open(context);
};

storeKit({ describe, test }, fresh, {
  name: 'a ring of Redis, copies: 2',
  races: runs(10, 100),
  parallel: 20,
  mustHave: ['byUser', 'list', 'watch'],
  another: open,
  async cutLinks() {
    const [server] = await started!;
    const lines = String(await server.raw('CLIENT', 'LIST')).split('\n');
    const links = lines.map((line) => /^id=(\d+) .*flags=\w*t/.exec(line)?.[1]).filter((id) => id !== undefined);
    for (const id of links) await server.raw('CLIENT', 'KILL', 'ID', id);
  },
});

/** The self-test names what is missing, on real servers with small rights, and warns of what is only dangerous. */

import { createClient } from 'redis';
import { expect } from 'vitest';
import { removeLater } from '../../../test/support/cleanup.js';
import { need } from '../../../test/support/needs.js';
import { type RedisServer, startRedis } from '../../../test/support/redis.js';
import { redisClients } from '../../../test/support/redis-clients.js';
import { startRedisCluster } from '../../../test/support/redis-cluster.js';
import type { Store } from '../../contract.js';
import { redis } from '../redis.js';

const { test } = need('redis');

/** All that the store needs, and nothing else. */
const ENOUGH = ['~app:*', '&app:ended'];
const COMMANDS =
  'get set exists del zadd pttl pexpire zscan zremrangebyscore zrem time eval evalsha scan info publish hello client';
const ALLOWED = COMMANDS.split(' ').map((name) => `+${name}`);

test('a Redis that can do everything is fine, and holds nothing afterwards', async () => {
  const server = await startRedis();
  for (const { connect } of redisClients.single) {
    const { client } = await connect(server);
    for (const now of [undefined, () => 5]) {
      expect(await redis(client, { prefix: 'app:', ...(now && { now }) }).check!()).toEqual([]);
    }
  }
  expect(await server.raw('DBSIZE')).toBe(0);
});

test('so is a cluster', async () => {
  const cluster = await startRedisCluster();
  for (const { connect } of redisClients.cluster) {
    const { client } = await connect(cluster);
    expect(await redis(client).check!()).toEqual([]);
  }
  for (const master of cluster.masters) expect(await master.raw('DBSIZE')).toBe(0);
});

test('a user with exactly the rights that the documentation lists is fine', async () => {
  const server = await startRedis();
  expect(await (await storeOf(server, [...ENOUGH, ...ALLOWED])).check!()).toEqual([]);
});

test.each(COMMANDS.split(' ').slice(0, 14))('a user who may not %s is told so', async (name) => {
  const server = await startRedis();
  const store = await storeOf(server, [...ENOUGH, ...ALLOWED, `-${name}`]);
  const said = `Session store redis could not use this Redis: its user may not use ${name.toUpperCase()}.`;
  await expect(store.check!()).rejects.toMatchObject({ code: 'SOJOURN_STORE', message: said });
});

test('a user of other keys is told which', async () => {
  const server = await startRedis();
  const store = await storeOf(server, ['~other:*', '&*', ...ALLOWED]);
  await expect(store.check!()).rejects.toThrow('its user may not use GET on keys that begin with app:');
});

test('a command that was renamed away is named', async () => {
  const server = await startRedis({ args: ['--rename-command', 'ZSCAN', ''] });
  const { client } = await redisClients.single[0]!.connect(server);
  await expect(redis(client).check!()).rejects.toThrow('it has no ZSCAN');
});

test('who may not publish is warned, and who may not look at INFO is asked to look', async () => {
  const server = await startRedis();
  const store = await storeOf(server, ['~app:*', ...ALLOWED, '-info']);
  expect(await store.check!()).toEqual([
    expect.stringContaining('does not let this user PUBLISH to app:ended'),
    expect.stringContaining('does not tell this user its maxmemory-policy'),
  ]);
});

test('a server that evicts is a warning, and one without a limit never does', async () => {
  const server = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
  const { client } = await redisClients.single[0]!.connect(server);
  const store = redis(client);
  expect(await store.check!()).toEqual([]);
  await server.raw('CONFIG', 'SET', 'maxmemory', '100mb');
  expect(await store.check!()).toEqual([
    `Redis at 127.0.0.1:${server.port} has maxmemory-policy allkeys-lru: when it is full it will sign people out. Set noeviction.`,
  ]);
});

test('many processes may check at once', async () => {
  const server = await startRedis();
  const { client } = await redisClients.single[0]!.connect(server);
  const checks = Array.from({ length: 20 }, () => redis(client).check!());
  expect((await Promise.all(checks)).flat()).toEqual([]);
});

async function storeOf(server: RedisServer, rules: readonly string[]): Promise<Store> {
  await server.raw('ACL', 'SETUSER', 'app', 'reset', 'on', '>secret', ...rules);
  const client = createClient({ url: `redis://app:secret@127.0.0.1:${server.port}` });
  client.on('error', () => {});
  await client.connect();
  removeLater({ remove: async () => client.destroy(), removeNow: () => {} });
  return redis(client, { prefix: 'app:' });
}

/** New connections for old ones: with every client, on every kind of server, while the old ones are silent and while they are well. */
import * as redis6 from 'redis';
import * as redis5 from 'redis5';
import { expect } from 'vitest';
import { removeLater } from '../../../../test/support/cleanup.js';
import { need } from '../../../../test/support/needs.js';
import { faultProxy } from '../../../../test/support/proxy.js';
import { startRedis, until } from '../../../../test/support/redis.js';
import { redisClients } from '../../../../test/support/redis-clients.js';
import { startRedisCluster } from '../../../../test/support/redis-cluster.js';
import { startRedisSentinel } from '../../../../test/support/redis-sentinel.js';
import type { Door } from '../door.js';
import { doorOf } from './door-of.js';

const { describe, test } = need('redis');

/** The numbers that the servers have given our connections. */
async function connections(door: Door): Promise<string[]> {
  const masters = await door.masters();
  return Promise.all(masters.map(async (master) => `${master.name} ${await master.send(['CLIENT', 'ID'])}`));
}

/** While a connection is being made a cluster may not know all its masters. */
async function haveAllChanged(door: Door, before: readonly string[]): Promise<boolean> {
  const now = await connections(door).catch(() => before);
  return now.length === before.length && now.every((each) => !before.includes(each));
}

/** Asks, and lets it be if there is no answer soon. */
function answersWithin(door: Door, ms: number): Promise<boolean> {
  const asked = door.send('key', ['GET', 'key']).then(
    () => true,
    () => false,
  );
  return Promise.race([asked, new Promise<boolean>((resolve) => setTimeout(resolve, ms, false))]);
}

for (const { name, connect } of redisClients.single)
  describe(name, () => {
    test('half open for ever: renewed, it answers, also after connections that were as dead', {
      concurrent: true,
    }, async () => {
      const server = await startRedis();
      const proxy = await faultProxy(server.port);
      const { client } = await connect({ url: `redis://127.0.0.1:${proxy.port}` });
      const door = doorOf(client);
      expect(await answersWithin(door, 5000)).toBe(true);

      proxy.set({ requests: 'swallow', replies: 'swallow' });
      expect(await answersWithin(door, 100)).toBe(false);
      const before = proxy.accepted;
      await until('a dead connection was made for a dead one, twice', async () => {
        door.renew();
        door.renew(); // a call too many is one too few
        await answersWithin(door, 250);
        return proxy.accepted >= before + 2;
      });

      for (const link of proxy.links) link.set({ requests: 'swallow', replies: 'swallow' });
      proxy.set({ requests: 'pass', replies: 'pass' });
      await until('it answers', async () => {
        door.renew();
        return answersWithin(door, 1000);
      });
      expect(await door.send('key', ['SET', 'key', 'value'])).toEqual(Buffer.from('OK'));
    });

    test('well: a new connection serves, and the old one is closed', { concurrent: true }, async () => {
      const server = await startRedis();
      const proxy = await faultProxy(server.port);
      const { client } = await connect({ url: `redis://127.0.0.1:${proxy.port}` });
      const door = doorOf(client);
      const old = proxy.links;
      const blocked = door.send('key', ['BLPOP', 'nothing', '0.5']).catch(() => {}); // so that a pool knows whom it has lent
      await until('it is under way', async () => /cmd=blpop/.test(String(await server.raw('CLIENT', 'LIST'))));
      door.renew();
      await until('the old one is closed', async () => old.every(({ open }) => !open));
      expect(await door.send('key', ['GET', 'key'])).toBeNull();
      await Promise.race([blocked, new Promise((resolve) => setTimeout(resolve, 50))]); // some send it again
    });

    test('closed by its owner: it stays closed', { concurrent: true }, async () => {
      const server = await startRedis();
      const proxy = await faultProxy(server.port);
      const { client, close } = await connect({ url: `redis://127.0.0.1:${proxy.port}` });
      const door = doorOf(client);
      await close();
      const before = proxy.accepted;
      door.renew();
      await expect(door.send('key', ['GET', 'key'])).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
      expect(proxy.accepted).toBe(before);
    });
  });

test.each(redisClients.cluster)(
  'a cluster: all connections are new, and all masters are there ($name)',
  { concurrent: true },
  async ({ connect }) => {
    const cluster = await startRedisCluster();
    const { client } = await connect(cluster);
    const door = doorOf(client);
    for (let round = 0; round < 2; round++) {
      const before = await connections(door);
      expect(before).toHaveLength(cluster.masters.length);
      door.renew();
      await until('all are new', () => haveAllChanged(door, before));
    }
    for (const key of ['a', 'b', 'c', 'd']) expect(await door.send(key, ['SET', key, key])).toEqual(Buffer.from('OK'));
  },
);

test.each(redisClients.sentinel)(
  'a group with sentinels: its connection is new ($name)',
  { concurrent: true },
  async ({ connect }) => {
    const group = await startRedisSentinel();
    const { client } = await connect(group);
    const door = doorOf(client);
    for (let round = 0; round < 2; round++) {
      const before = await connections(door);
      door.renew();
      await until('it is new', () => haveAllChanged(door, before));
    }
    expect(await door.send('key', ['SET', 'key', 'value'])).toEqual(Buffer.from('OK'));
  },
);

test.each([
  ['node-redis 6', redis6],
  ['node-redis 5', redis5 as unknown as typeof redis6],
])('a client that waits for its first connection is left to its own attempts (%s)', async (_, { createClient }) => {
  const server = await startRedis();
  const proxy = await faultProxy(server.port);
  await proxy.down();
  const client = createClient({ socket: { port: proxy.port, host: '127.0.0.1', reconnectStrategy: 20 } });
  const door = doorOf(client);
  const connected = client.connect();
  removeLater({ remove: async () => client.destroy(), removeNow: () => {} });
  for (let i = 0; i < 5; i++) {
    door.renew();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await proxy.up();
  await connected;
  expect(await door.send('key', ['GET', 'key'])).toBeNull();
  expect(proxy.links).toHaveLength(1);
});

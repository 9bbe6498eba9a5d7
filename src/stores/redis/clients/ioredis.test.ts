/** What is particular about ioredis and iovalkey: they connect by themselves, and have settings that change how commands travel. */
import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis5';
import * as iovalkey from 'iovalkey';
import { beforeAll, expect } from 'vitest';
import { need } from '../../../../test/support/needs.js';
import { type RedisServer, startRedis } from '../../../../test/support/redis.js';
import { type RedisCluster, startRedisCluster } from '../../../../test/support/redis-cluster.js';
import { doorOf } from './door-of.js';

const { describe, test } = need('redis');

const packages = { 'ioredis 6': ioredis6, 'ioredis 5': ioredis5, iovalkey } as unknown as Record<
  string,
  typeof ioredis6
>;

let server: RedisServer;
let cluster: RedisCluster;
beforeAll(async () => {
  [server, cluster] = await Promise.all([startRedis(), startRedisCluster()]);
});

for (const [name, { Redis, Cluster }] of Object.entries(packages)) {
  describe(name, () => {
    const startupNode = () => ({ host: '127.0.0.1', port: cluster.masters[0]?.port ?? 0 });

    test('a lazy client connects with its first command', async () => {
      const client = new Redis(server.url, { lazyConnect: true });
      expect(await doorOf(client).send('none', ['GET', 'none'])).toBeNull();
      client.disconnect();
    });

    test('a lazy cluster knows all its masters at the first question, though it was given one address', async () => {
      const client = new Cluster([startupNode()], { lazyConnect: true });
      const masters = await doorOf(client).masters();
      expect(masters.map((master) => master.name).sort()).toEqual(
        cluster.masters.map(({ port }) => `127.0.0.1:${port}`).sort(),
      );
      client.disconnect();
    });

    test('auto-pipelining loses no command and mixes up no slots', async () => {
      const single = new Redis(server.url, { enableAutoPipelining: true });
      const many = new Cluster([startupNode()], { enableAutoPipelining: true });
      for (const client of [single, many]) {
        const door = doorOf(client);
        const keys = Array.from({ length: 60 }, (_, i) => `auto:${i}`);
        const script = 'return {KEYS[1], ARGV[1]}';
        const replies = await Promise.all(keys.map((key) => door.send(key, ['EVAL', script, '1', key, 'x'])));
        expect(replies).toEqual(keys.map((key) => [Buffer.from(key), Buffer.from('x')]));
        client.disconnect();
      }
    });

    test('bytes for names, and names in any case', async () => {
      const client = new Redis(server.url);
      const door = doorOf(client);
      expect(await door.send('key', [Buffer.from('Set'), 'key', 'v'])).toEqual(Buffer.from('OK'));
      expect(await door.send('key', ['geT', 'key'])).toEqual(Buffer.from('v'));
      client.disconnect();
    });

    test('a client that was given up says so, one that lost its server says what happened', async () => {
      const redis = await startRedis();
      const client = new Redis(redis.url, { maxRetriesPerRequest: 0 });
      client.on('error', () => {});
      const door = doorOf(client);
      expect(await door.send('key', ['GET', 'key'])).toBeNull();
      await redis.kill();
      const lost = door.send('key', ['GET', 'key']);
      await expect(lost).rejects.toThrow(/max retries per request|Connection is closed|ECONN/);
      await expect(lost).rejects.not.toMatchObject({ code: 'SOJOURN_STORE' });
      client.disconnect();
      await expect(door.send('key', ['GET', 'key'])).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
    });
  });
}

test('ioredis 6 with its RESP3 replies answers as all others', async () => {
  const client = new ioredis6.Redis(server.url, { protocol: 3, replyMapping: 'resp3' });
  const door = doorOf(client);
  await door.send('hash', ['HSET', 'hash', 'field', 'value']);
  expect(await door.send('hash', ['HGETALL', 'hash'])).toEqual([Buffer.from('field'), Buffer.from('value')]);
  expect(await door.send('hash', ['CONFIG', 'GET', 'maxmemory-policy'])).toEqual([
    ...[Buffer.from('maxmemory-policy'), Buffer.from('noeviction')],
  ]);
  client.disconnect();
});

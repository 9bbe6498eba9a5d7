/** What is particular about node-redis: who connects it, who hears its errors, and its sentinel client under load. */
import * as redis6 from 'redis';
import * as redis5 from 'redis5';
import { beforeAll, expect } from 'vitest';
import { need } from '../../../../test/support/needs.js';
import { startRedis } from '../../../../test/support/redis.js';
import { redisClients } from '../../../../test/support/redis-clients.js';
import { startRedisCluster } from '../../../../test/support/redis-cluster.js';
import { type RedisSentinel, startRedisSentinel } from '../../../../test/support/redis-sentinel.js';
import type { Door } from '../door.js';
import { doorOf } from './door-of.js';

const { describe, test } = need('redis');

const majors = { 'node-redis 6': redis6, 'node-redis 5': redis5 } as unknown as Record<string, typeof redis6>;

for (const [name, { createClient, createClientPool, createCluster, createSentinel }] of Object.entries(majors)) {
  describe(name, () => {
    const nowhere = { host: '127.0.0.1', port: 1 };
    const unconnected = {
      client: () => createClient({ socket: nowhere }),
      pool: () => createClientPool({ socket: nowhere }),
      cluster: () => createCluster({ rootNodes: [{ socket: nowhere }] }),
      sentinel: () => createSentinel({ name: 'mymaster', sentinelRootNodes: [nowhere] }),
    };

    for (const [kind, create] of Object.entries(unconnected)) {
      test(`a ${kind} that nobody connected says what to do`, async () => {
        const door = doorOf(create());
        const problem = { code: 'SOJOURN_STORE', message: expect.stringContaining('await client.connect()') };
        await expect(door.send('key', ['GET', 'key'])).rejects.toMatchObject(problem);
        await expect(door.masters().then(([node]) => node?.send(['PING']))).rejects.toMatchObject(problem);
      });
    }

    test('a client that the program connects later works from then on', async () => {
      const { url } = await startRedis();
      const client = createClient({ url });
      const door = doorOf(client);
      await expect(door.send('key', ['GET', 'key'])).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
      const connected = client.connect();
      expect(await door.send('key', ['GET', 'key'])).toBeNull(); // while it connects, it queues
      await connected;
      client.destroy();
    });

    test('a cluster that is still connecting says so, and works once it is', async () => {
      const cluster = await startRedisCluster();
      const client = createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) });
      const door = doorOf(client);
      const connected = client.connect();
      const problem = { code: 'SOJOURN_STORE', message: expect.stringContaining('still connecting') };
      await expect(door.send('key', ['GET', 'key'])).rejects.toMatchObject(problem);
      await expect(door.masters()).rejects.toMatchObject(problem);
      await connected;
      expect(await door.send('key', ['GET', 'key'])).toBeNull();
      client.destroy();
    });

    test('the name of a server has no password in it', async () => {
      const { port } = await startRedis({ password: 'secret' });
      const door = doorOf(createClient({ url: `redis://:secret@127.0.0.1:${port}/3` }));
      expect((await door.masters()).map((node) => node.name)).toEqual([`127.0.0.1:${port}`]);
    });

    test('replies do not depend on the mapping that the application chose for itself', async () => {
      const { url } = await startRedis();
      const client = createClient({ url, commandOptions: { typeMapping: { 58: String, 36: String } } });
      await client.connect();
      const door = doorOf(client);
      expect(await door.send('n', ['INCR', 'n'])).toBe(1);
      expect(await door.send('n', ['GET', 'n'])).toEqual(Buffer.from('1'));
      client.destroy();
    });

    test('a lost server does not end a program that listens to no errors', async () => {
      const redis = await startRedis();
      const client = createClient({ url: redis.url });
      await client.connect();
      const door = doorOf(client);
      const listeners = client.listenerCount('error');
      expect(listeners).toBeGreaterThan(0);
      doorOf(client); // however many stores stand on it
      expect(client.listenerCount('error')).toBe(listeners);
      const lost = new Promise((resolve) => client.once('reconnecting', resolve));
      await redis.kill();
      await lost; // an unhandled error event would have failed this file
      await redis.restart();
      expect(await door.send('key', ['GET', 'key'])).toBeNull();
      client.destroy();
    });

    test('a client with a prefix of its own is refused', () => {
      if (name === 'node-redis 5') return;
      expect(() => doorOf(createClient({ keyPrefix: 'app:' }))).toThrow(
        /without keyPrefix: name the prefix as an option/,
      );
      expect(() => doorOf(createCluster({ rootNodes: [], keyPrefix: 'app:' }))).toThrow(/keyPrefix/);
    });
  });
}

describe('a sentinel client under load', () => {
  let group: RedisSentinel;
  beforeAll(async () => {
    group = await startRedisSentinel();
  });

  for (const { name, connect } of redisClients.sentinel.filter(({ name }) => name.startsWith('node-redis'))) {
    test(`${name}: commands of one tick are answered although others keep coming`, async () => {
      const { client, close } = await connect(group);
      const door = doorOf(client);
      const together = Promise.all([slow(door), slow(door), slow(door)]);
      let answers = 0;
      let answered = false;
      // Enough visitors, coming one after the other, that some command is always under way.
      const visitors = Array.from({ length: 20 }, async (_, n) => {
        await new Promise((resolve) => setTimeout(resolve, n * 2));
        for (let click = 0; click < 10 && !answered; click++) {
          await slow(door);
          answers++;
        }
      });
      await together;
      answered = true;
      expect(answers).toBeLessThan(20);
      await Promise.all(visitors);
      await close();
    });
  }
});

/** Keeps the server busy for five milliseconds. */
function slow(door: Door): Promise<unknown> {
  const script = `local now = function() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end
    local from = now() while now() - from < 5000 do end return 1`;
  return door.send('key', ['EVAL', script, '1', 'key']);
}

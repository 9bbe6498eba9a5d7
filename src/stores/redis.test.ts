/** What the Redis store promises beyond the contract: names that never meet, trouble that is told apart, an index that cleans up. */
import { expect } from 'vitest';
import { need } from '../../test/support/needs.js';
import { type RedisServer, startRedis } from '../../test/support/redis.js';
import { redisClients } from '../../test/support/redis-clients.js';
import { startRedisCluster } from '../../test/support/redis-cluster.js';
import type { Delta, Head, Indexed, Listable, Store, Stored } from '../contract.js';
import { isFailure } from '../errors.js';
import { idOfKey, sessionKey, userEntries } from './redis/keys.js';
import { redis } from './redis.js';

const { describe, test } = need('redis');
const HOUR_MS = 3_600_000;

describe('names', () => {
  test.each(['', 'app', 'a b:', 'a*:', '{a}:', 'a\\:', 'ä:', `${'x'.repeat(64)}:`, 7, null])(
    'prefix %j is refused',
    (prefix) => {
      const client = { isOpen: true, connect() {}, sendCommand() {}, withTypeMapping() {}, on() {} };
      expect(() => redis(client as never, { prefix } as never)).toThrow(
        expect.objectContaining({ code: 'SOJOURN_OPTION' }),
      );
    },
  );

  test('no id is the key of a bucket, and every key tells its id', () => {
    const ids = [
      'a',
      'index',
      'index:',
      'index:0ff',
      'index::0ff',
      'index:::',
      'index:0ff0',
      'a:b',
      'x'.repeat(255),
      '💥',
    ];
    const found = ids.map((id) => sessionKey('s:', id));
    expect(new Set(found).size).toBe(ids.length);
    expect(found.map((key) => idOfKey('s:', key))).toEqual(ids);
    expect(found.filter((key) => /^s:index:[0-9a-f]{3}$/.test(key))).toEqual([]);
    expect(['s:index:0ff', 't:a', 's:'].map((key) => idOfKey('s:', key))).toEqual([undefined, undefined, undefined]);
  });

  test('a session whose id looks like a bucket is a session like any other', async () => {
    const { store } = await open();
    const { bucket } = userEntries('', 'ada');
    await store.create(bucket, session());
    await store.create('a', session());
    await store.commit('a', login('ada'));
    expect(await idsOf(store.byUser('ada'))).toEqual(['a']);
    expect((await idsOf(store.list())).sort()).toEqual(['a', bucket].sort());
  });

  test('two prefixes on one server are two places, and a walk looks at its own', async () => {
    const { server, store } = await open('app:');
    const other = redis((await redisClients.single[0]!.connect(server)).client, { prefix: 'apple:' });
    await store.create('a', session());
    await other.create('b', session());
    await server.raw('SET', 'app:foreign', 'not ours');
    await server.raw('RPUSH', 'app:list', 'x');
    expect([await idsOf(store.list()), await idsOf(other.list())]).toEqual([['a'], ['b']]);
  });

  test('an id of 256 characters, or of half a character, is unknown', async () => {
    const { store } = await open();
    for (const id of ['', 'x'.repeat(256), '\ud83d']) {
      expect(await store.load(id)).toBeNull();
      expect(await codeOf(() => store.create(id, session()))).toBe('SOJOURN_STORE');
    }
  });
});

describe('what Redis keeps', () => {
  test('every key expires: the session at its deadline, the index with its last entry', async () => {
    const { server, store } = await open();
    await store.create('a', session());
    await store.commit('a', login('ada'));
    const sessionLeft = Number(await server.raw('PTTL', 's:a'));
    const { bucket } = userEntries('s:', 'ada');
    const indexLeft = Number(await server.raw('PTTL', bucket));
    expect(sessionLeft).toBeGreaterThan(HOUR_MS - 20_000);
    expect(sessionLeft).toBeLessThanOrEqual(HOUR_MS);
    expect(indexLeft).toBeGreaterThan(sessionLeft + HOUR_MS / 2 - 20_000);
    expect(indexLeft).toBeLessThanOrEqual(sessionLeft + HOUR_MS + 1000);
  });

  test('an entry goes with its session, and one that was left behind goes by its time', async () => {
    let now = Date.now();
    const { server, store } = await open('s:', () => now);
    const { bucket } = userEntries('s:', 'ada');
    await store.create('a', session(now));
    await store.commit('a', login('ada', now));
    await store.destroy('a');
    expect(await server.raw('EXISTS', bucket)).toBe(0);

    await store.create('b', session(now));
    await store.commit('b', login('ada', now));
    await server.raw('DEL', 's:b');
    now += 3 * HOUR_MS;
    await store.create('c', session(now));
    await store.commit('c', login('ada', now));
    expect(await server.raw('ZCARD', bucket)).toBe(1);
  });

  test('a session that is touched all day stays in the index', async () => {
    for (const kind of ['one server', 'a cluster'] as const) {
      let now = Date.now();
      const store = kind === 'one server' ? (await open('s:', () => now)).store : await openCluster(() => now);
      await store.create('a', session(now));
      await store.commit('a', login('ada', now));
      for (let minutes = 0; minutes < 24 * 60; minutes += 20) {
        now += 20 * 60_000;
        const touch = { generation: 1, head: { expiresAt: now + HOUR_MS }, fields: new Map() };
        expect((await store.commit('a', touch)).status).toBe('ok');
        // Somebody else's login in the same bucket takes out what is out of date.
        await store.create('b', session(now));
        await store.commit('b', login('ada', now));
        expect(await idsOf(store.byUser('ada'))).toContain('a');
        await store.destroy('b');
      }
    }
  });
});

describe('trouble', () => {
  test('another kind of value under a key is damage of that session, and of no other', async () => {
    const { server, store } = await open();
    await server.raw('RPUSH', 's:a', 'x');
    expect(await codeOf(() => store.load('a'))).toBe('SOJOURN_CORRUPT');
    expect(await codeOf(() => store.commit('a', login('ada')))).toBe('SOJOURN_CORRUPT');
    expect(await store.create('a', session())).toBe('exists');
    expect(await store.create('b', session())).toBe('ok');
    await store.destroy('a');
    expect(await store.create('a', session())).toBe('ok');
  });

  test('a full server reads and logs out, and says what it is out of', async () => {
    const { server, store } = await open();
    await store.create('a', session());
    await store.commit('a', login('ada'));
    await server.raw('CONFIG', 'SET', 'maxmemory', '1');
    expect((await store.load('a'))?.head.user).toBe('ada');
    for (const write of [
      () => store.create('b', session()),
      () => store.commit('a', { ...login('bob'), generation: 1 }),
    ]) {
      await expect(write()).rejects.toMatchObject({
        code: 'SOJOURN_STORE_FULL',
        message: expect.stringContaining('OOM'),
      });
    }
    await store.destroy('a');
    expect(await store.load('a')).toBeNull();
    expect(await server.raw('DBSIZE')).toBe(0);
  });

  test('a replica says that it is one, and no message holds a value', async () => {
    const { server, store } = await open();
    await server.raw('REPLICAOF', '127.0.0.1', '1');
    const secret = { ...session(), fields: new Map([['field', Buffer.from('do-not-tell')]]) };
    const error = await Promise.resolve(store.create('a', secret)).catch((reason) => reason);
    expect(error).toMatchObject({ code: 'SOJOURN_STORE', message: expect.stringContaining('READONLY') });
    expect(String(error)).not.toContain('do-not-tell');
  });

  test('a closed store says so, and leaves the client open', async () => {
    const { server, store, client } = await open();
    await store.close?.();
    await expect(store.load('a')).rejects.toThrow('it is closed');
    expect(await redis(client).create('a', session())).toBe('ok');
    expect(await server.raw('EXISTS', 's:a')).toBe(1);
  });

  test('scripts that were flushed are sent again, and the effect is there once', async () => {
    const { server, store } = await open();
    await store.create('a', session());
    await server.raw('SCRIPT', 'FLUSH');
    const write = { op: 'swap', expect: null, value: Buffer.from('1') } as const;
    const change = { generation: 0, head: { expiresAt: Date.now() + HOUR_MS }, fields: new Map([['views', write]]) };
    expect(await store.commit('a', change)).toEqual({ status: 'ok', version: 2 });
  });
});

async function open(prefix: string = 's:', now?: () => number): Promise<Opened> {
  const server = await startRedis();
  const { client } = await redisClients.single[0]!.connect(server);
  return { server, client, store: redis(client, { prefix, ...(now && { now }) }) };
}

interface Opened {
  readonly server: RedisServer;
  readonly client: Parameters<typeof redis>[0];
  readonly store: Store & Indexed & Listable;
}

async function openCluster(now: () => number): Promise<Store & Indexed & Listable> {
  const { client } = await redisClients.cluster[0]!.connect(await startRedisCluster());
  return redis(client, { now });
}

function session(now: number = Date.now()): Stored {
  const head: Head = { createdAt: now, expiresAt: now + HOUR_MS, version: 1, generation: 0 };
  return { head, fields: new Map() };
}

function login(user: string, now: number = Date.now()): Delta {
  return { generation: 0, head: { expiresAt: now + HOUR_MS, user, signedInAt: now, generation: 1 }, fields: new Map() };
}

async function idsOf(walk: AsyncIterable<readonly [id: string, head: Head]>): Promise<string[]> {
  const ids: string[] = [];
  for await (const [id] of walk) ids.push(id);
  return ids;
}

async function codeOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}

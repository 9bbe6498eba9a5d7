/** What is particular to memcached: it forgets, it has a limit for values and one for times, and its client says little. */
import { type Delta, isFailure, type Store, type Stored, sessions, type } from 'sojourn';
import { test as always, expect } from 'vitest';
import { type MemcachedServer, memcachedClient, startMemcached } from '../../test/support/memcached.js';
import { need } from '../../test/support/needs.js';
import { visitor } from '../../test/support/visitor.js';
import { type MemcachedClient, memcached } from './memcached.js';

const { test } = need('memcached');
const DAY_MS = 86_400_000;

function stored(bytes = 10, expiresAt = Date.now() + 60_000): Stored {
  const head = { createdAt: Date.now(), expiresAt, version: 1, generation: 0 };
  return { head, fields: new Map([['cart', Buffer.alloc(bytes, 'x')]]) };
}

function change(bytes: number, expiresAt = Date.now() + 60_000): Delta {
  const value = Buffer.alloc(bytes, 'y');
  return { generation: 0, head: { expiresAt }, fields: new Map([['cart', { op: 'set', value }]]) };
}

async function code(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
  return 'no error';
}

test('it says in its type that it may forget, and what it cannot do is no method at all', async () => {
  const store = memcached(memcachedClient((await startMemcached()).address));
  expect(store.lossy).toBe(true);
  const s = sessions({ store, sweep: false });
  // @ts-expect-error: without an index nobody can be found by name.
  expect(await code(() => s.revoke('ann'))).toBe('SOJOURN_OPTION');
  await s.close();
});

test('what it throws out for lack of room is signed out, and nothing else happens', async () => {
  const server = await startMemcached(['-m', '4', '-I', '512k', '-o', 'slab_chunk_max=262144']);
  const store = memcached(memcachedClient(server.address));
  await store.create('first', stored(50_000));
  for (let i = 0; i < 150; i++) await store.create(`more${i}`, stored(50_000));
  expect(await store.load('first')).toBeNull();
  expect(await store.commit('first', change(10))).toEqual({ status: 'gone' });
  expect(await store.load('first')).toBeNull();
  expect((await store.check!()).join(' ')).toMatch(/has thrown out \d+ entries .* people were signed out/);
});

test('a session that has become too large is refused before the answer, by name, and stays as it was', async () => {
  const server = await startMemcached();
  const store = memcached(memcachedClient(server.address), { maxBytes: 10_000 });
  await store.create('a', stored());
  expect(await code(() => store.commit('a', change(20_000)))).toBe('SOJOURN_LIMIT');
  expect(await code(() => store.create('b', stored(20_000)))).toBe('SOJOURN_LIMIT');
  expect((await store.load('a'))?.head.version).toBe(1);
  expect(await store.load('b')).toBeNull();
  await expect(Promise.resolve(store.commit('a', change(20_000)))).rejects.toThrow(
    /10000 \(option maxBytes of memcached\)/,
  );
});

test('a server that takes less than it was thought to says so by nothing; the store notices, and check tells', async () => {
  const server = await startMemcached(['-I', '64k', '-o', 'slab_chunk_max=32768']);
  const store = memcached(memcachedClient(server.address));
  await store.create('a', stored());
  expect(await code(() => store.commit('a', change(200_000)))).toBe('SOJOURN_STORE_FULL');
  // The client takes the server for dead, for as long as its option retry says.
  const version = async (): Promise<unknown> => (await store.load('a'))?.head.version;
  await expect.poll(() => version().catch(() => 'shut'), { timeout: 20_000 }).toBe(1);
  expect(await code(() => store.create('b', stored(200_000)))).toBe('SOJOURN_STORE_FULL');
  const told = (): Promise<string> => store.check!().then((all) => all.join(' '), String);
  await expect.poll(told, { timeout: 20_000 }).toMatch(/takes 65536 bytes at most, and the largest session needs/);
});

test('more than 30 days are a date for memcached: a session of 180 days is kept, and one that is over is not', async () => {
  const store = memcached(memcachedClient((await startMemcached()).address));
  for (const days of [29, 30, 31, 180]) {
    await store.create(`of${days}`, stored(10, Date.now() + days * DAY_MS));
    await store.commit(`of${days}`, change(10, Date.now() + days * DAY_MS));
    expect((await store.load(`of${days}`))?.head.version, `${days} days`).toBe(2);
  }
  await store.create('over', stored(10, Date.now() - 1));
  expect(await store.load('over')).toBeNull();
});

test('a server without compare-and-set is refused by check', async () => {
  const store = memcached(memcachedClient((await startMemcached(['-C'])).address));
  await expect(store.check!()).rejects.toThrow(/does not compare before it sets/);
});

test('what is no session of ours under an id is damage, not absence', async () => {
  const client = memcachedClient((await startMemcached()).address);
  const store = memcached(client);
  await new Promise((done) => client.add('s:other', 'somebody', 60, done));
  expect(await code(() => store.load('other'))).toBe('SOJOURN_CORRUPT');
  expect(await code(() => store.commit('other', change(1)))).toBe('SOJOURN_CORRUPT');
});

test('while the server hangs, calls end; one that died is found again, and everybody is signed out', async () => {
  const server = await startMemcached();
  const store = memcached(memcachedClient(server.address));
  await store.create('a', stored());
  server.program.signal('SIGSTOP');
  expect(await code(() => store.load('a'))).toBe('SOJOURN_STORE');
  expect(await code(() => store.commit('a', change(1)))).toBe('SOJOURN_STORE');
  server.program.signal('SIGCONT');
  await expect.poll(() => outcome(store), { timeout: 20_000 }).toBe('ok');
  await server.restart();
  await expect.poll(() => outcome(store), { timeout: 20_000 }).toBe('gone');
}, 60_000);

test('over the engine: a login, a counter and a logout, and a logout is final', async () => {
  const server: MemcachedServer = await startMemcached();
  const store = memcached(memcachedClient(server.address));
  const s = sessions({ data: type<{ n: number }>(), store, sweep: false });
  const ann = visitor(s);
  await ann.visit((session) => session.login('ann'));
  await Promise.all(Array.from({ length: 50 }, () => ann.visit((session) => session.update('n', (n = 0) => n + 1))));
  expect(await ann.visit((session) => [session.user, session.get('n')])).toEqual(['ann', 50]);
  const before = new Map(ann.cookies);
  await ann.visit((session) => session.destroy());
  expect(await visitor(s, before).visit((session) => session.user)).toBeUndefined();
  await s.close();
});

test('a burst of requests waits for the connections of the client, which would take a busy pool for a dead server', async () => {
  const client = memcachedClient((await startMemcached()).address, { poolSize: 2, retries: 0 });
  const store = memcached(client);
  const issues: unknown[] = [];
  client.on('issue', (issue) => issues.push(issue));
  const ids = Array.from({ length: 200 }, (_, i) => `burst${i}`);
  expect(new Set(await Promise.all(ids.map((id) => store.create(id, stored(20_000)))))).toEqual(new Set(['ok']));
  expect((await Promise.all(ids.map((id) => store.load(id)))).filter((one) => one === null)).toEqual([]);
  expect(issues).toEqual([]);
});

always('replies that have changed places are trouble, and nobody gets the session of another', async () => {
  const shifted: MemcachedClient = {
    gets: (_, callback) => callback(undefined, { 's:another': 'AQ==', cas: '1' }),
    add: (_key, _value, _lifetime, callback) => callback(undefined, true),
    cas: (_key, _value, _cas, _lifetime, callback) => callback(undefined, true),
    del: (_, callback) => callback(undefined, true),
  };
  const store: Store = memcached(shifted);
  expect(await code(() => store.load('mine'))).toBe('SOJOURN_STORE');
});

always('a client that throws where it should call back is trouble, and takes no connection with it', async () => {
  let isWell = false;
  const thrower: MemcachedClient = {
    poolSize: 2,
    gets(_, callback) {
      if (!isWell) throw new Error('not connected');
      callback(undefined, undefined);
    },
    add: (_key, _value, _lifetime, callback) => callback(undefined, true),
    cas: (_key, _value, _cas, _lifetime, callback) => callback(undefined, true),
    del: (_, callback) => callback(undefined, true),
  };
  const store: Store = memcached(thrower);
  for (let i = 0; i < 3; i++) expect(await code(() => store.load('mine'))).toBe('SOJOURN_STORE');
  isWell = true;
  expect(await store.load('mine')).toBeNull();
});

always('what is no client, and options that cannot be, are refused by name', () => {
  expect(() => memcached({} as MemcachedClient)).toThrow(/client of memcached: must be a client/);
  const client = memcachedClient('127.0.0.1:1');
  expect(() => memcached(client, { prefix: 'a b' })).toThrow(/prefix of memcached/);
  expect(() => memcached(client, { maxBytes: 10 })).toThrow(/maxBytes of memcached/);
  expect(() => memcached(client, { maxbytes: 10 } as never)).toThrow(/did you mean maxBytes/);
});

async function outcome(store: Store): Promise<string> {
  try {
    return (await store.commit('a', change(1))).status;
  } catch (error) {
    return String(error);
  }
}

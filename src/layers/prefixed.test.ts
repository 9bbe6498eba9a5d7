/** Two applications in one store: each keeps all promises of a store, and sees nothing of the other. */
import { type Ended, isFailure, memory, type Store, sessions, type } from 'sojourn';
import { redis } from 'sojourn/redis';
import { describe, expect, test } from 'vitest';
import { runs } from '../../test/support/exam.js';
import { need } from '../../test/support/needs.js';
import { startRedis } from '../../test/support/redis.js';
import { redisClients } from '../../test/support/redis-clients.js';
import { visitor } from '../../test/support/visitor.js';
import { storeKit } from '../testing/store-kit.js';
import { prefixed } from './prefixed.js';

const onRedis = need('redis');

storeKit({ describe, test }, ({ now, inner }) => prefixed(inner(memory({ now })), 'shop'), {
  name: 'prefixed, over memory',
  races: runs(20, 200),
  parallel: 40,
  mustHave: ['byUser', 'list', 'sweep'],
});

let client: ReturnType<(typeof redisClients.single)[number]['connect']> | undefined;
let round = 0;
const open = async ({ now, inner }: { now: () => number; inner: <S extends Store>(store: S) => S }) => {
  client ??= startRedis().then((server) => redisClients.single[0]!.connect(server));
  return prefixed(inner(redis((await client).client, { prefix: `kit${round}:`, now })), 'shop');
};
storeKit(
  onRedis,
  (context) => {
    round++;
    return open(context);
  },
  {
    name: 'prefixed, over Redis',
    races: runs(20, 200),
    parallel: 20,
    mustHave: ['byUser', 'list', 'watch', 'listen'],
    another: open,
  },
);

test('a shop and a blog in one store: the token of one opens nothing in the other, and each lists its own', async () => {
  const store = memory();
  const shop = sessions({ data: type<{ cart: string }>(), store: prefixed(store, 'shop'), sweep: false });
  const blog = sessions({ data: type<{ draft: string }>(), store: prefixed(store, 'blog'), sweep: false });
  const ann = visitor(shop);
  await ann.visit((session) => session.login('ann'));
  await visitor(blog).visit((session) => session.login('ann'));
  expect(await visitor(blog, new Map(ann.cookies)).visit((session) => session.user)).toBeUndefined();

  expect((await allOf(shop.of('ann'))).length).toBe(1);
  expect(await shop.revoke('ann')).toBe(1);
  expect((await allOf(blog.of('ann'))).length, 'of the blog').toBe(1);
  expect((await allOf(prefixed(store, 'shop').list())).length).toBe(0);
});

test('one prefix that begins like another is another', async () => {
  const store = memory();
  const [a, ab] = [prefixed(store, 'a'), prefixed(store, 'ab')];
  const head = { createdAt: Date.now(), expiresAt: Date.now() + 60_000, version: 1, generation: 0 };
  await ab.create('c', { head, fields: new Map() });
  expect(await a.load('b:c')).toBeNull();
  expect(await a.load('bc')).toBeNull();
  expect(await allOf(a.list())).toEqual([]);
  expect((await allOf(ab.list())).map(([id]) => id)).toEqual(['c']);
});

onRedis.test('each is told of the end of its own sessions only', async () => {
  const { client: connected } = await redisClients.single[0]!.connect(await startRedis());
  const [here, there] = [redis(connected), redis(connected)];
  const heard: [id: string, how: Ended][] = [];
  const stop = await prefixed(here, 'shop').listen((id, how) => heard.push([id, how]));
  const head = { createdAt: Date.now(), expiresAt: Date.now() + 60_000, version: 1, generation: 0 };
  for (const name of ['blog', 'shop']) {
    const store = prefixed(there, name);
    await store.create(`of-${name}`, { head, fields: new Map() });
    await store.destroy(`of-${name}`);
  }
  await expect.poll(() => heard).toEqual([['of-shop', 'destroyed']]);
  await stop();
  here.close?.();
  there.close?.();
});

test('a prefix that could be taken for an id, and a store that is none, are refused', () => {
  for (const prefix of ['', 'a:b', 'a b', 'ü', 'x'.repeat(65), undefined as unknown as string])
    expect(() => prefixed(memory(), prefix)).toThrowError(/prefix of prefixed: must have 1 to 64/);
  const none = (): unknown => prefixed({} as Store, 'shop');
  expect(none).toThrowError(/store of prefixed/);
  try {
    none();
  } catch (error) {
    expect(isFailure(error, 'SOJOURN_OPTION')).toBe(true);
  }
});

async function allOf<R>(items: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const item of items) all.push(item);
  return all;
}

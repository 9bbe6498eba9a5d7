/** The rights that docs/redis.md lists are enough for everything, with every client, and nothing in the list is there for show. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { removeLater } from '../../../test/support/cleanup.js';
import { need } from '../../../test/support/needs.js';
import { recordingWatcher } from '../../../test/support/recording-watcher.js';
import { startRedis, until } from '../../../test/support/redis.js';
import { redisClients } from '../../../test/support/redis-clients.js';
import { startRedisCluster } from '../../../test/support/redis-cluster.js';
import { delta, freshId, session, set } from '../../testing/store/samples.js';
import { redis } from '../redis.js';
import type { RedisClient } from './clients/shapes.js';

const { describe, test } = need('redis');

const guide = readFileSync(new URL('../../../docs/redis.md', import.meta.url), 'utf8');

/** The rules of the examples in the guide: for one server, and what a cluster needs besides. */
const [RULES, CLUSTER_RULES] = [...guide.matchAll(/^ACL SETUSER app ([^`]*?)\n```/gm)].map(([, rules]) =>
  (rules ?? '').replaceAll('\\\n', ' ').trim().split(/\s+/),
) as [string[], string[]];

/** Everything that an application does with a store, and a near cache with it. */
async function doAll(client: RedisClient, prefix: string, end: (key: string) => Promise<unknown>): Promise<void> {
  const store = redis(client, { prefix });
  const now = Date.now();
  const [id, late] = [freshId(), freshId()];
  const heard: string[] = [];
  const stopListening = await store.listen((which, how) => heard.push(`${how} ${which}`));
  const watcher = recordingWatcher();
  const hears = watcher.next('heard');
  const stopWatching = await store.watch(watcher, 250);
  removeLater({
    async remove() {
      await stopWatching();
      await stopListening();
    },
    removeNow() {},
  });
  await hears;
  expect(await store.check?.()).toEqual([]); // what it does is no news to who listens

  expect(await store.create(id, session(now, { a: '1' }))).toBe('ok');
  await store.create(late, session(now));
  const login = { generation: 1, user: 'ann', expiresAt: now + 60_000 };
  expect(await store.commit(id, delta(now, { b: set('2') }, { head: login }))).toMatchObject({ status: 'ok' });
  expect([...((await store.load(id))?.fields.keys() ?? [])]).toEqual(['a', 'b']);
  await store.load(late);
  await watcher.caughtUp();
  expect(watcher.isDeaf).toBe(false);
  const found: string[] = [];
  for await (const [each] of store.byUser('ann')) found.push(each);
  for await (const [each] of store.list()) found.push(each);
  expect(found.sort()).toEqual([id, id, late].sort());

  const told = watcher.next(`changed ${late}`);
  await end(`${prefix}${late}`);
  await told;
  const other = redis(client, { prefix });
  await other.destroy(id);
  await until('both ends were heard of', async () => heard.length >= 2);
  expect(heard.sort()).toEqual([`destroyed ${id}`, `expired ${late}`]);
}

describe('one server', () => {
  for (const { name, connect } of redisClients.single)
    test(`all of it works with the rights of the guide (${name})`, { concurrent: true }, async () => {
      const server = await startRedis({ args: ['--notify-keyspace-events', 'Ex'] });
      await server.raw('ACL', 'SETUSER', 'app', ...RULES);
      const { client } = await connect({ url: `redis://app:secret@127.0.0.1:${server.port}` });
      await doAll(client, 'app:', (key) => server.raw('PEXPIRE', key, 1));
    });

  test('none of the rights is too many for the client that uses most of them', async () => {
    // The commands of the store itself are looked through in check.test.ts. These are the ones of the near cache and of events.
    const rules = [
      'none, for once',
      '&app:ended',
      '&__keyevent@0__:expired',
      '&__redis__:invalidate',
      '+subscribe',
      '+client',
      '+ping',
    ];
    const unused = await Promise.all(rules.map(async (rule) => ((await worksWithout(rule)) ? rule : '')));
    expect(unused.filter((rule) => rule !== '')).toEqual(['none, for once']);
  });
});

async function worksWithout(rule: string): Promise<boolean> {
  if (rule !== 'none, for once') expect(RULES).toContain(rule);
  const server = await startRedis({ args: ['--notify-keyspace-events', 'Ex'] });
  await server.raw('ACL', 'SETUSER', 'app', 'reset', ...RULES.filter((each) => each !== rule));
  const { client, close } = await redisClients.single
    .find(({ name }) => name === 'ioredis 5')!
    .connect({ url: `redis://app:secret@127.0.0.1:${server.port}` });
  const done = doAll(client, 'app:', (key) => server.raw('PEXPIRE', key, 1)).then(
    () => true,
    () => false,
  );
  const works = await Promise.race([done, new Promise<boolean>((resolve) => setTimeout(resolve, 8000, false))]);
  await close();
  return works;
}

describe('a cluster', () => {
  for (const { name, connect } of redisClients.cluster)
    test(`all of it works with the rights of the guide (${name})`, { concurrent: true }, async () => {
      const cluster = await startRedisCluster();
      const { client } = await connect(cluster);
      for (const master of cluster.masters) {
        await master.raw('CONFIG', 'SET', 'notify-keyspace-events', 'Ex');
        // The user of clients that know no name, with the rights of the other.
        const rules = [...RULES.slice(2), ...CLUSTER_RULES];
        await master.raw('ACL', 'SETUSER', 'default', 'reset', 'on', 'nopass', ...rules);
      }
      await doAll(client, 'app:', async (key) => {
        for (const master of cluster.masters) await master.raw('PEXPIRE', key, 1).catch(() => {});
      });
    });
});

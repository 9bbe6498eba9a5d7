/** Listening: sessions that other processes destroyed, and those that expired, told once in every process. */
import { beforeAll, expect } from 'vitest';
import { removeLater } from '../../../test/support/cleanup.js';
import { need } from '../../../test/support/needs.js';
import { faultProxy } from '../../../test/support/proxy.js';
import { recordingWatcher } from '../../../test/support/recording-watcher.js';
import { type RedisServer, startRedis, until } from '../../../test/support/redis.js';
import { redisClients } from '../../../test/support/redis-clients.js';
import { type RedisCluster, startRedisCluster } from '../../../test/support/redis-cluster.js';
import type { Ended } from '../../contract.js';
import { freshId, session } from '../../testing/store/samples.js';
import { redis } from '../redis.js';
import type { RedisClient } from './clients/shapes.js';

const { describe, test } = need('redis');

const fresh = () => session(Date.now(), { field: 'first' });

/** A process of the application that listens from now on, so that nothing is missed, and what it hears. */
async function listening(client: RedisClient) {
  const store = redis(client);
  const heard: string[] = [];
  const stop = await store.listen((id: string, how: Ended) => heard.push(`${how} ${id}`));
  removeLater({ remove: async () => void (await stop()), removeNow: () => {} });
  const hears = (what: string) => until(`it hears ${what}`, async () => heard.includes(what));
  const times = (what: string) => heard.filter((each) => each === what).length;
  return { store, hears, times, stop };
}

describe('one server', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ['--notify-keyspace-events', 'Ex', '--hz', '100'] });
  });

  for (const kind of redisClients.single) {
    const connected = async (url = server.url) => (await kind.connect({ url })).client;

    test(`${kind.name}: a session that is destroyed is heard in other processes, once, and not in the one that did it`, async () => {
      const [one, two, three] = await Promise.all([1, 2, 3].map(async () => listening(await connected())));
      const id = freshId();
      await one!.store.create(id, fresh());
      await Promise.all([one!.store.destroy(id), two!.store.destroy(id)]);
      await three!.hears(`destroyed ${id}`);
      const last = freshId();
      await one!.store.create(last, fresh());
      await one!.store.destroy(last);
      await Promise.all([two, three].map((each) => each!.hears(`destroyed ${last}`)));
      expect(three!.times(`destroyed ${id}`)).toBe(1);
      // Only one of the two found it. That one does not hear of it, the other one does.
      expect(one!.times(`destroyed ${id}`) + two!.times(`destroyed ${id}`)).toBe(1);
      expect(one!.times(`destroyed ${last}`)).toBe(0);
    });

    test(`${kind.name}: a session that expires is heard in every process, once`, async () => {
      const both = await Promise.all([1, 2].map(async () => listening(await connected())));
      const id = freshId();
      await both[0]!.store.create(id, fresh());
      await server.raw('SET', 'else', '1', 'PXAT', 1); // keys of others are not sessions
      await server.raw('PEXPIRE', `s:${id}`, 1);
      for (const { hears, times } of both) {
        await hears(`expired ${id}`);
        expect(times(`expired ${id}`)).toBe(1);
      }
    });

    test(`${kind.name}: one that watches as well hears over the same connections, and again after they were cut`, async () => {
      const proxy = await faultProxy(server.port);
      const { store, hears } = await listening(await connected(`redis://127.0.0.1:${proxy.port}`));
      const before = proxy.links.length;
      const watcher = recordingWatcher();
      await store.watch(watcher, 50);
      await until('it is heard', async () => !watcher.isDeaf);
      expect(proxy.links.length).toBe(before);
      const deaf = watcher.next('deaf');
      proxy.cut();
      await deaf;
      await watcher.next('heard');
      const other = redis(await connected());
      const id = freshId();
      await other.create(id, fresh());
      await other.destroy(id);
      await hears(`destroyed ${id}`);
      store.close?.();
    });
  }

  test('who may not subscribe is told so, and can watch all the same', async () => {
    await server.raw('ACL', 'SETUSER', 'narrow', 'on', '>secret', '+@all', '~*', 'resetchannels');
    const [kind] = redisClients.single;
    const { client } = await kind!.connect({ url: `redis://narrow:secret@127.0.0.1:${server.port}` });
    const store = redis(client);
    const watcher = recordingWatcher();
    await store.watch(watcher, 50);
    await expect(store.listen(() => {})).rejects.toThrow(/NOPERM/);
    await until('it is heard', async () => !watcher.isDeaf);
    store.close?.();
  });

  test('who may hear of ends but not of keys hears of ends', async () => {
    await server.raw('ACL', 'SETUSER', 'half', 'on', '>secret', '+@all', '~*', 'resetchannels', '&s:*');
    const [kind] = redisClients.single;
    const { client } = await kind!.connect({ url: `redis://half:secret@127.0.0.1:${server.port}` });
    const { hears } = await listening(client);
    const other = redis(client);
    const id = freshId();
    await other.create(id, fresh());
    await other.destroy(id);
    await hears(`destroyed ${id}`);
  });

  test('listening that cannot begin is a failure, and leaves nothing behind that listens', async () => {
    const proxy = await faultProxy(server.port);
    const [kind] = redisClients.single;
    const { client } = await kind!.connect({ url: `redis://127.0.0.1:${proxy.port}` });
    const store = redis(client);
    proxy.set({ replies: 'swallow' });
    await expect(store.listen(() => {})).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
    const { accepted } = proxy;
    proxy.heal();
    const heard: string[] = [];
    const stop = await store.listen((id) => heard.push(id));
    expect(proxy.accepted).toBeGreaterThan(accepted);
    await stop();
    await until('only the client is connected', async () => proxy.links.length <= 1);
    expect(heard).toEqual([]);
  });

  test('a store that is closed meanwhile keeps nobody waiting', async () => {
    const proxy = await faultProxy(server.port);
    const [kind] = redisClients.single;
    const { client } = await kind!.connect({ url: `redis://127.0.0.1:${proxy.port}` });
    const store = redis(client);
    proxy.set({ replies: 'swallow' });
    const listens = store.listen(() => {});
    store.close?.();
    await listens;
    await expect(store.listen(() => {})).rejects.toThrow(/closed/);
  });
});

describe('a cluster', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster({ args: ['--notify-keyspace-events', 'Ex', '--hz', '100'] });
  });

  for (const kind of redisClients.cluster) {
    test(`${kind.name}: ends are heard from every master, once`, async () => {
      const [one, two] = await Promise.all([1, 2].map(async () => listening((await kind.connect(cluster)).client)));
      for (const master of cluster.masters) {
        const [ended, late] = [await idOn(cluster, master), await idOn(cluster, master)];
        await one!.store.create(ended, fresh());
        await one!.store.create(late, fresh());
        await one!.store.destroy(ended);
        await master.raw('PEXPIRE', `s:${late}`, 1);
        await two!.hears(`destroyed ${ended}`);
        await two!.hears(`expired ${late}`);
        expect([two!.times(`destroyed ${ended}`), two!.times(`expired ${late}`)]).toEqual([1, 1]);
      }
    });
  }
});

async function idOn(cluster: RedisCluster, master: RedisServer): Promise<string> {
  for (;;) {
    const id = freshId();
    if ((await cluster.ownerOf(`s:${id}`)) === master) return id;
  }
}

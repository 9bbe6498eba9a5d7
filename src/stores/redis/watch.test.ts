/** Watching and listening over one server, with every client: what is told, what is not, and that nothing is missed in silence. */
import { createClient } from 'redis';
import { beforeAll, expect } from 'vitest';
import { removeLater } from '../../../test/support/cleanup.js';
import { need } from '../../../test/support/needs.js';
import { faultProxy } from '../../../test/support/proxy.js';
import { recordingWatcher } from '../../../test/support/recording-watcher.js';
import { type RedisServer, startRedis, until } from '../../../test/support/redis.js';
import { redisClients } from '../../../test/support/redis-clients.js';
import { startNode } from '../../../test/support/spawn.js';
import { delta, freshId, session, set } from '../../testing/store/samples.js';
import { redis } from '../redis.js';
import type { RedisClient } from './clients/shapes.js';

const { describe, test } = need('redis');

/** The beat of these tests. */
const EVERY_MS = 50;

const put = (value: string) => delta(Date.now(), { field: set(value) });
const fresh = () => session(Date.now(), { field: 'first' });

let server: RedisServer;
/** What another process of the application does. */
let other: ReturnType<typeof redis>;
beforeAll(async () => {
  server = await startRedis();
  other = redis((await plainClient(server.url)) as RedisClient);
});

async function plainClient(url: string) {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  removeLater({ remove: async () => client.destroy(), removeNow: () => {} });
  return client;
}

for (const kind of redisClients.single) {
  describe(kind.name, () => {
    /** A store that watches, and what it was told. */
    async function watching({ url = server.url, everyMs = EVERY_MS } = {}) {
      const { client } = await kind.connect({ url });
      const store = redis(client);
      const watcher = recordingWatcher();
      const hearing = watcher.next('heard');
      const stop = await store.watch(watcher, everyMs);
      removeLater({ remove: async () => void (await stop()), removeNow: () => {} });
      await hearing;
      return { store, watcher, stop };
    }

    async function throughProxy(everyMs = EVERY_MS) {
      const proxy = await faultProxy(server.port);
      const scene = await watching({ url: `redis://127.0.0.1:${proxy.port}`, everyMs });
      return { proxy, ...scene };
    }

    test('a foreign commit is told, each one after another load', async () => {
      const { store, watcher } = await watching();
      const id = freshId();
      await other.create(id, fresh());
      for (let n = 1; n <= 3; n++) {
        await store.load(id);
        const told = watcher.next(`changed ${id}`);
        await other.commit(id, put(`foreign ${n}`));
        await told;
      }
      expect(watcher.changes(id)).toBe(3);
    });

    test('an own commit is not told, and the session stays watched', async () => {
      const { store, watcher } = await watching();
      const id = freshId();
      await store.create(id, fresh());
      await store.commit(id, put('own'));
      await store.commit(id, put('own again'));
      await watcher.caughtUp();
      expect(watcher.changes(id)).toBe(0);
      const told = watcher.next(`changed ${id}`);
      await other.commit(id, put('foreign'));
      await told;
    });

    test('a session that this process created is watched', async () => {
      const { store, watcher } = await watching();
      const id = freshId();
      await store.create(id, fresh());
      const told = watcher.next(`changed ${id}`);
      await other.destroy(id);
      await told;
    });

    test('what others destroy, and what expires, is told', async () => {
      const { store, watcher } = await watching();
      const [ended, late] = [freshId(), freshId()];
      await other.create(ended, fresh());
      await other.create(late, session(Date.now(), {}, { expiresAt: Date.now() + 60_000 }));
      await store.load(ended);
      await store.load(late);
      const told = [watcher.next(`changed ${ended}`), watcher.next(`changed ${late}`)];
      await other.destroy(ended);
      await server.raw('PEXPIREAT', `s:${late}`, 1); // its time is over now
      await Promise.all(told);
    });

    test('keys of others are not told', async () => {
      const { store, watcher } = await watching();
      await server.raw('SET', 'else', '1');
      await store.load('x'.repeat(300)); // no id: not asked for
      await store.load('unknown');
      await server.raw('SET', 'else', '2');
      await server.raw('SET', 's:index:abc', 'not a session');
      await watcher.caughtUp();
      expect(watcher.told).toEqual(['heard']);
      await server.raw('DEL', 's:index:abc');
    });

    test('one command for each call, also while watched', async () => {
      const { store } = await watching({ everyMs: 60_000 });
      const id = freshId();
      await store.create(id, fresh());
      await store.commit(id, put('own')); // the server knows the script from now on
      await server.raw('CONFIG', 'RESETSTAT');
      await store.load(id);
      await store.commit(id, put('own'));
      const statistics = String(await server.raw('INFO', 'commandstats'));
      const calls = (command: string) =>
        Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(statistics)?.[1] ?? 0);
      // The script reads twice.
      expect([calls('evalsha'), calls('get'), calls('exists'), calls('eval')]).toEqual([1, 2, 1, 0]);
    });

    test('FLUSHALL makes deaf for a moment', async () => {
      const { store, watcher } = await watching();
      await store.load(freshId());
      const deaf = watcher.next('deaf');
      const heard = watcher.next('heard');
      await server.raw('FLUSHALL');
      await deaf;
      await watcher.caughtUp();
      await heard;
      expect(watcher.isDeaf).toBe(false);
    });

    test('what the server can no longer remember is told as changed', async () => {
      const { store, watcher } = await watching();
      await server.raw('CONFIG', 'SET', 'tracking-table-max-keys', 2);
      try {
        const ids = Array.from({ length: 6 }, freshId);
        await Promise.all(ids.map((id) => store.load(id)));
        await until('keys are given up', async () => ids.reduce((sum, id) => sum + watcher.changes(id), 0) >= 3);
      } finally {
        await server.raw('CONFIG', 'SET', 'tracking-table-max-keys', 1_000_000);
      }
    });

    test('a cut link makes deaf at once; what is changed meanwhile was given up, and later changes are told again', async () => {
      const { proxy, store, watcher } = await throughProxy();
      const id = freshId();
      await other.create(id, fresh());
      await store.load(id);
      const deaf = watcher.next('deaf');
      proxy.cut();
      await deaf;
      await other.commit(id, put('missed'));
      await watcher.next('heard');
      const stored = await store.load(id);
      expect(String(stored?.fields.get('field'))).toBe('missed');
      const told = watcher.next(`changed ${id}`);
      await other.commit(id, put('foreign'));
      await told;
    });

    test('each connection of a link is missed when it alone is cut, long before the next beat', async () => {
      const { proxy, watcher } = await throughProxy(60_000);
      for (const part of ['tracking', 'subscribed'] as const) {
        const link = proxy.links.find((each) => each[part]);
        if (!link) continue; // node-redis is told where it reads
        const deaf = watcher.next('deaf');
        link.cut();
        await deaf;
        await watcher.next('heard');
      }
    });

    test('each connection of a link is missed when it alone is half open', async () => {
      const { proxy, watcher } = await throughProxy();
      for (const part of ['tracking', 'subscribed'] as const) {
        const link = proxy.links.find((each) => each[part]);
        if (!link) continue;
        const deaf = watcher.next('deaf');
        link.set({ replies: 'swallow' });
        await deaf;
        await watcher.next('heard');
      }
    });

    test('a load under way on a link that dies takes the ordinary way, and is not to be kept', async () => {
      const { proxy, store, watcher } = await throughProxy();
      const id = freshId();
      await other.create(id, fresh());
      const cut = proxy.next(/^get /i, 'cut');
      const loaded = store.load(id);
      await cut;
      expect(String((await loaded)?.fields.get('field'))).toBe('first');
      expect(watcher.changes(id)).toBe(1);
    });

    test('a commit whose answer is lost with the link is applied once', async () => {
      const { proxy, store, watcher } = await throughProxy();
      const id = freshId();
      await other.create(id, fresh());
      await store.load(id);
      const before = (await other.load(id))?.head.version ?? 0;
      const cut = proxy.next(/^evalsha /i, 'cut');
      const committed = store.commit(id, put('once'));
      await cut;
      expect(await committed).toEqual({ status: 'ok', version: before + 1 });
      expect(watcher.changes(id)).toBeGreaterThan(0);
      expect((await other.load(id))?.head.version).toBe(before + 1);
    });

    test('a server that stops answering makes deaf; it is heard again when it goes on', async () => {
      const { watcher } = await watching();
      const deaf = watcher.next('deaf');
      server.stop();
      try {
        await deaf;
      } finally {
        server.cont();
      }
      await watcher.next('heard');
    });

    test('a stopped watch closes its connections and tells nothing more', async () => {
      const { proxy, store, watcher, stop } = await throughProxy();
      const id = freshId();
      await store.create(id, fresh());
      const linked = proxy.links.filter(({ tracking, subscribed }) => tracking || subscribed);
      expect(linked.length).toBeGreaterThan(0);
      const told = watcher.told.length;
      await stop();
      await stop();
      await until('the links are closed', async () => linked.every(({ open }) => !open));
      await other.commit(id, put('foreign'));
      expect(String((await store.load(id))?.fields.get('field'))).toBe('foreign');
      expect(watcher.told.slice(told)).toEqual([]);
    });

    test('an answer too many is noticed at once, or with the next beat', async () => {
      const { proxy, watcher } = await throughProxy();
      const deaf = watcher.next('deaf');
      const twice = proxy.next(/^ping beat/i, 'twice');
      await twice;
      await deaf;
      await watcher.next('heard');
    });
  });
}

test('a link reads and writes where the client does, also after it has selected another database', async () => {
  const client = await plainClient(server.url);
  await client.select(3);
  const store = redis(client as RedisClient);
  const watcher = recordingWatcher();
  const heard = watcher.next('heard');
  const id = freshId();
  await store.create(id, fresh());
  await store.watch(watcher, EVERY_MS);
  await heard;
  expect(String((await store.load(id))?.fields.get('field'))).toBe('first');
  store.close?.();
});

test.each(['node-redis', 'ioredis', 'iovalkey'])('links of %s do not keep the process alive', async (name) => {
  const program = await startNode('build/test/programs/redis-watcher.js', [name, server.url], { ready: /watched/ });
  // It has closed its own client, and nothing else; a beat later it is still watching.
  expect(await program.exited).toEqual({ code: 0, signal: null });
});

test('who may not track is warned of once, and reads all the same', async () => {
  await server.raw('ACL', 'SETUSER', 'blind', 'on', '>secret', '+@all', '-client|tracking', '~*', '&*');
  const warnings: string[] = [];
  const listener = ({ message }: Error) => void warnings.push(message);
  process.on('warning', listener);
  const client = await plainClient(`redis://blind:secret@127.0.0.1:${server.port}`);
  const store = redis(client as RedisClient);
  const watcher = recordingWatcher();
  await store.watch(watcher, EVERY_MS);
  await until('it has been tried twice', async () => {
    const denied = /rejected_calls=(\d+)/.exec(
      String(await server.raw('INFO', 'commandstats')).split('client|tracking')[1] ?? '',
    );
    return Number(denied?.[1]) >= 2;
  });
  const id = freshId();
  await store.create(id, fresh());
  expect(String((await store.load(id))?.fields.get('field'))).toBe('first');
  expect(watcher.isDeaf).toBe(true);
  expect(watcher.changes(id)).toBeGreaterThanOrEqual(2); // not watched, so not to be kept
  expect(warnings.filter((each) => each.includes('NOPERM'))).toHaveLength(1);
  process.off('warning', listener);
  store.close?.();
});

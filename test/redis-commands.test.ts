/** What requests cost in commands to Redis, over HTTP: nothing for who has no session, nothing for a hot read, else exactly one. */
import { sessions, type } from 'sojourn';
import { cached } from 'sojourn/cached';
import { session } from 'sojourn/node';
import { redis } from 'sojourn/redis';
import { beforeAll, expect } from 'vitest';
import { removeLater } from './support/cleanup.js';
import { browser, serve } from './support/http.js';
import { need } from './support/needs.js';
import { type RedisServer, startRedis, until } from './support/redis.js';
import { redisClients } from './support/redis-clients.js';
import { calls, commandsDuring } from './support/redis-commands.js';

const { describe, test } = need('redis');
const ANONYMOUS = 10_000;
const REQUESTS = 200;
/** So many requests are under way at once. */
const AT_ONCE = 50;

describe('commands to Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });

  for (const kind of redisClients.single) {
    test(`${kind.name}: a cold read is one command, and so is a write`, async () => {
      const site = await application('bare');
      const ann = browser(site);
      await ann.fetch('/login');

      expect(await commandsDuring(server, () => times(REQUESTS, () => ann.fetch('/read')))).toEqual({ get: REQUESTS });
      // Whose session it is has to be known before: so it is a read, and the write.
      expect(await commandsDuring(server, () => times(REQUESTS, () => ann.fetch('/set'), 1))).toEqual({
        get: REQUESTS,
        evalsha: REQUESTS,
      });
    });

    test(`${kind.name}: a hot read is no command, and a hot write one`, async () => {
      const site = await application('cached');
      const ann = browser(site);
      await ann.fetch('/login');
      await until('it is hot', async () => {
        const sent = await commandsDuring(server, () => ann.fetch('/read'));
        return Object.keys(sent).length === 0;
      });

      expect(await commandsDuring(server, () => times(REQUESTS, () => ann.fetch('/read')))).toEqual({});
      expect(await commandsDuring(server, () => times(REQUESTS, () => ann.fetch('/set'), 1))).toEqual({
        evalsha: REQUESTS,
      });
      expect(await commandsDuring(server, () => times(REQUESTS, () => ann.fetch('/add'), 1))).toEqual({
        evalsha: REQUESTS,
      });
      expect(await commandsDuring(server, () => times(REQUESTS, () => ann.fetch('/read')))).toEqual({});
    });

    async function application(mode: 'bare' | 'cached') {
      return site((await kind.connect(server)).client, mode);
    }
  }

  for (const mode of ['bare', 'cached'] as const) {
    test(`${ANONYMOUS} requests without a session are no command, ${mode}`, async () => {
      const [kind] = redisClients.single;
      const stranger = browser(await site((await kind!.connect(server)).client, mode));
      await stranger.fetch('/read'); // with a near cache, this is where its links are opened

      const keys = await server.raw('DBSIZE');
      const before = await calls(server);
      const work = () =>
        times(ANONYMOUS, async () => {
          const answer = await stranger.fetch('/read', { headers: { Cookie: 'theme=dark; sid=; consent=yes' } });
          expect([answer.status, answer.headers.get('set-cookie')]).toEqual([200, null]);
        });
      expect(await commandsDuring(server, work)).toEqual({});
      const after = await calls(server);
      expect(after).toEqual(before);
      expect(await server.raw('DBSIZE')).toBe(keys);
    }, 120_000);
  }
});

async function site(client: Parameters<typeof redis>[0], mode: 'bare' | 'cached') {
  const bare = redis(client);
  const options = { data: type<{ n: number; at: number }>(), sweep: false } as const;
  const s = mode === 'cached' ? sessions({ ...options, store: cached(bare) }) : sessions({ ...options, store: bare });
  removeLater({ remove: () => s.close(), removeNow: () => {} });
  let writes = 0;
  return serve(
    session(s, (req, res, visit) => {
      if (req.url === '/login') visit.login('ann');
      if (req.url === '/set') visit.set('at', ++writes);
      if (req.url === '/add') visit.update('n', (n = 0) => n + 1);
      res.end(String(visit.user ?? 'nobody'));
    }),
  );
}

async function times(count: number, ask: () => Promise<unknown>, atOnce: number = AT_ONCE): Promise<void> {
  for (let done = 0; done < count; done += atOnce) await Promise.all(Array.from({ length: atOnce }, ask));
}

/**
 * Three servers with near caches on one Redis: how soon what happens on one is known on the others, and what happens when a link of
 * one of them is cut, or half open, at that very moment.
 *
 * Each server has a client of its own behind a proxy of its own. A message that is to be lost is held first, so that no test hopes for
 * the right moment. Bounds are looked at from the safe side: a read that *began* after the bound must not show what was before.
 */
import { performance } from 'node:perf_hooks';
import { type Sessions, sessions, type } from 'sojourn';
import { type Cached, cached } from 'sojourn/cached';
import { redis } from 'sojourn/redis';
import { beforeAll, expect } from 'vitest';
import { removeLater } from './support/cleanup.js';
import { runs } from './support/exam.js';
import { need } from './support/needs.js';
import { type FaultProxy, faultProxy } from './support/proxy.js';
import { type RedisServer, startRedis, until } from './support/redis.js';
import { twoKinds } from './support/redis-clients.js';
import { visitor } from './support/visitor.js';

const { describe, test } = need('redis');

const ROUNDS = runs(5, 50);
/** Long enough for a test to do something within it on a busy machine. */
const BOUND_MS = 1000;
/** So long that whoever refuses earlier was told. */
const NEVER = '10m';

type Fields = { n: number };
type Store = Cached<ReturnType<typeof redis>>;
interface Server {
  readonly s: Sessions<Fields, Store>;
  readonly store: Store;
  readonly proxy: FaultProxy;
}
type Cookies = ReadonlyMap<string, string>;

for (const kind of twoKinds) {
  describe(kind.name, () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis();
    });

    test('sessions that are revoked on one server are refused on the others as soon as these are told', async () => {
      const [a, b, c] = await three(NEVER);
      for (let round = 0; round < ROUNDS; round++) {
        const phones = await signedIn(a, 3, [a, b, c]);
        await a.s.revoke('ann');
        for (const cookies of phones) {
          expect(await userOn(a, cookies)).toBeUndefined();
          for (const each of [b, c]) await until('it is told', async () => (await userOn(each, cookies)) === undefined);
        }
      }
    });

    test('after a cut nothing is served that was revoked or changed: 0 stale reads from the moment it is noticed', async () => {
      const [a, b, c] = await three(NEVER);
      for (let round = 0; round < ROUNDS; round++) {
        const [revoked, changed] = [await signedIn(a, 1, [b, c]), await signedIn(a, 1, [b, c], 'bob')];
        for (const link of links(b)) link.set({ replies: 'hold' });
        await a.s.revoke('ann');
        await writeOn(a, changed[0]!, round + 1);
        // The message is on its way, and is lost with the link. Until then this is what a near cache does:
        expect(await userOn(b, revoked[0]!)).toBe('ann');
        const { interruptions } = b.store.figures;
        for (const link of links(b)) link.cut();
        await until('it is noticed', async () => b.store.figures.interruptions > interruptions);
        for (let read = 0; read < 20; read++) {
          expect(await userOn(b, revoked[0]!)).toBeUndefined();
          expect(await readOn(b, changed[0]!)).toBe(round + 1);
        }
        expect(await userOn(c, revoked[0]!)).toBeUndefined();
        await until('it watches again', async () => b.store.figures.watched);
        expect(await readOn(b, changed[0]!)).toBe(round + 1);
      }
    });

    test('a server that loses Redis altogether accepts no session that was revoked meanwhile', async () => {
      const [a, b] = await three(NEVER);
      const [cookies] = await signedIn(a, 1, [b]);
      b.proxy.set({ replies: 'hold' });
      await a.s.revoke('ann');
      const { interruptions } = b.store.figures;
      await b.proxy.down();
      await until('it is noticed', async () => b.store.figures.interruptions > interruptions);
      for (let read = 0; read < 5; read++)
        await expect(userOn(b, cookies!)).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
      b.proxy.heal();
      await b.proxy.up();
      await until('it is back', () => userOn(b, cookies!).then((user) => user === undefined));
    });

    for (const how of ['its links alone', 'all its connections'] as const) {
      test(`on a half-open link (${how}) no revoked session is accepted after the bound, and nothing older is read`, async () => {
        const [a, b, c] = await three(BOUND_MS);
        const [revoked, changed] = [await signedIn(a, 1, [b, c]), await signedIn(a, 1, [b, c], 'bob')];
        if (how === 'its links alone')
          for (const link of links(b)) link.set({ requests: 'swallow', replies: 'swallow' });
        else b.proxy.set({ requests: 'swallow', replies: 'swallow' });
        await a.s.revoke('ann');
        await writeOn(a, changed[0]!, 7);
        const doneAt = performance.now();

        let accepted = 0;
        for (let beganAt = doneAt; beganAt < doneAt + 2 * BOUND_MS; ) {
          beganAt = performance.now();
          const isLate = beganAt > doneAt + BOUND_MS;
          const user = await orRefused(userOn(b, revoked[0]!));
          const n = await orRefused(readOn(b, changed[0]!));
          if (user === 'ann') accepted++;
          if (isLate) {
            expect([undefined, 'refused']).toContain(user);
            expect([7, 'refused']).toContain(n);
          }
          await new Promise(setImmediate);
        }
        // Nobody could know at first: so the test has seen what it is about.
        expect(accepted).toBeGreaterThan(0);
        expect(await userOn(c, revoked[0]!)).toBeUndefined();
        b.proxy.heal();
        await until('it is back', async () => (await orRefused(readOn(b, changed[0]!))) === 7);
      });
    }

    test('who has written on one server reads that on the next, even when no message arrives', async () => {
      const [a, b] = await three(NEVER);
      const [cookies] = await signedIn(a, 1, [a, b]);
      for (const each of [a, b]) each.proxy.set({ pushes: 'swallow' });
      const ann = new Map(cookies);
      for (let n = 1; n <= 20 * ROUNDS; n++) {
        const [writes, reads] = n % 2 ? [a, b] : [b, a];
        await visitor(writes.s, ann).visit((session) => session.set('n', n));
        // Somebody with an older cookie is still shown the copy, so it is the cookie that makes the difference.
        if (n === 1) expect(await readOn(reads, cookies!)).toBe(0);
        expect(await visitor(reads.s, ann).visit((session) => session.get('n'))).toBe(n);
      }
    });

    async function three(staleness: '10m' | number): Promise<readonly [Server, Server, Server]> {
      const start = async (): Promise<Server> => {
        const proxy = await faultProxy(server.port);
        const { client } = await kind.connect({ url: `redis://127.0.0.1:${proxy.port}` });
        const store = cached(redis(client), { staleness });
        const s = sessions({ data: type<Fields>(), store, sweep: false });
        removeLater({ remove: () => s.close(), removeNow: () => {} });
        return { s, store, proxy };
      };
      return [await start(), await start(), await start()];
    }
  });
}

/** Somebody who is signed in on so many devices, which these servers know and keep. The cookies do not ask for a version. */
async function signedIn(at: Server, devices: number, keep: readonly Server[], name = 'ann'): Promise<Cookies[]> {
  const all: Cookies[] = [];
  for (let device = 0; device < devices; device++) {
    const own = visitor(at.s);
    await own.visit((session) => {
      session.login(name);
      session.set('n', 0);
    });
    all.push(new Map([...own.cookies].filter(([, value]) => value.includes('.'))));
  }
  for (const each of keep)
    for (const cookies of all) {
      await until('a copy is kept', async () => {
        const { hits } = each.store.figures;
        expect(await userOn(each, cookies)).toBe(name);
        return each.store.figures.hits > hits;
      });
    }
  return all;
}

/** The connections over which a server reads and is told. */
function links({ proxy }: Server) {
  return proxy.links.filter(({ tracking, subscribed }) => tracking || subscribed);
}

function userOn({ s }: Server, cookies: Cookies): Promise<string | undefined> {
  return visitor(s, new Map(cookies)).visit((session) => session.user);
}

function readOn({ s }: Server, cookies: Cookies): Promise<number | undefined> {
  return visitor(s, new Map(cookies)).visit((session) => session.get('n'));
}

async function writeOn({ s }: Server, cookies: Cookies, n: number): Promise<void> {
  await visitor(s, new Map(cookies)).visit((session) => session.set('n', n));
}

function orRefused<R>(answer: Promise<R>): Promise<R | 'refused'> {
  return answer.catch((error: { code?: string }) => {
    expect(error.code).toBe('SOJOURN_STORE');
    return 'refused' as const;
  });
}

/**
 * Leaving Flask-Session: `migrating({ from: flaskSession(...), to: ... })`, and `formerly: [fromFlask({ store })]`. Visitors sign in with the real
 * Flask and its Flask-Session, in a real Redis; then the application is switched over, all at once or server by server, and nobody is
 * signed out. What two servers do to each other in the middle of it is played with an old store in memory, call by call.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { memory, type Sessions, type Store, sessions, type Transport } from 'sojourn';
import { flaskLifetimes, flaskSession, flaskTransport, fromFlask, type Shelf } from 'sojourn/flask';
import { migrating } from 'sojourn/migrating';
import { redis } from 'sojourn/redis';
import { controllableClock, FaultPlan, faulty } from 'sojourn/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeEntry } from '../src/compat/flask/entry.js';
import { Dict, Float, type Python, Tuple } from '../src/compat/flask/python.js';
import type { RedisClient } from '../src/stores/redis/clients/shapes.js';
import { runs } from './support/exam.js';
import { need } from './support/needs.js';
import { type RedisServer, startRedis } from './support/redis.js';
import { redisClients } from './support/redis-clients.js';
import { type Visitor, visitor } from './support/visitor.js';

interface Fields {
  [key: string]: unknown;
}
type Site = Sessions<Fields, unknown>;
type Phase = 'from' | 'moving';

const site = (store: Store, transport: Transport = flaskTransport()): Site =>
  sessions<Fields>({ store, transport, ...flaskLifetimes(), sweep: false }) as Site;
const browser = (s: Site, cookie: string) => visitor(s, new Map([['session', cookie]]));
/** The same browser, on another server. */
const at = (s: Site, { cookies }: Visitor<Fields>) => visitor(s, cookies);
const cookieOf = (one: Visitor<Fields>) => one.cookies.get('session')!;
const OURS = /^[\w-]{22}\.[\w-]{43}$/;

const flaskAndPython = (body: () => void) =>
  need('flask').describe('Flask', () =>
    need('flaskSession').describe('Flask-Session', () =>
      need('pythonRedis').describe('its Redis client', () => need('redis').describe('and Redis', body)),
    ),
  );

flaskAndPython(() => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis();
    client = (await redisClients.single[0]!.connect(server)).client;
  });

  interface Visit {
    cookie: string | null;
    path: string;
  }
  interface Said {
    user: string | null;
    fields: Record<string, unknown>;
    types: Record<string, string>;
  }
  function flask(visits: readonly Visit[]): { cookie: string | null; said: Said }[] {
    const script = fileURLToPath(new URL('support/flask_visits.py', import.meta.url));
    const folder = fileURLToPath(new URL('../examples/flask-and-node', import.meta.url));
    const { stdout, stderr, status } = spawnSync('/usr/bin/python3', [script, folder], {
      input: JSON.stringify(visits),
      encoding: 'utf8',
      env: { ...process.env, REDIS_PORT: String(server.port), SECRET_KEY: SECRET },
      timeout: 60_000,
    });
    if (status !== 0) throw new Error(`flask_visits.py ended with ${status}:\n${stderr}`);
    return JSON.parse(stdout);
  }
  const SECRET = 'dev';
  const signed = () => flaskTransport({ signedBy: SECRET });
  const entries = () => flaskSession(client, { format: 'pickle' });

  /** People who have signed in with Flask, and filled a cart there. */
  async function signedIn(...users: string[]): Promise<string[]> {
    await server.raw('FLUSHALL');
    const cookies = flask(users.map((user) => ({ cookie: null, path: `/login?user=${user}` }))).map(
      ({ cookie }) => cookie!,
    );
    flask(cookies.map((cookie) => ({ cookie, path: '/cart' })));
    return cookies.map((cookie) => cookie.slice('session='.length));
  }
  const keys = async () => ((await server.raw('KEYS', '*')) as string[]).sort();

  test('all at once: who signed in with Flask goes on, with a token of ours, and the new store never sees his old id', async () => {
    const [cookie] = await signedIn('ann');
    const id = cookie!.split('.')[0]!;
    const s = site(migrating({ from: entries(), to: redis(client, { prefix: 'new:' }), phase: 'moving' }), signed());
    const ann = browser(s, cookie!);
    const seen = await ann.visit((session) => [session.user, session.get('cart')]);
    expect(seen).toEqual(['ann', { seat: ['A', 7], price: 30, count: 1 }]);
    expect(cookieOf(ann)).not.toBe(cookie);
    await ann.visit((session) => session.set('theme', 'dark'));
    expect(await ann.visit((session) => [session.user, session.get('theme')])).toEqual(['ann', 'dark']);
    expect((await keys()).filter((key) => key.startsWith('session:'))).toEqual([]);
    const all = JSON.stringify([await keys(), await dump(await keys())]);
    expect(all).toContain('dark');
    expect(all).not.toContain(id);
  });

  /** Whatever is under these keys, as text. */
  async function dump(all: readonly string[]): Promise<unknown[]> {
    return Promise.all(all.map((key) => server.raw('EVAL', DUMP, '1', key)));
  }

  test('the last of our servers in phase "from" beside Flask itself: both see what the other writes, types included', async () => {
    const [cookie] = await signedIn('ann');
    const s = site(migrating({ from: entries(), to: memory(), phase: 'from' }), signed());
    const ann = browser(s, cookie!);
    await ann.visit((session) => session.set('theme', 'dark'));
    expect(cookieOf(ann)).toBe(cookie);
    const { said } = flask([{ cookie: `session=${cookie}`, path: '/see' }])[0]!;
    expect(said.fields).toMatchObject({ theme: 'dark' });
    expect(said.types.cart).toBe('dict{count: int, price: float, seat: tuple(str, int)}');
    expect(said.user).toBe('ann');
  });

  test('who has signed in with Flask and comes to a site that only looks there (fromFlask) goes on; Flask is left as it was', async () => {
    const [cookie] = await signedIn('ann', 'bob');
    const before = await dump(await keys());
    const s = sessions<Fields>({
      store: memory(),
      formerly: [fromFlask({ store: entries(), transport: signed() })],
      sweep: false,
    }) as Site;
    const ann = browser(s, cookie!);
    expect(await ann.visit((session) => [session.user, session.get('cart')])).toEqual([
      'ann',
      { seat: ['A', 7], price: 30, count: 1 },
    ]);
    expect([...ann.cookies.keys()]).toEqual(['__Host-sid']);
    expect(await ann.visit((session) => session.user)).toBe('ann');
    expect(await dump(await keys())).toEqual(before);
    const forged = browser(s, `${cookie!.slice(0, -2)}xx`);
    expect(await forged.visit((session) => session.user)).toBeUndefined();
    expect(await browser(s, 'nobody').visit((session) => session.user)).toBeUndefined();
  });

  test('fromFlask takes what nobody can read for no session; a Redis that hangs holds nobody up, and signs nobody out', async () => {
    const own = await startRedis();
    const { client: other } = await redisClients.single[0]!.connect(own);
    const s = sessions<Fields>({
      store: memory(),
      formerly: [fromFlask({ store: flaskSession(other), transport: flaskTransport() })],
      sweep: false,
    }) as Site;
    await own.raw('SET', 'session:abc', 'no session at all', 'EX', 100);
    expect(await browser(s, 'abc').visit((session) => session.user)).toBeUndefined();
    own.stop();
    const ann = browser(s, 'abc');
    const problem = expect.stringContaining('did not answer within 500 ms');
    await expect(ann.visit((session) => session.user)).rejects.toMatchObject({ fault: 'store', details: { problem } });
    expect(cookieOf(ann)).toBe('abc');
    own.cont();
    expect(await ann.visit((session) => session.user)).toBeUndefined();
  });
});

const DUMP = `local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'hash' then return redis.call('HGETALL', KEYS[1]) end
if kind == 'string' then return redis.call('GET', KEYS[1]) end
return kind`;

/** Flask-Session's entries in a map: as blind as Redis, and without a server. */
function shelf(): Shelf & { readonly entries: Map<string, Uint8Array> } {
  const entries = new Map<string, Uint8Array>();
  const same = (key: string, bytes: Uint8Array | undefined) => {
    const present = entries.get(key);
    return bytes === undefined || present === undefined ? bytes === present : Buffer.compare(bytes, present) === 0;
  };
  return {
    name: 'flask-session in a map',
    entries,
    read: async (key) => {
      const bytes = entries.get(key);
      return bytes === undefined ? null : { bytes, expiresAt: undefined, seen: undefined };
    },
    swap: async (key, entry, bytes) => {
      if (!same(key, entry?.bytes)) return false;
      entries.set(key, bytes);
      return true;
    },
    remove: async (key, entry) => {
      if (entry !== undefined && !same(key, entry.bytes)) return false;
      return entries.delete(key);
    },
  };
}

/** A house with an old and a new store, and as many servers as a test wants. */
function house(id = 'anns-id-of-flask-session') {
  const place = shelf();
  const to = memory();
  const from = () => flaskSession(place, { format: 'pickle' });
  const dict = Dict.of([
    ['_permanent', true],
    ['_user_id', 'ann'],
    ['n', 0],
    ['seat', new Tuple(['A', new Float(7)])],
  ] as [Python, Python][]);
  place.entries.set(`session:${id}`, writeEntry(dict, 'pickle'));
  /** One that fails as the plan says. A server would ask again. */
  const layer = (phase: Phase, plan = new FaultPlan()) =>
    migrating({ from: faulty(from(), plan), to: faulty(to, plan), phase });
  return {
    id,
    place,
    to,
    plain: () => site(from()),
    layer,
    server: (phase: Phase) => site(layer(phase)),
    alone: () => site(to),
  };
}

const count = async (s: Site, who: Visitor<Fields>) =>
  at(s, who).visit((session) => session.update('n', (n) => (n as number) + 1));
const look = (s: Site, who: Visitor<Fields>) => at(s, who).visit((session) => [session.user, session.get('n')]);

describe('what a switch does to a session', () => {
  test('deploys one after the other, server by server: nobody is signed out, nothing is lost, and in the end the old store is empty', async () => {
    const schedule = fc.array(fc.tuple(fc.nat(2), fc.nat(2), fc.boolean()), { minLength: 12, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(schedule, async (visits) => {
        const { id, place, plain, server, alone } = house();
        const steps: (() => Site)[][] = [
          [plain, plain, () => server('from')],
          [() => server('from'), () => server('from'), () => server('moving')],
          [() => server('moving'), () => server('moving'), () => server('from')],
          [() => server('moving'), () => server('moving'), () => server('moving')],
          [() => server('moving'), alone, alone],
        ];
        const ann = browser(plain(), id);
        let n = 0;
        for (const [i, step] of steps.entries()) {
          const servers = step.map((start) => start());
          // At least once while the layer is there, as everybody who comes back within a lifetime does.
          const mine = [...visits.filter((_, j) => j % steps.length === i), [0, 0, true] as const];
          for (const [which, , writes] of mine) {
            if (writes) await count(servers[which]!, ann).then(() => n++);
            expect(await look(servers[which]!, ann)).toEqual(['ann', n]);
          }
        }
        expect(cookieOf(ann)).toMatch(OURS);
        expect([...place.entries]).toEqual([]);
      }),
      { numRuns: runs(15, 2000) },
    );
  });

  test('twenty requests at once with the old cookie, on servers of both phases: twenty changes in one session', async () => {
    const { id, server, to } = house();
    const servers = [server('from'), server('moving'), server('moving'), server('from')];
    const visits = Array.from({ length: 20 }, (_, i) => {
      const ann = browser(servers[i % 4]!, id);
      return ann.visit((session) => session.update('n', (n) => (n as number) + 1)).then(() => ann);
    });
    const answered = await Promise.all(visits);
    for (const ann of answered) expect(await look(servers[1]!, ann)).toEqual(['ann', 20]);
    let sessionsThere = 0;
    for await (const _ of to.list()) sessionsThere++;
    expect(sessionsThere).toBe(1);
  });

  test('a server that dies at any call of the move: the next one goes on', async () => {
    let deaths = 0;
    for (const phase of ['moving', 'from'] as const)
      for (const side of ['before', 'after'] as const)
        for (let call = 1; ; call++) {
          const { id, place, layer, server } = house();
          const plan = new FaultPlan();
          plan.failAt(call, { side });
          const died = await Promise.resolve(layer('moving', plan).load(id)).then(
            () => false,
            () => true,
          );
          if (!died) break;
          deaths++;
          const ann = browser(server(phase), id);
          await count(server(phase), ann);
          expect(await look(server('moving'), ann), `${side} ${call}`).toEqual(['ann', 1]);
          expect(place.entries.size).toBe(0);
        }
    expect(deaths).toBeGreaterThan(25);
  });

  test('a request that began before the move, on a server of phase "from", is written to where the session is now', async () => {
    const { id, server } = house();
    const ann = browser(server('from'), id);
    const slow = await ann.begin();
    const quick = browser(server('moving'), id);
    await quick.visit((session) => session.set('theme', 'dark'));
    slow.session.set('late', true);
    await slow.end();
    expect(await look(server('from'), ann)).toEqual(['ann', 0]);
    expect(await quick.visit((session) => [session.get('theme'), session.get('late')])).toEqual(['dark', true]);
  });

  test('a login in such a request is not carried out by half: the visitor stays who he was, and signs in again', async () => {
    const { id, server } = house();
    const slow = await browser(server('from'), id).begin();
    const quick = browser(server('moving'), id);
    await quick.visit((session) => session.user);
    slow.session.rotate();
    await slow.end();
    expect(await look(server('moving'), quick)).toEqual(['ann', 0]);
  });

  test('after a login the old id opens nothing any more, anywhere', async () => {
    const { id, server } = house();
    const ann = browser(server('moving'), id);
    await ann.visit((session) => session.login('ann'));
    for (const phase of ['from', 'moving'] as const) {
      const thief = browser(server(phase), id);
      expect(await thief.visit((session) => session.user)).toBeUndefined();
      expect(await look(server(phase), ann)).toEqual(['ann', 0]);
    }
  });

  test.each(['from', 'moving'] as const)(
    'a logout on a server of phase %s is final, for both tokens',
    async (phase) => {
      const { id, place, to, server } = house();
      const ann = browser(server('moving'), id);
      await ann.visit((session) => session.user);
      const ours = cookieOf(ann);
      await at(server(phase), ann).visit((session) => session.destroy());
      expect(ann.cookies.size).toBe(0);
      for (const cookie of [id, ours])
        for (const each of ['from', 'moving'] as const)
          expect(await browser(server(each), cookie).visit((session) => session.user)).toBeUndefined();
      expect(place.entries.size).toBe(0);
      for await (const one of to.list()) expect(one).toBeUndefined();
    },
  );

  test('a logout of somebody who has not moved yet, on a server of phase "from"', async () => {
    const { id, place, server } = house();
    const ann = browser(server('from'), id);
    await ann.visit((session) => session.destroy());
    expect(place.entries.size).toBe(0);
    expect(await browser(server('moving'), id).visit((session) => session.user)).toBeUndefined();
  });

  test('new visitors: an id alone while Flask may still have to know them, a token of ours afterwards', async () => {
    const { server, place } = house();
    const [bob, eve] = [visitor(server('from')), visitor(server('moving'))];
    await bob.visit((session) => session.login('bob'));
    await eve.visit((session) => session.login('eve'));
    expect(cookieOf(bob)).toMatch(/^[\w-]{22}$/);
    expect(place.entries.has(`session:${cookieOf(bob)}`)).toBe(true);
    expect(cookieOf(eve)).toMatch(OURS);
    for (const phase of ['from', 'moving'] as const) {
      expect(await look(server(phase), eve)).toEqual(['eve', undefined]);
      expect(await look(server(phase), bob)).toEqual(['bob', undefined]);
    }
    expect(cookieOf(bob)).toMatch(OURS);
    expect(await look(server('from'), bob)).toEqual(['bob', undefined]);
  });

  test('a session id of ours, which may be logged, opens nothing; nor does an entry that somebody has planted under it', async () => {
    const { id, place, server } = house();
    const ann = browser(server('moving'), id);
    await ann.visit((session) => session.user);
    const [ours = '', secret] = cookieOf(ann).split('.');
    const planted = writeEntry(Dict.of([['_user_id', 'eve']]), 'pickle');
    for (const phase of ['from', 'moving'] as const) {
      expect(await browser(server(phase), ours).visit((session) => session.user)).toBeUndefined();
      place.entries.set(`session:${ours}`, planted);
      expect(await look(server(phase), ann)).toEqual(['ann', 0]);
      place.entries.clear();
    }
    await ann.visit((session) => session.destroy());
    for (const phase of ['from', 'moving'] as const) {
      place.entries.set(`session:${ours}`, planted);
      const old = browser(server(phase), `${ours}.${secret}`);
      expect(await old.visit((session) => session.user)).toBeUndefined();
    }
  });

  test('the answer says the new token with the lifetime of a remembered session; a page that looks at no session says nothing', async () => {
    const { id, server } = house();
    const s = server('moving');
    const silent = browser(s, id);
    expect(await (await silent.begin()).end()).toEqual([]);
    const ann = browser(s, id);
    const { lines } = await ann.ask((session) => session.user);
    const [, line = ''] = lines.find(([name]) => name === 'Set-Cookie') ?? [];
    expect(line).toMatch(/^session=[\w-]{22}\.[\w-]{43}; Expires=/);
    expect((await ann.ask((session) => session.user)).lines.map(([name]) => name)).toEqual(['Vary']);
  });

  test('when it is over, the old store is asked no more, and who moved is at home', async () => {
    const { id, to, server } = house();
    const ann = browser(server('moving'), id);
    await ann.visit((session) => session.set('theme', 'dark'));
    expect(await at(site(to), ann).visit((session) => session.get('theme'))).toBe('dark');
  });

  test('the old id cannot be computed from what the new store holds', async () => {
    const { id, to, server } = house();
    await browser(server('moving'), id).visit((session) => session.user);
    for await (const [ours, head] of to.list()) {
      const sums = ['sha1', 'sha256'].map((name) => createHash(name).update(id).digest());
      for (const sum of sums) {
        expect(sum.toString('base64url').startsWith(ours)).toBe(false);
        expect(Buffer.compare(sum, Buffer.from(head.secret!))).not.toBe(0);
      }
      expect(head.secret).toHaveLength(32);
    }
  });
});

test('a store of ours does not become one whose ids are tokens', () => {
  const flask = flaskSession(shelf());
  expect(() => migrating({ from: memory(), to: flask, phase: 'moving' })).toThrow(
    /to of migrating: must be a store of ours/,
  );
});

test('Flask-Session cannot list its sessions, so that a move in the background is refused, and says so', () => {
  const both = migrating({ from: flaskSession(shelf()), to: memory(), phase: 'moving' });
  expect(() => both.move()).toThrow(/store that can list/);
});

test('an old entry whose time is over does not move', async () => {
  const clock = controllableClock(1_900_000_000_000);
  const { id, place, to } = house();
  const from = flaskSession(
    { ...place, read: async (key) => ({ ...(await place.read(key))!, expiresAt: 1_899_999_999_999 }) },
    { now: clock.now },
  );
  const s = site(migrating({ from, to, phase: 'moving', now: clock.now }));
  expect(await browser(s, id).visit((session) => session.user)).toBeUndefined();
});

/**
 * The defects of the two articles that this project began with: a Redis session interface for Flask (S1) and a session class
 * for Tornado (S2). One test for each, named by its row in our list, that shows what happens here instead.
 *
 * Many of these are shown more thoroughly elsewhere; this file is the checklist. What followed from reading Flask itself, and the
 * four strategies of distribution, stands in seed-strategies.test.ts.
 */
import { randomBytes } from 'node:crypto';
import { memory, sessions } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { session as nodeSession } from 'sojourn/node';
import { FaultPlan, faulty } from 'sojourn/testing';
import { describe, expect, test, vi } from 'vitest';
import { rules } from '../examples/cinema/domain/limits.js';
import { hashPassword, isPassword, properCost } from '../examples/cinema/domain/passwords.js';
import { join, newToken } from '../src/core/token.js';
import { onDisk } from './hostile/stores.js';
import { browser, serve } from './support/http.js';
import { networked } from './support/networked.js';
import { pair, pairOn } from './support/pair.js';
import { tempFolder } from './support/temp.js';
import { letPass } from './support/trouble.js';
import { visitor } from './support/visitor.js';

const NAME = '__Host-sid';
const cookies = (lines: readonly (readonly [string, string])[]): string[] =>
  lines.filter(([name]) => name === 'Set-Cookie').map(([, line]) => line);
const holding = (token: string): Map<string, string> => new Map([[NAME, token]]);
const badOption = (option: string): object =>
  expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringContaining(option) });

describe('the Redis session interface for Flask', () => {
  test('S1-1 an id that a client chose is never adopted: what it writes goes under a fresh one, also at login', async () => {
    const { a, calls } = pair();
    const chosen = newToken(randomBytes);

    for (const act of ['set', 'login'] as const) {
      const victim = visitor(a, holding(join(chosen.id, chosen.secret)));
      const id = await victim.visit((session) => {
        if (act === 'set') session.set('cart', 1);
        else session.login('ann');
        return session.id;
      });
      expect(id).not.toBe(chosen.id);
      expect(victim.cookies.get(NAME)).toMatch(new RegExp(`^${id}\\.`));
    }
    expect(calls.filter(({ verb, id }) => verb !== 'load' && id === chosen.id)).toEqual([]);
  });

  test('S1-2 login changes the token and ends the old one, logout deletes the entry', async () => {
    const { a, b, store } = pair();
    const ann = visitor(a);
    await ann.visit((session) => session.set('cart', ['ticket']));
    const before = new Map(ann.cookies);
    const id = await ann.visit((session) => {
      session.login('ann');
      return session.id;
    });

    expect(ann.cookies.get(NAME)).not.toBe(before.get(NAME));
    expect(await visitor(b, before).visit((session) => [session.user, session.get('cart')])).toEqual([
      undefined,
      undefined,
    ]);
    await ann.visit((session) => session.destroy());
    expect([ann.cookies.size, await store.load(id)]).toEqual([0, null]);
  });

  test('S1-3 what the store holds is data: a pickle is refused by name, and nothing can be kept that would be code', async () => {
    const { a, b, store, told } = pair();
    const ann = visitor(a);
    const id = await ann.visit((session) => {
      session.set('cart', 1);
      expect(() => session.set('code', () => 1)).toThrow(expect.objectContaining({ code: 'SOJOURN_VALUE' }));
      return session.id;
    });
    const pickle = Buffer.from('gASVHQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==', 'base64');
    const { head } = store.load(id) as { head: { expiresAt: number } };
    await store.commit(id, { generation: 0, head, fields: new Map([['cart', { op: 'set', value: pickle }]]) });

    await expect(visitor(b, ann.cookies).visit((session) => session.get('cart'))).rejects.toMatchObject({
      code: 'SOJOURN_CORRUPT',
    });
    expect(told.at(-1)).toMatchObject({
      event: 'corrupt',
      payload: { id, field: 'cart', reason: expect.stringContaining('pickle') },
    });
  });

  test('S1-4 a torn entry is told and served as no session; its user goes on in a new one', async () => {
    const { openStore, backDoor } = onDisk();
    const { a, b, told } = pairOn(openStore);
    const ann = visitor(a);
    const id = await ann.visit((session) => {
      session.login('ann');
      return session.id;
    });
    await backDoor.replace(id, backDoor.read(id).subarray(0, 40));

    const [user, next] = await visitor(b, ann.cookies).visit((session) => {
      session.set('cart', 1);
      return [session.user, session.id];
    });

    expect([user, next === id]).toEqual([undefined, false]);
    expect(told).toContainEqual({ event: 'corrupt', payload: { id, reason: 'it ends too early' } });
    expect(await ann.visit((session) => session.get('cart'))).toBe(1);
    await Promise.all([a.close(), b.close()]);
  });

  test('S1-5 lifetimes are given by name and with a unit, and arrive in the store as meant', async () => {
    const { a, store, clock } = pair({ idle: '15m', absolute: '2h' });
    const id = await visitor(a).visit((session) => {
      session.set('cart', 1);
      return session.id;
    });

    expect((await store.load(id))?.head.expiresAt).toBe(clock.now() + 15 * 60_000);
    for (const idle of ['15', 'm15', '15 minutes', null, {}] as never[])
      expect(() => sessions({ store: memory(), idle })).toThrow(badOption('idle'));
  });

  test('S1-6 a request that only reads writes nothing, and of 20 parallel writes of 20 fields 20 survive', async () => {
    const { a, b, calls, verbs } = pair();
    const ann = visitor(a);
    await ann.visit((session) => session.set('cart', [1]));
    calls.length = 0;
    for (let i = 0; i < 20; i++) await ann.visit((session) => (session.get('cart') as number[]).length);
    expect(new Set(verbs())).toEqual(new Set(['load']));

    const open = await Promise.all(Array.from({ length: 20 }, (_, i) => visitor(i % 2 ? a : b, ann.cookies).begin()));
    for (const [i, { session }] of open.entries()) session.set(`field${i}`, i);
    await Promise.all(open.map(({ end }) => end()));
    expect(await ann.visit((session) => [...session.keys()].length)).toBe(21);
  });

  test('S1-7 the cookie is sent when it is new, and not again', async () => {
    const { a } = pair();
    const ann = visitor(a);
    const sent: number[] = [];
    for (let i = 0; i < 10; i++) sent.push(cookies((await ann.ask((session) => session.set('views', i))).lines).length);

    expect(sent).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('S1-8 visitors with nothing to remember cost the store nothing', async () => {
    const { a, calls } = pair();
    for (let i = 0; i < 100; i++) {
      const { lines } = await visitor(a).ask((session) => [session.get('cart'), session.user, session.destroy()]);
      expect(cookies(lines)).toEqual([]);
    }
    expect(calls).toEqual([]);
  });

  test('S1-9 an anonymous session begins with its first write, ends after half an hour, and there is a bound to all of them', async () => {
    const { a, clock, store } = pairOn((clock) => memory({ now: clock.now, maxSessions: 3 }));
    const first = visitor(a);
    await first.visit((session) => session.set('cart', 1));
    for (let i = 0; i < 2; i++) await visitor(a).visit((session) => session.set('cart', i));

    await expect(visitor(a).visit((session) => session.set('cart', 1))).rejects.toMatchObject({
      code: 'SOJOURN_STORE_FULL',
    });
    expect(await first.visit((session) => session.get('cart'))).toBe(1);
    clock.advance('31m');
    await visitor(a).visit((session) => session.set('cart', 'there is room again'));
    expect(store.sweep(10)).toBeLessThanOrEqual(3);
  });

  test('S1-10 one model of lifetime: idle within absolute, remembered longer than not', () => {
    expect(() => sessions({ store: memory(), idle: '2h', absolute: '1h' })).toThrow(badOption('idle'));
    const { lifetimes } = pair().a.describe() as {
      lifetimes: Record<'ordinary' | 'remembered', { idleMs: number; absoluteMs: number }>;
    };
    expect(lifetimes.remembered.idleMs).toBeGreaterThan(lifetimes.ordinary.idleMs);
    expect(lifetimes.remembered.absoluteMs).toBeGreaterThan(lifetimes.ordinary.absoluteMs);
  });

  test('S1-11 the server decides: a session in use ends at its absolute timeout, and a remembered cookie says what the store says', async () => {
    const { a, store, clock } = pair({ idle: '30m', absolute: '2h' });
    const ann = visitor(a);
    const { lines, result } = await ann.ask((session) => {
      session.login('ann', { remember: true });
      return session.id;
    });
    const { expiresAt = 0 } = (await store.load(result))?.head ?? {};
    expect(cookies(lines)[0]).toContain(`; Max-Age=${(expiresAt - clock.now()) / 1000}; `);

    const bob = visitor(a);
    await bob.visit((session) => session.set('cart', 1));
    for (let minutes = 0; minutes < 119; minutes += 7) {
      expect(await bob.visit((session) => session.get('cart'))).toBe(1);
      clock.advance('7m');
    }
    clock.advance('1m');
    expect(bob.cookies.size).toBe(1);
    expect(await bob.visit((session) => session.get('cart'))).toBeUndefined();
  });

  test('S1-12 the cookie carries every attribute, and is deleted with the same ones', async () => {
    const { a } = pair();
    const ann = visitor(a);
    const set = cookies((await ann.ask((session) => session.set('cart', 1))).lines)[0];
    const cleared = cookies((await ann.ask((session) => session.destroy())).lines)[0];

    const attributes = '; Path=/; HttpOnly; Secure; SameSite=Lax';
    expect(set).toMatch(new RegExp(`^__Host-sid=[\\w-]{22}\\.[\\w-]{43}${attributes}$`));
    expect(cleared).toBe(`__Host-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${attributes}`);
  });

  test('S1-13 a change deep inside a value is noticed', async () => {
    const { a, b } = pair();
    const ann = visitor(a);
    await ann.visit((session) => session.set('cart', { lines: [{ id: 1, count: 1 }] }));
    await ann.visit((session) => {
      (session.data.cart as { lines: { count: number }[] }).lines[0]!.count++;
    });

    expect(await visitor(b, ann.cookies).visit((session) => session.get('cart'))).toEqual({
      lines: [{ id: 1, count: 2 }],
    });
  });

  test('S1-14 whoever looks at the session in any way gets Vary: Cookie', async () => {
    const { a } = pair();
    const looks: ((session: Awaited<ReturnType<typeof a.open>>) => unknown)[] = [
      (session) => session.id,
      (session) => session.isNew,
      (session) => session.user,
      (session) => session.signedInAt,
      (session) => session.get('x'),
      (session) => session.has('x'),
      (session) => session.keys(),
      (session) => session.data,
      (session) => session.take('x'),
      (session) => session.delete('x'),
      (session) => JSON.stringify(session),
    ];
    for (const look of looks) expect((await visitor(a).ask(look)).lines).toEqual([['Vary', 'Cookie']]);
    expect((await visitor(a).ask(() => undefined)).lines).toEqual([]);
  });

  test('S1-15 a store that is down is answered with 503 and told; it signs nobody out', async () => {
    const plan = new FaultPlan();
    const { a, told } = pairOn(({ now }) => faulty(memory({ now }), plan));
    const served = await serve(
      nodeSession(a, (req, res, session) => {
        if (req.url === '/login') session.login('ann');
        res.end(session.user ?? 'nobody');
      }),
    );
    const ann = browser(served);
    await ann.fetch('/login');

    plan.fail();
    const during = await ann.fetch('/');
    plan.heal();

    expect([during.status, during.headers.getSetCookie(), during.headers.get('retry-after')]).toEqual([503, [], '1']);
    expect(told.at(-1)).toMatchObject({ event: 'storeError', payload: { operation: 'load' } });
    expect(await (await ann.fetch('/')).text()).toBe('ann');
  });

  test('S1-15 a store that hangs costs a request half a second, and soon nobody anything; a logout is one all the same', async () => {
    const plan = new FaultPlan();
    const { a, told, clock, calls } = pairOn(({ now }) => networked(faulty(memory({ now }), plan)));
    const served = await serve(
      nodeSession(a, (req, res, session) => {
        if (req.url === '/login') session.login('ann');
        if (req.url === '/logout') session.destroy();
        res.end(session.user ?? 'nobody');
      }),
    );
    const ann = browser(served);
    const thief = browser(served);
    await ann.fetch('/login');
    for (const [name, value] of ann.cookies) thief.cookies.set(name, value);

    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const before = calls.length;
    plan.delay(() => released, { verbs: ['load'] });
    const hanging = [1, 2, 3, 4, 5].map(() => ann.fetch('/'));
    await vi.waitFor(() => expect(calls.length).toBe(before + 5));
    clock.advance(500);
    for (const { status } of await Promise.all(hanging)) expect(status).toBe(503);
    expect(told.at(-1)).toMatchObject({ event: 'storeDown' });
    const asked = calls.length;
    expect((await ann.fetch('/')).status).toBe(503);
    expect(calls.length).toBe(asked);

    release();
    plan.heal();
    await letPass(clock, 1000);
    plan.fail({ verbs: ['destroy'] });
    const goodbye = await ann.fetch('/logout');
    expect([goodbye.status, goodbye.headers.getSetCookie()[0]]).toEqual([503, expect.stringContaining('Max-Age=0')]);
    expect(await (await thief.fetch('/')).text()).toBe('nobody');
  });

  test('S1-16 ids carry 128 bits and secrets 256, from a generator that nobody can predict', async () => {
    const { a } = pair();
    const random = Math.random;
    Math.random = () => {
      throw new Error('Math.random is no source of tokens');
    };
    const tokens = new Set<string>();
    try {
      for (let i = 0; i < 2000; i++) {
        const ann = visitor(a);
        await ann.visit((session) => session.set('cart', 1));
        for (const half of ann.cookies.get(NAME)!.split('.')) tokens.add(half);
      }
    } finally {
      Math.random = random;
    }
    expect(tokens.size).toBe(4000);
    for (const half of tokens) expect([16, 32]).toContain(Buffer.from(half, 'base64url').length);
  });

  test('S1-17 the sessions of a user can be listed and ended, all but the one at hand', async () => {
    const { a, b } = pair();
    const devices = [visitor(a), visitor(b), visitor(a)];
    const ids = await Promise.all(
      devices.map((device) =>
        device.visit((session) => {
          session.login('ann');
          return session.id;
        }),
      ),
    );
    await visitor(b).visit((session) => session.login('bob'));

    const listed: string[] = [];
    for await (const [id] of b.of('ann')) listed.push(id);
    expect(listed.sort()).toEqual([...ids].sort());
    expect(await b.revoke('ann', { except: ids[0]! })).toBe(2);
    expect(await Promise.all(devices.map((device) => device.visit((session) => session.user)))).toEqual([
      'ann',
      undefined,
      undefined,
    ]);
  });
});

describe('the session class for Tornado', () => {
  test('S2-13 a token has one form; what has another is refused before the store is asked', async () => {
    const { a, calls, told } = pair();
    const ann = visitor(a);
    await ann.visit((session) => session.set('cart', 1));
    const token = ann.cookies.get(NAME)!;
    const [id = '', secret = ''] = token.split('.');
    calls.length = 0;
    told.length = 0;

    const others = [
      '',
      id,
      `${id}.`,
      `${id}${secret}`,
      `${secret}.${id}`,
      `${token}.`,
      token.slice(1),
      token.slice(0, -1),
      `${token}A`,
      ` ${id}. ${secret}`,
      `${id}..${secret.slice(1)}`,
      token.replace('.', ','),
      `${id.slice(0, -1)}B.${secret}`,
    ];
    for (const other of others)
      expect(await visitor(a, holding(other)).visit((session) => session.get('cart'))).toBeUndefined();

    expect(calls).toEqual([]);
    expect(told).toEqual(others.map(() => ({ event: 'refused', payload: { reason: 'malformed' } })));
  });

  test('S2-14 no cookie on an answer that changes nothing, and a safe one on the answer that needs it', async () => {
    const { a } = pair();
    const served = await serve(
      nodeSession(a, (req, res, session) => {
        if (req.url === '/write') session.set('cart', 1);
        res.end(String(session.get('cart')));
      }),
    );
    const ann = browser(served);
    const sent: string[][] = [];
    for (const path of ['/', '/write', '/', '/write', '/']) sent.push((await ann.fetch(path)).headers.getSetCookie());

    expect(sent.map((lines) => lines.length)).toEqual([0, 1, 0, 0, 0]);
    expect(sent[1]?.[0]).toMatch(/; HttpOnly; SameSite=Lax$/);
  });

  test('S2-15 a key that is not there is undefined, with a default if one is given', async () => {
    const { a } = pair();
    await visitor(a).visit((session) => {
      expect([session.get('gone'), session.data.gone, session.has('gone'), session.take('gone')]).toEqual([
        undefined,
        undefined,
        false,
        undefined,
      ]);
      session.update('views', (views = 41) => (views as number) + 1);
      expect(session.get('views')).toBe(42);
    });
  });

  test('S2-16 memory is bounded and forgets what expired; a store on disk survives the restart', async () => {
    const { a, store, clock } = pair();
    for (let i = 0; i < 50; i++) await visitor(a).visit((session) => session.set('cart', i));
    clock.advance('31m');
    let swept = 0;
    for (let round = 0; round < 10; round++) swept += await store.sweep(10);
    expect(swept).toBe(50);

    const folder = tempFolder();
    const before = sessions({ store: lmdb(folder), sweep: false });
    const ann = visitor(before);
    await ann.visit((session) => session.login('ann'));
    await before.close();
    const after = sessions({ store: lmdb(folder), sweep: false });
    expect(await visitor(after, ann.cookies).visit((session) => session.user)).toBe('ann');
    await after.close();
  });

  test('S2-17 one load for a request however many fields it reads, with their types, and every session has a deadline', async () => {
    const { a, store, calls, verbs } = pair();
    const ann = visitor(a);
    const when = new Date(0);
    const id = await ann.visit((session) => {
      for (let i = 0; i < 30; i++) session.set(`n${i}`, i);
      session.set('when', when);
      session.set('seats', new Set([1, 2]));
      return session.id;
    });
    calls.length = 0;

    const seen = await ann.visit((session) => [...session.keys()].map((field) => session.get(field)));

    expect(verbs()).toEqual(['load']);
    expect(seen).toEqual([...Array.from({ length: 30 }, (_, i) => i), when, new Set([1, 2])]);
    expect((await store.load(id))?.head.expiresAt).toBeGreaterThan(0);
  });

  test('S2-18 reading, writing and deleting as on a plain object work as they look', async () => {
    const { a, b } = pair();
    const ann = visitor(a);
    await ann.visit(({ data }) => Object.assign(data, { one: 1, two: 2, three: 3 }));
    await ann.visit(({ data }) => {
      delete data.two;
      data.three = (data.three as number) * 2;
    });

    expect(await visitor(b, ann.cookies).visit(({ data }) => ({ ...data, has: 'two' in data }))).toEqual({
      one: 1,
      three: 6,
      has: false,
    });
  });

  test('S2-19 the example hashes passwords, counts tries, and signs in under a new secret', async () => {
    const cost = { ...properCost, logN: 4 };
    const [one, two] = [await hashPassword('secret123', cost), await hashPassword('secret123', cost)];
    expect(one).not.toContain('secret123');
    expect(one).not.toBe(two);
    expect([await isPassword('secret123', one), await isPassword('secret124', one)]).toEqual([true, false]);
    expect(properCost.logN).toBeGreaterThanOrEqual(14);
    expect(rules.loginPerAccount.tries).toBeLessThanOrEqual(10);
    // The example signs in by session.login(), which S1-2 shows.
  });

  test('S2-20 logout, lifetimes and a declared rule for two writers; a slow store holds up nobody else', async () => {
    const plan = new FaultPlan();
    const { a, clock } = pairOn((clock) => faulty(memory({ now: clock.now }), plan));
    expect(a.describe()).toMatchObject({ mutations: 'last-wins', lifetimes: { ordinary: { idleMs: 1_800_000 } } });
    const [ann, bob] = [visitor(a), visitor(a)];
    for (const user of [ann, bob]) await user.visit((session) => session.login('somebody'));

    const gate = plan.hold('load');
    const slow = ann.visit((session) => session.user);
    await gate.arrived;
    expect(await bob.visit((session) => session.user)).toBe('somebody');
    gate.release();
    expect(await slow).toBe('somebody');

    await ann.visit((session) => session.destroy());
    expect(await ann.visit((session) => session.user)).toBeUndefined();
    clock.advance('31m');
    expect(await bob.visit((session) => session.user)).toBeUndefined();
  });
});

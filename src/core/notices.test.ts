/** Sessions in cookies that can be ended, as stories of two servers that share a store of notices and nothing else. */
import { randomBytes } from 'node:crypto';
import { encrypted, type MaybePromise, memory, type Store, sessions } from 'sojourn';
import { cached } from 'sojourn/cached';
import { type ControllableClock, controllableClock, FaultPlan, faulty } from 'sojourn/testing';
import { describe, expect, test, vi } from 'vitest';
import { networked } from '../../test/support/networked.js';
import { type Call, recorded } from '../../test/support/recorded.js';
import { toyStore } from '../../test/support/toy-store.js';
import { visitor } from '../../test/support/visitor.js';

interface Fields {
  views: number;
}
const key = randomBytes(32);
const DAY_MS = 86_400_000;
/** A busy machine may take its time. */
const SOON = { timeout: 5000, interval: 50 };

function server(revocations: Store, clock: ControllableClock, options: object = {}) {
  const refused: string[] = [];
  const s = sessions<Fields, Store>({ seal: encrypted({ keys: [key] }), revocations, environment: clock, ...options });
  s.on('refused', ({ reason }) => void refused.push(reason));
  return { s, refused };
}

function fleet(options: object = {}) {
  const clock = controllableClock();
  const plan = new FaultPlan();
  const calls: Call[] = [];
  const store = memory({ now: clock.now });
  const own = (): Store => recorded(faulty(networked(store), plan), calls);
  return { clock, plan, calls, store, a: server(own(), clock, options), b: server(own(), clock, options) };
}

async function signedIn(s: ReturnType<typeof server>['s'], user = 'ann') {
  const person = visitor(s);
  const id = await person.visit((session) => {
    session.login(user);
    return session.id;
  });
  return { ...person, id, on: (other: typeof s) => visitor(other, new Map(person.cookies)) };
}

describe('the end of one session', () => {
  test('a logout holds on every server at once, for whoever kept the cookie', async () => {
    const { a, b } = fleet();
    const ann = await signedIn(a.s);
    const stolen = ann.on(b.s);
    expect(await stolen.visit((session) => session.user)).toBe('ann');
    await ann.visit((session) => session.destroy());
    expect(await stolen.visit((session) => session.user)).toBeUndefined();
    expect(b.refused).toEqual(['unknown']);
  });

  test('it holds until the cookie would have died by itself, and is then struck off', async () => {
    const { a, b, clock, store } = fleet();
    const ann = visitor(a.s);
    await ann.visit((session) => session.login('ann', { remember: true }));
    const stolen = visitor(b.s, new Map(ann.cookies));
    await ann.visit((session) => session.destroy());
    for (let day = 0; day < 29; day++) {
      clock.advance(DAY_MS);
      expect(await stolen.visit((session) => session.user)).toBeUndefined();
    }
    clock.advance(200 * DAY_MS);
    let entries = 0;
    for await (const _ of store.list()) entries++;
    expect(entries).toBe(0);
  });

  test('s.destroy(id) ends it from anywhere, and tells', async () => {
    const { a, b } = fleet();
    const ann = await signedIn(a.s);
    const told: unknown[] = [];
    b.s.on('destroyed', (event) => void told.push(event));
    await b.s.destroy(ann.id);
    expect(told).toEqual([{ id: ann.id, reason: 'revoked' }]);
    expect(await ann.visit((session) => session.user)).toBeUndefined();
  });

  test('a slower request that writes afterwards on another server brings nothing back', async () => {
    const { a, b } = fleet();
    const ann = await signedIn(a.s);
    const slow = await visitor(b.s, ann.cookies).begin();
    await ann.visit((session) => session.destroy());
    slow.session.set('views', 1);
    await slow.end();
    expect(await ann.visit((session) => session.user)).toBeUndefined();
    expect(await visitor(b.s, ann.cookies).visit((session) => session.user)).toBeUndefined();
  });

  test("a login over another user's session ends that one everywhere", async () => {
    const { a, b } = fleet();
    const ann = await signedIn(a.s);
    const stolen = ann.on(b.s);
    await ann.visit((session) => session.login('bob'));
    expect(await stolen.visit((session) => session.user)).toBeUndefined();
    expect(await visitor(b.s, ann.cookies).visit((session) => session.user)).toBe('bob');
  });
});

describe('the end of all sessions of a user', () => {
  test('revoke ends them on every server, and nobody else', async () => {
    const { a, b } = fleet();
    const [phone, laptop, bob] = [await signedIn(a.s), await signedIn(b.s), await signedIn(a.s, 'bob')];
    await b.s.revoke('ann');
    for (const ann of [phone, laptop]) {
      expect(await ann.visit((session) => session.user)).toBeUndefined();
      expect(await ann.on(b.s).visit((session) => session.user)).toBeUndefined();
    }
    expect(await bob.visit((session) => session.user)).toBe('bob');
  });

  test('who signs in afterwards stays, in the same millisecond too', async () => {
    const { a, b } = fleet();
    for (let i = 0; i < 3; i++) {
      const before = await signedIn(a.s);
      await a.s.revoke('ann');
      const after = await signedIn(b.s);
      expect(await before.visit((session) => session.user)).toBeUndefined();
      expect(await after.visit((session) => session.user)).toBe('ann');
    }
  });

  test('one session may stay: the one that changed the password', async () => {
    const { a, b } = fleet();
    const [here, elsewhere] = [await signedIn(a.s), await signedIn(b.s)];
    await here.visit((session) => a.s.revoke('ann', { except: session.id }));
    expect(await elsewhere.visit((session) => session.user)).toBeUndefined();
    expect(await here.on(b.s).visit((session) => session.user)).toBe('ann');
    // It stays for good, and the next revoke takes it along.
    expect(await here.visit((session) => session.user)).toBe('ann');
    await b.s.revoke('ann');
    expect(await here.visit((session) => session.user)).toBeUndefined();
  });

  test('a login that overlaps a revoke either comes after it or is refused, wherever it is held', async () => {
    for (const side of ['before', 'after'] as const) {
      const { a, b, plan } = fleet();
      const ann = visitor(a.s);
      const gate = plan.hold('load', side);
      const login = ann.visit((session) => session.login('ann'));
      await gate.arrived;
      await b.s.revoke('ann');
      gate.release();
      await login;
      expect(await ann.visit((session) => session.user)).toBe(side === 'before' ? 'ann' : undefined);
    }
  });

  test('clocks that disagree decide nothing', async () => {
    const [early, late] = [controllableClock(), controllableClock()];
    const store = memory({ now: early.now });
    late.advance(50_000);
    const [a, b] = [server(store, early), server(store, late)];
    const ann = await signedIn(b.s);
    await a.s.revoke('ann');
    expect(await ann.visit((session) => session.user)).toBeUndefined();
    const again = await signedIn(a.s);
    await b.s.revoke('ann');
    await a.s.revoke('ann');
    expect(await again.visit((session) => session.user)).toBeUndefined();
    const last = await signedIn(a.s);
    expect(await last.on(b.s).visit((session) => session.user)).toBe('ann');
  });

  test('a notice that was forgotten is never below an older one', async () => {
    const { a, clock } = fleet();
    await a.s.revoke('ann');
    clock.advance(150 * DAY_MS);
    const ann = visitor(a.s);
    await ann.visit((session) => session.login('ann', { remember: true }));
    clock.advance(29 * DAY_MS);
    expect(await ann.visit((session) => session.user)).toBe('ann');
    clock.advance(2 * DAY_MS);
    await a.s.revoke('ann');
    expect(await ann.visit((session) => session.user)).toBeUndefined();
  });

  test('a user must be named', async () => {
    const { a } = fleet();
    await expect(a.s.revoke('')).rejects.toMatchObject({ code: 'SOJOURN_OPTION' });
  });
});

describe('what it costs', () => {
  test('one question for a visitor, two at once for somebody signed in; a write asks for no more', async () => {
    const { a, calls } = fleet();
    const visit = visitor(a.s);
    await visit.visit((session) => session.set('views', 1));
    calls.length = 0;
    await visit.visit((session) => session.set('views', 2));
    expect(calls.map(({ verb }) => verb)).toEqual(['load']);
    await visit.visit((session) => session.login('ann'));
    calls.length = 0;
    await visit.visit((session) => session.set('views', 3));
    expect(calls.map(({ verb }) => verb)).toEqual(['load', 'load']);
  });

  test('who presents nothing, or nothing that opens, costs no question', async () => {
    const { a, calls } = fleet();
    await visitor(a.s).visit((session) => session.get('views'));
    await visitor(a.s, new Map([['__Host-sid', 'x'.repeat(100)]])).visit((session) => session.get('views'));
    expect(calls).toEqual([]);
  });

  test('under a near cache: none, from the second request on, and a logout elsewhere is heard', async () => {
    const clock = controllableClock();
    const time = { now: clock.now, monotonic: clock.now };
    const toy = toyStore({ ...time, every: clock.every });
    const calls: Call[] = [];
    const on = (handle: Store) => server(cached(recorded(handle, calls) as never, time) as unknown as Store, clock).s;
    const [a, b] = [on(toy), on(toy.another())];
    const ann = await signedIn(a);
    const elsewhere = ann.on(b);
    await vi.waitFor(async () => {
      calls.length = 0;
      for (const one of [ann, elsewhere]) expect(await one.visit((session) => session.user)).toBe('ann');
      expect(calls.filter(({ verb }) => verb === 'load' || verb === 'create')).toEqual([]);
    }, SOON);
    await ann.visit((session) => session.destroy());
    await vi.waitFor(async () => expect(await elsewhere.visit((session) => session.user)).toBeUndefined(), SOON);
  });

  test('notices whose time is over are struck off by those that come after', async () => {
    const { a, clock, store } = fleet({ absolute: '1h', remember: { idle: '30m', absolute: '1h' } });
    const page = async (): Promise<number> => {
      let most = 0;
      for await (const [id] of store.list()) most = Math.max(most, (await store.load(id))!.fields.size);
      return most;
    };
    // Thirty users of one page: who they are does not matter, so all sessions are those of one user.
    const ids = Array.from({ length: 30 }, () => `AA${randomBytes(15).toString('base64url').slice(0, 19)}A`);
    for (const id of ids) await a.s.destroy(id);
    expect(await page()).toBe(30);
    clock.advance(2 * 3_600_000);
    for (const id of ids.slice(0, 1)) await a.s.destroy(id);
    expect(await page()).toBe(1);
  });

  test('many ends at once on one page all land', async () => {
    const { a, b } = fleet();
    const people = await Promise.all(Array.from({ length: 10 }, () => signedIn(a.s)));
    await Promise.all(people.map((ann, i) => [a, b][i % 2]!.s.destroy(ann.id)));
    for (const ann of people) expect(await ann.visit((session) => session.user)).toBeUndefined();
    await Promise.all(Array.from({ length: 6 }, (_, i) => [a, b][i % 2]!.s.revoke('bob')));
  });
});

describe('a store of notices in trouble', () => {
  const DOWN = expect.objectContaining({ code: 'SOJOURN_STORE', status: 503 });

  test('who is signed in gets a 503: an outage opens no door that was shut, and signs nobody out', async () => {
    const { a, plan } = fleet();
    const ann = await signedIn(a.s);
    plan.fail();
    await expect(ann.visit((session) => session.user)).rejects.toEqual(DOWN);
    expect(await visitor(a.s).visit((session) => session.user)).toBeUndefined();
    plan.heal();
  });

  test("or, with onReadError: 'anonymous', a stand-in that changes nothing", async () => {
    const { a, plan } = fleet({ onReadError: 'anonymous' });
    const ann = await signedIn(a.s);
    plan.fail();
    const { result, lines } = await ann.ask((session) => [session.user, session.degraded]);
    expect(result).toEqual([undefined, true]);
    expect(lines).toEqual([
      ['Vary', 'Cookie'],
      ['Cache-Control', 'no-store'],
    ]);
  });

  test('a logout that is not confirmed takes the cookie back, fails, and is told when the store is back', async () => {
    const { a, b, plan, clock } = fleet();
    const ann = await signedIn(a.s);
    const stolen = ann.on(b.s);
    plan.fail({ verbs: ['commit', 'create'] });
    const error = await ann.visit((session) => session.destroy()).catch((reason) => reason);
    expect(error).toEqual(DOWN);
    expect(error.headerLines[0][1]).toContain('Max-Age=0');
    const kept = new Map(stolen.cookies);
    expect(await stolen.visit((session) => session.user)).toBe('ann');
    for (const ms of [1, 61_000, 600_000]) {
      clock.advance(ms);
      expect(await visitor(a.s, new Map(kept)).visit((session) => session.user)).toBeUndefined();
    }
    plan.heal();
    // In the hundred steps that it waits no session ends by itself.
    await vi.waitFor(async () => {
      clock.advance(5000);
      expect(await stolen.visit((session) => session.user)).toBeUndefined();
    }, SOON);
  });

  test('a login asks first, so one that cannot be is a 503 without a cookie', async () => {
    const { a, plan } = fleet();
    const ann = visitor(a.s);
    plan.fail();
    await expect(ann.visit((session) => session.login('ann'))).rejects.toEqual(DOWN);
    expect(ann.cookies.size).toBe(0);
  });

  test('every failure of a revoke is told, and repeating it ends them all', async () => {
    for (const nth of [1, 2]) {
      const { a, plan } = fleet();
      const ann = await signedIn(a.s);
      plan.failAt(nth, { verbs: ['load', 'create', 'commit'] });
      await a.s.revoke('ann').catch((reason) => expect(reason).toEqual(DOWN));
      await a.s.revoke('ann');
      expect(await ann.visit((session) => session.user)).toBeUndefined();
    }
  });

  test('ready() asks the store, and close() closes it', async () => {
    const { a, plan } = fleet();
    expect(await a.s.ready()).toBe(true);
    plan.fail();
    expect(await a.s.ready()).toBe(false);
    const store = { ...memory(), close: vi.fn<() => MaybePromise<void>>() };
    const { s } = server(Object.assign(memory(), { close: store.close }), controllableClock());
    await s.close();
    expect(store.close).toHaveBeenCalledOnce();
  });

  test('describe() tells where notices lie', () => {
    const { a } = fleet();
    expect(a.s.describe()).toMatchObject({ seal: 'encrypted', revocations: { store: 'memory', pages: 4096 } });
  });
});

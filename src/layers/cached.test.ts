import { describe, expect, test, vi } from 'vitest';
import { type ToyStore, toyStore } from '../../test/support/toy-store.js';
import type { Indexed, Store, Stored, Watchable, Watcher } from '../contract.js';
import { failure } from '../errors.js';
import { controllableClock } from '../testing/clock.js';
import { bytes, delta, freshId, loginHead, readable, session, set, swap } from '../testing/store/samples.js';
import { storeKit } from '../testing/store-kit.js';
import { type CachedOptions, cached } from './cached.js';
import { FaultPlan, faulty } from './faulty.js';

/** The kit over near caches in front of handles onto one toy place: one that is warm, one that begins with the first call. */
let last: ToyStore;
for (const warm of [true, false]) {
  storeKit(
    { describe, test },
    async ({ now, every, inner }) => {
      last = toyStore({ now, every });
      const store = cached(inner(last), { now });
      if (warm) await begun(store);
      return store;
    },
    {
      name: warm ? 'a near cache' : 'a near cache that begins with the first call',
      mustHave: ['byUser', 'list', 'sweep', 'watch', 'listen'],
      another: ({ now }) => cached(last.another(), { now }),
      cutLinks: () => {
        last.link.cut();
        setImmediate(last.link.restore);
      },
      races: 100,
    },
  );
}

const MINUTE_MS = 60_000;

/** A server with a near cache, another one without, one place, and a clock that all obey. The link beats when the test says so. */
async function stage(options: CachedOptions = {}) {
  const clock = controllableClock();
  const plan = new FaultPlan();
  const time = { now: clock.now, monotonic: clock.now };
  const toy = toyStore({ ...time, every: () => () => {} });
  const near = cached(faulty(toy, plan), { ...time, ...options });
  await begun(near);
  const begin = async (fields: Readonly<Record<string, string>> = { cart: 'book' }, store: Store = near) => {
    const id = freshId();
    await store.create(id, session(clock.now(), fields));
    return id;
  };
  /** How often the store below was asked for sessions, so far. */
  const loads = (): number => plan.calls.filter(({ verb }) => verb === 'load').length;
  return { clock, plan, toy, near, other: toy.another(), begin, loads };
}

async function begun(store: Store): Promise<void> {
  await store.check?.();
  await settle();
}

/** Until everything that can go on has gone on. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const cartOf = (stored: Stored | null): string | null =>
  stored && Buffer.from(stored.fields.get('cart') ?? []).toString();

describe('a hot read', () => {
  test('is answered at once, without a word to the store', async () => {
    const { near, begin, loads, other } = await stage();
    const foreign = await begin({ cart: 'pen' }, other);
    expect(cartOf(await near.load(foreign))).toBe('pen');
    expect(cartOf(near.load(foreign) as Stored)).toBe('pen');
    expect(cartOf(near.load(await begin()) as Stored)).toBe('book');
    expect(loads()).toBe(1);
    expect(near.figures).toMatchObject({ entries: 2, hits: 2, misses: 1, watched: true });
  });

  test('sees an own commit at once, and the store is not asked for it', async () => {
    const { clock, near, begin, loads, toy } = await stage();
    const id = await begin({ cart: 'book', kept: 'too', dropped: 'soon' });
    const login = loginHead(clock.now(), 'ann');
    await near.commit(id, delta(clock.now(), { cart: set('pen'), dropped: { op: 'delete' } }, { head: login }));
    await near.commit(id, delta(clock.now(), { cart: swap('pen', 'ink') }, { generation: 1 }));
    expect(readable(near.load(id))).toEqual(readable(toy.live(id)));
    expect(loads()).toBe(0);
  });

  test('goes on while a commit is under way, and shows what was acknowledged', async () => {
    const { clock, plan, near, begin } = await stage();
    const id = await begin();
    const gate = plan.hold('commit', 'after');
    const committing = near.commit(id, delta(clock.now(), { cart: set('pen') }));
    await gate.arrived;
    expect(cartOf(near.load(id) as Stored)).toBe('book');
    gate.release();
    await committing;
    expect(cartOf(near.load(id) as Stored)).toBe('pen');
  });

  test('ends at the deadline of the session', async () => {
    const { clock, near, begin, loads } = await stage({ staleness: '10m' });
    const id = freshId();
    await near.create(id, session(clock.now(), {}, { expiresAt: clock.now() + 5000 }));
    clock.advance(4999);
    expect(near.load(id)).not.toBeInstanceOf(Promise);
    clock.advance(1);
    expect(await near.load(id)).toBeNull();
    expect(near.stale(id, MINUTE_MS)).toBeNull();
    expect(loads()).toBe(1);
    expect(await near.load(await begin())).not.toBeNull();
  });

  test('hands out bytes that are not its own', async () => {
    const { clock, near } = await stage();
    const id = freshId();
    const previous = { secret: bytes('p'.repeat(32)), until: clock.now() + 1000, opens: 'session' as const };
    await near.create(id, session(clock.now(), { cart: 'book', long: 'x'.repeat(100) }, { previous }));
    const before = readable(near.load(id));
    const { head, fields } = near.load(id) as Stored;
    for (const value of [...fields.values(), fields.get('cart'), head.secret, head.previous?.secret]) value?.fill(0);
    expect(readable(near.load(id))).toEqual(before);
    expect(readable({ ...head })).toEqual((before as { head: object }).head);
  });
});

describe('a change made elsewhere', () => {
  test('drops the copy', async () => {
    const { clock, near, other, begin } = await stage();
    const id = await begin();
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    await settle();
    expect(cartOf(await near.load(id))).toBe('pen');
    await other.destroy(id);
    await settle();
    expect(near.stale(id, MINUTE_MS)).toBeNull();
    expect(await near.load(id)).toBeNull();
    expect(near.figures.dropped).toBe(2);
  });

  test('that is told while a load is under way: who asked before gets its answer, who comes after asks anew', async () => {
    const { clock, plan, near, other, begin, loads } = await stage();
    const id = await begin({ cart: 'book' }, other);
    const gate = plan.hold('load', 'after');
    const early = near.load(id);
    await gate.arrived;
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    await settle();
    const late = near.load(id);
    expect(cartOf(await late)).toBe('pen');
    gate.release();
    expect(cartOf(await early)).toBe('book');
    expect(cartOf(await near.load(id))).toBe('pen');
    expect(loads()).toBe(2);
  });

  test('that is told while a create is under way leaves no copy', async () => {
    const { clock, plan, near, other } = await stage();
    const id = freshId();
    const gate = plan.hold('create', 'after');
    const creating = near.create(id, session(clock.now(), { cart: 'book' }));
    await gate.arrived;
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    await settle();
    gate.release();
    await creating;
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('between our copy and our own commit: the copy is given up', async () => {
    const { clock, near, toy, other, begin } = await stage();
    const id = await begin();
    toy.link.swallow();
    await other.commit(id, delta(clock.now(), { other: set('change') }));
    await near.commit(id, delta(clock.now(), { cart: set('pen') }));
    expect(readable(await near.load(id))).toEqual(readable(toy.live(id)));
  });
});

describe('a copy is never older than the bound', () => {
  test('as long as the store is heard it stays; a link that is dead without a sign gives it two seconds', async () => {
    const { clock, near, toy, other, begin } = await stage();
    const id = await begin();
    for (let beat = 0; beat < 10; beat++) {
      clock.advance(1900);
      expect(near.load(id)).not.toBeInstanceOf(Promise);
      toy.link.beat();
      await settle();
    }
    toy.link.swallow();
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    clock.advance(2000);
    expect(cartOf(near.load(id) as Stored)).toBe('book');
    clock.advance(1);
    toy.link.beat();
    await settle();
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('a process that was stopped for a minute asks before any of its timers has fired', async () => {
    const { clock, near, begin, loads } = await stage();
    const id = await begin();
    clock.advance(MINUTE_MS);
    await near.load(id);
    expect(loads()).toBe(1);
  });

  test('an answer that was long under way is no newer than its question', async () => {
    const { clock, plan, near, toy, other, begin } = await stage();
    const id = await begin({ cart: 'book' }, other);
    toy.link.swallow();
    const gate = plan.hold('load', 'after');
    const loading = near.load(id);
    await gate.arrived;
    clock.advance(1500);
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    gate.release();
    expect(cartOf(await loading)).toBe('book');
    clock.advance(501);
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('an own commit makes the copy as new as its question', async () => {
    const { clock, near, toy, begin } = await stage();
    const id = await begin();
    toy.link.swallow();
    clock.advance(1900);
    await near.commit(id, delta(clock.now(), { cart: set('pen') }));
    clock.advance(2000);
    expect(near.load(id)).not.toBeInstanceOf(Promise);
    clock.advance(1);
    expect(near.load(id)).toBeInstanceOf(Promise);
  });

  test('nobody can have heard the future', async () => {
    const clock = controllableClock();
    let watcher: Watcher | undefined;
    const toy = toyStore({ now: clock.now });
    const watch: Watchable['watch'] = (given) => {
      watcher = given;
      return () => {};
    };
    const near = cached({ ...toy, watch }, { now: clock.now, monotonic: clock.now });
    await near.check();
    watcher?.heard(clock.now() + 1e9);
    const id = freshId();
    await near.create(id, session(clock.now()));
    clock.advance(2001);
    expect(near.load(id)).toBeInstanceOf(Promise);
  });
});

describe('a lost link', () => {
  test('nothing is served and nothing kept until the store is heard again', async () => {
    const { clock, near, toy, other, begin, loads } = await stage();
    const id = await begin();
    toy.link.cut();
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    expect(cartOf(await near.load(id))).toBe('pen');
    expect(cartOf(await near.load(id))).toBe('pen');
    expect(loads()).toBe(2);
    expect(near.figures).toMatchObject({ watched: false, interruptions: 1 });
    toy.link.restore();
    await settle();
    await near.load(id);
    expect(near.load(id)).not.toBeInstanceOf(Promise);
  });

  test('a load or a create that was begun before is not kept, even if the link is there again', async () => {
    const { clock, plan, near, toy, other, begin } = await stage();
    const [loaded, created] = [await begin({ cart: 'book' }, other), freshId()];
    const gates = [plan.hold('load', 'after'), plan.hold('create', 'after')];
    const calls = [near.load(loaded), near.create(created, session(clock.now()))];
    for (const gate of gates) await gate.arrived;
    toy.link.restore();
    await settle();
    for (const gate of gates) gate.release();
    await Promise.all(calls);
    expect(near.figures).toMatchObject({ watched: true, entries: 0 });
  });

  test('a commit that was begun before leaves a copy for outages only', async () => {
    const { clock, plan, near, toy, begin } = await stage();
    const id = await begin();
    const gate = plan.hold('commit', 'after');
    const committing = near.commit(id, delta(clock.now(), { cart: set('pen') }));
    await gate.arrived;
    toy.link.cut();
    gate.release();
    await committing;
    expect(near.load(id)).toBeInstanceOf(Promise);
    expect(cartOf(near.stale(id, MINUTE_MS))).toBe('pen');
  });
});

describe('single flight', () => {
  test('a herd at a cold cache is one load', async () => {
    const { near, other, begin, loads } = await stage();
    const id = await begin({ cart: 'book' }, other);
    const herd = await Promise.all(Array.from({ length: 100 }, () => near.load(id)));
    expect(new Set(herd.map(cartOf))).toEqual(new Set(['book']));
    expect(loads()).toBe(1);
  });

  test('its members cannot change what the others were handed', async () => {
    const { near, toy, other, begin } = await stage();
    const id = await begin({ cart: 'book' }, other);
    toy.link.cut();
    const [one, two] = await Promise.all([near.load(id), near.load(id)]);
    one?.fields.get('cart')?.fill(0);
    expect(cartOf(two)).toBe('book');
  });

  test('nobody joins a load that is older than the bound', async () => {
    const { clock, plan, near, other, begin, loads } = await stage();
    const id = await begin({ cart: 'book' }, other);
    const gate = plan.hold('load');
    const hung = near.load(id);
    await gate.arrived;
    clock.advance(2000);
    const joined = near.load(id);
    expect(loads()).toBe(1);
    clock.advance(1);
    expect(await near.load(id)).not.toBeNull();
    expect(loads()).toBe(2);
    gate.release();
    expect(await joined).toBe(await hung);
  });

  test('a failure is shared, and the next one asks again', async () => {
    const { plan, near, other, begin, loads } = await stage();
    const id = await begin({ cart: 'book' }, other);
    plan.failAt(1, { verbs: ['load'], side: 'after' });
    const herd = await Promise.allSettled([near.load(id), near.load(id)].map(async (load) => load));
    expect(herd.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await near.load(id)).not.toBeNull();
    expect(loads()).toBe(2);
  });

  test('more loads under way than can be minded lose their copies, not their answers', async () => {
    const { plan, near, other, begin } = await stage();
    const first = await begin({ cart: 'first' }, other);
    const gate = plan.hold('load');
    const loading = near.load(first);
    await gate.arrived;
    const release = Array.from({ length: 4096 }, () => near.load(freshId()));
    gate.release();
    expect(cartOf(await loading)).toBe('first');
    await Promise.all(release);
    expect(near.load(first)).toBeInstanceOf(Promise);
  });
});

describe('what is under way when an own call ends', () => {
  test('a load from before a commit does not bring the older state back', async () => {
    const { clock, plan, near, other, begin } = await stage();
    const id = await begin({ cart: 'book' }, other);
    const gate = plan.hold('load', 'after');
    const early = near.load(id);
    await gate.arrived;
    await near.commit(id, delta(clock.now(), { cart: set('pen') }));
    const after = near.load(id);
    gate.release();
    expect([cartOf(await early), cartOf(await after), cartOf(await near.load(id))]).toEqual(['book', 'pen', 'pen']);
  });

  test('nor does one that passed by a copy', async () => {
    const { clock, plan, near, begin } = await stage();
    const id = await begin();
    const gate = plan.hold('load', 'after');
    const early = near.load(id, 1e9);
    await gate.arrived;
    await near.commit(id, delta(clock.now(), { cart: set('pen') }));
    gate.release();
    expect([cartOf(await early), cartOf(await near.load(id))]).toEqual(['book', 'pen']);
  });

  test('nor does one from before a destroy: its caller learns that the session has ended', async () => {
    const { plan, near, other, begin } = await stage();
    const id = await begin({ cart: 'book' }, other);
    const gate = plan.hold('load', 'after');
    const early = near.load(id);
    await gate.arrived;
    await near.destroy(id);
    gate.release();
    expect(await early).toBeNull();
    expect(await near.load(id)).toBeNull();
    expect(near.stale(id, MINUTE_MS)).toBeNull();
  });

  test('nor does a load from amidst a destroy', async () => {
    const { plan, near, begin } = await stage();
    const id = await begin();
    const gate = plan.hold('destroy');
    const destroying = near.destroy(id);
    await gate.arrived;
    expect(await near.load(id)).not.toBeNull();
    gate.release();
    await destroying;
    expect(near.load(id)).toBeNull();
    expect(near.stale(id, MINUTE_MS)).toBeNull();
  });

  test('nor does a commit whose answer comes after that of a destroy', async () => {
    const { clock, plan, near, begin } = await stage();
    const id = await begin();
    const gate = plan.hold('commit', 'after');
    const committing = near.commit(id, delta(clock.now(), { cart: set('pen') }));
    await gate.arrived;
    await near.destroy(id);
    gate.release();
    expect((await committing).status).toBe('ok');
    expect(near.load(id)).toBeNull();
    expect(near.figures.entries).toBe(0);
  });

  test('who was handed a version is handed no older one, whatever the order of answers', async () => {
    const { clock, plan, near, toy, other, begin } = await stage();
    const id = await begin({ cart: 'book' }, other);
    const gate = plan.hold('load');
    const delayed = near.load(id);
    await gate.arrived;
    clock.advance(2001);
    expect(cartOf(await near.load(id))).toBe('book');
    toy.link.swallow();
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    gate.release();
    expect(cartOf(await delayed)).toBe('pen');
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('nor one that another load is just bringing', async () => {
    const { clock, plan, near, toy, other, begin } = await stage();
    const id = await begin({ cart: 'book' }, other);
    toy.link.swallow();
    const first = plan.hold('load');
    const one = near.load(id);
    await first.arrived;
    clock.advance(2001);
    const second = plan.hold('load', 'after');
    const two = near.load(id);
    await second.arrived;
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    first.release();
    expect(cartOf(await one)).toBe('pen');
    const three = near.load(id);
    second.release();
    await two;
    expect(cartOf(await three)).toBe('pen');
    expect(cartOf(await near.load(id))).toBe('pen');
  });
});

describe('outcomes', () => {
  test('gone is no proof of an end: a commit from before a login meets it, and the session lives on', async () => {
    const { clock, near, other, begin } = await stage();
    const id = await begin();
    await other.commit(id, delta(clock.now(), {}, { head: loginHead(clock.now(), 'ann') }));
    expect(await near.commit(id, delta(clock.now(), { cart: set('pen') }))).toEqual({ status: 'gone' });
    expect((await near.load(id))?.head.user).toBe('ann');
  });

  test('a conflict shows that the copy is old', async () => {
    const { clock, near, toy, other, begin } = await stage();
    const id = await begin();
    toy.link.swallow();
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    expect((await near.commit(id, delta(clock.now(), { cart: swap('book', 'ink') }))).status).toBe('conflict');
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('a commit whose answer is lost: the store is asked, and the copy is there for an outage', async () => {
    const { clock, plan, near, begin } = await stage();
    const id = await begin();
    plan.failAt(1, { verbs: ['commit'], side: 'after' });
    await expect(near.commit(id, delta(clock.now(), { cart: set('pen') }))).rejects.toMatchObject({
      code: 'SOJOURN_STORE',
    });
    expect(cartOf(near.stale(id, MINUTE_MS))).toBe('book');
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('a destroy that failed: no copy, no verdict, the store is asked', async () => {
    const { plan, near, begin } = await stage();
    const id = await begin();
    plan.failAt(1, { verbs: ['destroy'] });
    expect(() => near.destroy(id)).toThrow('could not destroy');
    expect(near.stale(id, MINUTE_MS)).toBeNull();
    expect(await near.load(id)).not.toBeNull();
    plan.failAt(1, { verbs: ['destroy'], side: 'after' });
    await expect(near.destroy(id)).rejects.toThrow('could not destroy');
    expect(near.stale(id, MINUTE_MS)).toBeNull();
    expect(await near.load(id)).toBeNull();
  });

  test('an id that exists already leaves no copy of what was refused', async () => {
    const { clock, near, other, begin } = await stage();
    const id = await begin({ cart: 'book' }, other);
    expect(await near.create(id, session(clock.now(), { cart: 'planted' }))).toBe('exists');
    expect(cartOf(await near.load(id))).toBe('book');
  });

  test('a session that is not there is asked for again', async () => {
    const { clock, near, other, loads } = await stage();
    const id = freshId();
    expect(await near.load(id)).toBeNull();
    await other.create(id, session(clock.now()));
    expect(await near.load(id)).not.toBeNull();
    expect(loads()).toBe(2);
  });

  test('ended ids are remembered for a minute, and no more than 20,000', async () => {
    const { clock, near, begin } = await stage();
    const id = await begin();
    await near.destroy(id);
    clock.advance(MINUTE_MS);
    expect(near.load(id)).toBeNull();
    clock.advance(1);
    expect(near.load(id)).toBeInstanceOf(Promise);
    await near.destroy(id);
    for (let i = 0; i < 20_000; i++) await near.destroy(`ended ${i}`);
    expect(near.load(id)).toBeInstanceOf(Promise);
    expect(near.load('ended 0')).toBeNull();
  });

  test('an id that was destroyed can be created again', async () => {
    const { clock, near, begin } = await stage();
    const id = await begin();
    await near.destroy(id);
    await near.create(id, session(clock.now(), { cart: 'pen' }));
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('what has no packed form is served, and not kept', async () => {
    const { clock, near, other } = await stage();
    const id = freshId();
    await other.create(id, session(clock.now(), { ['x'.repeat(300)]: 'long' }));
    for (let i = 0; i < 2; i++) expect((await near.load(id))?.fields.size).toBe(1);
    expect(near.figures.entries).toBe(0);
    const short = freshId();
    await near.create(short, session(clock.now(), { cart: 'book' }));
    await near.commit(short, delta(clock.now(), { ['x'.repeat(300)]: set('long') }));
    expect((await near.load(short))?.fields.size).toBe(2);
  });
});

describe('a version that the client has seen', () => {
  test('an older copy is passed by, once', async () => {
    const { clock, near, toy, other, begin, loads } = await stage();
    const id = await begin();
    toy.link.swallow();
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    expect(cartOf(near.load(id, 1) as Stored)).toBe('book');
    expect(cartOf(await near.load(id, 2))).toBe('pen');
    expect(cartOf(near.load(id, 2) as Stored)).toBe('pen');
    expect(loads()).toBe(1);
  });

  test('a forged one costs a read, and nothing else', async () => {
    const { near, begin, loads } = await stage();
    const id = await begin();
    for (const forged of [1e15, Number.POSITIVE_INFINITY]) expect(cartOf(await near.load(id, forged))).toBe('book');
    expect(near.load(id)).not.toBeInstanceOf(Promise);
    expect(near.load(id, Number.NaN)).not.toBeInstanceOf(Promise);
    expect(loads()).toBe(2);
  });

  test('a load under way that was asked too early is not enough', async () => {
    const { clock, plan, near, toy, other, begin, loads } = await stage();
    const id = await begin({ cart: 'book' }, other);
    toy.link.swallow();
    const gate = plan.hold('load', 'after');
    const early = near.load(id);
    await gate.arrived;
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    const mine = near.load(id, 2);
    gate.release();
    expect(cartOf(await early)).toBe('book');
    expect(cartOf(await mine)).toBe('pen');
    expect(loads()).toBe(2);
    expect(cartOf(await near.load(id))).toBe('pen');
  });

  test('a herd that has seen it is one load', async () => {
    const { clock, near, toy, other, begin, loads } = await stage();
    const id = await begin();
    toy.link.swallow();
    await other.commit(id, delta(clock.now(), { cart: set('pen') }));
    const herd = await Promise.all(Array.from({ length: 20 }, () => near.load(id, 2)));
    expect(new Set(herd.map(cartOf))).toEqual(new Set(['pen']));
    expect(loads()).toBe(1);
  });
});

describe('for an outage', () => {
  test('copies stay after the link is lost, for as long as is asked', async () => {
    const { clock, near, toy, begin } = await stage();
    const id = await begin();
    clock.advance(1000);
    toy.link.beat();
    await settle();
    toy.link.cut();
    clock.advance(5000);
    expect(cartOf(near.stale(id, 5000))).toBe('book');
    expect(near.stale(id, 4999)).toBeNull();
    toy.link.restore();
    await settle();
    expect(near.stale(id, 4999)).toBeNull();
    expect(near.stale('unknown', MINUTE_MS)).toBeNull();
  });

  test('a store that knows better takes them away', async () => {
    const { clock, near, toy, other, begin } = await stage();
    const [changed, ended] = [await begin(), await begin()];
    toy.link.cut();
    await other.commit(changed, delta(clock.now(), {}));
    await other.destroy(ended);
    await near.load(changed);
    await near.load(ended);
    expect([near.stale(changed, MINUTE_MS), near.stale(ended, MINUTE_MS)]).toEqual([null, null]);
  });
});

describe('room', () => {
  test('the bytes stay within the bound, and what is read stays', async () => {
    const { near, begin } = await stage({ max: 100_000 });
    const hot = await begin();
    for (let i = 0; i < 1000; i++) {
      await begin();
      expect(near.load(hot)).not.toBeInstanceOf(Promise);
      expect(near.figures.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(near.figures.entries).toBeGreaterThan(90);
    expect(near.figures.entries + near.figures.evicted).toBe(1001);
  });

  test('copies that can only serve an outage go first', async () => {
    const { near, toy, begin } = await stage({ max: 100_000 });
    const old = await Promise.all(Array.from({ length: 50 }, () => begin()));
    for (const id of old) near.load(id);
    toy.link.restore();
    await settle();
    const hot = await Promise.all(Array.from({ length: 100 }, () => begin()));
    const left = old.filter((id) => near.stale(id, MINUTE_MS) !== null);
    expect(left.length).toBeLessThan(50);
    expect(hot.every((id) => !(near.load(id) instanceof Promise))).toBe(true);
  });

  test('a cache that is hot all over still takes in what is new', async () => {
    const { near, begin } = await stage({ max: 100_000 });
    for (let i = 0; i < 300; i++) {
      const id = await begin();
      for (let reads = 0; reads < 2; reads++) await near.load(id);
    }
    expect(near.figures.bytes).toBeLessThanOrEqual(100_000);
    expect(near.figures.evicted).toBeGreaterThan(150);
  });

  test('a session larger than the cache is served, and not kept; large ones count as much as they are', async () => {
    const { clock, near, begin } = await stage({ max: 100_000 });
    const id = await begin({ cart: 'x'.repeat(100_000) });
    expect(cartOf(await near.load(id))?.length).toBe(100_000);
    expect(near.figures).toMatchObject({ entries: 0, bytes: 0 });
    const grown = await begin();
    await near.commit(grown, delta(clock.now(), { cart: set('x'.repeat(50_000)) }));
    expect(near.figures.bytes).toBeGreaterThan(50_000);
    await near.commit(grown, delta(clock.now(), { cart: set('x'.repeat(100_000)) }));
    expect(near.figures).toMatchObject({ entries: 0, bytes: 0 });
    expect(cartOf(await near.load(grown))?.length).toBe(100_000);
  });
});

describe('watching', () => {
  /** A store whose `watch` does what the test says. */
  function watchedBy(watch: Watchable['watch']) {
    const clock = controllableClock();
    const toy = toyStore({ now: clock.now });
    return { clock, toy, near: cached({ ...toy, watch }, { now: clock.now, monotonic: clock.now }) };
  }

  test('begins with the first call, four times as often as the bound, and ends with close', async () => {
    const asked: number[] = [];
    let stopped = 0;
    const { near } = watchedBy((watcher, everyMs) => {
      asked.push(everyMs);
      watcher.heard(1e15);
      return () => void stopped++;
    });
    expect(asked).toEqual([]);
    const id = freshId();
    await near.create(id, session(Date.now()));
    await near.load(id);
    expect(asked).toEqual([500]);
    await near.close();
    expect(stopped).toBe(1);
    expect(near.figures).toMatchObject({ entries: 0, watched: false });
  });

  test('that cannot begin: sessions are served, a warning and check() tell why, and it is tried again, ever less often', async () => {
    const warnings: string[] = [];
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation((text) => void warnings.push(String(text)));
    let attempts = 0;
    let isBroken = true;
    let leftBehind: Watcher | undefined;
    const { clock, toy, near } = watchedBy(async (watcher, everyMs) => {
      attempts++;
      if (!isBroken) return toy.watch(watcher, everyMs);
      leftBehind = watcher;
      throw attempts === 1
        ? new Error('connect 10.0.0.1')
        : failure('SOJOURN_STORE', { store: 'toy', operation: 'watch', problem: 'no permission' });
    });
    const id = freshId();
    await near.create(id, session(clock.now()));
    for (let second = 0; second < 100; second++) {
      expect(await near.load(id)).not.toBeNull();
      leftBehind?.heard(clock.now());
      clock.advance(100);
      await settle();
    }
    expect(near.figures).toMatchObject({ entries: 0, watched: false });
    expect(attempts).toBe(7);
    const [sentence] = await near.check();
    expect(sentence).toMatch(/keeps no copies.*no permission/);
    expect(warnings).toEqual([expect.stringMatching(/keeps no copies/)]);
    expect(warnings[0]).not.toContain('10.0.0.1');
    isBroken = false;
    clock.advance('10s');
    await near.load(id);
    await settle();
    await near.load(id);
    expect(near.load(id)).not.toBeInstanceOf(Promise);
    expect(await near.check()).toEqual([]);
    warned.mockRestore();
  });

  test('that throws at once is no trouble of the request', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const { near } = watchedBy(() => {
      throw new Error('no');
    });
    expect(await near.load('unknown')).toBeNull();
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  test('that begins after close is stopped', async () => {
    let begin = (_: () => void): void => {};
    let stopped = 0;
    let watcher: Watcher | undefined;
    const { near } = watchedBy((given) => {
      watcher = given;
      return new Promise((resolve) => {
        begin = resolve;
      });
    });
    near.load('x');
    await near.close();
    begin(() => void stopped++);
    await settle();
    watcher?.heard(0);
    expect(stopped).toBe(1);
    expect(near.figures.watched).toBe(false);
  });

  test('close closes the store below, whatever becomes of the link', async () => {
    let closed = 0;
    const toy = toyStore({});
    const watch = () => () => {
      throw new Error('the link is stuck');
    };
    const near = cached({ ...toy, watch, close: () => void closed++ });
    near.load('x');
    await expect(near.close()).rejects.toThrow('stuck');
    expect(closed).toBe(1);
  });

  test('what the store says of itself is passed on', async () => {
    const near = cached({ ...toyStore({}), check: async () => ['This server evicts.'] });
    expect(await near.check()).toEqual(['This server evicts.']);
    await near.close();
  });
});

describe('what stands in front of the store', () => {
  test('has all its abilities, also those of a class with private parts', async () => {
    class Private implements Store, Watchable, Indexed {
      readonly name = 'private';
      readonly #ids = ['a'];
      load = () => null;
      create = () => 'ok' as const;
      commit = () => ({ status: 'gone' }) as const;
      destroy() {}
      watch = () => () => {};
      listen = () => () => {};
      async *byUser(_user: string) {
        for (const id of this.#ids) yield [id, session(0).head] as const;
      }
      count() {
        return this.#ids.length;
      }
    }
    const near = cached(new Private());
    const found: string[] = [];
    for await (const [id] of near.byUser('ann')) found.push(id);
    expect([found, near.count(), near.name]).toEqual([['a'], 1, 'private']);
    expect(['byUser' in near, 'listen' in near, 'list' in near, 'stale' in near]).toEqual([true, true, false, true]);
    expect(near.stalenessMs).toBe(2000);
  });

  test('a store that answers at once still does', () => {
    const clock = controllableClock();
    const held = session(clock.now());
    const near = cached(
      {
        name: 'instant',
        load: () => held,
        create: () => 'ok' as const,
        commit: () => ({ status: 'gone' }) as const,
        destroy: () => {},
        watch: () => () => {},
        listen: () => () => {},
      } satisfies Store & Watchable,
      { now: clock.now },
    );
    expect(near.load('a')).toBe(held);
    expect(near.create('a', held)).toBe('ok');
    expect(near.commit('a', delta(0, {}))).toEqual({ status: 'gone' });
    expect(near.destroy('a')).toBeUndefined();
    expect(near.load('a')).toBeNull();
  });

  test.each<[string, () => unknown]>([
    ['staleness', () => cached(toyStore({}), { staleness: '50ms' })],
    ['staleness', () => cached(toyStore({}), { staleness: '11m' })],
    ['max', () => cached(toyStore({}), { max: 0 })],
    ['max', () => cached(toyStore({}), { max: '64MiB' as never })],
    ['did you mean max', () => cached(toyStore({}), { mx: 1 } as never)],
    ['must be a store that can watch', () => cached({ name: 'memory', load: () => null } as never)],
    ['store of cached', () => cached(undefined as never)],
  ])('refuses what cannot be: %s', (words, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringContaining(words) }));
  });
});

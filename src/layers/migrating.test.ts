/** Moving house: two stores as one, in both phases, on the way and after; and a mover that can be watched, paused and killed. */
import { type Delta, isFailure, memory, type Store, type Stored, sessions, type } from 'sojourn';
import { redis } from 'sojourn/redis';
import { describe, expect, test } from 'vitest';
import { runs } from '../../test/support/exam.js';
import { need } from '../../test/support/needs.js';
import { startRedis } from '../../test/support/redis.js';
import { redisClients } from '../../test/support/redis-clients.js';
import { visitor } from '../../test/support/visitor.js';
import { FaultPlan, faulty } from '../testing/index.js';
import { type StoreContext, storeKit } from '../testing/store-kit.js';
import { cached } from './cached.js';
import { MARK } from './migrating/marks.js';
import { migrating } from './migrating.js';

const onRedis = need('redis');
const kit = { races: runs(20, 200), parallel: 20 };
const phases = ['from', 'moving'] as const;

for (const phase of phases) {
  storeKit(
    { describe, test },
    ({ now, inner }) =>
      migrating({ from: inner(memory({ now, name: 'old' })), to: inner(memory({ now, name: 'new' })), phase, now }),
    { ...kit, name: `migrating from memory to memory, phase ${phase}`, mustHave: ['byUser', 'list', 'sweep'] },
  );
}

let client: ReturnType<(typeof redisClients.single)[number]['connect']> | undefined;
let round = 0;
const onOneRedis = async ({ now, inner }: StoreContext) => {
  client ??= startRedis().then((server) => redisClients.single[0]!.connect(server));
  const connected = (await client).client;
  const [from, to] = ['old', 'new'].map((side) => inner(redis(connected, { prefix: `${side}${round}:`, now })));
  return migrating({ from: from!, to: to!, phase: 'moving', now });
};
storeKit(
  onRedis,
  (context) => {
    round++;
    return onOneRedis(context);
  },
  {
    ...kit,
    name: 'migrating from Redis to Redis',
    mustHave: ['byUser', 'list', 'watch', 'listen'],
    another: onOneRedis,
  },
);

interface Fields {
  n: number;
  text: string;
}

function stored(fields: Record<string, string> = {}, head: Partial<Stored['head']> = {}): Stored {
  const fixed = { createdAt: Date.now(), expiresAt: Date.now() + 600_000, version: 1, generation: 0 };
  const bytes = Object.entries(fields).map(([name, value]) => [name, Buffer.from(value)] as const);
  return { head: { ...fixed, ...head }, fields: new Map(bytes) };
}

function touch(): Delta {
  return { generation: 0, head: { expiresAt: Date.now() + 600_000 }, fields: new Map() };
}

/** An old store with sessions of ann, bob and others, as servers without the layer have left it. */
async function inhabited(count: number): Promise<{ from: ReturnType<typeof memory>; visitors: Map<string, string>[] }> {
  const from = memory({ name: 'old' });
  const s = sessions({ data: type<Fields>(), store: from, sweep: false });
  const visitors = [];
  for (let i = 0; i < count; i++) {
    const person = visitor(s);
    await person.visit((session) => {
      session.login(`user${i}`);
      session.set('n', i);
    });
    visitors.push(person.cookies);
  }
  return { from, visitors };
}

describe('a session on its way', () => {
  test('who only reads is not moved; who writes is, with everything, and stays signed in', async () => {
    const { from, visitors } = await inhabited(1);
    const to = memory({ name: 'new' });
    const s = sessions({ data: type<Fields>(), store: migrating({ from, to, phase: 'moving' }), sweep: false });
    const ann = visitor(s, visitors[0]);
    expect(await ann.visit((session) => [session.user, session.get('n')])).toEqual(['user0', 0]);
    expect(await count(from)).toBe(1);

    await ann.visit((session) => session.set('text', 'hello'));
    expect([await count(from), await count(to)]).toEqual([0, 1]);
    expect(await ann.visit((session) => [session.user, session.get('n'), [...session.keys()].sort()])).toEqual([
      'user0',
      0,
      ['n', 'text'],
    ]);
    expect((await allOf(s.of('user0'))).length).toBe(1);
    const bare = visitor(sessions({ data: type<Fields>(), store: to, sweep: false }), visitors[0]);
    expect(await bare.visit((session) => [session.user, [...session.keys()].sort()])).toEqual(['user0', ['n', 'text']]);
  });

  test("a server of phase 'from' moves nothing, and knows what has gone over", async () => {
    const { from, visitors } = await inhabited(2);
    const to = memory({ name: 'new' });
    const [first, second] = phases.map((phase) =>
      sessions({ data: type<Fields>(), store: migrating({ from, to, phase }), sweep: false }),
    );
    await visitor(first!, visitors[0]).visit((session) => session.set('text', 'one'));
    expect([await count(from), await count(to)]).toEqual([2, 0]);
    await visitor(second!, visitors[0]).visit((session) => session.update('n', (n = 0) => n + 1));
    expect([await count(from), await count(to)]).toEqual([1, 1]);
    await visitor(first!, visitors[0]).visit((session) => session.update('n', (n = 0) => n + 1));
    for (const s of [first!, second!])
      expect(await visitor(s, visitors[0]).visit((session) => [session.user, session.get('n')])).toEqual(['user0', 2]);
    expect(await visitor(first!).visit((session) => session.set('n', 1))).toBeUndefined();
    expect(await count(from), 'a new session of the first phase').toBe(2);
  });

  test('wherever a move dies, the session is read, listed, found by its user, and moved by the next who writes', async () => {
    for (let call = 1; ; call++) {
      const { from, visitors } = await inhabited(1);
      const to = memory({ name: 'new' });
      const plan = new FaultPlan();
      const dying = migrating({ from: faulty(from, plan), to: faulty(to, plan), phase: 'moving' });
      plan.failAt(call + 1, { side: 'after' }); // the first is the walk that counts
      const end = await dying.move().done.catch(() => undefined);
      if (end?.state === 'done') break;
      for (const phase of phases) {
        const store = migrating({ from, to, phase });
        const s = sessions({ data: type<Fields>(), store, sweep: false });
        const found = await visitor(s, new Map(visitors[0])).visit((session) => [session.user, [...session.keys()]]);
        expect(found, `${phase}, after call ${call}`).toEqual(['user0', ['n']]);
        expect(new Set((await allOf(store.byUser('user0'))).map(([id]) => id)).size).toBe(1);
        expect(new Set((await allOf(store.list())).map(([id]) => id)).size).toBe(1);
        await visitor(s, visitors[0]).visit((session) => session.update('n', (n = 0) => n + 1));
      }
      const after = migrating({ from, to, phase: 'moving' });
      expect((await after.move().done).state).toBe('done');
      expect(await after.cutOver()).toEqual({ left: 0, ids: [] });
      const bare = sessions({ data: type<Fields>(), store: to, sweep: false });
      const end2 = await visitor(bare, visitors[0]).visit((session) => [session.get('n'), [...session.keys()]]);
      expect(end2, `in the new store, after call ${call}`).toEqual([2, ['n']]);
      expect(call).toBeLessThan(40);
    }
  });

  test('a session that ends in the new store does not live on in the old one, where its mover has died', async () => {
    let now = Date.now();
    const clock = { now: () => now };
    const [from, to, plan] = [memory(clock), memory(clock), new FaultPlan()];
    await from.create('a', stored({ n: '1' }, { expiresAt: now + 1_000_000 }));
    const dying = migrating({ from: faulty(from, plan), to, phase: 'moving', ...clock });
    plan.failAt(1, { verbs: ['destroy'] });
    const failed = await dying.move().done;
    expect(failed).toMatchObject({ state: 'failed', failed: 1, failures: [{ id: 'a', code: 'SOJOURN_STORE' }] });
    expect([from.load('a'), to.load('a')]).not.toContain(null);

    const store = migrating({ from, to, phase: 'moving', ...clock });
    const short = { generation: 0, head: { expiresAt: now + 1000 }, fields: new Map() };
    expect((await store.commit('a', short)).status).toBe('ok');
    now += 1000;
    expect(await store.load('a')).toBeNull();
    expect(from.load('a')).toBeNull();
  });

  test('a place that a slow mover reserves after the end is never filled, not even by one that had seen the session', async () => {
    const [from, to] = [memory(), memory()];
    await from.create('a', stored({ n: '1' }));
    const [quick, slow] = [new FaultPlan(), new FaultPlan()];
    const house = (plan: FaultPlan) => migrating({ from: faulty(from, plan), to: faulty(to, plan), phase: 'moving' });
    const late = slow.hold('create');
    const lateMove = house(slow).move().done;
    await late.arrived; // it has seen the session, and that there is no place for it yet
    const filling = quick.hold('create', 'after');
    const quickMove = house(quick).move().done;
    await filling.arrived; // its place is there
    const looked = quick.hold('commit');
    filling.release();
    await looked.arrived; // it has seen the session once more, and is about to fill the place

    await migrating({ from, to, phase: 'moving' }).destroy('a');
    late.release();
    await lateMove;
    looked.release();
    await quickMove;
    for (const phase of phases) expect(await migrating({ from, to, phase }).load('a')).toBeNull();
    expect(await allOf(migrating({ from, to, phase: 'from' }).list())).toEqual([]);
    expect((await migrating({ from, to, phase: 'from' }).commit('a', touch())).status).toBe('gone');
    expect((await migrating({ from, to, phase: 'moving' }).commit('a', touch())).status).toBe('gone');
    const s = sessions({ data: type<Fields>(), store: to, sweep: false });
    expect(await visitor(s, new Map([['__Host-sid', `a.${'A'.repeat(43)}`]])).visit((session) => session.isNew)).toBe(
      true,
    );
  });

  test('the field that marks it cannot be written by an application', async () => {
    const store = migrating({ from: memory(), to: memory(), phase: 'moving' });
    await expect(store.create('a', stored({ [MARK]: '1' }))).rejects.toThrow(/taken while sessions are migrating/);
  });
});

describe('the mover', () => {
  test('shows how far it is, can be paused, resumed and stopped, and goes on where another has stopped', async () => {
    const { from } = await inhabited(300);
    const to = memory({ name: 'new' });
    const store = migrating({ from, to, phase: 'moving' });
    expect((await store.verify()).left).toBe(300);
    const told: string[] = [];
    const move = store.move({
      pace: 1_000_000,
      onProgress({ state, moved, total }) {
        told.push(state);
        if (state === 'moving' && moved >= 64 && moved < 128) move.pause();
        expect(total).toBe(300);
      },
    });
    await expect.poll(() => move.progress.state).toBe('paused');
    await new Promise(setImmediate);
    const { moved } = move.progress;
    expect(moved).toBeGreaterThanOrEqual(64);
    expect(moved).toBeLessThan(200);
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(move.progress.moved, 'while paused').toBe(moved);
    move.stop();
    expect((await move.done).state).toBe('stopped');

    const next = store.move({ pace: 1_000_000 });
    next.pause();
    next.resume();
    expect(await next.done).toMatchObject({ state: 'done', total: 300 - moved, moved: 300 - moved, failed: 0 });
    expect(told).toContain('paused');
    expect(await store.cutOver()).toEqual({ left: 0, ids: [] });
    expect([await count(from), await count(to)]).toEqual([0, 300]);
  });

  test('what the new store cannot take stays where it is, is named, and can still be read', async () => {
    const { from, visitors } = await inhabited(3);
    await from.create('large', stored({ cart: 'x'.repeat(4000) }));
    const to = memory({ name: 'new', maxBytes: 4500 });
    const store = migrating({ from, to, phase: 'moving' });
    const end = await store.move().done;
    expect(end).toMatchObject({ state: 'failed', moved: 3, failures: [{ id: 'large', code: 'SOJOURN_STORE_FULL' }] });
    expect((await store.load('large'))?.fields.get('cart')?.length).toBe(4000);
    expect(await store.cutOver()).toEqual({ left: 1, ids: ['large'] });
    const s = sessions({ data: type<Fields>(), store, sweep: false });
    expect(await visitor(s, visitors[1]).visit((session) => session.user)).toBe('user1');
  });

  test("in phase 'from' nothing is moved; an old store that cannot list is refused", async () => {
    const early = migrating({ from: memory(), to: memory(), phase: 'from' });
    expect(() => early.move()).toThrow(/phase of migrating: must be 'moving'/);
    await expect(early.cutOver()).rejects.toThrow(/phase of migrating: must be 'moving'/);
    const { name, load, create, commit, destroy } = memory();
    const mute: Store = { name, load, create, commit, destroy };
    expect(() => migrating({ from: mute, to: memory(), phase: 'moving' }).move()).toThrow(/store that can list/);
    expect(() => migrating({ from: memory(), to: memory(), phase: 'moved' as 'from' })).toThrow(/phase of migrating/);
    try {
      migrating({ from: memory(), phase: 'from' } as never);
    } catch (error) {
      expect(isFailure(error, 'SOJOURN_OPTION')).toBe(true);
    }
  });
});

describe('what other servers hear', () => {
  async function twoHouses() {
    const server = await startRedis();
    const clients = await Promise.all([0, 1].map(() => redisClients.single[0]!.connect(server)));
    const stores = clients.map(({ client: own }) => ['old:', 'new:'].map((prefix) => redis(own, { prefix })));
    return stores.map(([from, to]) => ({ from: from!, house: migrating({ from: from!, to: to!, phase: 'moving' }) }));
  }

  onRedis.test('a session that moves has not ended; one that ends is told once, wherever it was', async () => {
    const [here, there] = await twoHouses();
    for (const id of ['a', 'b']) await there!.from.create(id, stored({ n: '1' }));
    const heard: unknown[] = [];
    const stop = await here!.house.listen((id, how) => heard.push([id, how]));
    await there!.house.commit('a', touch());
    expect(await there!.from.load('a')).toBeNull();
    await there!.house.destroy('b');
    await expect.poll(() => heard).toEqual([['b', 'destroyed']]);
    await there!.house.destroy('a');
    await expect.poll(() => heard.length).toBe(2);
    expect(heard[1]).toEqual(['a', 'destroyed']);
    await stop();
    for (const { house } of [here!, there!]) await house.close?.();
  });

  onRedis.test('a near cache above sees what others write to a session that they have moved meanwhile', async () => {
    const [here, there] = await twoHouses();
    await there!.from.create('a', stored({ n: '1' }));
    const near = cached(here!.house);
    const n = async () => Buffer.from((await near.load('a'))!.fields.get('n')!).toString();
    await expect
      .poll(async () => {
        await n();
        return near.figures.entries;
      })
      .toBe(1);
    for (const value of ['2', '3', '4']) {
      const set = { op: 'set', value: Buffer.from(value) } as const;
      await there!.house.commit('a', { ...touch(), fields: new Map([['n', set]]) });
      await expect.poll(n, { message: `after ${value}` }).toBe(value);
    }
    await there!.house.destroy('a');
    await expect.poll(() => near.load('a')).toBeNull();
    await near.close();
    await there!.house.close?.();
  });

  test('a session that stands still half-way is served, and not kept by a near cache', async () => {
    const watchers = new Set<{ changed(id: string): void }>();
    const watchable = (store: Memory) =>
      Object.assign(Object.create(store) as Memory, {
        watch: (watcher: { changed(id: string): void }) => {
          watchers.add(watcher);
          return () => {};
        },
        listen: () => () => {},
        load: (id: string) => store.load(id),
      });
    const [from, to, plan] = [memory(), memory(), new FaultPlan()];
    await from.create('a', stored({ n: '1' }));
    plan.failAt(1, { verbs: ['create'] });
    await migrating({ from, to: faulty(to, plan), phase: 'moving' }).move().done;
    const house = migrating({ from: watchable(from), to: watchable(to), phase: 'moving' });
    const told: string[] = [];
    await house.watch({ changed: (id) => told.push(id), deaf() {}, heard() {} }, 1000);
    expect((await house.load('a'))?.fields.get('n')).toEqual(Buffer.from('1'));
    expect(told).toEqual(['a']);
  });
});

type Memory = ReturnType<typeof memory>;

async function count(store: ReturnType<typeof memory>): Promise<number> {
  return (await allOf(store.list())).length;
}

async function allOf<R>(items: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const item of items) all.push(item);
  return all;
}

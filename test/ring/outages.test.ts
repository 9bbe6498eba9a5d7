/**
 * Nodes that hang, die, come back empty or with old data, told as what happens to Ann's session. Nodes are memory behind a switch; the
 * clock is the test's own, so that a deadline passes when the test says so.
 */
import { describe, expect, test } from 'vitest';
import type { Delta, Store, Write } from '../../src/contract.js';
import { FaultPlan, faulty } from '../../src/layers/faulty.js';
import { hintPrefix, hintUser } from '../../src/layers/ring/control.js';
import { type RingEvents, type RingOptions, ring } from '../../src/layers/ring.js';
import { memory } from '../../src/stores/memory.js';
import { controllableClock } from '../../src/testing/index.js';

const HOUR_MS = 3_600_000;
type Memory = ReturnType<typeof memory>;

/** A ring of three nodes, and a second process on the same nodes. */
function fleet(options: RingOptions = {}) {
  const clock = controllableClock();
  const machines = ['a', 'b', 'c'].map((name) => machine(name, clock.now));
  const open = (plans: readonly FaultPlan[]) =>
    ring(
      machines.map(({ name, store }, i) => ({ name, store: faulty(store, plans[i]!) })),
      { copies: 2, environment: clock, pace: 1_000_000, ...options },
    );
  const store = open(machines.map(({ plan }) => plan));
  const told: (readonly [keyof RingEvents, object])[] = [];
  for (const event of ['nodeDown', 'nodeUp', 'unsynced', 'synced', 'degraded', 'conflict'] as const)
    store.on(event, (what) => told.push([event, what]));
  /** Lets time go by in small steps, and everything happen that is due. */
  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 2) {
      clock.advance(2);
      await new Promise(setImmediate);
    }
  }
  /** The answer of a call for which time has to go by. */
  async function soon<T>(call: Promise<T> | T): Promise<T> {
    let isOver = false;
    const settled = Promise.resolve(call).finally(() => {
      isOver = true;
    });
    settled.catch(() => {});
    for (let ms = 0; ms < 2000 && !isOver; ms += 2) await pass(2);
    return settled;
  }
  const state = (name: string) => store.describe().nodes.find((node) => node.name === name)!;
  /** Another process, and what stands between it and the nodes. */
  const elsewhere = () => {
    const plans = machines.map(() => new FaultPlan());
    return { plans, store: open(plans) };
  };
  return { clock, machines, store, another: () => elsewhere().store, elsewhere, told, pass, soon, state };
}

/** A node whose data can be lost, and set back. */
function machine(name: string, now: () => number) {
  let inside: Memory = memory({ name, now });
  const plan = new FaultPlan();
  const through = <T extends object>(current: () => T): T =>
    new Proxy({} as T, {
      has: (_, key) => key in current(),
      get(_, key) {
        const value: unknown = Reflect.get(current(), key, current());
        return typeof value === 'function' ? value.bind(current()) : value;
      },
    });
  const cells = through(() => inside.cells);
  const outer = through(() => inside as Store);
  let renewed = 0;
  const own: Partial<Store> & { cells: Memory['cells'] } = { cells, renew: () => void renewed++ };
  const store = new Proxy(outer, {
    get: (target, key) => (key in own ? Reflect.get(own, key) : Reflect.get(target, key)),
  });
  return {
    name,
    get renewed() {
      return renewed;
    },
    plan,
    store: store as Memory,
    hang: () => plan.delay(() => new Promise(() => {})),
    die: () => plan.fail(),
    heal: () => plan.heal(),
    /** Everything it has is gone. */
    empty() {
      inside = memory({ name, now });
    },
    has: async (id: string) => (await inside.cells.read(id)) !== null,
  };
}

function session(nowMs: number, fields: Record<string, string>) {
  const head = {
    createdAt: nowMs,
    expiresAt: nowMs + HOUR_MS,
    version: 1,
    generation: 0,
    secret: Buffer.from('first'),
  };
  return { head, fields: new Map(Object.entries(fields).map(([name, value]) => [name, Buffer.from(value)])) };
}

function change(nowMs: number, fields: Record<string, Write>, head: Partial<Delta['head']> = {}): Delta {
  return { generation: 0, head: { expiresAt: nowMs + HOUR_MS, ...head }, fields: new Map(Object.entries(fields)) };
}

const set = (value: string): Write => ({ op: 'set', value: Buffer.from(value) });
const text = (stored: Awaited<ReturnType<Store['load']>>, field: string): string | undefined => {
  const value = stored?.fields.get(field);
  return value === undefined ? undefined : Buffer.from(value).toString();
};

const ids = Array.from({ length: 24 }, (_, i) => `ann's session no. ${i}`);

async function created({ store, clock }: ReturnType<typeof fleet>): Promise<void> {
  for (const id of ids) expect(await store.create(id, session(clock.now(), { cart: 'book' }))).toBe('ok');
}

describe('a node that hangs', () => {
  test('is told, when it says nothing for seconds, that its connections may be dead', async () => {
    const scene = fleet();
    await created(scene);
    const [a] = scene.machines;
    a!.hang();
    for (const id of ids) await scene.soon(scene.store.load(id));
    await scene.pass(2000);
    expect(a!.renewed).toBe(0);
    await scene.pass(2500);
    expect(a!.renewed).toBeGreaterThan(0);
    a!.heal();
    await scene.pass(1000);
    const { renewed } = a!;
    await scene.pass(3000);
    expect(a!.renewed).toBe(renewed);
  });

  test('costs its first askers a moment, and after three of them nobody', async () => {
    const scene = fleet();
    await created(scene);
    const [a] = scene.machines;
    a!.hang();
    for (const id of ids) expect(text(await scene.soon(scene.store.load(id)), 'cart')).toBe('book');
    await scene.pass(60);
    expect(scene.state('a').state).toBe('down');
    expect(scene.told).toContainEqual(['nodeDown', { node: 'a' }]);
    const before = scene.clock.now();
    for (const id of ids) expect(text(await scene.store.load(id), 'cart')).toBe('book');
    expect(scene.clock.now()).toBe(before);
    expect(scene.store.figures.hedged).toBeGreaterThan(0);
  });

  test('takes no write down with it: logins, swaps and logouts go on, and it gets them when it is back', async () => {
    const scene = fleet();
    const { store, clock, machines, soon, pass } = scene;
    await created(scene);
    machines[0]!.hang();
    for (const [i, id] of ids.entries()) {
      const login = change(clock.now(), {}, { generation: 1, secret: Buffer.from('second'), user: 'ann' });
      const swap = change(clock.now(), {
        cart: { op: 'swap', expect: Buffer.from('book'), value: Buffer.from('pen') },
      });
      if (i % 3 === 2) await soon(store.destroy(id));
      else expect(await soon(store.commit(id, i % 3 ? login : swap))).toMatchObject({ status: 'ok' });
    }
    expect(store.figures.degraded).toBeGreaterThan(0);
    expect(scene.state('a').hintsPending).toBeGreaterThan(0);
    machines[0]!.heal();
    await pass(1500);
    expect(scene.state('a')).toMatchObject({ state: 'up', synced: 'yes', hintsPending: 0 });
    for (const name of [1, 2]) machines[name]!.die();
    const other = scene.store;
    for (const [i, id] of ids.entries()) {
      if (!(await machines[0]!.has(id))) continue;
      // Alone with what it has been told.
      const stored = await soon(Promise.resolve(other.load(id)).catch(() => 'unknown' as const));
      if (stored === 'unknown') continue;
      expect(i % 3 === 2 ? stored === null : stored !== null).toBe(true);
      if (stored && i % 3 === 1) expect(stored.head).toMatchObject({ generation: 1, user: 'ann' });
      if (stored && i % 3 === 0) expect(text(stored, 'cart')).toBe('pen');
    }
  });

  test("is not waited for in 'strict': the write is refused, and none is acknowledged by one node", async () => {
    const scene = fleet({ write: 'strict' });
    const { store, clock, machines, soon } = scene;
    await created(scene);
    machines[0]!.hang();
    let refused = 0;
    for (const id of ids) {
      const outcome = soon(Promise.resolve(store.commit(id, change(clock.now(), { cart: set('pen') }))));
      await outcome.catch((error) => {
        expect(error).toMatchObject({ code: 'SOJOURN_STORE' });
        refused++;
      });
    }
    expect(refused).toBe((await Promise.all(ids.map((id) => machines[0]!.has(id)))).filter(Boolean).length);
    expect(store.figures.degraded).toBe(0);
  });
});

describe('a node that comes back empty', () => {
  test('signs nobody out, whether or not anybody saw it go', async () => {
    const scene = fleet();
    await created(scene);
    scene.machines[0]!.empty();
    for (const id of ids) expect(text(await scene.store.load(id), 'cart')).toBe('book');
    expect(await scene.store.load('nobody')).toBeNull();
    await scene.pass(1200);
    expect(scene.state('a').synced).toBe('yes');
    expect(scene.told.map(([event]) => event)).toEqual(expect.arrayContaining(['unsynced', 'synced']));
  });

  test('is filled again, and can then do without the others', async () => {
    const scene = fleet();
    await created(scene);
    const before = await Promise.all(ids.map((id) => scene.machines[0]!.has(id)));
    scene.machines[0]!.empty();
    await scene.pass(1500);
    expect(await Promise.all(ids.map((id) => scene.machines[0]!.has(id)))).toEqual(before);
    expect(before).toContain(true);
  });

  test('is an outage for what nobody else can tell, and never "no such session"', async () => {
    const scene = fleet();
    const { store, machines, soon } = scene;
    await created(scene);
    machines[0]!.empty();
    for (const other of [1, 2]) machines[other]!.die();
    for (const id of ids) await expect(soon(store.load(id))).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
  });

  test('does not bring back who logged out while it was away', async () => {
    const scene = fleet();
    const { store, machines, soon, pass } = scene;
    await created(scene);
    machines[0]!.die();
    for (const id of ids) await soon(store.destroy(id));
    machines[0]!.empty();
    machines[0]!.heal();
    await pass(1500);
    for (const id of ids) expect(await store.load(id)).toBeNull();
    for (const id of ids) expect(await scene.another().load(id)).toBeNull();
  });
});

describe('a node that comes back as it was', () => {
  test('is not believed before it has heard what it missed, in no process', async () => {
    const scene = fleet();
    const { store, clock, machines, soon } = scene;
    await created(scene);
    machines[0]!.die();
    for (const id of ids) await soon(store.commit(id, change(clock.now(), { cart: set('pen') })));
    machines[0]!.heal();
    const other = scene.another();
    for (const id of ids) expect(text(await other.load(id), 'cart')).toBe('pen');
  });

  test('is filled as a whole where there were too many hints', async () => {
    const scene = fleet({ maxHints: 3 });
    const { store, clock, machines, soon, pass } = scene;
    await created(scene);
    machines[0]!.die();
    for (const id of ids) await soon(store.commit(id, change(clock.now(), { cart: set('pen') })));
    expect(scene.state('a').hintsPending).toBe(3);
    machines[0]!.heal();
    await pass(2500);
    expect(scene.state('a')).toMatchObject({ synced: 'yes', hintsPending: 0 });
    for (const id of ids) {
      const cell = await machines[0]!.store.cells.read(id);
      if (cell) expect(Buffer.from(cell.bytes).includes('pen')).toBe(true);
    }
  });
});

describe('a node that was away for more than a day', () => {
  const DAYS_MS = 30 * 24 * HOUR_MS;
  /** Sessions that last for a month; the first node has missed how half of them ended, and nobody remembers that any more. */
  async function aDayLater(isWatched: boolean) {
    const scene = fleet();
    const { store, clock, machines, soon, pass } = scene;
    const { head, fields } = session(clock.now(), { cart: 'book' });
    for (const id of ids) await store.create(id, { fields, head: { ...head, expiresAt: clock.now() + DAYS_MS } });
    await pass(1200);
    machines[0]!.die();
    for (const id of ids.slice(0, 12)) {
      // Its end is near, and then it comes: after a day nobody has any trace of either.
      await soon(store.commit(id, change(clock.now(), {}, { expiresAt: clock.now() + 60_000 })));
      await soon(store.destroy(id));
    }
    if (!isWatched) await store.close();
    for (let hours = 0; hours < 25; hours++) {
      clock.advance(HOUR_MS);
      await pass(4);
    }
    machines[0]!.heal();
    return { ...scene, use: isWatched ? store : scene.another() };
  }
  const left = ids.slice(12);

  test.each([
    ['in sight of a server', true],
    ['while no server ran', false],
  ])('is not believed, and brings nobody back: %s', async (_, isWatched) => {
    const { use, machines, soon, pass } = await aDayLater(isWatched);
    for (const id of ids) expect((await soon(use.load(id))) !== null, id).toBe(left.includes(id));
    await pass(3000);
    for (const id of ids) expect((await soon(use.load(id))) !== null, id).toBe(left.includes(id));
    expect(use.describe().nodes.map(({ state, synced }) => `${state} ${synced}`)).toEqual(Array(3).fill('up yes'));
    // It was emptied and filled again: two copies of whoever is left, and none of the others.
    for (const id of ids) {
      const has = await Promise.all(machines.map((each) => each.has(id)));
      expect(has.filter(Boolean), id).toHaveLength(left.includes(id) ? 2 : 0);
    }
  });

  test('waits until the others have all that it is to have', async () => {
    const { use, machines, soon, pass } = await aDayLater(true);
    machines[1]!.die();
    for (const id of ids) await soon(Promise.resolve(use.load(id)).catch(() => null));
    await pass(2000);
    expect((await soon(use.check())).join()).toMatch(/Node a was away for a day/);
    expect(use.describe().nodes[0]).toMatchObject({ state: 'up', synced: 'outdated' });
    const before = await Promise.all(left.map((id) => machines[0]!.has(id)));
    expect(before).toContain(true);
    machines[1]!.heal();
    await pass(4000);
    for (const id of ids) expect((await soon(use.load(id))) !== null, id).toBe(left.includes(id));
    expect(await Promise.all(left.map((id) => machines[0]!.has(id)))).toEqual(before);
  });

  test('all were off for days: nothing is emptied', async () => {
    const { store, clock, machines, another, pass } = fleet();
    const { head, fields } = session(clock.now(), { cart: 'book' });
    for (const id of ids) await store.create(id, { fields, head: { ...head, expiresAt: clock.now() + DAYS_MS } });
    await pass(1200);
    await store.close();
    clock.advance(70 * HOUR_MS);
    const use = another();
    for (const id of ids) expect(text(await use.load(id), 'cart'), id).toBe('book');
    await pass(1200);
    expect(use.describe().nodes.map(({ state, synced }) => `${state} ${synced}`)).toEqual(Array(3).fill('up yes'));
    expect(use.figures.mended).toBe(0);
    for (const id of ids) expect(await Promise.all(machines.map((each) => each.has(id)))).toContain(true);
  });
});

describe('a third node stands in', () => {
  test('one owner hangs, the other one takes writes and then loses everything: they are all there', async () => {
    const scene = fleet();
    const { store, clock, machines, soon, pass } = scene;
    await created(scene);
    const [a, b] = machines;
    a!.hang();
    for (const id of ids) await soon(store.commit(id, change(clock.now(), { cart: set('pen') })));
    b!.die();
    b!.empty();
    b!.heal();
    a!.heal();
    for (const id of ids) expect(text(await soon(store.load(id)), 'cart')).toBe('pen');
    await pass(3000);
    for (const name of ['a', 'b', 'c']) expect(scene.state(name)).toMatchObject({ state: 'up', synced: 'yes' });
    for (const id of ids) {
      const cells = await Promise.all(machines.map((machine) => machine.store.cells.read(id)));
      const copies = cells.filter((cell) => cell !== null);
      expect(copies.map(({ bytes }) => Buffer.from(bytes).includes('pen'))).toEqual([true, true]);
    }
  });

  test('a process that has just started asks it, too', async () => {
    const scene = fleet();
    const { store, clock, machines, soon } = scene;
    await created(scene);
    machines[0]!.hang();
    for (const id of ids) await soon(store.commit(id, change(clock.now(), { cart: set('pen') })));
    for (const id of ids.slice(0, 8)) await soon(store.destroy(id));
    machines[1]!.empty();
    machines[0]!.heal();
    const fresh = scene.another();
    for (const [i, id] of ids.entries()) {
      const stored = await soon(fresh.load(id));
      if (i < 8) expect(stored).toBeNull();
      else expect(text(stored, 'cart')).toBe('pen');
    }
  });

  test('what it keeps of a write that nobody acknowledged is not taken for the session, when no owner answers', async () => {
    const scene = fleet();
    const { store, clock, machines, soon } = scene;
    await created(scene);
    for (const id of ids.slice(0, 6)) {
      const cells = await Promise.all(machines.map((machine) => machine.store.cells.read(id)));
      const keeper = machines[cells.indexOf(null)]!;
      const owner = machines.find((machine) => machine !== keeper)!;
      // Who wrote this died before he said that it is there.
      const hint = { ...cells.find((cell) => cell !== null)!, user: hintUser(owner.name) };
      await keeper.store.cells.replace(hintPrefix(owner.name) + id, null, hint);
      expect(await soon(store.commit(id, change(clock.now(), { cart: set('pen') })))).toMatchObject({ status: 'ok' });
      const stranger = scene.elsewhere();
      await soon(stranger.store.load('x'));
      for (const [i, machine] of machines.entries()) if (machine !== keeper) stranger.plans[i]!.fail();
      const load = () => soon(Promise.resolve(stranger.store.load(id)));
      // Nodes that fail for the first time may only be slow; what is asked here is what happens when they are down.
      const upAndDown = () => stranger.store.describe().nodes.map(({ state }) => state);
      while (upAndDown().filter((state) => state === 'down').length < 2) {
        await expect(load()).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
      }
      await expect(load()).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
      await stranger.store.close();
    }
  });

  test('who reaches one owner finds what was created by somebody who reaches the other', async () => {
    const scene = fleet();
    const { store, clock, machines, soon } = scene;
    const reader = scene.elsewhere();
    await soon(Promise.all([store.load('x'), reader.store.load('x')]));
    machines[0]!.plan.fail();
    reader.plans[1]!.fail();
    for (const id of ids) expect(await soon(store.create(id, session(clock.now(), { cart: 'book' })))).toBe('ok');
    // A node that fails for the first time may only be slow, and is asked once more.
    const isAway = () => reader.store.describe().nodes.some(({ state }) => state === 'down');
    for (let i = 0; !isAway(); i++) await soon(Promise.resolve(reader.store.load(ids[i]!)).catch(() => null));
    for (const id of ids) expect(text(await soon(reader.store.load(id)), 'cart')).toBe('book');
  });
});

test("a cell that lies under another id is nobody's session", async () => {
  const scene = fleet();
  await created(scene);
  const owners = await Promise.all(ids.map((id) => ownersOf(scene, id)));
  const other = ids.findIndex((_, i) => i > 0 && owners[i]!.join() === owners[0]!.join());
  for (const { store, has } of scene.machines) {
    if (!(await has(ids[0]!))) continue;
    const [cell, before] = [await store.cells.read(ids[0]!), await store.cells.read(ids[other]!)];
    await store.cells.replace(ids[other]!, before!.mark, cell!);
  }
  await expect(scene.soon(scene.store.load(ids[other]!))).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
  expect(text(await scene.soon(scene.store.load(ids[0]!)), 'cart')).toBe('book');
});

async function ownersOf({ machines }: ReturnType<typeof fleet>, id: string): Promise<readonly string[]> {
  const has = await Promise.all(machines.map((each) => each.has(id)));
  return machines.filter((_, i) => has[i]).map(({ name }) => name);
}

describe('two processes', () => {
  test('begin together and agree; their commits of one session both stay', async () => {
    const scene = fleet();
    const [one, two] = [scene.store, scene.another()];
    await scene.soon(Promise.all([one.load('x'), two.load('x')]));
    await created(scene);
    const now = scene.clock.now();
    for (const id of ids) {
      await Promise.all([one.commit(id, change(now, { a: set('1') })), two.commit(id, change(now, { b: set('2') }))]);
      for (const each of [one, two]) {
        const stored = await each.load(id);
        expect([text(stored, 'a'), text(stored, 'b'), text(stored, 'cart')]).toEqual(['1', '2', 'book']);
      }
    }
    expect(await one.repair()).toMatchObject({ written: 0, corrupt: 0 });
  });

  test('increment one field by swaps, and none is lost', async () => {
    const scene = fleet();
    const stores = [scene.store, scene.another(), scene.another()];
    await created(scene);
    const id = ids[0]!;
    await Promise.all(
      stores.map(async (store) => {
        for (let done = 0; done < 20; ) {
          const value = (await store.load(id))?.fields.get('n') ?? null;
          const next = Buffer.from(String(Number(value === null ? 0 : Buffer.from(value).toString()) + 1));
          const delta = change(scene.clock.now(), { n: { op: 'swap', expect: value, value: next } });
          if ((await store.commit(id, delta)).status === 'ok') done++;
        }
      }),
    );
    expect(text(await scene.store.load(id), 'n')).toBe('60');
  });
});

test('repair finds the copy that is missing and the one that is old', async () => {
  const scene = fleet();
  const { store, machines } = scene;
  await created(scene);
  const cells = machines[0]!.store.cells;
  let removed = 0;
  for (const id of ids) {
    const cell = await cells.read(id);
    if (cell && (await cells.remove(id, cell.mark))) removed++;
  }
  expect(removed).toBeGreaterThan(0);
  const seen: number[] = [];
  expect(await store.repair({ onProgress: ({ looked }) => seen.push(looked) })).toEqual({
    looked: ids.length,
    written: removed,
    corrupt: 0,
  });
  expect(seen.at(-1)).toBe(ids.length);
  expect(await store.repair()).toMatchObject({ written: 0 });
});

test('repair keeps its pace, however slow that is', async () => {
  const scene = fleet();
  await created(scene);
  const before = scene.clock.now();
  const repaired = scene.store.repair({ pace: 8 });
  for (let isOver = false; !isOver; ) {
    void repaired.then(() => {
      isOver = true;
    });
    await scene.pass(100);
  }
  // Each of 24 sessions is met on both of its nodes.
  expect(scene.clock.now() - before).toBeGreaterThan(((2 * ids.length - 4) / 8) * 1000);
});

test('a check tells of a node that is away, by its name', async () => {
  const scene = fleet();
  await created(scene);
  expect(await scene.store.check()).toEqual([]);
  scene.machines[1]!.die();
  for (const id of ids) await scene.soon(scene.store.load(id));
  expect((await scene.store.check()).join()).toMatch(/Node b does not answer/);
});

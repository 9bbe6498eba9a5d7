/**
 * A ring that is resized while it is used: two servers with tables of their own, and everybody who writes goes on writing.
 *
 * The nodes are in this process and answer late, in random order, so that everything meets everything; time runs ten times as
 * fast. A plain map beside it knows what was acknowledged.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { Celled, Store, Watchable } from '../../src/contract.js';
import { type RingOptions, type RingStore, ring } from '../../src/layers/ring.js';
import { memory } from '../../src/stores/memory.js';
import { Crowd } from '../support/crowd.js';
import { exam } from '../support/exam.js';
import { hurried } from '../support/hurried.js';

const environment = hurried(10);

type Node = Store & Celled;

function lateNode(name: string): Node {
  const store = memory({ name, now: environment.now });
  const { cells } = store;
  const late =
    <A extends unknown[], R>(verb: (...args: A) => R) =>
    async (...args: A): Promise<Awaited<R>> => {
      for (let turns = Math.floor(Math.random() * 4); turns > 0; turns--) await new Promise<void>(setImmediate);
      const result = await verb(...args);
      for (let turns = Math.floor(Math.random() * 4); turns > 0; turns--) await new Promise<void>(setImmediate);
      return result;
    };
  return {
    name,
    load: (id) => store.load(id),
    create: (id, session) => store.create(id, session),
    commit: (id, delta) => store.commit(id, delta),
    destroy: (id) => store.destroy(id),
    cells: {
      read: late(cells.read.bind(cells)),
      replace: late(cells.replace.bind(cells)),
      remove: late(cells.remove.bind(cells)),
      fence: late(cells.fence.bind(cells)),
      byUser: cells.byUser.bind(cells),
      ids: cells.ids.bind(cells),
    },
  };
}

const opened: RingStore<Node>[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

function server(nodes: readonly Node[], options: RingOptions): RingStore<Node> {
  const list = nodes.map((store) => ({ name: store.name, store }));
  const store = ring(list, { environment, deadline: '10s', pace: 10_000_000, ...options });
  opened.push(store);
  return store;
}

describe.each(exam ? [1, 2, 3] : [1, 2])('copies: %i', (copies) => {
  test('a node joins and another one leaves under writes: nobody is absent, nothing is lost, nobody comes back', async () => {
    const nodes = ['a', 'b', 'c'].map(lateNode);
    // The ring begins with three nodes; the fourth is known to the servers, and owns nothing yet.
    const first = server(nodes, { copies });
    await first.load('nobody');
    await first.close();
    const all = [...nodes, lateNode('d')];
    const [one, two] = [server(all, { copies }), server(all, { copies })];
    const crowd = new Crowd([one, two], 60);
    await crowd.arrive();
    crowd.start();
    const plan = await one.plan({ add: [{ name: 'd' }], remove: ['a'] });
    expect(plan.sessions).toBeGreaterThan(10);
    await one.resize(plan);
    expect((await two.status()).step).toBeGreaterThan(1);
    await one.settled();
    await crowd.stop();
    const status = await two.status();
    expect(status).toMatchObject({ phase: 'stable', epoch: 2, fingerprint: plan.afterFingerprint, unfenced: [] });
    expect(crowd.trouble()).toEqual([]);
    await crowd.verify();
    expect(crowd.done).toBeGreaterThan(500);
    // Where the node that left was, there is nothing.
    expect(await sessionsOn(nodes[0]!)).toBe(0);
  });
});

test('near caches drop everything when a move is announced, and keep nothing of what moves', async () => {
  const told: string[] = [];
  const nodes = ['a', 'b', 'c'].map((name) => {
    const watch: Watchable['watch'] = async (watcher) => {
      watcher.heard(performance.now());
      return () => {};
    };
    return { ...lateNode(name), watch, listen: async () => () => {} };
  });
  const list = nodes.map((store, i) => ({ name: store.name, weight: i < 2 ? 1 : 0, store }));
  const open = () => ring(list, { environment, deadline: '10s', pace: 20 });
  const [one, two] = [open(), open()];
  opened.push(one, two);
  const crowd = new Crowd([one], 40);
  await crowd.arrive();
  await two.load('visitor-0');
  await two.watch({ changed: (id) => told.push(id), deaf: () => told.push('deaf'), heard: () => {} }, 1000);
  await crowd.verify();
  expect(told).toEqual([]);
  await one.resize(await one.plan({ weights: { a: 0, c: 1 } }));
  // It was told before anything moved, and not only now.
  expect(told[0]).toBe('deaf');
  await one.pause();
  await expect.poll(async () => (await two.status()).isPaused).toBe(true);
  told.length = 0;
  const moving = one.describe().nodes[2]!.slots;
  expect(moving).toBeGreaterThan(0);
  for (let i = 0; i < 40; i++) await two.load(`visitor-${i}`);
  const during = told.length;
  await one.resume();
  await one.settled();
  await expect.poll(async () => (await two.status()).phase).toBe('stable');
  told.length = 0;
  for (let i = 0; i < 40; i++) await two.load(`visitor-${i}`);
  expect(told).toEqual([]);
  expect(during).toBeGreaterThan(0);
});

describe('an operator', () => {
  /** Three nodes, of which the last one is empty, and a crowd. */
  async function begun(pace: number, copies = 1) {
    const nodes = ['a', 'b', 'c'].map(lateNode);
    const list = nodes.map((store, i) => ({ name: store.name, weight: i < 2 ? 1 : 0, store }));
    const open = () => {
      const store = ring(list, { environment, deadline: '10s', copies, pace });
      opened.push(store);
      return store;
    };
    const [one, two] = [open(), open()];
    const crowd = new Crowd([one, two], 100);
    await crowd.arrive();
    return { nodes, one, two, crowd };
  }
  const within = { timeout: 20_000, interval: 10 };

  test('pauses a move on one server, sees on another one that nothing moves, and lets it go on', async () => {
    const { one, two, crowd } = await begun(5);
    await one.resize(await one.plan({ weights: { c: 2 } }));
    await expect.poll(async () => (await two.status()).move?.sessionsDone ?? 0, within).toBeGreaterThan(5);
    await two.pause();
    const paused = await two.status();
    expect(paused).toMatchObject({ phase: 'moving', isPaused: true, epoch: 2 });
    await expect.poll(async () => (await one.status()).isPaused, within).toBe(true);
    // Whoever carried has let go of it: the way is free for the next one.
    await expect.poll(async () => (await two.status()).move, within).toBeUndefined();
    await crowd.verify();
    await two.resume();
    await two.settled();
    expect(await two.status()).toMatchObject({ phase: 'stable', isPaused: false, epoch: 2 });
    await crowd.verify();
  });

  test('drains a node: it stays in the list, and keeps nothing', async () => {
    const { one, two, crowd, nodes } = await begun(10_000_000);
    crowd.start();
    const plan = await two.plan({ weights: { a: 0, c: 1 } });
    // Pairs of nodes, with what goes from one to the other.
    expect(plan.moves.map(({ from, to }) => `${from} ${to}`)).toContain('a c');
    expect(plan.moves.reduce((sum, { sessions }) => sum + sessions, 0)).toBe(plan.sessions);
    expect(plan.ratio).toBeLessThanOrEqual(1.001);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    await two.resize(JSON.parse(JSON.stringify(plan)));
    await two.settled();
    await crowd.stop();
    await crowd.verify();
    expect(await sessionsOn(nodes[0]!)).toBe(0);
    expect(one.describe().nodes[0]).toMatchObject({ name: 'a', weight: 0, slots: 0 });
  });

  test('takes a change back before anything moves: at once', async () => {
    const { one, two, crowd } = await begun(10_000_000);
    const resized = one.resize(await one.plan({ weights: { c: 1 } }));
    const refused = expect(resized).rejects.toThrow(/taken back/);
    await expect.poll(async () => (await two.status()).phase, within).toBe('announced');
    expect(await two.abort()).toBe('undone');
    await refused;
    expect(await two.abort()).toBe('nothing');
    await expect.poll(async () => (await one.status()).phase, within).toBe('stable');
    expect(one.describe()).toMatchObject({ epoch: 1 });
    await crowd.verify();
  });

  test('takes a change back in the middle of it: what has moved comes back', async () => {
    const { one, two, crowd, nodes } = await begun(5);
    crowd.start();
    await one.resize(await one.plan({ weights: { c: 2 } }));
    await expect.poll(async () => (await two.status()).move?.sessionsDone ?? 0, within).toBeGreaterThan(5);
    expect(await two.abort()).toBe('back');
    await expect.poll(async () => [(await two.status()).phase, two.describe().epoch], within).toEqual(['stable', 3]);
    await crowd.stop();
    await crowd.verify();
    expect(await sessionsOn(nodes[2]!)).toBe(0);
    expect(one.describe().nodes.map(({ weight }) => weight)).toEqual([1, 1, 0]);
  });

  test('raises the copies from one to two', async () => {
    const { one, crowd, nodes } = await begun(10_000_000);
    crowd.start();
    await one.resize(await one.plan({ copies: 2 }));
    await one.settled();
    await crowd.stop();
    await crowd.verify();
    expect(await sessionsOn(nodes[0]!)).toBe(100);
    expect(await sessionsOn(nodes[1]!)).toBe(100);
  });

  test('goes on without a node that will not come back, when it is named', async () => {
    let isDead = false;
    const nodes = ['a', 'b'].map(lateNode);
    const mortal = {
      ...nodes[1]!,
      cells: new Proxy(nodes[1]!.cells, {
        get(target, verb, self) {
          if (isDead) throw new Error('dead');
          return Reflect.get(target, verb, self);
        },
      }),
    };
    const list = [nodes[0]!, mortal].map((store) => ({ name: store.name, store }));
    const open = () => ring(list, { environment, deadline: '10s', copies: 2, pace: 10_000_000 });
    const [one, two] = [open(), open()];
    opened.push(one, two);
    const crowd = new Crowd([one, two], 30);
    await crowd.arrive();
    isDead = true;
    crowd.start();
    await expect.poll(() => one.describe().nodes[1]!.state, within).toBe('down');
    const plan = await one.plan({ remove: ['b'] });
    await expect(one.resize(plan)).rejects.toThrow(/majority/);
    await one.resize(plan, { dead: ['b'] });
    await one.settled();
    await crowd.stop();
    await crowd.verify();
    expect(await two.status()).toMatchObject({ phase: 'stable', epoch: 2 });
    expect(one.describe().nodes.map(({ name }) => name)).toEqual(['a']);
    // What was kept for it is nobody's any more, and soon gone.
    await expect.poll(() => keptFor(nodes[0]!, 'b'), within).toEqual([]);
    // It is alive after all, with sessions that may have ended long ago: it is not taken back with these.
    isDead = false;
    await expect.poll(async () => (await mortal.cells.read('ring:table')) !== null, within).toBe(true);
    expect(await sessionsOn(nodes[1]!)).toBeGreaterThan(0);
    const back = async () =>
      one.resize(await one.plan({ add: [{ name: 'b' }] })).catch((error: Error) => error.message);
    await expect.poll(back, within).toMatch(/b is to join, and has sessions already/);
    await emptied(nodes[1]!);
    await expect.poll(back, within).toBeUndefined();
    await one.settled();
    await crowd.verify();
    expect(await sessionsOn(nodes[1]!)).toBe(await sessionsOn(nodes[0]!));
  });

  test('is told what cannot be', async () => {
    const { one, two, nodes } = await begun(10_000_000);
    await expect(one.plan({ weights: { nowhere: 1 } })).rejects.toThrow(/names a node that is not in it/);
    await expect(one.plan({ add: [{ name: 'a' }] })).rejects.toThrow(/must name new nodes/);
    await expect(one.resize(await one.plan({ add: [{ name: 'far' }] }))).rejects.toThrow(/lacks far/);
    const plan = await one.plan({ weights: { c: 1 } });
    await expect(one.resize(plan, { dead: ['c'] })).rejects.toThrow(/nodes that the plan removes/);
    await one.resize(plan);
    await one.settled();
    await expect(two.resize(plan)).rejects.toThrow(/plan anew/);
    // A server whose list lacks a node of the table does not begin.
    const lacking = ring([{ name: 'a', store: nodes[0]! }], { environment });
    opened.push(lacking);
    await expect(lacking.load('visitor-0')).rejects.toThrow(/b, c is missing/);
  });
});

async function emptied({ cells }: Node): Promise<void> {
  for await (const id of cells.ids()) await cells.remove(id, (await cells.read(id))!.mark);
}

/** What a node keeps for another one. */
async function keptFor({ cells }: Node, name: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of cells.ids()) if (id.includes(`:${name}`)) ids.push(id);
  return ids;
}

async function sessionsOn(node: Node): Promise<number> {
  let count = 0;
  for await (const id of node.cells.ids()) {
    if (id.startsWith('ring:')) continue;
    const cell = await node.cells.read(id);
    if (cell !== null) count++;
  }
  return count;
}

/**
 * A ring that is resized while it is used: two servers with tables of their own, and everybody who writes goes on writing.
 *
 * The nodes are in this process and answer late, in random order, so that everything meets everything; time runs ten times as
 * fast. A plain map beside it knows what was acknowledged.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { Celled, Store } from '../../src/contract.js';
import { type RingOptions, type RingStore, ring } from '../../src/layers/ring.js';
import { memory } from '../../src/stores/memory.js';
import { Crowd } from '../support/crowd.js';
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

const open: RingStore<Node>[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
});

function server(nodes: readonly Node[], options: RingOptions): RingStore<Node> {
  const list = nodes.map((store) => ({ name: store.name, store }));
  const store = ring(list, { environment, deadline: '10s', pace: 10_000_000, ...options });
  open.push(store);
  return store;
}

describe.each([1, 2, 3])('copies: %i', (copies) => {
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
    const left: string[] = [];
    for await (const id of nodes[0]!.cells.ids()) if (!id.startsWith('ring:')) left.push(id);
    expect(left).toEqual([]);
  });
});

/** A near cache above a ring: what it may keep while a node is not heard. */
import { expect, test } from 'vitest';
import type { Stored, Watcher } from '../../contract.js';
import { memory } from '../../stores/memory.js';
import { ring } from '../ring.js';

const ids = Array.from({ length: 24 }, (_, i) => `ann's session no. ${i}`);

/** Memory that can be heard, as far as the test says so. */
function heardMemory(name: string) {
  const watchers = new Set<Watcher>();
  const store = {
    ...ablesOf(memory({ name })),
    watch(watcher: Watcher) {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
    listen: () => () => {},
  };
  const all = (tell: (watcher: Watcher) => void) => () => watchers.forEach(tell);
  return { name, store, deaf: all((one) => one.deaf()), heard: (asOf: number) => all((one) => one.heard(asOf))() };
}

function ablesOf(store: ReturnType<typeof memory>) {
  const { cells } = store;
  return {
    name: store.name,
    cells,
    load: (id: string) => store.load(id),
    create: (id: string, session: Stored) => store.create(id, session),
    commit: (...given: Parameters<typeof store.commit>) => store.commit(...given),
    destroy: (id: string) => store.destroy(id),
  };
}

function session(): Stored {
  const head = { createdAt: Date.now(), expiresAt: Date.now() + 3_600_000, version: 1, generation: 0 };
  return { head, fields: new Map() };
}

test('while one node is not heard, sessions of other nodes are kept, and its own are not', async () => {
  const machines = ['a', 'b', 'c'].map(heardMemory);
  const store = ring(
    machines.map(({ name, store: node }) => ({ name, store: node })),
    { copies: 2 },
  );
  const told: string[] = [];
  const stop = await store.watch(
    { changed: (id) => told.push(id), deaf: () => told.push('deaf'), heard: (asOf) => told.push(`heard ${asOf}`) },
    1000,
  );
  for (const id of ids) await store.create(id, session());
  for (const machine of machines) machine.heard(10);
  expect(told.at(-1)).toBe('heard 10');
  told.length = 0;
  for (const id of ids) await store.load(id);
  expect(told).toEqual([]);

  machines[0]!.deaf();
  expect(told).toEqual(['deaf']);
  machines[1]!.heard(21);
  machines[2]!.heard(20);
  expect(told.at(-1)).toBe('heard 20');
  told.length = 0;
  for (const id of ids) await store.load(id);
  const own = await Promise.all(ids.map(async (id) => (await machines[0]!.store.cells.read(id)) !== null));
  expect(told).toEqual(ids.filter((_, i) => own[i]));
  expect(own).toContain(false);
  told.length = 0;
  for (const id of ids) {
    const head = { expiresAt: Date.now() + 3_600_000 };
    await store.commit(id, { generation: 0, head, fields: new Map([['a', { op: 'set', value: Buffer.from('1') }]]) });
  }
  expect(told).toEqual(ids.filter((_, i) => own[i]));

  machines[0]!.heard(30);
  told.length = 0;
  for (const id of ids) await store.load(id);
  expect(told).toEqual([]);
  await stop();
  await store.close();
});

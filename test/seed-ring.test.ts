/**
 * The hash ring of the post that sojourn began with: each of its defects shown on the post's own ring, and then what happens here instead.
 */
import { expect, test } from 'vitest';
import { FaultPlan, faulty } from '../src/layers/faulty.js';
import { ring } from '../src/layers/ring.js';
import { firstTable } from '../src/ring/first-table.js';
import { nextTable } from '../src/ring/next-table.js';
import { ringOf } from '../src/ring/ring.js';
import { seedRing } from '../src/ring/seed-ring.js';
import { slotOf } from '../src/ring/slot.js';
import type { RingTable } from '../src/ring/table.js';
import { memory } from '../src/stores/memory.js';

const POST = [
  { host: '127.0.0.1:8001', weight: 15 },
  { host: '127.0.0.1:8002', weight: 20 },
  { host: '127.0.0.1:8003', weight: 10 },
];
const NODES = [
  { name: 'one', weight: 15 },
  { name: 'two', weight: 20 },
  { name: 'three', weight: 10 },
];
const keys = Array.from({ length: 3000 }, (_, i) => `key ${i}`);

/** Copies that each node holds, over what its weight gives it. */
function shares({ nodes, owners: { entries } }: RingTable): number[] {
  const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
  return nodes.map(
    ({ weight }, n) => entries.filter((owner) => owner === n).length / ((entries.length * weight) / total),
  );
}

test('S2-1, S2-2, S2-12 every id of any text has a home; on the post’s ring one key in eighteen falls off the end', () => {
  const { ring: ours, seed } = {
    ring: ringOf(firstTable(NODES, { copies: 1 }).table),
    seed: seedRing(POST, 'seed-exact'),
  };
  const lost = keys.filter((key) => seed.hostFor(key) === null).length;
  expect(lost / keys.length).toBeGreaterThan(0.03);
  for (const key of [...keys, '', 'ключ', '🔑', '\ud800', 'x'.repeat(10_000)]) {
    expect(NODES.map(({ name }) => name)).toContain(ours.nodesFor(key)[0]);
    expect(slotOf(key)).toBe(slotOf(key));
  }
  // As meant, sorted and wrapped: for those who have data that was placed so.
  expect(keys.every((key) => seedRing(POST, 'seed-fixed').hostFor(key) !== null)).toBe(true);
});

test('S2-3, S2-4, S2-5, S2-6 nodes come and go, shares follow the weights alone, whatever came before', () => {
  const { table } = firstTable(NODES, { copies: 1 });
  const grown = nextTable(table, [...NODES, { name: 'four', weight: 1 }]).table;
  const back = nextTable(grown, NODES).table;
  const without = nextTable(back, NODES.slice(1)).table;
  for (const each of [table, grown, back, without]) {
    for (const share of shares(each)) expect(Math.abs(share - 1)).toBeLessThan(0.01);
  }
  // The small one can be reached, and nobody else's sessions moved to each other.
  expect(shares(grown)[grown.nodes.findIndex(({ name }) => name === 'four')]).toBeGreaterThan(0.9);
  const moved = [...table.owners.entries].filter((owner, slot) => {
    const now = grown.nodes[grown.owners.entries[slot]!]!.name;
    return now !== 'four' && now !== table.nodes[owner]!.name;
  });
  expect(moved).toEqual([]);
  // What the next table is made of is a whole list: there is no removal of a node that is not there.
  expect(nextTable(table, NODES).table.owners).toEqual(table.owners);
});

test('S2-7 the fullest node is within a tenth of a percent of its share', () => {
  const worst = Math.max(...shares(firstTable(NODES, { copies: 1 }).table));
  expect(worst).toBeLessThanOrEqual(1.001);
});

test('S2-8, S2-9 a node without a name, or one that is there twice, is refused before anything is built', () => {
  const refused = expect.objectContaining({ code: 'SOJOURN_OPTION' });
  const store = memory();
  for (const nodes of [[{ weight: 1, store }], [{ name: null, store }], [{ name: 'a b', store }], [{ name: 'a' }], []])
    expect(() => ring(nodes as never)).toThrow(refused);
  expect(() =>
    ring([
      { name: 'a', store },
      { name: 'a', store: memory() },
    ]),
  ).toThrow(refused);
  // Names are names; an address of whatever form is the client's affair.
  expect(ring([{ name: 'a', store }]).describe().nodes).toMatchObject([{ name: 'a' }]);
});

test('S2-10 a node that dies takes no session with it', async () => {
  const plans = new Map(NODES.map(({ name }) => [name, new FaultPlan()]));
  const store = ring(
    NODES.map((node) => ({ ...node, store: faulty(memory({ name: node.name }), plans.get(node.name)!) })),
    { copies: 2 },
  );
  const now = Date.now();
  const head = { createdAt: now, expiresAt: now + 3_600_000, version: 1, generation: 0 };
  for (const id of keys.slice(0, 100)) await store.create(id, { head, fields: new Map() });
  for (const { name } of NODES) {
    plans.get(name)!.fail();
    for (const id of keys.slice(0, 100)) expect(await store.load(id)).not.toBeNull();
    plans.get(name)!.heal();
    await expect
      .poll(() => store.describe().nodes.every(({ synced, state }) => synced === 'yes' && state === 'up'))
      .toBe(true);
  }
  await store.close();
});

test('S2-11 servers with the same list agree, in whatever order it is; those with another one can be told apart', () => {
  const opened = (nodes: typeof NODES) => ring(nodes.map((node) => ({ ...node, store: memory() }))).describe();
  const [here, there] = [opened(NODES), opened([...NODES].reverse())];
  expect(there.fingerprint).toBe(here.fingerprint);
  expect(opened(NODES.slice(1)).fingerprint).not.toBe(here.fingerprint);
  expect(here.epoch).toBe(1);
});

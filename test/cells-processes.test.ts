/** Cells between processes: several count in one cell, and this one closes the slot under their hands. */
import { createClient } from 'redis';
import { expect, test } from 'vitest';
import type { Cells } from '../src/contract.js';
import { lmdb } from '../src/stores/lmdb.js';
import { redis } from '../src/stores/redis.js';
import { removeLater } from './support/cleanup.js';
import { need } from './support/needs.js';
import { startRedis } from './support/redis.js';
import { startNode } from './support/spawn.js';
import { tempFolder } from './support/temp.js';

const STORY = 'three processes count in one cell: not one count is lost, and none comes after the slot was closed';
const PROCESSES = 3;

test(`LMDB: ${STORY}`, async () => {
  const folder = tempFolder('lmdb');
  const store = lmdb(folder, { durable: false });
  await expectExact(store.cells, ['lmdb', folder]);
  await store.close?.();
}, 60_000);

need('redis').test(
  `Redis: ${STORY}`,
  async () => {
    const { url } = await startRedis();
    const client = await createClient({ url }).connect();
    removeLater({ remove: async () => client.destroy(), removeNow: () => {} });
    await expectExact(redis(client).cells!, ['redis', url]);
  },
  60_000,
);

async function expectExact(cells: Cells, args: readonly string[]): Promise<void> {
  const counters = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      startNode('build/test/programs/cells-counter.js', args, { ready: /counting/ }),
    ),
  );
  await cells.fence([7], 2);
  const closedAt = await count(cells);
  const exits = await Promise.all(counters.map(({ exited }) => exited));
  expect(exits).toEqual(counters.map(() => ({ code: 0, signal: null })));
  const told = counters.map((counter) => Number(/counted (\d+)\./.exec(counter.output())?.[1]));
  expect(told.reduce((sum, one) => sum + one, 0)).toBe(closedAt);
  expect(await count(cells)).toBe(closedAt);
}

async function count(cells: Cells): Promise<number> {
  const cell = await cells.read('count');
  return Number(Buffer.from(cell!.bytes).toString());
}

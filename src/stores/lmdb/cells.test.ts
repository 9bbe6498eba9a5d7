/** Cells in LMDB beyond the promises of all cells: they outlive the process, they are bounded, and they are swept. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { tempFolder } from '../../../test/support/temp.js';
import type { Cell, Cells, Stored } from '../../contract.js';
import { isFailure } from '../../errors.js';
import { lmdb } from '../lmdb.js';

const HOUR_MS = 3_600_000;
const MIB = 1024 ** 2;

const session: Stored = {
  head: { createdAt: 0, expiresAt: HOUR_MS, version: 1, generation: 0 },
  fields: new Map([['cart', new Uint8Array(8000)]]),
};

test('are there when it is closed and opened again, and so are fences', async () => {
  const folder = tempFolder('lmdb');
  const before = lmdb(folder, { now: () => 0 });
  await before.cells.replace('a', null, cell(1, 100));
  await before.cells.fence([7], 5);
  await before.close?.();

  const store = lmdb(folder, { now: () => 0 });
  expect(await store.cells.read('a')).toMatchObject({ mark: cell(1, 0).mark, keepUntil: HOUR_MS });
  const late = await store.cells.replace('b', null, cell(2, 1), { slot: 7, epoch: 4 });
  expect(late).toEqual({ status: 'fenced', epoch: 5 });
  await store.close?.();
});

test('count into the bound of the file; one that does not grow is never refused', async () => {
  const store = lmdb(tempFolder('lmdb'), { maxBytes: MIB, durable: false, now: () => 0 });
  let count = 0;
  let refusal: unknown;
  while (refusal === undefined && count < 1000) {
    await Promise.resolve(store.cells.replace(`cell ${count++}`, null, cell(1, 8000))).catch((error) => {
      refusal = error;
    });
  }
  expect(isFailure(refusal, 'SOJOURN_STORE_FULL')).toBe(true);
  expect(count).toBeGreaterThan(50);
  await expect(store.create('a', session)).rejects.toMatchObject({ code: 'SOJOURN_STORE_FULL' });

  const tombstone = { ...cell(2, 10), keepUntil: 2 * HOUR_MS };
  expect(await store.cells.replace('cell 0', cell(1, 0).mark, tombstone)).toEqual({ status: 'ok' });
  await store.close?.();
});

test('that were given more time outlive the sweep, and go with a later one', async () => {
  let now = 0;
  const store = lmdb(tempFolder('lmdb'), { durable: false, now: () => now });
  for (let n = 0; n < 300; n++) await store.cells.replace(`cell ${n}`, null, { ...cell(1, 10), keepUntil: 1000 });
  await store.cells.replace('cell 7', cell(1, 0).mark, { ...cell(2, 10), keepUntil: 5000, user: 'alice' });
  now = 1000;
  expect(await store.sweep(100)).toBe(100);
  expect(await store.sweep(1000)).toBe(199);
  expect(await allOf(store.cells.ids())).toEqual(['cell 7']);
  expect(await store.sweep(1000)).toBe(0);
  now = 5000;
  expect(await store.sweep(1000)).toBe(1);
  expect(await allOf(store.cells.ids())).toEqual([]);
  expect(await allOf(store.cells.byUser('alice'))).toEqual([]);
  await store.close?.();
});

test('are replaced however often another handle is quicker', async () => {
  const folder = tempFolder('lmdb');
  const [one, two] = [lmdb(folder, { durable: false }), lmdb(folder, { durable: false })];
  const counts = [one, two].flatMap((store) => Array.from({ length: 40 }, () => increment(store.cells)));
  await Promise.all(counts);
  expect(Buffer.from((await one.cells.read('count'))!.bytes).toString()).toBe('80');
  await Promise.all([one.close?.(), two.close?.()]);
});

function cell(mark: number, bytes: number): Cell {
  return { mark: Buffer.alloc(8, mark), bytes: new Uint8Array(bytes), keepUntil: HOUR_MS };
}

async function allOf(ids: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const id of ids) all.push(id);
  return all;
}

/** By a cell that is fenced as well, so that a write is conditional on two things. */
async function increment(cells: Cells): Promise<void> {
  for (let present = await cells.read('count'); ; ) {
    const count = present ? Number(Buffer.from(present.bytes).toString()) : 0;
    const next = { mark: randomBytes(8), bytes: Buffer.from(String(count + 1)), keepUntil: Number.MAX_SAFE_INTEGER };
    const answer = await cells.replace('count', present?.mark ?? null, next, { slot: 1, epoch: 1 });
    if (answer.status !== 'other') return expect(answer).toEqual({ status: 'ok' });
    present = answer.cell;
  }
}

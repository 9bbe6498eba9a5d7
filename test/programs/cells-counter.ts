/**
 * Counts in a cell by compare-and-set until its slot is closed, and then tells how often it counted. One of several at one place.
 *
 * Arguments: `lmdb` and the folder, or `redis` and the URL.
 */
import { randomBytes } from 'node:crypto';
import { createClient } from 'redis';
import type { Cells } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { redis } from 'sojourn/redis';

const [kind, place = ''] = process.argv.slice(2);
const { cells, close } = await (kind === 'redis' ? inRedis() : inLmdb());

let told = 0;
while (await counted()) if (++told === 50) console.log('counting');
console.log(`counted ${told}.`);
await close();

/** False when the slot was closed. */
async function counted(): Promise<boolean> {
  for (let present = await cells.read('count'); ; ) {
    const count = present ? Number(Buffer.from(present.bytes).toString()) : 0;
    const next = { mark: randomBytes(8), bytes: Buffer.from(String(count + 1)), keepUntil: Date.now() + 3_600_000 };
    const answer = await cells.replace('count', present?.mark ?? null, next, { slot: 7, epoch: 1 });
    if (answer.status === 'fenced') return false;
    if (answer.status === 'ok') return true;
    present = answer.cell;
  }
}

async function inLmdb(): Promise<{ cells: Cells; close(): Promise<void> }> {
  const store = lmdb(place, { durable: false });
  return { cells: store.cells, close: async () => store.close?.() };
}

async function inRedis(): Promise<{ cells: Cells; close(): Promise<void> }> {
  const client = await createClient({ url: place }).connect();
  const { cells } = redis(client);
  if (!cells) throw new Error('A single server has cells.');
  return { cells, close: async () => client.destroy() };
}

/**
 * Writes to an embedded store until it is killed, and tells of every write once that is acknowledged.
 *
 * Many sessions live side by side. Each is created, bound to this writer's user, written a few times and destroyed; then the next
 * one begins. All three fields of a session are written together, so that a torn session would show. Called with 'lmdb' or 'file', the folder,
 * 'durable' or 'quick', and the user. Lines: `created id`, `bound id`, `wrote id n`, `destroyed id`. Told with writeSync: what was told has left the process.
 */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { Delta, Write } from 'sojourn';
import { file } from 'sojourn/file';
import { lmdb } from 'sojourn/lmdb';

const LIVES = 12;
const WRITES = 6;
const VALUE_BYTES = 400;
const HOUR_MS = 3_600_000;

const [kind, folder = '', mode, user = ''] = process.argv.slice(2);
const store = (kind === 'lmdb' ? lmdb : file)(folder, { durable: mode === 'durable' });

await Promise.all(Array.from({ length: LIVES }, live));

async function live(): Promise<never> {
  for (;;) {
    const id = randomUUID();
    const expiresAt = Date.now() + HOUR_MS;
    await store.create(id, { head: { createdAt: 0, expiresAt, version: 1, generation: 0 }, fields: new Map() });
    tell(`created ${id}`);
    await store.commit(id, { generation: 0, head: { expiresAt, user, generation: 1 }, fields: new Map() });
    tell(`bound ${id}`);
    for (let n = 1; n <= WRITES; n++) {
      await store.commit(id, written(expiresAt, n));
      tell(`wrote ${id} ${n}`);
    }
    await store.destroy(id);
    tell(`destroyed ${id}`);
  }
}

function written(expiresAt: number, n: number): Delta {
  const write: Write = { op: 'set', value: Buffer.alloc(VALUE_BYTES * n, n) };
  return { generation: 1, head: { expiresAt }, fields: new Map(['a', 'b', 'c'].map((name) => [name, write])) };
}

function tell(line: string): void {
  for (;;) {
    try {
      writeSync(1, `${line}\n`);
      return;
    } catch (error) {
      // The pipe is full for a moment.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/**
 * How soon a change is seen by another process. The writer puts the time into the field that it commits; this process looks
 * again and again, once a turn of its event loop as a server does, and compares with its own clock, which on one machine
 * is the same one.
 */
import { json, type Store } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { startChild } from '../support/processes.js';
import { begin } from './traffic.js';

export const WATCHED = 'watched';
const codec = json();

/** Microseconds from the call of `commit` over there until it was seen here, one for each change that was seen. */
export async function visibility(folder: string, durable: boolean, changes: number): Promise<number[]> {
  const store = lmdb(folder, { durable });
  await begin(store, WATCHED);
  const writer = startChild('lmdb/writer', [folder, String(durable)]);
  let isWriting = true;
  const written = writer.ask<void>(changes).finally(() => {
    isWriting = false;
  });
  const delays: number[] = [];
  for (let version = 1; isWriting; ) {
    const { seen, madeAt } = look(store);
    if (seen > version) {
      delays.push(Number(process.hrtime.bigint() - madeAt) / 1000);
      version = seen;
    }
    await new Promise(setImmediate);
  }
  await written;
  await writer.stop();
  await store.close?.();
  return delays;
}

function look(store: Store): { seen: number; madeAt: bigint } {
  const stored = store.load(WATCHED);
  if (stored === null || 'then' in stored) throw new Error('LMDB is expected to answer at once.');
  return { seen: stored.head.version, madeAt: BigInt(String(codec.decode(stored.fields.get('views')!))) };
}

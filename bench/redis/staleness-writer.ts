/** The other server of staleness.ts: commits again and again, a little apart, and tells when each was acknowledged. */
import { setTimeout as pause } from 'node:timers/promises';
import { cached } from 'sojourn/cached';
import { redis } from 'sojourn/redis';
import type { FieldName } from '../http/fields.js';
import { views } from '../lmdb/traffic.js';
import { answer } from '../support/processes.js';
import { clientFor } from './entrants.js';
import { clockMs, WATCHED } from './staleness.js';

/** Not in step with anything that servers do by themselves. */
const APART_MS = 3;

const [field, port] = process.argv.slice(2);
const { client } = await clientFor(field as FieldName, Number(port));
const store = cached(redis(client));

answer(async (changes: number) => {
  const acknowledgedAt: number[] = [];
  for (let i = 0; i < changes; i++) {
    const { status } = await store.commit(WATCHED, views(i));
    if (status !== 'ok') throw new Error(`A commit ended as ${status}.`);
    acknowledgedAt.push(clockMs());
    await pause(APART_MS);
  }
  return acknowledgedAt;
});

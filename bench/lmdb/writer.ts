/** The other process of visibility.ts: commits the time of day, a little apart, as often as it is asked to. */
import { setTimeout as pause } from 'node:timers/promises';
import { lmdb } from 'sojourn/lmdb';
import { answer } from '../support/processes.js';
import { views } from './traffic.js';
import { WATCHED } from './visibility.js';

/** Not in step with anything that the store does by itself. */
const APART_MS = 3;

const [folder = '', durable = 'true'] = process.argv.slice(2);
const store = lmdb(folder, { durable: durable === 'true' });

answer(async (changes: number) => {
  for (let i = 0; i < changes; i++) {
    await store.commit(WATCHED, views(String(process.hrtime.bigint())));
    await pause(APART_MS);
  }
});

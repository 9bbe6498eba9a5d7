/**
 * A server whose visitor clicks again and again: it commits to one session until it is told to stop, and answers how long each commit took.
 * Called with an address; asked 'begin', then 'end'.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as rest } from 'node:timers/promises';
import { answer } from './answer.js';
import { openPlace } from './place.js';

const [address = ''] = process.argv.slice(2);
const { store } = await openPlace(address);
const HOUR_MS = 3_600_000;
const ID = 'clicking';
let going: Promise<number[]> | undefined;
let isOver = false;

answer(async (question: 'begin' | 'end') => {
  if (question === 'begin') {
    isOver = false;
    going = click();
    return undefined;
  }
  isOver = true;
  return going;
});

async function click(): Promise<number[]> {
  const times: number[] = [];
  await store.create(ID, {
    head: { createdAt: 0, expiresAt: Date.now() + HOUR_MS, version: 1, generation: 0 },
    fields: new Map(),
  });
  while (!isOver) {
    const delta = {
      generation: 0,
      head: { expiresAt: Date.now() + HOUR_MS },
      fields: new Map([['n', { op: 'set', value: Buffer.from(String(times.length)) } as const]]),
    };
    const begun = performance.now();
    const { status } = await store.commit(ID, delta);
    times.push(performance.now() - begun);
    if (status !== 'ok') throw new Error(`A commit beside the sweep was ${status}.`);
    await rest(1);
  }
  return times;
}

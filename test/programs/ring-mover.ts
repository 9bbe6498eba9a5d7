/**
 * A server that has a ring of Redis servers open, resizes it when it is told to, and may be killed at any moment.
 *
 * Its argument is JSON: { urls by name, copies, prefix, times, from, pace }.
 */
import { createClient } from 'redis';
import { redis } from 'sojourn/redis';
import type { RingChange } from 'sojourn/ring';
import { ring } from 'sojourn/ring';
import { hurried } from '../support/hurried.js';
import { answer } from './answer.js';

interface Given {
  readonly urls: Readonly<Record<string, string>>;
  readonly copies: number;
  readonly prefix: string;
  readonly times: number;
  readonly from: number;
  readonly pace: number;
}

const given = JSON.parse(process.argv[2]!) as Given;
const nodes = await Promise.all(
  Object.entries(given.urls).map(async ([name, url]) => {
    const client = createClient({ url, socket: { reconnectStrategy: 20 } });
    client.on('error', () => {});
    return { name, store: redis(await client.connect(), { prefix: given.prefix }) };
  }),
);
const { copies, pace, times, from } = given;
const store = ring(nodes, { copies, pace, deadline: 1000 * times, environment: hurried(times, from) });

answer(async (change: RingChange) => {
  await store.resize(await store.plan(change));
  return 'published';
});

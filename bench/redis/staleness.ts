/**
 * How long a change that was acknowledged on one server stays unseen on another, whose near cache holds the session. The other
 * server is this process: it looks again and again, once a turn of its event loop, as one that is busy does. Both clocks are one
 * on this machine. A change that is seen before its writer knows of it counts as 0.
 */
import { cached } from 'sojourn/cached';
import { redis } from 'sojourn/redis';
import type { FieldName } from '../http/fields.js';
import { begin } from '../lmdb/traffic.js';
import { digits, figure } from '../support/figures.js';
import { sayLive, startChild } from '../support/processes.js';
import { type Goal, judge, type Result } from '../support/result.js';
import { clientFor } from './entrants.js';
import { startRedis } from './server.js';

export const WATCHED = 'watched';
const CHANGES = 2000;
const QUICK_CHANGES = 300;
const MOST_MS = 5;
const SHARE = 0.99;
/** How many changes may be missing because a later one was seen first: more, and the figure would be about few of them. */
const LEAST_SEEN = 0.9;

export async function staleness(field: FieldName, core: number, quick: boolean): Promise<Result> {
  sayLive('a second server writes');
  const { port, stop } = await startRedis(core);
  const changes = quick ? QUICK_CHANGES : CHANGES;
  const writer = startChild('redis/staleness-writer', [field, String(port)]);
  const { delays, hits } = await watched(field, port, () => writer.ask<number[]>(changes));
  await writer.stop();
  await stop();
  const what = `${field}: from the acknowledgement of a change until another server shows it`;
  const p99 = at(delays, SHARE);
  const { median, max } = figure(delays);
  return {
    tables: [
      {
        title: what,
        columns: ['changes seen', 'median, ms', 'p99, ms', 'longest, ms', 'answers of the near cache'],
        rows: [[String(delays.length), digits(median), digits(p99), digits(max), String(hits)]],
      },
    ],
    goals: [goalOf(what, p99)],
    checks: [
      {
        what: `${what}: enough changes seen`,
        found: `${delays.length} of ${changes}`,
        ok: delays.length >= LEAST_SEEN * changes,
      },
      { what: `${what}: answered by the near cache`, found: String(hits), ok: hits > 10 * changes },
    ],
  };
}

/** Milliseconds for each version that was seen here, and how often the near cache answered. */
async function watched(field: FieldName, port: number, write: () => Promise<number[]>) {
  const { client, close } = await clientFor(field, port);
  const store = cached(redis(client));
  await begin(store, WATCHED);
  while (!store.figures.watched) await new Promise(setImmediate);
  const seenAt: number[] = [];
  let isWriting = true;
  const acknowledged = write().finally(() => {
    isWriting = false;
  });
  for (let version = 1; isWriting; ) {
    const { head } = (await store.load(WATCHED))!;
    if (head.version > version) {
      version = head.version;
      seenAt[version] = clockMs();
    }
    await new Promise(setImmediate);
  }
  const delays = (await acknowledged).flatMap((ackAt, i) => {
    const seen = seenAt[i + 2]; // versions begin with 1, and the first change makes 2
    return seen === undefined ? [] : [Math.max(0, seen - ackAt)];
  });
  const { hits } = store.figures;
  await store.close();
  close();
  return { delays, hits };
}

/** Milliseconds of a clock that all processes of this machine share, and that never jumps. */
export function clockMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function goalOf(what: string, p99: number): Goal {
  // Delays have a tail by nature, and the goal is about its beginning.
  return judge(
    { what: `${what}, p99`, bound: 'at most', limit: MOST_MS, unit: 'ms' },
    p99,
    figure([Math.max(p99, 1e-3)]),
  );
}

function at(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

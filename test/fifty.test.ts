/** Fifty requests at once on one session: every change survives, in one process and from three. */

import type { Store } from 'sojourn';
import { memory, sessions, type } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { FaultPlan, faulty } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { tempFolder } from './support/temp.js';
import { visitor } from './support/visitor.js';
import { startWorker } from './support/worker.js';

type Fields = Record<string, number>;
const TRIALS = runs(100, 1000);
const FIFTY = Array.from({ length: 50 }, (_, i) => i);

const stores: [string, () => Store][] = [
  ['memory', () => memory()],
  ['LMDB', () => lmdb(tempFolder())],
];

describe.each(stores)('on %s', (_, makeStore) => {
  test(`50 parallel requests that change 50 fields: 50 survive, ${TRIALS} times`, async () => {
    const s = sessions({ data: type<Fields>(), store: makeStore(), sweep: false });

    for (let trial = 0; trial < TRIALS; trial++) {
      const ann = visitor(s);
      await ann.visit((session) => session.set('start', trial));
      const requests = await Promise.all(FIFTY.map(() => ann.begin()));
      for (const i of FIFTY) requests[i]?.session.set(`field${i}`, i);
      await Promise.all(requests.map(({ end }) => end()));

      const survived = await ann.visit((session) => FIFTY.filter((i) => session.get(`field${i}`) === i));
      expect(survived).toHaveLength(50);
    }
    await s.close();
  });

  test(`50 parallel updates of one counter: 50, ${TRIALS} times`, async () => {
    const s = sessions({ data: type<Fields>(), store: makeStore(), sweep: false });

    for (let trial = 0; trial < TRIALS; trial++) {
      const ann = visitor(s);
      await ann.visit((session) => session.set('n', 0));
      const requests = await Promise.all(FIFTY.map(() => ann.begin()));
      for (const { session } of requests) session.update('n', (n = 0) => n + 1);
      await Promise.all(requests.map(({ end }) => end()));

      expect(await ann.visit((session) => session.get('n'))).toBe(50);
    }
    await s.close();
  });
});

test('50 parallel updates that wait on one process need at most 10 commits of an LMDB store', async () => {
  const plan = new FaultPlan();
  const s = sessions({ data: type<Fields>(), store: faulty(lmdb(tempFolder()), plan), sweep: false });
  const ann = visitor(s);
  await ann.visit((session) => session.set('n', 0));

  const requests = await Promise.all(FIFTY.map(() => ann.begin()));
  for (const { session } of requests) session.update('n', (n = 0) => n + 1);
  await Promise.all(requests.map(({ end }) => end()));

  expect(await ann.visit((session) => session.get('n'))).toBe(50);
  expect(plan.calls.filter(({ verb }) => verb === 'commit').length).toBeLessThanOrEqual(10);
  await s.close();
});

test(`from three processes on one LMDB store: 50 of 50 fields and 50 of 50 updates, ${TRIALS} times`, async () => {
  const folder = tempFolder();
  const workers = [0, 1, 2].map((n) => startWorker('fifty-worker', [folder, String(n)]));
  const s = sessions({ data: type<Fields>(), store: lmdb(folder), sweep: false });

  for (let trial = 0; trial < TRIALS; trial++) {
    const ann = visitor(s);
    await ann.visit((session) => session.set('n', 0));
    await Promise.all(workers.map((worker) => worker.ask(ann.header ?? '')));

    const seen = await ann.visit((session) => ({
      n: session.get('n'),
      fields: FIFTY.filter((i) => session.get(`field${i}`) === i),
    }));
    expect(seen.n).toBe(50);
    expect(seen.fields).toHaveLength(50);
  }
  await Promise.all(workers.map((worker) => worker.stop()));
  await s.close();
});

/** Near caches of two servers against a model: whatever happens to calls, messages and links, and in whatever order. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { play, steps, type Tally } from './near-cache/servers.js';
import { runs } from './support/exam.js';

const RUNS = runs(2000, 100_000);

test(`own writes are read at once, the dead stay dead, nothing is older than the bound and no version goes back, in ${RUNS} runs`, async () => {
  const tally: Tally = { hits: 0, misses: 0, nulls: 0, interruptions: 0, stale: 0 };
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), steps, (scheduler, script) => play(scheduler, script, tally)),
    { numRuns: RUNS },
  );
  // What the runs have met, so that nobody believes in a model that met nothing.
  expect(tally.hits).toBeGreaterThan(RUNS);
  expect(tally.misses).toBeGreaterThan(RUNS);
  expect(tally.nulls).toBeGreaterThan(RUNS / 2);
  expect(tally.interruptions).toBeGreaterThan(RUNS / 4);
  expect(tally.stale).toBeGreaterThan(RUNS / 20);
}, 1_800_000);

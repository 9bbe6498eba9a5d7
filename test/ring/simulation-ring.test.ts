/**
 * The ring in the simulation: whatever happens to servers, processes, network and clocks, it keeps what it promises.
 *
 * A failing seed comes as a short story with the command that repeats it. `SOJOURN_SEED='17 profile=network'` plays one seed.
 */
import { expect, test, vi } from 'vitest';
import { exam, runs } from '../support/exam.js';
import { ringLayer } from '../support/simulation/ring-layer.js';
import type { Sizes } from '../support/simulation/scenario.js';
import { trial } from '../support/simulation/trial.js';

/** The table hangs on the list of nodes alone, and takes longer than a whole run: each is made once. */
vi.mock('../../src/ring/first-table.js', async (original) => {
  const real = await original<typeof import('../../src/ring/first-table.js')>();
  const known = new Map<string, ReturnType<typeof real.firstTable>>();
  const firstTable: typeof real.firstTable = (...given) => {
    const key = JSON.stringify(given);
    const table = known.get(key) ?? real.firstTable(...given);
    known.set(key, table);
    return table;
  };
  return { ...real, firstTable };
});

const SEEDS = runs(200, 20_000);
/** A moving ring has a simulation of its own (resize-simulation.test.ts). */
const SIZES: Sizes = {
  profiles: ['fair', 'processes', 'crashes', 'hangs', 'network', 'clocks', 'everything'],
  ...(!exam && { rounds: 1, steps: 170 }),
};

test(`the ring keeps its promises, in ${SEEDS} runs`, async () => {
  const tally = await trial(ringLayer, { seeds: SEEDS, sizes: SIZES, file: 'test/ring/simulation-ring.test.ts' });
  if (process.env.SOJOURN_SEED !== undefined) return;
  // What the runs have met, so that nobody believes in runs that met nothing.
  expect(tally.ok).toBeGreaterThan(SEEDS * 30);
  for (const met of [tally.absent, tally.conflict, tally.gone, tally.errors]) expect(met).toBeGreaterThan(SEEDS / 4);
}, 36_000_000);

/**
 * Resizes in the simulation: in every round somebody drains a node, fills it or weighs it anew, while everybody goes on; without any
 * fault, and with processes that are killed or stopped in the middle of it, nodes that hang, die and come back empty, networks that split,
 * and clocks that are wrong.
 *
 * The same judge looks on as ever: whatever was acknowledged is there, nobody is absent, nobody comes back, and in calm nothing fails.
 */
import { expect, test, vi } from 'vitest';
import { runs } from '../support/exam.js';
import type { Layer } from '../support/simulation/play.js';
import { ringLayer } from '../support/simulation/ring-layer.js';
import type { ProfileName } from '../support/simulation/scenario.js';
import { trial } from '../support/simulation/trial.js';

/** A table hangs on what it is made from alone, and takes longer than a whole run: each is made once. */
vi.mock('../../src/ring/first-table.js', async (original) => {
  const real = await original<typeof import('../../src/ring/first-table.js')>();
  return { ...real, firstTable: once(real.firstTable) };
});
vi.mock('../../src/ring/next-table.js', async (original) => {
  const real = await original<typeof import('../../src/ring/next-table.js')>();
  return { ...real, nextTable: once(real.nextTable) };
});

const { once } = vi.hoisted(() => ({
  once<A extends unknown[], R>(make: (...given: A) => R): (...given: A) => R {
    const known = new Map<string, R>();
    return (...given) => {
      const key = JSON.stringify(given, (_, value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value,
      );
      const made = known.get(key) ?? make(...given);
      known.set(key, made);
      return made;
    };
  },
}));

const SEEDS = runs(2, 2000);
let published = 0;
const counting: Layer = {
  ...ringLayer,
  async resize(...given) {
    await ringLayer.resize!(...given);
    published++;
  },
};

const RUNS: readonly (readonly [profile: ProfileName, copies: number])[] = [
  ['resize', 1],
  ['resize', 2],
  ['resizeDeaths', 2],
  ['resizeNetwork', 2],
  ['resizeClocks', 2],
  ['resizeEverything', 2],
];

test.each(RUNS)(
  'the ring keeps its promises while it is resized: %s, copies: %i',
  async (profile, copies) => {
    published = 0;
    const sizes = { profiles: [profile], nodes: 4, copies };
    await trial(counting, { seeds: SEEDS, sizes, file: 'test/ring/resize-simulation.test.ts' });
    if (process.env.SOJOURN_SEED !== undefined) return;
    expect(published).toBeGreaterThan(SEEDS);
  },
  36_000_000,
);

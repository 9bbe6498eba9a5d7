/**
 * Makes a failing run small: takes out faults and steps for as long as the same promise is broken.
 *
 * Halves first, then quarters, down to single ones, over and over while that helps. Runs are cheap and repeat
 * exactly, so plain search is enough.
 */
import type { Scenario } from './scenario.js';
import type { Violation } from './violation.js';

/** Runs at most; a failing run becomes a story of some steps long before. */
const MOST_RUNS = 400;

export async function smaller(
  scenario: Scenario,
  violation: Violation,
  play: (scenario: Scenario) => Promise<Violation | undefined>,
): Promise<Scenario> {
  let best = scenario;
  let runs = 0;
  for (let before = Number.POSITIVE_INFINITY; size(best) < before; ) {
    before = size(best);
    await shorten('faults');
    await shorten('steps');
  }
  return best;

  async function shorten(what: 'faults' | 'steps'): Promise<void> {
    for (let part = Math.ceil(best[what].length / 2); part >= 1; part = part === 1 ? 0 : Math.ceil(part / 2)) {
      for (let from = 0; from < best[what].length && runs < MOST_RUNS; ) {
        const kept = [...best[what].slice(0, from), ...best[what].slice(from + part)];
        const candidate = { ...best, [what]: kept };
        runs++;
        if ((await play(candidate))?.rule === violation.rule) best = candidate;
        else from += part;
      }
    }
  }
}

function size({ faults, steps }: Scenario): number {
  return faults.length + steps.length;
}

/**
 * Makes a failing run small: takes out faults and steps for as long as the same promise is broken.
 *
 * First all sessions but one are left out, then halves, then quarters, down to single ones, over and over while that helps. Runs are cheap and repeat
 * exactly, so plain search is enough.
 */
import type { Scenario } from './scenario.js';
import type { Violation } from './violation.js';

/** Runs at most; a failing run becomes a story of some steps long before. */
const MOST_RUNS = 250;

export async function smaller(
  scenario: Scenario,
  violation: Violation,
  play: (scenario: Scenario) => Promise<Violation | undefined>,
): Promise<Scenario> {
  let best = scenario;
  let runs = 0;
  // Sessions hardly touch each other: mostly one slot is enough.
  for (const slot of new Set(scenario.steps.map((step) => step.slot))) {
    if (await tried({ ...scenario, steps: scenario.steps.filter((step) => step.slot === slot) })) break;
  }
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
        if (!(await tried({ ...best, [what]: kept }))) from += part;
      }
    }
  }

  async function tried(candidate: Scenario): Promise<boolean> {
    runs++;
    const isSame = (await play(candidate))?.rule === violation.rule;
    if (isSame) best = candidate;
    return isSame;
  }
}

function size({ faults, steps }: Scenario): number {
  return faults.length + steps.length;
}

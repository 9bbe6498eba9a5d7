/**
 * Turns over a network: who is compared takes turns without pauses, in an order that moves on each round; the first round is thrown
 * away. A turn is both: one request after the other, for the time that one takes, and many at once, for how many there can be.
 */
import { sayLive } from '../support/processes.js';
import { rotated } from '../support/rounds.js';

export interface Entrant {
  readonly name: string;
  /** One operation. */
  readonly run: (n: number) => Promise<unknown>;
}

export interface Pace {
  readonly rounds: number;
  /** Operations one after the other, and many at once, in a turn. */
  readonly single: number;
  readonly many: number;
}

/** One sample a round. */
export interface Samples {
  /** Medians, in microseconds. */
  readonly waits: number[];
  /** Operations a second. */
  readonly rates: number[];
}

export const AT_ONCE = 64;

export async function inTurn(what: string, entrants: readonly Entrant[], pace: Pace): Promise<Map<string, Samples>> {
  const all = new Map(entrants.map(({ name }): [string, Samples] => [name, { waits: [], rates: [] }]));
  for (let round = 0; round <= pace.rounds; round++) {
    sayLive(round === 0 ? `${what}: warming up` : `${what}: round ${round} of ${pace.rounds}`);
    for (const entrant of rotated(entrants, round)) {
      const [wait, rate] = [await oneByOne(entrant, pace.single), await manyAtOnce(entrant, pace.many)];
      if (round === 0) continue;
      const { waits, rates } = all.get(entrant.name)!;
      waits.push(wait);
      rates.push(rate);
    }
  }
  return all;
}

/** Ratios, or differences, round by round: what the machine did meanwhile met both. */
export function paired(
  a: readonly number[],
  b: readonly number[],
  compare: (a: number, b: number) => number,
): number[] {
  return a.map((value, i) => compare(value, b[i]!));
}

export const ratio = (a: number, b: number): number => a / b;
export const difference = (a: number, b: number): number => a - b;

async function oneByOne({ run }: Entrant, times: number): Promise<number> {
  const waits = new Float64Array(times);
  for (let n = 0; n < times; n++) {
    const begun = performance.now();
    await run(n);
    waits[n] = performance.now() - begun;
  }
  return 1000 * waits.sort()[times >> 1]!;
}

async function manyAtOnce({ run }: Entrant, times: number): Promise<number> {
  const begun = performance.now();
  let n = 0;
  const lane = async (): Promise<void> => {
    while (n < times) await run(n++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return (1000 * times) / (performance.now() - begun);
}

/**
 * From samples to a figure that may be quoted.
 *
 * Noise only ever adds CPU time, so the 10th percentile ("quiet") is the steadiest figure for a cost; for ratios of pairs it
 * is the median. A row whose samples spread further than SPREAD_LIMIT is marked, and no goal is judged by it: on a busy
 * machine the honest answer is "run it again".
 */

/** (max - min) / median of what was sampled; above it a row is no fact. */
export const SPREAD_LIMIT = 0.25;
/** Quiet CPU ratio and median of pairs measure the same thing in two ways. Further apart than this, the report says so. */
export const DISAGREEMENT_LIMIT = 0.1;

export interface Figure {
  readonly quiet: number;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** (max - min) / median. */
  readonly spread: number;
}

export function figure(samples: readonly number[]): Figure {
  if (samples.length === 0) throw new Error('A figure needs samples, and there are none: the turns were too short.');
  const sorted = samples.toSorted((a, b) => a - b);
  const median = at(sorted, 0.5);
  const [min, max] = [at(sorted, 0), at(sorted, 1)];
  return { quiet: at(sorted, 0.1), median, min, max, spread: (max - min) / median };
}

export function isSteady({ spread }: Figure): boolean {
  return spread <= SPREAD_LIMIT;
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `12.3`, `+1.2`, `0.07`: two digits that mean something, no more. */
export function digits(value: number, signed: boolean = false): string {
  const text = value.toFixed(Math.abs(value) < 10 ? 2 : 1);
  return signed && value >= 0 ? `+${text}` : text;
}

export function range({ min, max }: Figure): string {
  return `${digits(min)}..${digits(max)}`;
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

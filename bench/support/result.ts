/**
 * What a part of the benchmark hands to the report: tables, goals with a verdict, and what was checked on the way.
 *
 * A goal that the samples cannot carry is neither met nor missed. "Not judged", with the reason beside it, is a verdict too:
 * anything else would turn the noise of a busy machine into a claim.
 */
import { digits, type Figure, isSteady, percent } from './figures.js';

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Goal {
  readonly what: string;
  readonly target: string;
  readonly measured: string;
  /** `not judged` always says why in `measured`. */
  readonly verdict: 'met' | 'not met' | 'not judged';
}

/** Something that must hold in the run that gave the figures, or they are worth nothing. */
export interface Check {
  readonly what: string;
  readonly found: string;
  readonly ok: boolean;
}

export interface Result {
  readonly tables: readonly Table[];
  readonly goals: readonly Goal[];
  readonly checks: readonly Check[];
}

export interface Aim {
  readonly what: string;
  readonly bound: 'at most' | 'at least';
  readonly limit: number;
  readonly unit: string;
}

/** A verdict by `value`, unless the samples behind it, or the whole run, cannot carry one. */
export function judge(aim: Aim, value: number, samples: Figure, doubt?: string): Goal {
  const { what, bound, limit, unit } = aim;
  const isMet = bound === 'at most' ? value <= limit : value >= limit;
  const reason = doubt ?? (isSteady(samples) ? undefined : `samples spread ${percent(samples.spread)}`);
  const suffix = unit === '' ? '' : ` ${unit}`;
  const measured = `${digits(value)}${suffix}`;
  const target = `${bound} ${limit}${suffix}`;
  if (reason !== undefined) return { what, target, measured: `${measured} (${reason})`, verdict: 'not judged' };
  return { what, target, measured, verdict: isMet ? 'met' : 'not met' };
}

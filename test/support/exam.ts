/**
 * Short and long forms of one test. `npm test` runs the short one, on every change; `npm run exam` the long one, before a release.
 * Random and concurrent tests take their number of rounds from here, so that both forms are the same code.
 */

/** True under `npm run exam`. */
export const exam: boolean = process.env.SOJOURN_EXAM === '1';

/** `runs(100, 10_000)`: how often to try. */
export function runs(short: number, long: number): number {
  return exam ? long : short;
}

/** Judges of mutants (scripts/mutation.js) run a thousand times over: a few hundred rounds have to do. */
const MOST_OF_A_JUDGE = 300;
const isJudge: boolean = process.env.SOJOURN_JUDGES !== undefined;

/** As often as told, or, where a mutant is judged, a few hundred times. */
export function rounds(usual: number): number {
  return isJudge ? Math.min(usual, MOST_OF_A_JUDGE) : usual;
}

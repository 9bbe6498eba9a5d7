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

/**
 * Tests that need something the machine may not have.
 *
 * Locally such a test is skipped, and the reason stands in the summary at the end of `npm test`. With CI=true it fails instead:
 * a test that silently stopped running protects nobody. Only what no CI machine can be given is declared `unobtainable`, and
 * stays a printed skip there too. No other way of skipping is allowed; the tidy check sees to that.
 */
import { describe, type TestAPI, test } from 'vitest';
import { find, type NeedName, needs } from '../../scripts/needs.js';

/** `describe` and `test` for what hangs on a condition: the real ones when it holds, otherwise ones that skip (or fail) with the reason. */
export interface Conditional {
  readonly describe: (title: string, body: () => void) => void;
  readonly test: TestAPI;
}

/**
 * The one way to skip.
 * @param reason what is missing and where to get it: one line, printed in the summary
 */
export function skipUnless(
  condition: boolean,
  reason: string,
  options: { readonly unobtainable?: boolean } = {},
): Conditional {
  if (condition) return { describe, test };
  const instead = process.env.CI === 'true' && !options.unobtainable ? failing(reason) : skipping(reason);
  return { describe: (title) => instead(title), test: instead as unknown as TestAPI };
}

/** The program of scripts/needs.js, with the `describe` and `test` of those who need it. `path` throws where it is missing. */
export function need(name: NeedName): Conditional & { readonly path: () => string } {
  const path = find(needs[name]);
  const reason = `${needs[name].title} is not installed (Debian package ${needs[name].debian})`;
  return {
    ...skipUnless(path !== undefined, reason),
    path() {
      if (path === undefined) throw new Error(reason);
      return path;
    },
  };
}

const skipping = (reason: string) => (title: string) => test(title, (context) => context.skip(reason));

const failing = (reason: string) => (title: string) =>
  test(title, () => {
    throw new Error(`${reason}. CI=true does not skip.`);
  });

/**
 * What came of the cases of one target, printed when the test file is done.
 *
 * A case that does not apply yet is named with its reason, and the reason is watched: it holds only as long as the part of the
 * project that it waits for does not exist. The day that part arrives, the run fails and says which cases apply now.
 */
import { afterAll, expect, test } from 'vitest';
import { arrived, type Waiting } from '../support/waiting.js';
import type { Case } from './casebook.js';

export interface Tally {
  /** Runs a case as a test, `<id> <class>`, and counts how it ends. `where`: the store or server it runs against. */
  run(each: Case, where: string, body: () => Promise<void>): void;
  /** Names a case, or a part of one, that cannot run yet. */
  waits(each: Case, waiting: Waiting, part?: string): void;
}

/** The count of one target. Call inside the `describe` of that target. */
export function tally(target: string): Tally {
  const applied = new Set<string>();
  const counts = { run: 0, passed: 0 };
  const failed: string[] = [];
  const waiting: { readonly what: string; readonly wait: Waiting }[] = [];

  afterAll(() => {
    const waits = waiting.map(({ what, wait }) => `${what} (${wait.for})`).join(', ') || 'none';
    console.log(
      `hostile ${target}: ${applied.size} cases in ${counts.run} runs, ${counts.passed} passed, ` +
        `failed: ${failed.join(', ') || 'none'}, not applicable yet: ${waits}`,
    );
  });

  return {
    run(each, where, body) {
      applied.add(each.id);
      test(`${each.id} ${each.class}, ${where}`, async () => {
        counts.run++;
        failed.push(`${each.id} ${where}`);
        await body();
        failed.splice(failed.indexOf(`${each.id} ${where}`), 1);
        counts.passed++;
      });
    },
    waits(each, wait, part) {
      const what = part === undefined ? each.id : `${each.id} ${part}`;
      waiting.push({ what, wait });
      test(`${what} waits for ${wait.for}`, () => {
        expect(arrived(wait), `${what} applies now`).toEqual([]);
      });
    },
  };
}

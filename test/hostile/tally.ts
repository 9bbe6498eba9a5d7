/**
 * What came of the cases of one target, printed when the test file is done.
 *
 * A case that does not apply yet is named with its reason, and the reason is watched: it holds only as long as the part of the
 * project that it waits for does not exist. The day that part arrives, the run fails and says which cases apply now. What a place
 * cannot meet at all, an entry of another kind where there is one kind only, is named as well.
 */
import { afterAll, expect, type TestAPI, test } from 'vitest';
import { arrived, type Waiting } from '../support/waiting.js';
import type { Case } from './casebook.js';

export interface Tally {
  /** Runs a case as a test, `<id> <class>`, and counts how it ends. `where`: the store or server it runs against. `asTest`: of a `need`. */
  run(each: Case, where: string, body: () => Promise<void>, asTest?: TestAPI): void;
  /** Names a case, or a part of one, that cannot run yet. */
  waits(each: Case, waiting: Waiting, part?: string): void;
  /** Names a case that this place can never meet, and why. */
  cannot(each: Case, reason: string): void;
}

/** The count of one target. Call inside the `describe` of that target. */
export function tally(target: string): Tally {
  const applied = new Set<string>();
  const counts = { run: 0, passed: 0 };
  const failed: string[] = [];
  const pointless: string[] = [];
  const waiting: { readonly what: string; readonly wait: Waiting }[] = [];

  afterAll(() => {
    const waits = waiting.map(({ what, wait }) => `${what} (${wait.for})`).join(', ') || 'none';
    const never = pointless.length === 0 ? '' : `, not possible here: ${pointless.join(', ')}`;
    console.log(
      `hostile ${target}: ${applied.size} cases in ${counts.run} runs, ${counts.passed} passed, ` +
        `failed: ${failed.join(', ') || 'none'}, not applicable yet: ${waits}${never}`,
    );
  });

  return {
    run(each, where, body, asTest = test) {
      applied.add(each.id);
      asTest(`${each.id} ${each.class}, ${where}`, async () => {
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
    cannot(each, reason) {
      pointless.push(`${each.id} (${reason})`);
    },
  };
}

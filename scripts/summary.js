// @ts-check
/**
 * A vitest reporter that says what was not tested, and why.
 *
 * Vitest itself counts skipped tests and keeps the reason to itself. This one lists them at the end, one line a reason, and
 * leaves the numbers in a file, if it is told one, for scripts/run-tests.js. What breaks outside a test (a file that cannot be
 * imported, a hook, a promise that nobody awaited) counts as a failure too: zero failed has to mean that nothing did.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/** @typedef {import('vitest/node').Reporter} Reporter */
/**
 * `again`: files with failures that a second run alone may explain away. Undefined when one of the failures is none of that kind: a
 * counterexample that chance has found stays one, whoever does not find it the next time.
 * @typedef {{ passed: number, failed: number, skipped: number, again?: string[] | undefined }} Counts
 */

/** @implements {Reporter} */
export class Summary {
  #file;

  /** @param {string} [file] where the numbers go */
  constructor(file) {
    this.#file = file;
  }

  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandled
   */
  onTestRunEnd(modules, unhandled) {
    /** @type {Counts} */
    const counts = { passed: 0, failed: unhandled.length, skipped: 0 };
    /** @type {Map<string, string[]>} */
    const skips = new Map();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed' || result.state === 'failed') counts[result.state]++;
        else counts.skipped++;
        if (result.state === 'skipped') group(skips, result.note ?? 'no reason given, or not selected', titleOf(test));
      }
      counts.failed += troublesOutsideTests(module);
    }
    for (const [reason, titles] of skips) console.log(skipLine(reason, titles));
    counts.again = unhandled.length > 0 ? undefined : worthAnotherRun(modules);
    if (this.#file) writeFileSync(this.#file, JSON.stringify(counts));
  }
}

/**
 * @param {Map<string, string[]>} groups
 * @param {string} key
 * @param {string} value
 */
function group(groups, key, value) {
  const group = groups.get(key);
  if (group) group.push(value);
  else groups.set(key, [value]);
}

/** @param {import('vitest/node').TestCase} test */
function titleOf(test) {
  return `${relative(process.cwd(), test.module.moduleId)} > ${test.fullName}`;
}

/**
 * Errors of the file itself and of its suites (imports, hooks), where no single test failed for them.
 * @param {import('vitest/node').TestModule} module
 */
function troublesOutsideTests(module) {
  const suites = [module, ...module.children.allSuites()];
  return suites.filter((suite) => suite.errors().length > 0).length;
}

/** What a search with random input says when it has found something. */
const COUNTEREXAMPLE = /Property failed after|SOJOURN_SEED/;

/**
 * @param {readonly import('vitest/node').TestModule[]} modules
 * @returns {string[] | undefined}
 */
function worthAnotherRun(modules) {
  const files = [];
  for (const module of modules) {
    if (troublesOutsideTests(module) > 0) return undefined;
    const failed = [...module.children.allTests('failed')];
    const errors = failed.flatMap((test) => test.result().errors ?? []);
    if (errors.some(({ message, stack }) => COUNTEREXAMPLE.test(`${message} ${stack}`))) return undefined;
    if (failed.length > 0) files.push(relative(process.cwd(), module.moduleId));
  }
  return files;
}

/**
 * @param {string} reason
 * @param {readonly string[]} titles
 */
function skipLine(reason, titles) {
  const shown = titles.slice(0, 3).join('; ');
  const more = titles.length > 3 ? `; and ${titles.length - 3} more` : '';
  return `skipped ${titles.length}: ${reason} (${shown}${more})`;
}

// @ts-check
/**
 * `npm test`: brings what the tests need, runs the checks and the tests, and ends with one line of numbers.
 *
 * Each check counts as one test. The exit code is 0 only if none failed. `--exam` runs the long forms (see
 * test/support/exam.ts); every other argument goes to vitest: `npm test -- src/core -t logout`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runChecks } from './check.js';
import { provide } from './needs.js';
import { SUMMARY_FILE } from './summary.js';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const args = process.argv.slice(2);
const exam = args.includes('--exam');

provide();
const checks = await runChecks();
const tests = runTests(args.filter((argument) => argument !== '--exam'));

const failed = checks.failed + tests.failed;
console.log(`\n${checks.passed + tests.passed} passed, ${failed} failed, ${tests.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * @param {readonly string[]} more arguments for vitest
 * @returns {import('./summary.js').Counts}
 */
function runTests(more) {
  rmSync(SUMMARY_FILE, { force: true });
  const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...more], {
    stdio: 'inherit',
    env: { ...process.env, ...(exam ? { SOJOURN_EXAM: '1' } : {}) },
  });
  const counts = existsSync(SUMMARY_FILE)
    ? JSON.parse(readFileSync(SUMMARY_FILE, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0 };
  // Vitest may also fail for a reason that is no test's: then the numbers must not say otherwise.
  if (status !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

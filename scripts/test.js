// @ts-check
/**
 * `npm test`: brings what the tests need, builds, runs the checks and the tests, and ends with one line of numbers.
 *
 * Each check counts as one test. The exit code is 0 only if none failed. A build that fails is one failure, and the end. `--exam` runs the long forms (see
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
const built = run(['scripts/build.js']);
const checks = built ? await runChecks() : { passed: 0, failed: 1 };
const tests = built ? runTests(args.filter((argument) => argument !== '--exam')) : { passed: 0, failed: 0, skipped: 0 };

const failed = checks.failed + tests.failed;
console.log(`\n${checks.passed + tests.passed} passed, ${failed} failed, ${tests.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

/**
 * @param {readonly string[]} more arguments for vitest
 * @returns {import('./summary.js').Counts}
 */
function runTests(more) {
  rmSync(SUMMARY_FILE, { force: true });
  const ok = run(['node_modules/vitest/vitest.mjs', 'run', ...more], exam ? { SOJOURN_EXAM: '1' } : {});
  const counts = existsSync(SUMMARY_FILE)
    ? JSON.parse(readFileSync(SUMMARY_FILE, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0 };
  // Vitest may also fail for a reason that is no test's: then the numbers must not say otherwise.
  if (!ok && counts.failed === 0) counts.failed = 1;
  return counts;
}

/**
 * @param {readonly string[]} program with its arguments, for Node
 * @param {Record<string, string>} [env]
 */
function run(program, env = {}) {
  const { status } = spawnSync(process.execPath, program, { stdio: 'inherit', env: { ...process.env, ...env } });
  return status === 0;
}

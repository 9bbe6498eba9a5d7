// @ts-check
/**
 * `npm test`: brings what the tests need, builds, runs the checks and the tests, and ends with one line of numbers.
 *
 * Each check counts as one test. The exit code is 0 only if none failed. A build that fails is one failure, and the end. `--exam` runs the long forms (see
 * test/support/exam.ts); every other argument goes to vitest: `npm test -- src/core -t logout`.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { provideBetterSqlite3 } from './better-sqlite3.js';
import { runChecks } from './check.js';
import { provideMongo } from './mongo.js';
import { provide } from './needs.js';
import { runTests } from './run-tests.js';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const args = process.argv.slice(2);
const exam = args.includes('--exam');

provide();
provideMongo();
if (exam) provideBetterSqlite3();
const built = build();
const checks = built ? await runChecks() : { passed: 0, failed: 1 };
const tests = built ? test() : { passed: 0, failed: 0, skipped: 0 };

const failed = checks.failed + tests.failed;
console.log(`\n${checks.passed + tests.passed} passed, ${failed} failed, ${tests.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

function build() {
  return spawnSync(process.execPath, ['scripts/build.js'], { stdio: 'inherit' }).status === 0;
}

function test() {
  const more = args.filter((argument) => argument !== '--exam');
  return runTests(more, { env: exam ? { SOJOURN_EXAM: '1' } : {} });
}

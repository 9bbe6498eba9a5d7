// @ts-check
/**
 * Vitest as a program, and its numbers.
 *
 * Shared by `npm test` and by the matrix, which runs it under other versions of Node. The numbers come through a file of this run
 * alone, so that two runs in one checkout do not read each other's; what Vitest prints goes where this process prints.
 *
 * Hundreds of servers on two cores: now and then a test finds its own too late. So when all tests have run, and a few files have failures,
 * these files run once more, alone. What passes then counts as passed, and is named at the end, so that somebody looks at it. A
 * counterexample that a random search has found is never run again.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/**
 * Runs the tests. The programs that tests start take the same Node, be it as `process.execPath` or as the first `node` in PATH.
 * @param {readonly string[]} more arguments for vitest
 * @param {{ node?: string, env?: Readonly<Record<string, string>> }} [options]
 * @returns {import('./summary.js').Counts}
 */
export function runTests(more, { node = process.execPath, env = {} } = {}) {
  const first = run(more, { node, env });
  const files = first.again ?? [];
  if (more.length > 0 || files.length === 0 || files.length > MOST_FILES_AGAIN) return first;
  console.log(`\nOnce more, alone: ${files.join(', ')}`);
  const second = run([...files, '--maxWorkers=1'], { node, env });
  if (second.failed < first.failed) {
    const all = second.failed === 0 ? 'All of them passed' : `${first.failed - second.failed} of them passed`;
    console.log(`\nFailed beside others: ${first.failed} (${files.join(', ')}). ${all} alone.`);
  }
  return {
    passed: first.passed + Math.max(0, first.failed - second.failed),
    failed: second.failed,
    skipped: first.skipped,
  };
}

/** More than this is no accident. */
const MOST_FILES_AGAIN = 5;

/**
 * @param {readonly string[]} more
 * @param {{ node: string, env: Readonly<Record<string, string>> }} options
 * @returns {import('./summary.js').Counts}
 */
function run(more, { node, env }) {
  const folder = mkdtempSync(join(tmpdir(), 'sj-counts-'));
  const file = join(folder, 'counts.json');
  try {
    const { status } = spawnSync(node, ['node_modules/vitest/vitest.mjs', 'run', ...more], {
      stdio: 'inherit',
      env: { ...process.env, ...env, PATH: pathWith(node), SOJOURN_COUNTS: file },
    });
    const counts = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
    // Vitest may also fail for a reason that is no test's: then the numbers must not say otherwise.
    if (status !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} node */
function pathWith(node) {
  return [dirname(node), process.env.PATH ?? ''].join(delimiter);
}

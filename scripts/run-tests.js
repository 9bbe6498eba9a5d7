// @ts-check
/**
 * Vitest as a program, and its numbers.
 *
 * Shared by `npm test` and by the matrix, which runs it under other versions of Node. The numbers come through a file of this run
 * alone, so that two runs in one checkout do not read each other's; what Vitest prints goes where this process prints.
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

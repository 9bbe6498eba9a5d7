/**
 * What is not tested is said, and a CI run does not put up with it.
 *
 * A small suite of its own is run by a vitest of its own, with the project's summary reporter, as a developer's machine and as CI.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tempFolder } from './temp.js';

const suite = `
import { expect, beforeAll } from 'vitest';
import { skipUnless } from '${resolve('test/support/needs.ts')}';
const here = skipUnless(true, 'never shown');
const away = skipUnless(false, 'the frobnicator is not installed');
const never = skipUnless(false, 'nobody has a quantum computer', { unobtainable: true });
here.test('runs', () => expect(1).toBe(1));
away.test('alone', () => {});
away.describe('a group', () => {
  beforeAll(() => { throw new Error('set up although it is skipped'); });
  here.test('inside', () => {});
});
never.test('tomorrow', () => {});
`;

describe('a suite that needs what is not there', () => {
  test('is skipped on a developer’s machine, and the reasons stand at the end', () => {
    const { status, output, counts } = runAs({ CI: '' });

    expect(output).toContain('skipped 2: the frobnicator is not installed (a.test.ts > alone; a.test.ts > a group)');
    expect(output).toContain('skipped 1: nobody has a quantum computer (a.test.ts > tomorrow)');
    expect(counts).toEqual({ passed: 1, failed: 0, skipped: 3, again: [] });
    expect(status).toBe(0);
  });

  test('fails in CI, but for what no CI machine can be given', () => {
    const { status, output, counts } = runAs({ CI: 'true' });

    expect(output).toContain('the frobnicator is not installed. CI=true does not skip.');
    expect(counts).toEqual({ passed: 1, failed: 2, skipped: 1, again: ['a.test.ts'] });
    expect(status).toBe(1);
  });
});

test('a file that cannot be imported, and a hook that throws, count as failures', () => {
  const broken = runAs({ CI: '' }, `import './not-there.js';`);
  const hook = runAs(
    { CI: '' },
    `import { afterAll, test } from 'vitest';\nafterAll(() => { throw new Error('x'); });\ntest('a', () => {});`,
  );

  expect(broken.counts).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(hook.counts).toEqual({ passed: 1, failed: 1, skipped: 0 });
  expect([broken.status, hook.status]).toEqual([1, 1]);
});

test('a failure is worth another run, a counterexample that chance has found is not', () => {
  const fails = (message: string) =>
    runAs({ CI: '' }, `import { test } from 'vitest';\ntest('a', () => { throw new Error('${message}'); });`).counts;

  expect(fails('it did not come in time')).toMatchObject({ failed: 1, again: ['a.test.ts'] });
  expect(fails('Property failed after 3 tests')).not.toHaveProperty('again');
  expect(fails('repeat it with SOJOURN_SEED=1')).not.toHaveProperty('again');
});

function runAs(env: Record<string, string>, text: string = suite) {
  const folder = tempFolder('needs');
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'a.test.ts'), text);
  const config = `import { Summary } from '${resolve('scripts/summary.js')}';
    export default { test: { reporters: ['default', new Summary('counts.json')] } };`;
  writeFileSync(join(folder, 'vitest.config.js'), config);
  const { VITEST: _, ...inherited } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve('node_modules/vitest/vitest.mjs'), 'run'], {
    cwd: folder,
    env: { ...inherited, NO_COLOR: '1', ...env },
    encoding: 'utf8',
  });
  const counts: unknown = JSON.parse(readFileSync(join(folder, 'counts.json'), 'utf8'));
  return { status, output: stdout + stderr, counts };
}

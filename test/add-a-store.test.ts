/**
 * docs/add-a-store.md, walked: its two stores with the six mistakes that it names, made one at a time. The kit finds each.
 *
 * That the stores as they stand there pass everything, the check of all examples shows. Here each program runs twice under the same filter:
 * as it is, where all must pass, and with the mistake, where the named promise must fail. So nothing passes because nothing ran.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { exam } from './support/exam.js';
import { start } from './support/spawn.js';

/** Inside the package, where `sojourn` is found. */
const FOLDER = 'build/add-a-store';

interface Mistake {
  /** Both as the page says it. */
  readonly mistake: string;
  readonly breaks: string;
  readonly from: string;
  readonly to: string;
}

const HEAD = '{ createdAt: 0, version: 0, generation: delta.generation, ...delta.head }';
const inMap: readonly Mistake[] = [
  {
    mistake: '`load` returns `stored`, no copy',
    breaks: 'what the caller was handed may change afterwards without changing the store',
    from: 'now() ? structuredClone(stored)',
    to: 'now() ? stored',
  },
  {
    mistake: '`load` does not look at `expiresAt`',
    breaks: 'an expired session is never returned',
    from: 'stored && stored.head.expiresAt > now()',
    to: 'stored',
  },
  {
    mistake: '`create` does not look whether the id is taken',
    breaks: "'exists' leaves the old one untouched",
    from: "if (sessions.has(id)) return 'exists';",
    to: '',
  },
  {
    mistake: '`commit` makes the session that it does not find',
    breaks: 'commit never creates',
    from: 'sessions.get(id) ?? null',
    to: `sessions.get(id) ?? { head: ${HEAD}, fields: new Map() }`,
  },
  {
    mistake: '`commit` keeps `delta`, no copy',
    breaks: 'what the caller passed to create or commit may change afterwards without changing the store',
    from: 'structuredClone(delta)',
    to: 'delta',
  },
];
const inFile: Mistake = {
  mistake: '`locked` calls `step` without the lock',
  breaks: "of two creates under one id exactly one is 'ok'",
  from: 'acquire(lock);\n  try {\n    return step();\n  } finally {\n    rmdirSync(lock);\n  }',
  to: 'return step();',
};
/** Promises of two processes break by chance; of these, each time that they were tried, all or all but one. */
const TWO_PROCESSES = 'of two creates|of two rotations|disjoint fields|increments by swap';

const page = readFileSync('docs/add-a-store.md', 'utf8');
const [mapStore = '', fileStore = ''] = page
  .split('```ts run\n')
  .slice(1)
  .map((rest) => rest.slice(0, rest.indexOf('```')));

describe('the kit, over the stores of docs/add-a-store.md', () => {
  test('finds nothing while there is nothing to find', async () => {
    const { code, output } = await run('map', mapStore, inMap.map(({ breaks }) => breaks).join('|'));
    for (const { breaks } of inMap) expect(output).toMatch(new RegExp(`(?:✔|\\bok \\d+ -) ${breaks}`));
    expect(output).not.toContain('Broken promise');
    expect(code).toBe(0);
  });

  for (const each of inMap) {
    test(each.mistake, async () => {
      expectOnPage(each);
      const { code, output } = await run(`map-${inMap.indexOf(each)}`, broken(mapStore, each), each.breaks);
      expect(code).toBe(1);
      expect(output).toContain(`Broken promise: ${each.breaks}`);
      expect(output).toMatch(/Look at: .+\./);
    });
  }

  test(inFile.mistake, async () => {
    expectOnPage(inFile);
    // The check of all examples runs it as it is, too.
    if (exam) expect((await run('file', fileStore, TWO_PROCESSES)).code).toBe(0);
    const { code, output } = await run('file-0', broken(fileStore, inFile), TWO_PROCESSES);
    expect(code).toBe(1);
    expect(output).toContain('Broken promise: ');
  }, 60_000);
});

function expectOnPage({ mistake, breaks }: Mistake): void {
  expect(page.split('\n').filter((line) => line.startsWith(`| ${mistake} | ${breaks}`))).toHaveLength(1);
}

function broken(program: string, { from, to }: Mistake): string {
  expect(program.split(from)).toHaveLength(2);
  return program.replace(from, () => to);
}

/** As somebody at a terminal would run it, but for the filter. */
async function run(name: string, program: string, only: string): Promise<{ code: number | null; output: string }> {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name}.mjs`);
  const { ESNext } = ts.ModuleKind;
  writeFileSync(file, ts.transpile(program, { module: ESNext, target: ts.ScriptTarget.ES2022 }));
  const ran = await start(process.execPath, [`--test-name-pattern=${only}`, file]);
  const { code } = await ran.exited;
  return { code, output: ran.output() };
}

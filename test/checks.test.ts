/**
 * The checks themselves can fail: each is handed a small project with one thing wrong, and has to say so.
 *
 * A check that passes whatever it is shown looks exactly like one that works. The good project at the top passes them all, so
 * that each complaint below is about the one thing that was changed.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { apiReport, difference } from '../scripts/api-report.js';
import { collect, runMarked, typeCheck } from '../scripts/snippets.js';
import { complaints, longFiles } from '../scripts/tidy.js';
import { tempFolder } from './support/temp.js';

const header = '/**\n * What it is.\n * The idea.\n * What was rejected.\n */\n';

const good: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({ name: 'sojourn', type: 'module', exports: { '.': './dist/index.js' } }),
  'tsconfig.json': JSON.stringify({ compilerOptions: { paths: { sojourn: ['./src/index.ts'] } } }),
  'CHANGELOG.md': '# Changes\n',
  'docs/decisions/README.md': '- [One package](0001-one-package.md)\n',
  'docs/decisions/0001-one-package.md': '# One package\n',
  'src/index.ts': `${header}export { open } from './core/open.js';\n`,
  'src/core/open.ts': `${header}import { failure } from '../errors.js';\nexport function open(): void {\n  throw failure();\n}\n`,
  'src/errors.ts': `${header}export function failure(): Error {\n  return new Error('x');\n}\n`,
  'src/stores/memory.ts': `${header}import { open } from '../core/open.js';\nexport const memory: () => void = open;\n`,
};

const project = (changes: Readonly<Record<string, string>> = {}) => new Map(Object.entries({ ...good, ...changes }));

describe('tidy', () => {
  test('has nothing to say about a tidy project', () => {
    expect(complaints(project())).toEqual([]);
  });

  // Written in pieces where this very file would otherwise break the rule it shows.
  const cases: [rule: string, path: string, text: string, complaint: RegExp][] = [
    [
      'a lower floor may not import a higher one',
      'src/core/up.ts',
      `${header}import { memory } from '../stores/memory.js';`,
      /src\/core\/up\.ts \(floor 2\) may not import src\/stores\/memory\.js \(floor 3\)/,
    ],
    [
      'nor for a type over several lines',
      'src/core/up.ts',
      `${header}import type {\n  A,\n  B,\n} from '../stores/memory.js';`,
      /may not import/,
    ],
    ['nor lazily', 'src/core/up.ts', `${header}const load = () => import('../stores/memory.js');`, /may not import/],
    ['nor by handing it on', 'src/core/up.ts', `${header}export * from '../stores/memory.js';`, /may not import/],
    [
      'folders of one floor do not import each other',
      'src/codecs/json.ts',
      `${header}import { memory } from '../stores/memory.js';`,
      /may not import/,
    ],
    [
      'the contract imports nothing',
      'src/contract.ts',
      `${header}import { failure } from './errors.js';`,
      /src\/contract\.ts \(floor 0\) may not import/,
    ],
    [
      'a new folder needs a floor',
      'src/attic/box.ts',
      `${header}import { failure } from '../errors.js';`,
      /stands on no floor/,
    ],
    [
      'src imports nothing from outside',
      'src/core/up.ts',
      `${header}import { temp } from '../../test/temp.js';`,
      /not part of the package/,
    ],
    [
      'a driver is named in its own part only',
      'src/core/up.ts',
      `${header}import { open } from 'lmdb';`,
      /names the package lmdb/,
    ],
    [
      'a file opens with its idea',
      'src/core/bare.ts',
      '/** Short. */\nexport const a = 1;',
      /does not open with its idea/,
    ],
    ['a name says something', 'src/core/a.ts', `${header}export class StoreManager {}`, /StoreManager says nothing/],
    ['a file name too', 'src/core/utils.ts', header, /name utils says nothing/],
    ['exports have names', 'bench/a.ts', 'export default function run() {}', /default export/],
    ['unions instead of enums', 'bench/a.ts', 'export enum Colour { Red }', /has an enum/],
    ['open ends link an issue', 'bench/a.ts', `// ${'TO'}DO: later`, /bench\/a\.ts:1: an open end/],
    ['no folder of one machine', 'docs/guide.md', `cd ${'/ho'}me/someone/project`, /a folder of one machine/],
    ['no registry', '.npmrc', `registry=https://registry.${'npmjs'}.org`, /address of a registry/],
    ['no silent skip', 'src/core/a.test.ts', `test.${'skip'}('x', () => {});`, /skip without a printed reason/],
    ['no test alone', 'src/core/a.test.ts', `test.${'only'}('x', () => {});`, /keeps all other tests from running/],
    [
      'dependencies are pinned',
      'package.json',
      '{"devDependencies":{"vitest":"^4.1.0"}}',
      /vitest \^4\.1\.0 is not pinned/,
    ],
    [
      'the lock file names no hosts',
      'package-lock.json',
      '{\n  "resolved": "https://example.test/a.tgz"\n}',
      /package-lock\.json:2/,
    ],
    [
      'the lock file knows every platform',
      'package-lock.json',
      '{"packages":{"node_modules/a":{"optionalDependencies":{"a-linux":"1.0.0","a-darwin":"1.0.0"}},"node_modules/a-linux":{}}}',
      /lacks 1 platform packages \(a-darwin \.\.\.\)/,
    ],
    ['exports and compiler paths agree', 'tsconfig.json', '{}', /paths should say "sojourn": \["\.\/src\/index\.ts"\]/],
    ['every decision is listed', 'docs/decisions/0002-two.md', '# Two', /does not list 0002-two\.md/],
  ];
  test.each(cases)('%s', (_rule, path, text, complaint) => {
    expect(complaints(project({ [path]: text })).join('\n')).toMatch(complaint);
  });

  test('users want a changelog', () => {
    const files = project();
    files.delete('CHANGELOG.md');

    expect(complaints(files)).toEqual([expect.stringMatching(/CHANGELOG\.md is missing/)]);
  });

  test('words that merely contain a forbidden one are fine, and so are links beside an open end', () => {
    const files = project({
      'src/core/a.ts': `${header}export const implicit = 1;\nexport const uncommon = 2; // ${'TO'}DO: https://example.test/issues/7`,
    });

    expect(complaints(files)).toEqual([]);
  });

  test('a long file is worth a look', () => {
    expect(longFiles(project({ 'src/core/long.ts': 'a;\n'.repeat(351) }))).toEqual([
      expect.stringMatching(/351 lines/),
    ]);
  });
});

describe('the API report', () => {
  const manifest = JSON.stringify({
    name: 'toy',
    type: 'module',
    exports: { '.': './dist/index.js', './b': './dist/b.js' },
  });
  const toy = (index: string) =>
    onDisk({ 'package.json': manifest, 'dist/index.d.ts': index, 'dist/b.d.ts': `export { open } from './index.js';` });
  const before = apiReport(toy('/** Doc. */\nexport declare function open(name: string): void;'));

  test('shows a changed parameter as a difference', () => {
    const after = apiReport(toy('export declare function open(name: string, mode?: number): void;'));

    expect(difference(before, after)).toEqual([
      '- function open(name: string): void;',
      '+ function open(name: string, mode?: number): void;',
    ]);
  });

  test('shows a new and a missing export', () => {
    const after = apiReport(toy('export declare function open(name: string): void;\nexport type Mode = 1;'));

    expect(difference(before, after)).toContain('+ type Mode = 1;');
    expect(difference(after, before)).toContain('- type Mode = 1;');
  });

  test('does not mind comments', () => {
    expect(apiReport(toy('/** Another doc. */\nexport declare function open(name: string): void;'))).toBe(before);
  });

  test('follows types that are mentioned but not exported', () => {
    const after = apiReport(toy('type Mode = 1 | 2;\nexport declare function open(mode: Mode): void;\nexport {};'));

    expect(after).toMatch(/not exported\n\n```ts\ntype Mode = 1 \| 2;/);
  });

  test('leaves private members out', () => {
    const after = apiReport(
      toy(
        'export declare class Box {\n    #private;\n    private secret;\n    open(): void;\n}\nexport declare function open(): void;',
      ),
    );

    expect(after).toContain('class Box {\n  open(): void;\n}');
  });

  test('names an export that has no file', () => {
    const root = onDisk({ 'package.json': manifest });

    expect(() => apiReport(root)).toThrow(/exports toy, but there is no dist\/index\.d\.ts/);
  });
});

describe('examples in the documentation', () => {
  const library = {
    ...good,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2023',
        strict: true,
        types: [],
        paths: { sojourn: ['./src/index.ts'] },
      },
    }),
    'src/index.ts':
      'export interface Session<T> { get(key: keyof T): T[keyof T] | undefined }\nexport function double(n: number): number { return 2 * n; }',
  };
  const check = (files: Record<string, string>) => {
    const { snippets, complaints } = collect(new Map(Object.entries(files)));
    return [...complaints, ...typeCheck(snippets, onDisk({ ...library, ...files }))];
  };
  const readme = (code: string, info = '') => ({ 'README.md': `# Title\n\n\`\`\`ts${info}\n${code}\n\`\`\`\n` });

  test('a right one passes', () => {
    expect(check(readme(`import { double } from 'sojourn';\nconst four: number = double(2);`))).toEqual([]);
  });

  test('a wrong argument is reported at its line of the document', () => {
    expect(check(readme(`import { double } from 'sojourn';\ndouble('2');`))).toEqual([
      expect.stringMatching(/^README\.md:5: Argument of type 'string'/),
    ]);
  });

  test('a name that the package does not export is reported', () => {
    expect(check(readme(`import { triple } from 'sojourn';`))).toEqual([
      expect.stringMatching(/^README\.md:4: .*no exported member 'triple'/),
    ]);
  });

  test('what is given is typed, and what is not given is missing', () => {
    expect(check(readme(`session.get('cart');`, ' given session'))).toEqual([]);
    expect(check(readme(`session.get('cart');`))).toEqual([expect.stringMatching(/Cannot find name 'session'/)]);
    expect(check(readme('session.put(1);', ' given session'))).toEqual([expect.stringMatching(/'put' does not exist/)]);
  });

  test('an example is left out with a reason only', () => {
    expect(check(readme('whatever(', ' ignore: pseudo-code'))).toEqual([]);
    expect(check(readme('whatever(', ' ignore'))).toEqual([
      expect.stringMatching(/"ignore" is not a way to mark an example/),
    ]);
  });

  test('the example of a doc comment may use its own file, and is checked too', () => {
    const file = (example: string) => ({
      'src/core/half.ts': `/**\n * Half of it.\n * @example half(${example})\n */\nexport function half(n: number): number {\n  return n / 2;\n}\n`,
    });

    expect(check(file('double(2)'))).toEqual([]);
    expect(check(file(`'2'`))).toEqual([expect.stringMatching(/^src\/core\/half\.ts:3: Argument of type 'string'/)]);
  });

  test('a marked one runs, and its failure is the failure of the check', () => {
    const outcome = (code: string) => {
      const files = readme(code, ' run');
      return runMarked(collect(new Map(Object.entries(files))).snippets, onDisk({ ...library, ...files }));
    };

    expect(outcome('const n: number = 1;\nif (n !== 1) throw new Error();')).toEqual([]);
    expect(outcome(`throw new Error('it broke');`)).toEqual([
      expect.stringMatching(/^README\.md:4: ended with exit code 1:[\s\S]*it broke/),
    ]);
  });
});

/** The files in a folder of their own, with this project's dependencies within reach. */
function onDisk(files: Readonly<Record<string, string>>): string {
  const root = tempFolder('check');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  return root;
}

/**
 * The package in the hands of its users: their compiler's settings, their module system, its own exports.
 *
 * Each application of consumers/ is compiled in a folder of its own, against what `npm pack` would send (dist/ and package.json, not
 * the source), strictly. Node then runs `require` on every entry. A program each, because `Register` is filled in for a whole program
 * and would change the others.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { tempFolder } from '../support/temp.js';

const settings = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable'], // Disposable: the types of Node name it
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  declaration: true,
  noEmit: true,
  types: ['node'],
};
const nodenext = { module: 'nodenext', moduleResolution: 'nodenext' };
const bundler = { module: 'esnext', moduleResolution: 'bundler' };

const home = userFolder();

describe('an application compiles', () => {
  for (const skipLibCheck of [true, false]) {
    const checked = skipLibCheck ? 'without' : 'with';
    test(`as Node resolves modules, ${checked} a look into our declarations`, () => {
      expect(compile('plain.ts', { ...nodenext, skipLibCheck })).toBe('');
    });

    test(`as a bundler resolves modules, ${checked} a look into our declarations`, () => {
      expect(compile('plain.ts', { ...bundler, skipLibCheck })).toBe('');
    });
  }

  test('in CommonJS', () => {
    expect(compile('common.cts', { ...nodenext, skipLibCheck: false })).toBe('');
  });

  test('without the types of Node, if it uses the core alone', () => {
    expect(compile('core-only.ts', { ...nodenext, skipLibCheck: false, types: [] })).toBe('');
  });

  test('with req.session typed by what it registered', () => {
    expect(compile('register.ts', { ...nodenext, skipLibCheck: true })).toBe('');
  });
});

test('what does not fit is found this way', () => {
  const wrong = `import { memory, sessions } from 'sojourn'; sessions({ store: memory(), idle: '30 minutes' });`;
  writeFileSync(join(home, 'wrong.ts'), wrong);
  expect(compile('wrong.ts', { ...nodenext, skipLibCheck: false })).toContain("not assignable to type 'Duration'");
});

describe('require() of a CommonJS application', () => {
  test.each(Object.keys(manifest.exports))('finds %s', (subpath) => {
    const program = `console.log(Object.keys(require(${JSON.stringify(`sojourn${subpath.slice(1)}`)})).join(' '))`;
    expect(run('finds.cjs', program)).toMatch(/\w/);
  });

  test('keeps a session', () => {
    const program = `
      const { memory, sessions } = require('sojourn');
      const s = sessions({ store: memory() });
      const request = (cookie) => ({ secure: true, proxied: false, header: (name) => (name === 'cookie' ? cookie : undefined) });
      (async () => {
        const first = await s.open(request());
        first.set('views', 1);
        const [, cookie] = (await s.save(first)).find(([name]) => name === 'Set-Cookie');
        const second = await s.open(request(cookie.split(';')[0]));
        console.log('views', second.get('views'));
        await s.close();
      })();`;
    expect(run('keeps.cjs', program)).toBe('views 1\n');
  });
});

/** What `npm install sojourn` leaves behind, with the types that an application in TypeScript has installed. */
function userFolder(): string {
  const folder = realpathSync(tempFolder('user'));
  const installed = join(folder, 'node_modules');
  for (const file of ['dist', 'package.json']) cpSync(file, join(installed, 'sojourn', file), { recursive: true });
  for (const name of ['lmdb', 'express', '@types/node', '@types/express']) {
    mkdirSync(dirname(join(installed, name)), { recursive: true });
    symlinkSync(resolve('node_modules', name), join(installed, name));
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'application', type: 'module' }));
  const sources = resolve('test/types/consumers');
  for (const file of readdirSync(sources)) cpSync(join(sources, file), join(folder, file));
  return folder;
}

/**
 * What the compiler has to say about one file of the folder and about our declarations: nothing, when all is well. It is not asked
 * about Node's own, which would take ten times as long.
 */
function compile(file: string, more: object): string {
  const { options } = ts.convertCompilerOptionsFromJson({ ...settings, ...more }, home);
  const program = ts.createProgram([join(home, file)], options, ts.createCompilerHost(options));
  const asked = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(home));
  const found = asked.flatMap((source) => [
    ...program.getSyntacticDiagnostics(source),
    ...program.getSemanticDiagnostics(source),
    ...(source.isDeclarationFile ? [] : program.getDeclarationDiagnostics(source)),
  ]);
  const all = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics(), ...found];
  return ts.formatDiagnostics(all, {
    getCanonicalFileName: (name) => name,
    getCurrentDirectory: () => home,
    getNewLine: () => '\n',
  });
}

/** What a program prints that lies in the folder. Throws with its complaint when it fails. */
function run(file: string, program: string): string {
  writeFileSync(join(home, file), program);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], { cwd: home, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

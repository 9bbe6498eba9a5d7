// @ts-check
/**
 * The package as users get it: packed once, then looked at by publint (does package.json tell the truth), by attw (do the types
 * resolve as they are promised) and here (is anything inside that nobody needs). Prints how large it is.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = 'build/pack';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER, { recursive: true });
const packed = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', FOLDER], {
  stdio: ['ignore', 'pipe', 'ignore'],
});
const [{ filename, unpackedSize, size, files }] = JSON.parse(packed.toString());
const tarball = join(FOLDER, filename);

const results = [
  tool('node_modules/publint/src/cli.js', tarball, '--strict'),
  tool(
    'node_modules/@arethetypeswrong/cli/dist/index.js',
    tarball,
    '--profile',
    'esm-only',
    '--no-emoji',
    '--format',
    'ascii',
  ),
  nothingNeedless(files.map((/** @type {{ path: string }} */ file) => file.path)),
];
console.log(`note: the package: ${files.length} files, ${kilobytes(unpackedSize)} unpacked, ${kilobytes(size)} packed`);
process.exitCode = results.every(Boolean) ? 0 : 1;

/**
 * @param {string} program
 * @param {string[]} args
 */
function tool(program, ...args) {
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' }).status === 0;
}

/** @param {readonly string[]} paths */
function nothingNeedless(paths) {
  const needless = paths.filter(
    (path) =>
      !/^(?:dist\/.*(?<!\.test)\.(?:js|d\.ts)|dist\/.*\.(?:html|css)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/.test(
        path,
      ),
  );
  for (const path of needless) console.log(`${path} is in the package and should not be.`);
  return needless.length === 0;
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${Math.round(bytes / 1024)} KB`;
}

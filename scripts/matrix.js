// @ts-check
/**
 * `npm run matrix`: the tests under other versions of Node than the machine's own, from one installation of the dependencies.
 *
 *   node scripts/matrix.js                   Node 22, 24 and 26
 *   node scripts/matrix.js 24 src/core       one of them, and the rest goes to vitest
 *
 * Each Node comes from the npm package `node` into a folder of its own under the system's temporary folder, some 200 MB, and stays
 * there for the next run; remove the folder to get a newer release. Not a dependency of the project: it would put itself first in the
 * PATH of every npm script. Native modules are not rebuilt: that those of lmdb and libsql serve all versions is part of what is tested.
 */
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideBetterSqlite3 } from './better-sqlite3.js';
import { provide } from './needs.js';
import { runTests } from './run-tests.js';

const USUAL = ['22', '24', '26'];
const CACHE = join(tmpdir(), `sojourn-nodes-${userInfo().username}`);

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const args = process.argv.slice(2);
const asked = args.filter(isMajor);
const majors = asked.length > 0 ? asked : USUAL;
const rest = args.filter((argument) => !isMajor(argument));

provide();
claim(CACHE);
build();
const results = majors.map((major) => tryWith(major));
for (const line of results.map(({ line }) => line)) console.log(line);
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

/**
 * What lies there will be run, so nobody else who shares the machine may have put it there.
 * @param {string} folder
 */
function claim(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (process.getuid && lstatSync(folder).uid !== process.getuid())
    throw new Error(`${folder} belongs to another user. Remove it, or set TMPDIR.`);
}

function build() {
  const { status } = spawnSync(process.execPath, ['scripts/build.js'], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

/** @param {string} major */
function tryWith(major) {
  const { node, version } = installed(major) ?? install(major);
  console.log(`\nmatrix: Node ${version}`);
  provideBetterSqlite3(node);
  const { passed, failed, skipped } = runTests(rest, { node });
  // Nothing that ran is no success: a filter with a slip in it would look like one.
  return {
    ok: failed === 0 && passed > 0,
    line: `Node ${version}: ${passed} passed, ${failed} failed, ${skipped} skipped`,
  };
}

/** @param {string} major */
function installed(major) {
  const node = join(CACHE, major, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const { status, stdout } = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' });
  return status === 0 ? { node, version: stdout.trim() } : undefined;
}

/** @param {string} major */
function install(major) {
  console.log(`matrix: installing Node ${major} ...`);
  const folder = join(CACHE, major);
  rmSync(folder, { recursive: true, force: true }); // what an interrupted installation may have left
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // The package brings its program by an install script, which stricter settings of the user would leave out.
  const options = ['--prefix', folder, '--ignore-scripts=false', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = spawnSync('npm', ['install', ...options, `node@${major}`], { cwd: folder, encoding: 'utf8' });
  const result = installed(major);
  if (!result) throw new Error(`Node ${major} could not be installed:\n${npm.stdout}${npm.stderr}`);
  return result;
}

/** @param {string} argument */
function isMajor(argument) {
  return /^\d+$/.test(argument);
}

// @ts-check
/**
 * better-sqlite3 for the tests of the SQL store: the driver that most users of SQLite have.
 *
 * Not a dependency of the project, not even an optional one: its release for Node 20 carries no binary, so that every `npm ci` would load one
 * from elsewhere or compile for a minute, and where neither goes would fail or leave it out without a word. `npm run exam` and
 * `npm run matrix` bring it into a folder of its own, for the Node that runs the tests. Plain `npm test` tries SQLite through libsql,
 * which has the same interface and a binary of its own, and uses this one if it is there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDERS = fileURLToPath(new URL('../build/better-sqlite3', import.meta.url));

/**
 * The folder of the package for that Node; undefined where it is not.
 * @param {NodeJS.ProcessVersions} [versions]
 */
export function betterSqlite3(versions = process.versions) {
  const folder = join(placeFor(versions).folder, 'node_modules', 'better-sqlite3');
  return existsSync(join(folder, '..', '..', 'works')) ? folder : undefined;
}

/**
 * Installs it, unless it is there. Never throws: tests that miss it say so themselves.
 * @param {string} [node] the program of the Node that will run it
 */
export function provideBetterSqlite3(node = process.execPath) {
  const versions = JSON.parse(spawnSync(node, ['-p', 'JSON.stringify(process.versions)'], { encoding: 'utf8' }).stdout);
  if (betterSqlite3(versions) !== undefined) return;
  const { folder, release } = placeFor(versions);
  console.log(`needs: installing better-sqlite3 ${release} for Node ${versions.node} ...`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts=false', '--no-audit', '--no-fund', '--loglevel=error'];
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
  const npm = spawnSync('npm', ['install', ...options, `better-sqlite3@${release}`], {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: 900_000,
  });
  const proof = "new (require('better-sqlite3'))(':memory:').prepare('select 1').get()";
  const tried = spawnSync(node, ['-e', proof], { cwd: folder, encoding: 'utf8' });
  if (tried.status === 0) writeFileSync(join(folder, 'works'), '');
  else
    console.log(`needs: no better-sqlite3:\n${`${npm.stderr}${tried.stderr}`.trim().split('\n').slice(-6).join('\n')}`);
}

/**
 * The newest release for Node 20 is compiled for one Node; from Node 22 on there is one that brings binaries for all.
 * @param {NodeJS.ProcessVersions} versions
 */
function placeFor({ node, modules }) {
  return Number.parseInt(node, 10) >= 22
    ? { release: '13.2.0', folder: join(FOLDERS, '13.2.0') }
    : { release: '12.11.1', folder: join(FOLDERS, `12.11.1-${modules}`) };
}

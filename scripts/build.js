// @ts-check
/**
 * The build: src -> dist/ (what is published), then examples, benchmarks and test programs -> build/.
 *
 * `npm start` and `npm test` call it every time, so it has to cost nothing when nothing changed: a step is skipped, without even
 * loading the compiler, while the names, sizes and times of its inputs are those of its last success. What changed is compiled
 * incrementally. The second step imports 'sojourn' from dist/ just as an application would, so it also depends on the first.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string} project the compiler's settings
 * @property {ReadonlyArray<readonly [source: string, output: string]>} folders what is compiled, and where it goes
 * @property {string} [after] the fingerprint of the step before
 */

const NOTES = 'build/.notes';
const COMPILER = 'node_modules/typescript/bin/tsc';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
if (!existsSync(COMPILER)) fail('TypeScript is not installed. Run: npm ci');

const library = compile({
  name: 'library',
  project: 'tsconfig.build.json',
  folders: [['src', 'dist']],
});
const programs = compile({
  name: 'programs',
  project: 'tsconfig.programs.json',
  folders: ['examples', 'bench', 'test/programs'].map((folder) => [folder, join('build', folder)]),
  after: library,
});
copyPages(programs);

/**
 * @param {Step} step
 * @returns {string} the fingerprint of its inputs
 */
function compile({ name, project, folders, after = '' }) {
  const inputs = folders.flatMap(([source]) => filesBelow(source)).filter((file) => file.endsWith('.ts'));
  const wanted = fingerprint([...inputs, 'package.json', 'package-lock.json', 'tsconfig.json', project], after);
  const present = folders.some(([, output]) => existsSync(output));
  if (inputs.length === 0 || (present && noted(name) === wanted)) return wanted;
  const begun = performance.now();
  const memory = join(NOTES, `${name}.tsbuildinfo`);
  if (!present) rmSync(memory, { force: true }); // or the compiler believes that its old output is still there
  runCompiler(project, memory);
  for (const [source, output] of folders) removeOrphans(source, output);
  note(name, wanted);
  console.log(`build: ${name} in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return wanted;
}

/**
 * @param {string} project
 * @param {string} memory where the compiler remembers what it has seen
 */
function runCompiler(project, memory) {
  const pretty = String(process.stdout.isTTY === true);
  const args = [COMPILER, '-p', project, '--incremental', '--tsBuildInfoFile', memory, '--pretty', pretty];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) fail(`the errors above have to go first (tsc -p ${project}).`);
}

/**
 * Files that browsers get as they are: examples/<name>/web -> build/examples/<name>/web.
 * @param {string} after
 */
function copyPages(after) {
  const webs = subfolders('examples').map((folder) => join(folder, 'web'));
  const wanted = fingerprint(webs.flatMap(filesBelow), after);
  if (noted('pages') === wanted) return;
  for (const web of webs.filter((folder) => existsSync(folder))) {
    rmSync(join('build', web), { recursive: true, force: true });
    cpSync(web, join('build', web), { recursive: true });
  }
  note('pages', wanted);
}

/**
 * Takes away what was compiled from a file that is no longer there, so that nothing imports or publishes it.
 * @param {string} source
 * @param {string} output
 */
function removeOrphans(source, output) {
  for (const file of filesBelow(output)) {
    const stem = /^(.*?)(\.d\.ts|\.js)$/.exec(relative(output, file))?.[1];
    if (stem && !/(^|\/)web\//.test(stem) && !existsSync(join(source, `${stem}.ts`))) rmSync(file);
  }
}

/**
 * Changes when a file is added, removed, renamed or written to.
 * @param {readonly string[]} files
 * @param {string} after
 */
function fingerprint(files, after) {
  const hash = createHash('sha256').update(after);
  for (const file of files) {
    const { size, mtimeMs } = statSync(file);
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

/** @param {string} name */
function noted(name) {
  const file = join(NOTES, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/**
 * @param {string} name
 * @param {string} wanted
 */
function note(name, wanted) {
  mkdirSync(NOTES, { recursive: true });
  writeFileSync(join(NOTES, name), wanted);
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => join(entry.parentPath, entry.name)).sort();
}

/** @param {string} folder */
function subfolders(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
}

/**
 * @param {string} problem
 * @returns {never}
 */
function fail(problem) {
  console.error(`build: ${problem}`);
  process.exit(1);
}

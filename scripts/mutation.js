// @ts-check
/**
 * `npm run mutation`: changes the code in a thousand small ways, and looks whether a test notices each.
 *
 *   npm run mutation                       every area, about an hour
 *   npm run mutation -- seals codecs       some areas
 *   npm run mutation -- codecs json-read   of an area, only files whose path has these letters in it
 *   npm run mutation -- seals --again      only what survived last time, and files that have changed since
 *
 * Stryker makes the mutants, in a copy of the project; the tests that judge an area are those of its own: no servers, no processes.
 * What a mutant changes counts as noticed when a test fails, or never ends. An area with less than 85 of 100 fails. What survived stands
 * in build/mutation/<area>/survivors.txt, and docs/mutation.md says why that may be. Not a part of `npm test`: it takes too long.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Stryker } from '@stryker-mutator/core';

/**
 * @typedef {object} Area
 * @property {readonly string[]} mutate files, or folders without their subfolders. A `!` leaves out what begins so
 * @property {readonly string[]} judges tests, the quickest to notice something first
 */

/** @type {Readonly<Record<string, Area>>} */
const areas = {
  token: {
    mutate: ['src/core/token.ts'],
    judges: ['src/core/token.test.ts'],
  },
  cookies: {
    mutate: ['src/transports'],
    judges: [
      'src/transports/cookie.test.ts',
      'src/transports/bearer.test.ts',
      'src/transports/loopback.test.ts',
      'src/transports/first-of.test.ts',
      'src/transports/cookie-parts.test.ts',
      'src/transports/cookie-options.test.ts',
      'src/transports/cookie-header.test.ts',
    ],
  },
  sealed: {
    mutate: ['src/core/sealed.ts', 'src/core/sealed-form.ts', 'src/core/keyring.ts'],
    judges: [
      'src/core/sealed-edges.test.ts',
      'test/sealed-attacks.test.ts',
      'src/core/sealed.test.ts',
      'src/core/notices.test.ts',
      'src/compat/flask/cookie.test.ts',
      'src/seals/seals.test.ts',
    ],
  },
  seals: {
    mutate: ['src/seals'],
    judges: ['src/seals/subkeys.test.ts', 'src/seals/seals.test.ts'],
  },
  codecs: {
    mutate: ['src/codecs'],
    judges: ['src/codecs/json-plain.test.ts', 'src/codecs/json.test.ts', 'src/codecs/json-hostile.test.ts'],
  },
  flask: {
    // The formats: what reads and writes them. What keeps them in stores and sets cookies has its tests with real servers.
    mutate: [
      'src/compat/flask',
      '!src/compat/flask/shelf',
      '!src/compat/flask/session.ts',
      '!src/compat/flask/former.ts',
      '!src/compat/flask/transport.ts',
    ],
    judges: [
      'src/compat/flask/bounds.test.ts',
      'src/compat/flask/python.test.ts',
      'src/compat/flask/cookie-head.test.ts',
      'src/compat/flask/json-text.test.ts',
      'src/compat/flask/pickle.test.ts',
      'src/compat/flask/msgpack.test.ts',
      'src/compat/flask/plain.test.ts',
      'src/compat/flask/strange.test.ts',
      'src/compat/flask/cookie.test.ts',
    ],
  },
};

const WANTED = 85;
const NOTICED = ['Killed', 'Timeout'];
/** Beside what the tests take without a mutant. Long: a busy machine must not look like a mutant that hangs. */
const PATIENCE_MS = 60_000;

/** @typedef {{ status: string, mutatorName: string, replacement?: string, location: { start: Place, end: Place } }} Mutant */
/** @typedef {{ line: number, column: number }} Place */
/** @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }> }} Report */

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const again = process.argv.includes('--again');
const args = process.argv.slice(2).filter((argument) => argument !== '--again');
const named = args.filter((name) => name in areas);
const letters = args.filter((name) => !(name in areas));
if (letters.length > 0 && named.length === 0) {
  console.error(`No area is called ${letters.join(', ')}. There are: ${Object.keys(areas).join(', ')}.`);
  process.exit(2);
}

const lines = [];
for (const name of named.length > 0 ? named : Object.keys(areas)) lines.push(await judge(name));
console.log(`\n${row('area', ['mutants', 'killed', 'timeout', 'survived', 'uncovered', 'errors', 'score'])}`);
for (const { line } of lines) console.log(line);
process.exitCode = lines.every(({ ok }) => ok) ? 0 : 1;

/** @param {string} name */
async function judge(name) {
  const { mutate, judges } = areas[name] ?? { mutate: [], judges: [] };
  const files = filesOf(mutate).filter((file) => letters.length === 0 || letters.some((part) => file.includes(part)));
  if (files.length === 0) throw new Error(`No file of ${name} has ${letters.join(' or ')} in its path.`);
  const folder = join('build', 'mutation', [name, ...letters].join('-').replace(/[^\w-]/g, '-'));
  const report = join(folder, 'report.json');
  const before = again ? readReport(report) : { files: {} };
  const due = files.flatMap((file) => left(file, before));
  if (due.length === 0) return evaluate(name, before, join(folder, 'survivors.txt'));
  rmSync(report, { force: true });
  mkdirSync(folder, { recursive: true });
  process.env.SOJOURN_JUDGES = JSON.stringify(judges);
  await new Stryker({
    mutate: due,
    plugins: [fileURLToPath(new URL('mutation/runner.js', import.meta.url))],
    testRunner: 'sojourn',
    vitest: { configFile: 'scripts/mutation/vitest.config.js', related: false },
    coverageAnalysis: 'perTest',
    concurrency: 1,
    timeoutMS: PATIENCE_MS,
    reporters: ['json', process.stdout.isTTY ? 'progress' : 'progress-append-only'],
    jsonReporter: { fileName: report },
    tempDirName: join(folder, 'copy'),
    ignorePatterns: ['/build', '/dist', '/docs', '/bench', '/examples', '/coverage', '/tmp', '/data'],
    thresholds: { high: 100, low: WANTED, break: null },
    logLevel: /** @type {any} */ ('warn'),
    // That what runs when a file is loaded is judged by all tests is wanted: constants and tables are most of what can be wrong here.
    warnings: false,
    allowConsoleColors: false,
  }).runMutationTest();
  if (!existsSync(report)) throw new Error(`Stryker left no report of ${name}.`);
  const whole = merged(before, readReport(report));
  writeFileSync(report, JSON.stringify(whole));
  return evaluate(name, whole, join(folder, 'survivors.txt'));
}

/**
 * @param {string} path
 * @returns {Report}
 */
function readReport(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : { files: {} };
}

/**
 * What of a file is still to be judged: all of it, unless it is as it was; then the places where something survived.
 * @param {string} file
 * @param {Report} before
 * @returns {string[]} as Stryker wants it: columns count from 0 here, in reports from 1
 */
function left(file, before) {
  const known = before.files[file];
  if (known === undefined || known.source !== readFileSync(file, 'utf8')) return [file];
  return known.mutants
    .filter(({ status }) => !NOTICED.includes(status))
    .map(({ location: { start, end } }) => `${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`)
    .map((range) => `${file}:${range}`);
}

/**
 * What was judged now, and for the rest of each file what was judged before.
 * @param {Report} before
 * @param {Report} now
 * @returns {Report}
 */
function merged(before, now) {
  const files = { ...before.files, ...now.files };
  for (const [file, { source, mutants }] of Object.entries(now.files)) {
    const known = before.files[file];
    if (known?.source !== source) continue;
    const judged = new Set(mutants.map(identity));
    const rest = known.mutants.filter((mutant) => !judged.has(identity(mutant)));
    files[file] = { ...known, mutants: [...rest, ...mutants] };
  }
  return { ...now, files };
}

/** @param {Mutant} mutant */
function identity({ mutatorName, replacement, location }) {
  return JSON.stringify([mutatorName, replacement, location]);
}

/**
 * @param {readonly string[]} patterns
 * @returns {string[]}
 */
function filesOf(patterns) {
  const left = patterns.filter((pattern) => pattern.startsWith('!')).map((pattern) => pattern.slice(1));
  return patterns
    .filter((pattern) => !pattern.startsWith('!'))
    .flatMap((path) => (path.endsWith('.ts') ? [path] : readdirSync(path).map((file) => `${path}/${file}`)))
    .filter((file) => file.endsWith('.ts') && !/\.test(-d)?\.ts$/.test(file))
    .filter((file) => !left.some((beginning) => file.startsWith(beginning)));
}

/**
 * @param {string} name
 * @param {Report} report
 * @param {string} list where the survivors go
 */
function evaluate(name, report, list) {
  const perFile = Object.entries(report.files).map(([file, { source, mutants }]) => ({
    file,
    counts: count(mutants),
    survivors: mutants
      .filter(({ status }) => !NOTICED.includes(status))
      .sort((a, b) => a.location.start.line - b.location.start.line)
      .map((mutant) => described(file, source, mutant)),
  }));
  for (const { file, counts } of perFile) console.log(row(file, counts));
  writeFileSync(list, perFile.flatMap(({ survivors }) => survivors).join('\n'));
  console.log(`what survived: ${list}`);
  const total = count(Object.values(report.files).flatMap(({ mutants }) => mutants));
  const [, , , , , errors, score] = total;
  return { line: row(name, total), ok: Number(score) >= WANTED && errors === 0 };
}

/** @param {readonly Mutant[]} mutants */
function count(mutants) {
  const of = (/** @type {string[]} */ ...statuses) => mutants.filter(({ status }) => statuses.includes(status)).length;
  const [killed, timeout, survived, uncovered] = [of('Killed'), of('Timeout'), of('Survived'), of('NoCoverage')];
  const valid = killed + timeout + survived + uncovered;
  const score = valid === 0 ? '-' : ((100 * (killed + timeout)) / valid).toFixed(1);
  return [mutants.length, killed, timeout, survived, uncovered, mutants.length - valid, score];
}

/**
 * `file:line what it was -> what it became`.
 * @param {string} file
 * @param {string} source
 * @param {Mutant} mutant
 */
function described(file, source, { status, mutatorName, replacement = '', location: { start, end } }) {
  const lines = source.split('\n');
  const last = (lines[end.line - 1] ?? '').slice(0, end.column - 1);
  const was =
    start.line === end.line
      ? last.slice(start.column - 1)
      : [(lines[start.line - 1] ?? '').slice(start.column - 1), ...lines.slice(start.line, end.line - 1), last].join(
          '\n',
        );
  const short = (/** @type {string} */ text) => {
    const flat = text.replace(/\s+/g, ' ');
    return flat.length > 160 ? `${flat.slice(0, 100)} ... ${flat.slice(-50)}` : flat;
  };
  return `${file}:${start.line}:${start.column} ${status} ${mutatorName}\n    ${short(was)}\n -> ${short(replacement)}`;
}

/**
 * @param {string} name
 * @param {ReadonlyArray<number | string>} numbers
 */
function row(name, numbers) {
  return [name.padEnd(36), ...numbers.map((number) => String(number).padStart(9))].join(' ');
}

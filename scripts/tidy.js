// @ts-check
/**
 * Style as a test: the rules of the house that no other tool knows.
 *
 * Each rule is a function from the project's files to complaints, and each complaint says what to do. The files come as a map
 * from path to text, so that test/checks.test.ts can hand every rule a bad example and see it complain. The import floors are
 * read with a regular expression rather than a parser: imports stand at the beginning of a line, the formatter sees to that.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {ReadonlyMap<string, string>} Files path with forward slashes -> text */

/** From the ground up: a file imports from lower floors, or from its own folder. */
const floors = [
  ['contract.ts'],
  ['ring', 'errors.ts'],
  ['core'],
  ['layers', 'stores', 'transports', 'seals', 'codecs'],
  ['admin', 'compat', 'adapters', 'testing'],
  ['index.ts', 'exports'],
];

/**
 * Packages that only their own part of src may name, if only for a type. Whoever uses another part never loads them.
 * @type {Record<string, readonly string[]>}
 */
const homes = {
  lmdb: ['src/stores/lmdb'],
  express: ['src/adapters/express'],
  'express-session': ['src/compat/'],
  kysely: ['src/stores/sql'],
};

const MAX_LINES = 350;
const MIN_HEADER_LINES = 3;
const unwelcome = new Set(['manager', 'impl', 'util', 'utils', 'helper', 'helpers', 'common']);

/**
 * Rules in the order in which they complain.
 * @type {ReadonlyArray<(files: Files) => string[]>}
 */
const rules = [
  importFloors,
  packageHomes,
  headers,
  exportedNames,
  exportedKinds,
  openEnds,
  machineNames,
  silentSkips,
  pinnedVersions,
  lockFile,
  publicPaths,
  decisions,
  changelog,
];

/**
 * Everything that is wrong with these files, one line each.
 * @param {Files} files
 * @returns {string[]}
 */
export function complaints(files) {
  return rules.flatMap((rule) => rule(files));
}

/**
 * @param {Files} files
 * @returns {string[]}
 */
export function importFloors(files) {
  return sources(files).flatMap(([path, text]) =>
    importsOf(text)
      .filter((target) => target.startsWith('.'))
      .map((target) => join(path, '..', target).split(sep).join('/'))
      .map((target) => wrongFloor(path, target))
      .filter((complaint) => complaint !== undefined),
  );
}

/**
 * @param {string} from
 * @param {string} to
 * @returns {string | undefined}
 */
function wrongFloor(from, to) {
  if (!to.startsWith('src/')) return `${from} imports ${to}, which is not part of the package. Move it into src.`;
  const [a, b] = [roomOf(from), roomOf(to)];
  const [floorOfA, floorOfB] = [floorOf(a), floorOf(b)];
  if (floorOfA === undefined)
    return `${from} stands on no floor. Put ${a} into the floors of scripts/tidy.js, or the file into a folder that has one.`;
  if (a === b || (floorOfB !== undefined && floorOfB < floorOfA)) return undefined;
  if (floorOfA === floorOfB && b === 'errors.ts') return undefined; // the ring refuses what it cannot place; errors import nothing of it
  return `${from} (floor ${floorOfA}) may not import ${to} (floor ${floorOfB}): only lower floors and its own folder. Move what both need down, or have it handed in as an argument.`;
}

/** @param {string} path `src/core/lane.ts` -> `core`, `src/errors.ts` -> `errors.ts` */
function roomOf(path) {
  const name = path.split('/')[1] ?? '';
  return path.split('/').length > 2 ? name : name.replace(/\.js$/, '.ts');
}

/** @param {string} room */
function floorOf(room) {
  const floor = floors.findIndex((rooms) => rooms.includes(room));
  return floor === -1 ? undefined : floor;
}

/** @param {Files} files */
export function packageHomes(files) {
  return sources(files).flatMap(([path, text]) =>
    importsOf(text)
      .map((target) => homes[target] && { target, home: homes[target] })
      .filter((named) => named !== undefined && !named.home.some((home) => path.startsWith(home)))
      .map((named) => `${path} names the package ${named?.target}; only ${named?.home.join(', ')} may.`),
  );
}

/** @param {Files} files */
export function headers(files) {
  return sources(files)
    .filter(([, text]) => headerLines(text) < MIN_HEADER_LINES)
    .map(
      ([path]) =>
        `${path} does not open with its idea: ${MIN_HEADER_LINES} to 15 lines on what it is, why so, and what was rejected.`,
    );
}

/**
 * Lines with words in the comment that opens the file, before any code.
 * @param {string} text
 */
function headerLines(text) {
  const comment = /^(?:#!.*\n)?\/\*\*?([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  return comment.split('\n').filter((line) => /\w/.test(line)).length;
}

/** @param {Files} files */
export function exportedNames(files) {
  const names = sources(files).flatMap(([path, text]) => [
    [path, /([^/]+)\.ts$/.exec(path)?.[1] ?? ''],
    ...[
      ...text.matchAll(
        /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm,
      ),
    ].map((match) => [path, match[1] ?? '']),
  ]);
  return names
    .filter(([, name]) => wordsOf(name ?? '').some((word) => unwelcome.has(word)))
    .map(
      ([path, name]) =>
        `${path}: the name ${name} says nothing. Name it after what it does (${[...unwelcome].join(', ')} are not names).`,
    );
}

/** @param {string} name camelCase or kebab-case */
function wordsOf(name) {
  return name.split(/(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+/).map((word) => word.toLowerCase());
}

/** @param {Files} files */
export function exportedKinds(files) {
  return code(files).flatMap(([path, text]) => [
    ...(/^export default /m.test(text) && !path.includes('.config.')
      ? [`${path} has a default export. Export it by name.`]
      : []),
    ...(/^(?:export )?(?:declare )?(?:const )?enum /m.test(text)
      ? [`${path} has an enum. Use a union of strings.`]
      : []),
  ]);
}

/** @param {Files} files */
export function openEnds(files) {
  const mark = new RegExp(
    `\\b(${['TO', 'FIX'].map((half) => half + (half === 'TO' ? 'DO' : 'ME')).join('|')})\\b(?!.*(#\\d+|https?://))`,
  );
  return lines(code(files), mark).map((where) => `${where}: an open end without an issue. Do it, or link the issue.`);
}

/** @param {Files} files */
export function machineNames(files) {
  const folder = /(?:^|[^\w.\-/*])\/(?:work|farm|home|root|Users|tmp)\/\w/;
  const registry = /\bregistry\.(?:npmjs\.org|yarnpkg\.com)\b/;
  return [
    ...lines([...files], folder).map(
      (where) => `${where}: a folder of one machine. Use a path inside the project, or os.tmpdir().`,
    ),
    ...lines([...files], registry).map(
      (where) => `${where}: the address of a registry. It belongs into the user's own npm settings.`,
    ),
  ];
}

/** @param {Files} files */
export function silentSkips(files) {
  const tests = code(files).filter(([path]) => /\.test\.ts$/.test(path));
  return [
    ...lines(tests, /\b(?:test|it|describe)\.(?:skip|skipIf|runIf|todo)\b/).map(
      (where) => `${where}: a skip without a printed reason. Use skipUnless() or need() of test/support/needs.ts.`,
    ),
    ...lines(tests, /\b(?:test|it|describe)\.only\b/).map(
      (where) => `${where}: .only keeps all other tests from running.`,
    ),
  ];
}

/** @param {Files} files */
export function pinnedVersions(files) {
  const manifest = JSON.parse(files.get('package.json') ?? '{}');
  return Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    .filter(([, version]) => !/^(?:npm:@?[\w./-]+@)?\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))
    .map(([name, version]) => `package.json: ${name} ${version} is not pinned. npm install --save-exact ${name}`);
}

/**
 * Two ways in which a lock file is only good on the machine that wrote it.
 * @param {Files} files
 */
export function lockFile(files) {
  const text = files.get('package-lock.json') ?? '{}';
  const hosts = lines([['package-lock.json', text]], /"resolved": "(?:https?|git)/);
  const absent = absentPlatforms(JSON.parse(text).packages ?? {});
  return [
    ...hosts
      .slice(0, 1)
      .map(
        (where) =>
          `${where}: ${hosts.length} download addresses. Keep omit-lockfile-registry-resolved=true in .npmrc and lock again.`,
      ),
    ...absent
      .slice(0, 1)
      .map(
        (name) =>
          `package-lock.json lacks ${absent.length} platform packages (${name} ...), so npm ci will refuse it. Pin a release that has all of them, by an override if it is not ours.`,
      ),
  ];
}

/**
 * Optional packages that are depended on but not locked: npm leaves those out that the registry does not have.
 * @param {Record<string, { optionalDependencies?: object }>} packages
 */
function absentPlatforms(packages) {
  return Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !packages[`node_modules/${name}`] && !packages[`${path}/node_modules/${name}`],
    ),
  );
}

/**
 * What package.json exports, the compiler finds under the same name while nothing is built.
 * @param {Files} files
 */
export function publicPaths(files) {
  const manifest = JSON.parse(files.get('package.json') ?? '{}');
  const known = JSON.parse(files.get('tsconfig.json') ?? '{}').compilerOptions?.paths ?? {};
  return Object.entries(manifest.exports ?? {})
    .filter(([subpath]) => subpath !== './package.json')
    .map(([subpath, target]) => [
      `sojourn${subpath.slice(1)}`,
      String(target).replace('./dist/', './src/').replace(/\.js$/, '.ts'),
    ])
    .filter(([name, source]) => known[name ?? '']?.[0] !== source)
    .map(([name, source]) => `tsconfig.json: paths should say "${name}": ["${source}"], as package.json exports it.`);
}

/** @param {Files} files */
export function decisions(files) {
  const list = files.get('docs/decisions/README.md') ?? '';
  return [...files.keys()]
    .map((path) => /^docs\/decisions\/(\d.*\.md)$/.exec(path)?.[1])
    .filter((name) => name !== undefined && !list.includes(`(${name})`))
    .map((name) => `docs/decisions/README.md does not list ${name}. Add a line with a link to it.`);
}

/** @param {Files} files */
export function changelog(files) {
  return files.has('CHANGELOG.md') ? [] : ['CHANGELOG.md is missing: users read there what changed and why they care.'];
}

/**
 * Long files, which are worth a second look but no error.
 * @param {Files} files
 * @returns {string[]}
 */
export function longFiles(files) {
  return sources(files)
    .map(([path, text]) => /** @type {const} */ ([path, text.split('\n').length - 1]))
    .filter(([, length]) => length > MAX_LINES)
    .map(([path, length]) => `${path} has ${length} lines. Is it one idea?`);
}

/**
 * The text files of the project, without what is installed or generated.
 * @param {string} root
 * @returns {Files}
 */
export function readProject(root) {
  const ignored = new Set(['node_modules', 'dist', 'build', 'coverage', '.git', 'tmp', 'data']);
  const files = new Map();
  const walk = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!ignored.has(entry.name)) walk(path);
      } else if (/\.(?:ts|js|json|md|html|css|ya?ml|sh)$|^\.npmrc$|^run$/.test(entry.name)) {
        files.set(relative(root, path).split(sep).join('/'), readFileSync(path, 'utf8'));
      }
    }
  };
  walk(root);
  return files;
}

/** Where modules come from: `import ... from '...'`, `export ... from '...'`, `import '...'`, `import('...')`. @param {string} text */
function importsOf(text) {
  const statements = text.matchAll(
    /^(?:import|export)\b[^'";]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
  );
  return [...statements].map(([, from, bare, lazy]) => from ?? bare ?? lazy ?? '');
}

/** What is published: src without its tests. @param {Files} files */
function sources(files) {
  return [...files].filter(([path]) => /^src\/.*\.ts$/.test(path) && !/\.test(?:-d)?\.ts$/.test(path));
}

/** @param {Files} files */
function code(files) {
  return [...files].filter(([path]) => /\.(?:ts|js)$/.test(path));
}

/**
 * `path:line` of every line that matches.
 * @param {ReadonlyArray<readonly [path: string, text: string]>} files
 * @param {RegExp} pattern
 */
function lines(files, pattern) {
  return files.flatMap(([path, text]) =>
    text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const files = readProject(fileURLToPath(new URL('..', import.meta.url)));
  const found = complaints(files);
  for (const complaint of found) console.log(complaint);
  for (const long of longFiles(files)) console.log(`note: ${long}`);
  process.exitCode = found.length === 0 ? 0 : 1;
}

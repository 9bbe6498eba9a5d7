// @ts-check
/**
 * The programs that tests run for real: what they are called, which Debian package brings them, which tests want them.
 *
 * Tests ask with `need('postgres')` of test/support/needs.ts and are skipped with the printed reason where it is missing;
 * `npm test` installs what is missing first, if it may. A new server is one more row here.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} Need
 * @property {string} title as people know it
 * @property {readonly string[]} programs file names, any of which will do
 * @property {() => readonly string[]} [folders] where else to look than in PATH
 * @property {boolean} [isModule] a file that Python imports, and nobody runs
 * @property {string} debian the package that brings it
 * @property {string} usedBy the tests that want it
 */

export const needs = /** @satisfies {Record<string, Need>} */ ({
  chromium: {
    title: 'Chromium',
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    debian: 'chromium',
    usedBy: "the cinema's page, driven in a real browser",
  },
  flask: {
    title: 'Flask',
    ...module('flask/__init__.py'),
    debian: 'python3-flask',
    usedBy: "Flask's cookies, made and read by Flask itself",
  },
  flaskSession: {
    title: 'Flask-Session',
    ...module('flask_session/__init__.py'),
    debian: 'python3-flask-session',
    usedBy: 'one login for Flask and Node, in Redis',
  },
  jdk: {
    title: 'a Java development kit',
    programs: ['javac'],
    debian: 'default-jdk-headless',
    usedBy: 'sessions in MongoDB, where there is no mongod',
  },
  mariadb: {
    title: 'MariaDB',
    programs: ['mariadbd'],
    folders: () => ['/usr/sbin'],
    debian: 'mariadb-server',
    usedBy: 'sessions in MariaDB and MySQL',
  },
  maven: {
    title: 'Maven',
    programs: ['mvn'],
    debian: 'maven',
    usedBy: 'sessions in MongoDB, where there is no mongod',
  },
  memcached: {
    title: 'memcached',
    programs: ['memcached'],
    debian: 'memcached',
    usedBy: 'sessions in memcached',
  },
  nginx: {
    title: 'nginx',
    programs: ['nginx'],
    folders: () => ['/usr/sbin'],
    debian: 'nginx-light',
    usedBy: 'one login for Flask and Node, behind one address',
  },
  postgres: {
    title: 'PostgreSQL',
    programs: ['postgres'],
    folders: () => versionsIn('/usr/lib/postgresql').map((version) => `/usr/lib/postgresql/${version}/bin`),
    debian: 'postgresql',
    usedBy: 'the cinema with DATABASE_URL, and sessions in PostgreSQL',
  },
  python: {
    title: 'Python 3',
    programs: ['python3'],
    debian: 'python3',
    usedBy: "the ring's tables, computed a second time in another language",
  },
  pythonRedis: {
    title: 'the Redis client of Python',
    ...module('redis/__init__.py'),
    debian: 'python3-redis',
    usedBy: 'one login for Flask and Node, in Redis',
  },
  redis: {
    title: 'Redis',
    programs: ['redis-server', 'valkey-server'],
    debian: 'redis-server',
    usedBy: 'sessions in Redis: one server, clusters and sentinels',
  },
});

/** @typedef {keyof typeof needs} NeedName */

/**
 * A module of Debian's Python.
 * @param {string} path
 */
function module(path) {
  return { programs: [path], folders: () => ['/usr/lib/python3/dist-packages'], isModule: true };
}

/**
 * The full path of the program, or undefined where it is not installed.
 * @param {Need} need
 * @returns {string | undefined}
 */
export function find(need) {
  const folders = [...(need.folders?.() ?? []), ...(process.env.PATH ?? '').split(delimiter)];
  return folders
    .flatMap((folder) => need.programs.map((program) => join(folder, program)))
    .find(need.isModule ? existsSync : isProgram);
}

/**
 * Installs what is missing where that is possible (root, apt-get), and says what to type where it is not. Never throws: tests
 * that miss a program say so themselves.
 * @param {readonly Need[]} [wanted]
 */
export function provide(wanted = Object.values(needs)) {
  const missing = wanted.filter((need) => !find(need));
  if (missing.length === 0) return;
  for (const need of missing) console.log(`needs: ${need.title} is not installed (for ${need.usedBy}).`);
  const packages = missing.map((need) => need.debian);
  if (process.getuid?.() !== 0 || !find({ title: '', programs: ['apt-get'], debian: 'apt', usedBy: '' })) {
    console.log(`needs: on Debian or Ubuntu:  sudo apt-get install --no-install-recommends ${packages.join(' ')}`);
    return;
  }
  console.log(`needs: installing ${packages.join(', ')} with apt-get ...`);
  install(packages);
  const still = missing.filter((need) => !find(need));
  if (still.length > 0) console.log(`needs: still missing: ${still.map((need) => need.title).join(', ')}.`);
}

/** While this file answers 101, Debian's packages install their programs but do not start them as services. */
const POLICY = '/usr/sbin/policy-rc.d';

/** @param {readonly string[]} packages */
function install(packages) {
  const ours = !existsSync(POLICY);
  if (ours) {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
  }
  try {
    aptGet('update', '-qq');
    aptGet('install', '-y', '-qq', '--no-install-recommends', ...packages);
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}

/** @param {string[]} args */
function aptGet(...args) {
  const { status, stdout, stderr } = spawnSync('apt-get', args, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0)
    console.log(`needs: apt-get ${args[0]} failed:\n${(stdout + stderr).trim().split('\n').slice(-8).join('\n')}`);
}

/**
 * Newest first.
 * @param {string} folder
 */
function versionsIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).sort((a, b) => Number.parseFloat(b) - Number.parseFloat(a));
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

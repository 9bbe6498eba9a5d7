// @ts-check
/**
 * A server that speaks MongoDB's protocol, for tests: where one comes from when Debian has none.
 *
 * First comes what there is: MONGO_URL, or a `mongod` in PATH. Otherwise mongo-java-server, an independent server in memory, is fetched with
 * Maven (23 jars of a few KB to a MB; seconds). FerretDB 1.24 over SQLite was tried, and is no choice: it builds for minutes, and carries
 * an update out in two steps, so that of 20 increments that were told to be done 3 were (measured). A fake of our own would prove nothing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { find, needs } from './needs.js';

/** The jars of mongo-java-server. */
export const JARS = fileURLToPath(new URL('../build/mongo-java-server', import.meta.url));
export const PROJECT = fileURLToPath(new URL('../test/support/mongo-java-server', import.meta.url));

/** @type {import('./needs.js').Need} */
const mongod = { title: 'MongoDB', programs: ['mongod'], debian: 'none', usedBy: 'sessions in MongoDB' };

/**
 * Which server tests can have, in this order; undefined for none.
 * @returns {{ kind: 'url', url: string } | { kind: 'mongod', path: string } | { kind: 'java', path: string } | undefined}
 */
export function mongoServer() {
  const url = process.env.MONGO_URL;
  if (url) return { kind: 'url', url };
  const path = find(mongod);
  if (path) return { kind: 'mongod', path };
  const java = find(needs.jdk)?.replace(/javac$/, 'java');
  return java && hasJars() ? { kind: 'java', path: java } : undefined;
}

/** Fetches mongo-java-server unless there is something better. Never throws: tests that miss a server say so themselves. */
export function provideMongo() {
  if (mongoServer() !== undefined) return;
  const maven = find(needs.maven);
  if (!maven || !find(needs.jdk)) {
    console.log('needs: no MongoDB. Set MONGO_URL, or put mongod into PATH, or install Maven and a JDK.');
    return;
  }
  console.log('needs: fetching mongo-java-server with Maven ...');
  const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${JARS}`];
  // Registries have bad minutes.
  for (let attempt = 1; attempt <= 3; attempt++) {
    const { status, stdout } = spawnSync(maven, args, { cwd: PROJECT, encoding: 'utf8', timeout: 180_000 });
    if (status === 0) return;
    console.log(`needs: Maven failed:\n${(stdout ?? '').trim().split('\n').slice(-4).join('\n')}`);
  }
}

function hasJars() {
  return existsSync(JARS) && readdirSync(JARS).some((name) => name.startsWith('mongo-java-server-core'));
}

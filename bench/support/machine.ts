/**
 * Where and with what the figures were made: a figure without its machine is a rumour. The load of the machine is part of it,
 * because neighbours are what spoils figures most; the name of the machine and its folders are not.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { redisVersion } from '../redis/server.js';
import { canPin } from './processes.js';
import { tempDisk } from './temp.js';

const PACKAGES = [
  'express',
  'express-session',
  'connect-redis',
  'redis',
  'ioredis',
  'lmdb',
  'cookie-session',
  'iron-session',
  '@fastify/secure-session',
];
/** Above this many waiting programs a machine is not quiet, and its figures are for checking the programs only. */
const QUIET_LOAD = 0.5;

export interface Machine {
  readonly lines: readonly string[];
  readonly quiet: boolean;
}

export function machine(): Machine {
  const load = loadavg()[0] ?? 0;
  const packages = PACKAGES.map((name) => `${name} ${versionOf(`node_modules/${name}/`)}`).join(', ');
  return {
    quiet: load <= QUIET_LOAD,
    lines: [
      `${cpus()[0]?.model.trim() ?? 'an unknown CPU'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; ${type()} ${release()}`,
      `Node ${process.versions.node} (V8 ${process.versions.v8}, OpenSSL ${process.versions.openssl})`,
      `sojourn ${versionOf('')}, ${packages}; Redis server ${redisVersion() ?? 'not installed'}`,
      `store files on ${tempDisk()}; server and load generator ${canPin ? 'each on a core of its own' : 'wherever the scheduler put them'}`,
      `load of the machine before the run: ${load.toFixed(2)} (${load <= QUIET_LOAD ? 'quiet' : 'not quiet'})`,
    ],
  };
}

function versionOf(folder: string): string {
  // This file is build/bench/support/machine.js.
  const manifest = readFileSync(new URL(`../../../${folder}package.json`, import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

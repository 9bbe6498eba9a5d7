/**
 * `npm run bench`: runs the parts one after the other, each in a process of its own, prints what they found, and writes
 * docs/benchmarks.md when all of them ran at full length.
 *
 *   npm run bench                   everything, about ten minutes
 *   npm run bench -- http           one part: http, lmdb, redis, engine, ring or seals
 *   npm run bench -- ioredis        the part about Redis once more, through another client; not part of the page
 *   npm run bench -- --quick        a short form, to see that the programs work; its figures are for nobody
 *   npm run bench -- cookie-scan    reading cookies, ordinary and hostile; prints by itself and is not part of the page
 *   npm run bench -- redis-layout   how a session lies in Redis: bytes and CPU of two layouts; likewise
 *   npm run bench -- stores         read and write of every store beside its driver; likewise
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { redisVersion } from './redis/server.js';
import { live } from './support/live.js';
import { type Machine, machine } from './support/machine.js';
import { page } from './support/page.js';
import { startChild } from './support/processes.js';
import type { Result } from './support/result.js';
import { resultText } from './support/tables.js';

const PARTS = ['http', 'lmdb', 'redis', 'engine', 'ring', 'seals'];
/** Parts that the page does without. */
const MORE_PARTS = ['ioredis'];
const NEED_REDIS = ['redis', 'ioredis', 'ring'];
/** Programs that measure, judge and print by themselves. */
const ALONE = ['cookie-scan', 'redis-layout', 'stores'];
const KNOWN = [...PARTS, ...MORE_PARTS, ...ALONE];
const PAGE = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));

await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<void> {
  const quick = args.includes('--quick');
  const names = args.filter((arg) => arg !== '--quick');
  const unknown = names.filter((name) => !KNOWN.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`No benchmark is called ${unknown.join(', ')}. There are: ${KNOWN.join(', ')}.\n`);
    process.exitCode = 1;
    return;
  }
  for (const name of names.filter((each) => ALONE.includes(each))) runAlone(name);
  const parts = names.length === 0 ? PARTS : names.filter((name) => !ALONE.includes(name));
  if (parts.some((part) => NEED_REDIS.includes(part)) && redisVersion() === undefined) {
    process.stderr.write('redis-server is not installed (Debian package redis-server). Other parts run without it.\n');
    process.exitCode = 1;
    return;
  }
  if (parts.length > 0) await runParts(parts, quick);
}

function runAlone(name: string): void {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL(`./${name}.js`, import.meta.url))], {
    stdio: 'inherit',
  });
  if (status !== 0) process.exitCode = 1;
}

async function runParts(parts: readonly string[], quick: boolean): Promise<void> {
  const where = machine();
  process.stdout.write(`${where.lines.map((line) => `- ${line}`).join('\n')}\n\n`);
  const results: Result[] = [];
  for (const part of parts) {
    const result = await run(part, quick);
    process.stdout.write(`${resultText(result)}\n\n`);
    results.push(result);
  }
  if (!results.every(({ checks }) => checks.every(({ ok }) => ok))) process.exitCode = 1;
  if (!quick && parts === PARTS) write(results, where);
}

async function run(part: string, quick: boolean): Promise<Result> {
  const line = live(part);
  const child = startChild(part, [], { live: line.say });
  try {
    return await child.ask<Result>({ quick });
  } finally {
    await child.stop();
    line.end();
  }
}

function write(results: readonly Result[], where: Machine): void {
  mkdirSync(dirname(PAGE), { recursive: true });
  writeFileSync(PAGE, page(results, where, new Date().toISOString().slice(0, 10)));
  process.stdout.write('Written to docs/benchmarks.md.\n');
  if (!where.quiet) process.stdout.write('The machine was not quiet: run it again before you quote any of this.\n');
}

/**
 * What `npm start` runs: several servers as child processes, the gateway in this one, and a few lines that say so.
 *
 * Servers that die are started again. Ctrl-C stops everything in order, a second Ctrl-C at once. Should this process be
 * killed so hard that it cannot clean up, the servers see their channel to it close and leave by themselves.
 */
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { readAddress, type SessionsAddress, sharingInWords } from './address.js';
import { type Arguments, readArguments, usage } from './arguments.js';
import { KeptServer } from './child.js';
import { createGateway } from './gateway.js';
import { openStore } from './stores.js';

const HOST = '127.0.0.1';
/** How many ports above the wanted one are looked at. */
const PORTS_TRIED = 200;

const args = argumentsOrExit();
mkdirSync(args.data, { recursive: true });
const sessions = process.env.SESSIONS ?? `lmdb:${join(args.data, 'sessions')}`;
const address = await reachable(sessions);
const cinemaDb = join(args.data, 'cinema.db');

const [port = args.port, ...serverPorts] = await freePorts(args.port, 1 + args.servers);
const env = { SESSIONS: sessions, CINEMA_DB: cinemaDb, DEMO: '1' };
const servers = serverPorts.map((own, index) => new KeptServer(`cinema-${index + 1}`, own, env, console.log));
let gateway: Server | undefined;
let stopping = false;

process.on('SIGINT', stop);
process.on('SIGTERM', stop);

try {
  await Promise.all(servers.map((server) => server.ready));
  gateway = createGateway(servers);
  await listening(gateway, port);
  if (!stopping) introduce();
} catch (error) {
  if (!stopping) {
    for (const server of servers) server.kill();
    fail(error);
  }
}

function argumentsOrExit(): Arguments {
  try {
    const read = readArguments(process.argv.slice(2));
    if (!read.help) return read;
    console.log(usage);
    process.exit(0);
  } catch (error) {
    fail(`${(error as Error).message}\n${usage}`);
  }
}

/**
 * The address as data. Redis is asked here, once: who mistyped its address learns it in one line, not from a page that answers
 * 503. Servers that start later, in the middle of an outage, do not insist.
 */
async function reachable(text: string): Promise<SessionsAddress> {
  try {
    const read = readAddress(text);
    if (read.kind === 'lmdb') return read;
    const place = openStore(read);
    for (const note of await place.reach()) console.log(`Note: ${note}`);
    place.close();
    return read;
  } catch (error) {
    fail(error);
  }
}

/** The first free ports from `from` upwards. */
async function freePorts(from: number, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = from; port < from + PORTS_TRIED && port <= 65535 && found.length < count; port++) {
    if (await isFree(port)) found.push(port);
  }
  if (found.length < count) fail(`There are not ${count} free ports from ${from} upwards. Choose another with --port.`);
  return found;
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await listening(probe, port);
    await new Promise((resolve) => probe.close(resolve));
    return true;
  } catch {
    return false;
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, resolve);
  });
}

function introduce(): void {
  const taken = port === args.port ? '' : `  (port ${args.port} was taken)`;
  const lines = [
    '',
    `  Cinema is open at  http://${HOST}:${port}${taken}`,
    '',
    ...servers.map((server) => `  ${server.name.padEnd(10)} pid ${String(server.pid).padEnd(8)} port ${server.port}`),
    '',
    `  sessions    ${sharingInWords(address)}`,
    `  cinema      ${process.env.DATABASE_URL ? 'PostgreSQL (DATABASE_URL)' : `SQLite in ${cinemaDb}`}`,
    '  demo mode   on: text-message codes are shown in the page, new users own 500 yuan',
    '',
    `  kill -9 ${servers[0]?.pid}   and see that nobody is signed out.   Ctrl-C stops everything.`,
    '',
  ];
  console.log(lines.join('\n'));
}

function stop(): void {
  if (stopping) {
    for (const server of servers) server.kill();
    process.exit(130);
  }
  stopping = true;
  console.log('\nStopping. Once more Ctrl-C to stop at once.');
  gateway?.close();
  gateway?.closeIdleConnections();
  Promise.all(servers.map((server) => server.stop())).then(() => process.exit(0), fail);
}

function fail(problem: unknown): never {
  console.error(problem instanceof Error ? problem.message : problem);
  process.exit(1);
}

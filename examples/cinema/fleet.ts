/**
 * What `npm start` runs: several servers as child processes, the gateway in this one, and a few lines that say so.
 *
 * Servers that die are started again. Ctrl-C stops everything in order, a second Ctrl-C at once. Should this process be
 * killed so hard that it cannot clean up, the servers see their channel to it close and leave by themselves.
 */
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { RingDescription } from 'sojourn/ring';
import { readAddress, type SessionsAddress, sharingInWords } from './address.js';
import { type Arguments, readArguments, usage } from './arguments.js';
import { KeptServer } from './child.js';
import { createGateway } from './gateway.js';
import { findRedis, type KeptNodes, NODE_COUNT, startNodes } from './kept-nodes.js';
import { keptKey, readKeys } from './keys.js';
import { RingReporter } from './ring-news.js';
import { openStore } from './stores.js';

let stopping = false;
/** Redis servers of our own. */
let nodes: KeptNodes | undefined;
const HOST = '127.0.0.1';
/** How many ports above the wanted one are looked at. */
const PORTS_TRIED = 200;

const args = argumentsOrExit();
mkdirSync(args.data, { recursive: true });
const cinemaDb = join(args.data, 'cinema.db');
const count = 1 + args.servers;
const [port = args.port, ...otherPorts] = await freePorts(args.port, count + (args.ring ? NODE_COUNT : 0));
const serverPorts = otherPorts.slice(0, args.servers);
if (args.ring) nodes = await ringNodes(otherPorts.slice(args.servers));
const sessions = nodes ? addressOf(nodes) : wanted(process.env.SESSIONS);
const keys = sessions.startsWith('cookie') ? (process.env.SESSION_KEYS ?? keptKey(args.data)) : '';
const { address, table } = await reachable(sessions);
const reporter = new RingReporter(table?.nodes.map(({ name }) => name) ?? [], console.log);

const env = { SESSIONS: sessions, SESSION_KEYS: keys, CINEMA_DB: cinemaDb, DEMO: '1' };
const servers = serverPorts.map((own, index) => {
  const name = `cinema-${index + 1}`;
  return new KeptServer(name, own, env, console.log, (news) => {
    if (news && !stopping) reporter.hear(name, news);
    else reporter.forget(name);
  });
});
let gateway: Server | undefined;

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

async function ringNodes(ports: readonly number[]): Promise<KeptNodes> {
  try {
    if (process.env.SESSIONS !== undefined)
      throw new Error('SESSIONS says where sessions live, and --ring says it, too: give one of the two.');
    return await startNodes(findRedis(), ports, (line) => !stopping && console.log(line));
  } catch (error) {
    fail(error);
  }
}

/** With folders of our own where none is named. */
function wanted(written: string | undefined): string {
  if (written === 'cookie') return `cookie:lmdb:${join(args.data, 'revocations')}`;
  return written ?? `lmdb:${join(args.data, 'sessions')}`;
}

function addressOf({ nodes }: KeptNodes): string {
  return `ring:${nodes.map(({ name, weight, port }) => `${name}=redis://${HOST}:${port}?weight=${weight}`).join()}`;
}

/**
 * The address as data. Redis is asked here, once: who mistyped its address learns it in one line, not from a page that answers
 * 503. Servers that start later, in the middle of an outage, do not insist.
 */
async function reachable(text: string): Promise<{ address: SessionsAddress; table?: RingDescription }> {
  try {
    const read = readAddress(text);
    if (read.kind === 'lmdb') return { address: read };
    const place = await openStore(read, readKeys(keys));
    for (const note of await place.reach()) console.log(`Note: ${note}`);
    const table = place.ring?.describe();
    await place.store.close?.();
    place.close();
    return { address: read, ...(table && { table }) };
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
    ...(table ? tableLines(table) : []),
    `  cinema      ${process.env.DATABASE_URL ? 'PostgreSQL (DATABASE_URL)' : `SQLite in ${cinemaDb}`}`,
    '  demo mode   on: text-message codes are shown in the page, new users own 500 yuan',
    '',
    `  kill -9 ${servers[0]?.pid}   and see that nobody is signed out.   Ctrl-C stops everything.`,
    ...(nodes ? [`  kill -9 ${nodes.nodes[0]?.pid}   or kill -STOP: the same for a server that keeps sessions.`] : []),
    '',
  ];
  console.log(lines.join('\n'));
}

/** Who has how much of the sessions. */
function tableLines({ nodes: described, copies, epoch, fingerprint }: RingDescription): string[] {
  const homes = described.reduce((sum, node) => sum + node.homes, 0);
  const percent = (slots: number): string => `${((100 * slots) / homes).toFixed(1)} %`.padStart(7);
  const lines = described.map(({ name, weight, homes, slots }) => {
    const kept = nodes?.nodes.find((node) => node.name === name);
    const where = kept ? `  pid ${String(kept.pid).padEnd(8)} port ${kept.port}` : '';
    const has = copies === 1 ? '' : `, keeps ${percent(slots)}`;
    return `    ${name.padEnd(10)} weight ${String(weight).padEnd(4)} home of ${percent(homes)} of them${has}${where}`;
  });
  return [...lines, `    table ${epoch}, fingerprint ${fingerprint.slice(0, 16)}`];
}

function stop(): void {
  if (stopping) {
    nodes?.kill();
    for (const server of servers) server.kill();
    process.exit(130);
  }
  stopping = true;
  console.log('\nStopping. Once more Ctrl-C to stop at once.');
  gateway?.close();
  gateway?.closeIdleConnections();
  Promise.all(servers.map((server) => server.stop()))
    .then(() => nodes?.stop())
    .then(() => process.exit(0), fail);
}

function fail(problem: unknown): never {
  nodes?.kill();
  console.error(problem instanceof Error ? problem.message : problem);
  process.exit(1);
}

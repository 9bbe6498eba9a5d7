/**
 * How much memory of Redis a session takes at its default settings: 100,000 signed-in sessions of one user each, the index of
 * users included, against what connect-redis keeps of the same fields (it has no index). Three sizes, because the allocator
 * of Redis rounds up to size classes (1024, 1280, ...), and one size says little: a few bytes more can cost a quarter.
 *
 * A session of ours is largest right after a login, when the secret before it is still known, and while it is written often,
 * when the marks of its last operations are. So it is looked at twice: right after the login, and when it was written once
 * more three minutes later.
 */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { createClient } from 'redis';
import { type RequestView, sessions } from 'sojourn';
import { redis } from 'sojourn/redis';
import type { ForeignStore } from '../http/express-session.js';
import { digits, figure } from '../support/figures.js';
import { sayLive } from '../support/processes.js';
import { type Goal, judge, type Result, type Table } from '../support/result.js';
import { SAMPLE_BYTES, sampleOf } from '../support/sample.js';
import type { ConnectRedis } from './entrants.js';
import { startRedis } from './server.js';

const SESSIONS = 100_000;
const AT_ONCE = 64;
/** As JSON. The middle one is the session of all other figures, and the one that the goal is about. */
const SIZES = [100, SAMPLE_BYTES, 4000];
const MOST_SHARE = 0.85;
const LATER_MS = 3 * 60_000;
/** What express-session adds to a session's own fields, and how long its ids are. */
const COOKIE = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' };
const FOREIGN_ID_BYTES = 24;

interface Kept {
  readonly size: number;
  readonly foreign: number;
  readonly afterLogin: number;
  readonly later: number;
}

export async function bytes(core: number, quick: boolean): Promise<Result> {
  const kept: Kept[] = [];
  for (const size of quick ? [SAMPLE_BYTES] : SIZES) {
    sayLive(`memory of Redis: sessions of ${size} bytes`);
    const [foreign] = await measured(core, (client) => foreignSessions(client, size));
    const [afterLogin, later] = await measured(core, (client) => ownSessions(client, size));
    kept.push({ size, foreign: foreign!, afterLogin: afterLogin!, later: later! });
  }
  return { tables: [tableOf(kept)], goals: [goalOf(kept)], checks: [] };
}

type Client = ReturnType<typeof clientOn>;
/** Makes all sessions what they are to be measured as, and then tells. */
type Stages = AsyncIterable<void>;

function clientOn(port: number) {
  const client = createClient({ socket: { port, host: '127.0.0.1' } });
  client.on('error', (error) => process.stderr.write(`${error}\n`));
  return client;
}

/** Bytes per session at each stage, in a Redis of its own: memory that was freed is not memory that was never taken. */
async function measured(core: number, stages: (client: Client) => Stages): Promise<number[]> {
  const { port, stop } = await startRedis(core);
  const client = clientOn(port);
  await client.connect();
  const before = await usedMemory(client);
  const perSession: number[] = [];
  for await (const _ of stages(client)) perSession.push(((await usedMemory(client)) - before) / SESSIONS);
  client.destroy();
  await stop();
  return perSession;
}

async function usedMemory(client: Client): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
}

async function* foreignSessions(client: Client, size: number): Stages {
  const { RedisStore } = createRequire(import.meta.url)('connect-redis') as ConnectRedis;
  const store: ForeignStore = new RedisStore({ client });
  const session = { cookie: COOKIE, ...sampleOf(size) };
  await forAll(
    () =>
      new Promise<void>((resolve, reject) => {
        const id = randomBytes(FOREIGN_ID_BYTES).toString('base64url');
        store.set(id, session, (error) => (error ? reject(error) : resolve()));
      }),
  );
  yield;
}

/** Begun as visitors begin them: the fields first, the login in a request of its own. */
async function* ownSessions(client: Client, size: number): Stages {
  let ahead = 0;
  const now = (): number => Date.now() + ahead;
  // No timers, so no deadline either: nobody waits for these.
  const environment = { now, random: (length: number) => randomBytes(length), every: () => () => {} };
  const s = sessions({ store: redis(client, { now }), environment });
  const fields = sampleOf(size);
  const cookies: string[] = new Array(SESSIONS);
  const visit = async (cookie: string, work: (session: Awaited<ReturnType<typeof s.open>>) => void) => {
    const session = await s.open(requestWith(cookie));
    work(session);
    const lines = await s.save(session);
    return lines.find(([name]) => name === 'Set-Cookie')?.[1].split(';', 1)[0] ?? cookie;
  };

  await forAll(async (i) => {
    const anonymous = await visit('', (session) => Object.assign(session.data, fields));
    cookies[i] = await visit(anonymous, (session) => session.login(`user-${i}`));
  });
  yield;
  ahead = LATER_MS;
  await forAll((i) => visit(cookies[i]!, (session) => session.set('views', 1)));
  yield;
}

function requestWith(cookie: string): RequestView {
  return { secure: true, proxied: false, header: (name) => (name === 'cookie' ? cookie : undefined) };
}

async function forAll(one: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < SESSIONS; i = next++) await one(i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function tableOf(kept: readonly Kept[]): Table {
  return {
    title: `Memory of Redis for a signed-in session, bytes (${SESSIONS.toLocaleString('en')} sessions, index included)`,
    columns: ['fields as JSON', 'connect-redis', 'sojourn, later', 'share', 'sojourn, right after the login', 'share'],
    rows: kept.map(({ size, foreign, afterLogin, later }) => [
      String(size),
      foreign.toFixed(0),
      later.toFixed(0),
      digits(later / foreign),
      afterLogin.toFixed(0),
      digits(afterLogin / foreign),
    ]),
  };
}

function goalOf(kept: readonly Kept[]): Goal {
  const { foreign, later } = kept.find(({ size }) => size === SAMPLE_BYTES)!;
  const share = later / foreign;
  const what = 'memory of Redis for a signed-in session of 1 KB, index included, to that of connect-redis';
  // Counted, not sampled.
  return judge({ what, bound: 'at most', limit: MOST_SHARE, unit: '' }, share, figure([share]));
}

/**
 * How much memory of Redis a session takes at its default settings: 100,000 signed-in sessions of one user each, the index of
 * users included, against what connect-redis keeps of the same fields (it has no index). Three sizes, because the allocator
 * of Redis rounds up to size classes, and one size says little.
 */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { createClient } from 'redis';
import { sessions } from 'sojourn';
import { redis } from 'sojourn/redis';
import type { ForeignStore } from '../http/express-session.js';
import { digits, figure } from '../support/figures.js';
import { sayLive } from '../support/processes.js';
import { judge, type Result } from '../support/result.js';
import { sampleOf } from '../support/sample.js';
import type { ConnectRedis } from './entrants.js';
import { startRedis } from './server.js';

const SESSIONS = 100_000;
const AT_ONCE = 200;
/** As JSON. The middle one is the session of all other figures, and the one that the goal is about. */
const SIZES = [100, 963, 4000] as const;
const JUDGED = 963;
const MOST_SHARE = 0.85;
/** What express-session adds to a session's own fields, and what an id of its looks like. */
const COOKIE = { originalMaxAge: null, expires: null, httpOnly: true, path: '/' };
const FOREIGN_ID_BYTES = 24;

interface Kept {
  readonly size: number;
  readonly foreign: number;
  readonly own: number;
  readonly withoutUser: number;
}

export async function bytes(core: number, quick: boolean): Promise<Result> {
  const kept: Kept[] = [];
  for (const size of quick ? [JUDGED] : SIZES) {
    sayLive(`memory of Redis: sessions of ${size} bytes`);
    kept.push({
      size,
      foreign: await perSession(core, (client) => foreignSessions(client, size)),
      own: await perSession(core, (client) => ownSessions(client, size, true)),
      withoutUser: await perSession(core, (client) => ownSessions(client, size, false)),
    });
  }
  const { foreign, own } = kept.find(({ size }) => size === JUDGED)!;
  const what = 'memory of Redis for a signed-in session of 1 KB, index included: share of what connect-redis takes';
  const share = own / foreign;
  return {
    tables: [tableOf(kept)],
    // Counted, not sampled.
    goals: [judge({ what, bound: 'at most', limit: MOST_SHARE, unit: '' }, share, figure([share]))],
    checks: [],
  };
}

type Client = ReturnType<typeof clientOn>;

function clientOn(port: number) {
  const client = createClient({ socket: { port, host: '127.0.0.1' } });
  client.on('error', (error) => process.stderr.write(`${error}\n`));
  return client;
}

/** A Redis of its own each time: memory that was freed is not memory that was never taken. */
async function perSession(core: number, fill: (client: Client) => Promise<void>): Promise<number> {
  const { port, stop } = await startRedis(core);
  const client = clientOn(port);
  await client.connect();
  const before = await usedMemory(client);
  await fill(client);
  const after = await usedMemory(client);
  client.destroy();
  await stop();
  return (after - before) / SESSIONS;
}

async function usedMemory(client: Client): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await client.info('memory'))?.[1]);
}

async function foreignSessions(client: Client, size: number): Promise<void> {
  const { RedisStore } = createRequire(import.meta.url)('connect-redis') as ConnectRedis;
  const store: ForeignStore = new RedisStore({ client });
  const session = { cookie: COOKIE, ...sampleOf(size) };
  await begin(
    () =>
      new Promise((resolve, reject) => {
        const id = randomBytes(FOREIGN_ID_BYTES).toString('base64url');
        store.set(id, session, (error) => (error ? reject(error) : resolve()));
      }),
  );
}

/** Begun as requests begin them: a visitor's first, then the login. */
async function ownSessions(client: Client, size: number, signedIn: boolean): Promise<void> {
  const s = sessions({ store: redis(client) });
  const fields = sampleOf(size);
  const nobody = { secure: true, proxied: false, header: () => undefined };
  await begin(async (i) => {
    const session = await s.open(nobody);
    Object.assign(session.data, fields);
    if (signedIn) session.login(`user-${i}`);
    await s.save(session);
  });
}

async function begin(one: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < SESSIONS; i = next++) await one(i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function tableOf(kept: readonly Kept[]): Result['tables'][number] {
  return {
    title: `Memory of Redis for a session, bytes (${SESSIONS.toLocaleString('en')} sessions, default settings)`,
    columns: [
      'fields as JSON',
      'connect-redis',
      'sojourn, signed in, with index',
      'share',
      'sojourn, nobody signed in',
    ],
    rows: kept.map(({ size, foreign, own, withoutUser }) => [
      String(size),
      foreign.toFixed(0),
      own.toFixed(0),
      digits(own / foreign),
      withoutUser.toFixed(0),
    ]),
  };
}

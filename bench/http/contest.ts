/**
 * One framework from beginning to end: a server process, a load process, sessions to work with, the exact checks, then the
 * rounds. A round is a list of groups, one for each entrant: the bare handler first, then the entrant's routes, without
 * pauses and inside one server process. Groups move on by one each round, and so do the turns inside a group.
 */

import type { RedisWork } from '../redis/gauge.js';
import { type Traced, traced } from '../redis/trace.js';
import { type Child, startChild } from '../support/processes.js';
import type { Check } from '../support/result.js';
import { rotated } from '../support/rounds.js';
import type { Name } from './entrants.js';
import { FIELDS, type FieldName, type Groups } from './fields.js';
import { type Driven, FOREIGN_COOKIE, type Order, type Planned, type Target } from './orders.js';
import { type Framework, PATHS, SEED_PATH, VIEWS_PATH } from './paths.js';
import type { Ports, Question, Writes } from './server.js';
import { rowKey, type Window } from './windows.js';

export const SESSIONS = 1000;
/** How many requests of the preparations are under way at once. */
const AT_ONCE = 16;
const SERVER_CORE = 0;
/** Also Redis', where there is one. */
export const LOAD_CORE = 1;

export interface Rounds {
  readonly rounds: number;
  readonly turnMs: number;
}

/** Requests/s of one row in one round, and of the bare handler in the same group. */
export interface Pair extends Planned {
  readonly perSecond: number;
  readonly barePerSecond: number;
  readonly answered: number;
  readonly redis: RedisWork | undefined;
}

export interface Outcome {
  readonly windows: Readonly<Record<string, readonly Window[]>>;
  readonly pairs: readonly Pair[];
  readonly checks: readonly Check[];
  /** Writes to the store that a thousand reads caused. */
  readonly writesInReads: Readonly<Partial<Record<Name, number>>>;
  /** What a thousand requests of each row sent to Redis, and what its scripts ran there. */
  readonly traces: Readonly<Record<string, Traced>>;
}

/** Who meets whom, where. */
export interface Contest {
  readonly framework: Framework;
  readonly field: FieldName;
  /** For a field that needs one. */
  readonly redisPort?: number;
}

export async function contest(where: Contest, pace: Rounds): Promise<Outcome> {
  const { framework, field, redisPort } = where;
  const server = startChild('http/server', [framework, field, String(redisPort)], { core: SERVER_CORE });
  const load = startChild('http/load', [], { core: LOAD_CORE });
  try {
    return await hold(where, pace, server, load);
  } finally {
    await Promise.all([load.stop(), server.stop()]);
  }
}

async function hold(
  { framework, field, redisPort }: Contest,
  { rounds, turnMs }: Rounds,
  server: Child,
  load: Child,
): Promise<Outcome> {
  const groups = FIELDS[field];
  const ask = <A>(question: Question): Promise<A> => server.ask<A>(question);
  const ports = await ask<Ports>('ports');
  const targets: Target[] = [];
  for (const name of ['bare' as const, ...groups.map(([each]) => each)]) {
    const port = ports[name]!;
    targets.push({ name, port, cookies: await cookiesOf(name, port) });
  }
  const writesInReads = await countedReads(targets, () => ask<Writes>('writes'));
  const traces = redisPort === undefined ? {} : await tracedRequests(groups, targets, redisPort);
  await load.ask<void>({ targets, redisPort });
  const driven: Driven[][] = [];
  for (let round = 0; round <= rounds; round++) {
    if (round === 1) await ask<void>('restart');
    const title = `${framework}, ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`;
    const order: Order = { turns: plan(groups, round).flat(), turnMs, title };
    driven.push(await load.ask<Driven[]>(order));
  }
  return {
    windows: await ask<Outcome['windows']>('windows'),
    pairs: driven.slice(1).flatMap((turns, i) => pairsOf(turns, plan(groups, i + 1))),
    // The load generator keeps no cookies: a session that lives in one does not count what it is not sent.
    checks:
      field === 'in the cookie' ? [] : await viewsChecks(`${framework}, ${field}`, targets, driven.flat(), traces),
    writesInReads,
    traces,
  };
}

function plan(groups: Groups, round: number): Planned[][] {
  return rotated(groups, round).map(([name, routes]) =>
    rotated<Planned>([{ name: 'bare', route: 'read' }, ...routes.map((route) => ({ name, route }))], round),
  );
}

function pairsOf(driven: readonly Driven[], groups: readonly (readonly Planned[])[]): Pair[] {
  let from = 0;
  return groups.flatMap(({ length }) => {
    const group = driven.slice(from, from + length);
    from += length;
    const barePerSecond = group.find(({ name }) => name === 'bare')!.perSecond;
    return group.filter(({ name }) => name !== 'bare').map((turn) => ({ ...turn, barePerSecond }));
  });
}

// Preparations and checks: exact, and outside of what is timed.

async function cookiesOf(name: Name, port: number): Promise<string[]> {
  if (name === 'bare' || name === 'bare again') return [FOREIGN_COOKIE];
  return overSessions(async () => {
    const response = await fetch(`http://127.0.0.1:${port}${SEED_PATH}`);
    await response.text();
    const cookies = response.headers.getSetCookie().map((line) => line.split(';', 1)[0]);
    // The version that a near cache adds is good for two seconds; cookie-session's signature is a part of its session.
    return cookies.filter((cookie, i) => i === 0 || cookie!.includes('.sig=')).join('; ');
  });
}

/** A thousand reads, one after the other session, right after these began: well inside the time in which no touch is due. */
async function countedReads(
  targets: readonly Target[],
  writes: () => Promise<Writes>,
): Promise<Partial<Record<Name, number>>> {
  const before = await writes();
  for (const { port, cookies } of targets.filter(hasSessions)) {
    await overSessions((i) => text(port, PATHS.read, cookies[i]!));
  }
  const after = await writes();
  return Object.fromEntries(targets.filter(hasSessions).map(({ name }) => [name, after[name]! - before[name]!]));
}

/** One request of each row for each session, watched by MONITOR: exact, and far too slow to be timed. */
async function tracedRequests(
  groups: Groups,
  targets: readonly Target[],
  redisPort: number,
): Promise<Record<string, Traced>> {
  const traces: Record<string, Traced> = {};
  for (const { name, port, cookies } of targets.filter(hasSessions)) {
    for (const route of groups.find(([each]) => each === name)![1]) {
      const cookieOf = (i: number): string => (route === 'anonymous' ? FOREIGN_COOKIE : cookies[i]!);
      const work = (): Promise<unknown> => overSessions((i) => text(port, PATHS[route], cookieOf(i)));
      traces[rowKey(name, route)] = await traced(redisPort, SESSIONS, work);
    }
  }
  return traces;
}

/** No lost update may win speed: what the sessions hold must be what was asked for. */
async function viewsChecks(
  where: string,
  targets: readonly Target[],
  driven: readonly Driven[],
  traces: Outcome['traces'],
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name, port, cookies } of targets.filter(hasSessions)) {
    const views = await overSessions(async (i) => Number(await text(port, VIEWS_PATH, cookies[i]!)));
    const sum = views.reduce((a, b) => a + b, 0);
    const turns = driven.filter((turn) => turn.name === name && turn.route === 'write');
    if (turns.length === 0) continue;
    const before = rowKey(name, 'write') in traces ? SESSIONS : 0;
    const asked = turns.reduce((total, { answered }) => total + answered, before);
    const what = `${where}, ${name}: sum of views = write requests answered`;
    checks.push({ what, found: `${sum} of ${asked}`, ok: sum === asked && asked > 0 });
  }
  return checks;
}

function hasSessions({ cookies }: Target): boolean {
  return cookies.length === SESSIONS;
}

async function text(port: number, path: string, cookie: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { cookie } });
  if (response.status !== 200) throw new Error(`${path} was answered with ${response.status}.`);
  return response.text();
}

/** `work` for each session, a few at a time. */
async function overSessions<R>(work: (i: number) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(SESSIONS);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let i = next++; i < SESSIONS; i = next++) results[i] = await work(i);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

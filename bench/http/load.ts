/**
 * The load generator: a process of its own on a core of its own, 32 keep-alive connections to every entrant, one request at
 * a time on each. Turns follow each other without a pause; a turn ends for a connection with the answer it waits for.
 * Written in Node so that the benchmark needs nothing installed.
 *
 * It never sleeps while a round lasts. Waking a sleeping process costs the one that writes to it several microseconds, and a
 * slow entrant finds the generator asleep more often than a fast one: that would be charged to the session (8 us a request
 * were, before this).
 */
import { type Gauge, openGauge } from '../redis/gauge.js';
import { answer, sayLive } from '../support/processes.js';
import { Connection, type Turn } from './connection.js';
import type { Name } from './entrants.js';
import { CONNECTIONS, type Driven, FOREIGN_COOKIE, type Order, type Targets } from './orders.js';
import { PATHS, type Route } from './paths.js';

/** A turn that hangs is an error, not a wait. */
const PATIENCE_MS = 10_000;

/** One target, with what is needed to keep it busy. */
interface Line {
  readonly connections: readonly Connection[];
  readonly requests: Readonly<Record<Route, readonly string[]>>;
}

const lines = new Map<Name, Line>();
let gauge: Gauge | undefined;

answer((question: Targets | Order) => ('targets' in question ? connectAll(question) : driveAll(question)));

async function connectAll({ targets, redisPort }: Targets): Promise<void> {
  if (redisPort !== undefined) gauge = await openGauge(redisPort);
  for (const { name, port, cookies } of targets) {
    const connections = await Promise.all(Array.from({ length: CONNECTIONS }, () => Connection.open(port)));
    const texts = (route: Route, these: readonly string[]): string[] =>
      these.map((cookie) => requestText(port, PATHS[route], cookie));
    const requests = {
      read: texts('read', cookies),
      write: texts('write', cookies),
      anonymous: texts('anonymous', [FOREIGN_COOKIE]),
    };
    lines.set(name, { connections, requests });
  }
}

/** As long as there is work, this process never sleeps; see above. */
let isAwake = false;
function stayAwake(): void {
  if (isAwake) setImmediate(stayAwake);
}

async function driveAll({ turns, turnMs, title }: Order): Promise<Driven[]> {
  const driven: Driven[] = [];
  isAwake = true;
  stayAwake();
  await gauge?.sinceLast();
  for (const turn of turns) {
    sayLive(`${title}: ${turn.name}, ${turn.route}`);
    const { connections, requests } = lines.get(turn.name)!;
    const done = await drive(connections, requests[turn.route], turnMs);
    driven.push({ ...turn, ...done, redis: await gauge?.sinceLast() });
  }
  isAwake = false;
  return driven;
}

function requestText(port: number, path: string, cookie: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\n\r\n`;
}

function drive(
  open: readonly Connection[],
  texts: readonly string[],
  turnMs: number,
): Promise<{ answered: number; perSecond: number }> {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const hanging = setTimeout(() => reject(new Error('No answer came for ten seconds.')), turnMs + PATIENCE_MS);
    const turn: Turn = {
      requests: texts,
      next: 0,
      answered: 0,
      answerBytes: 0,
      over: false,
      open: 0,
      failed: reject,
      finished() {
        clearTimeout(hanging);
        const seconds = (performance.now() - begun) / 1000;
        resolve({ answered: turn.answered, perSecond: turn.answered / seconds });
      },
    };
    setTimeout(() => {
      turn.over = true;
    }, turnMs);
    for (const connection of open) connection.begin(turn);
  });
}

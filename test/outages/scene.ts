/**
 * The stage for all outages: a web application on a Redis of its own, people who are signed in, and a proxy in between.
 *
 * The application is an ordinary one: node:http, `sessions({ store: redis(client) })`, a client that tries to connect again at least
 * twice a second (by default both wait up to two seconds after a long outage, which alone is longer than we may take). People ask over HTTP with their cookies, and every answer is looked at for what no outage excuses: data of
 * somebody else, a user who is suddenly nobody, a cookie that changes. Each person keeps account of what was acknowledged,
 * and `settled` compares it with what the session holds in the end.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { type Events, sessions, type } from 'sojourn';
import { session } from 'sojourn/node';
import { redis } from 'sojourn/redis';
import { afterEach, expect } from 'vitest';
import { EVENTS } from '../support/events.js';
import { browser, serve } from '../support/http.js';
import { type FaultProxy, faultProxy } from '../support/proxy.js';
import { type RedisOptions, type RedisServer, startRedis } from '../support/redis.js';

const LONGEST_PAUSE_MS = 500;
const clients = {
  async 'node-redis 6'(port: number, usual: boolean) {
    const reconnectStrategy = (tries: number) => Math.min(50 * 2 ** tries, LONGEST_PAUSE_MS);
    const client = createClient({ socket: { host: '127.0.0.1', port, ...(!usual && { reconnectStrategy }) } });
    client.on('error', () => {}); // as its documentation asks of every application
    return { client: await client.connect(), close: () => client.destroy() };
  },
  async 'ioredis 6'(port: number, usual: boolean) {
    const retryStrategy = (tries: number) => Math.min(50 * tries, LONGEST_PAUSE_MS);
    const client = new Redis({ host: '127.0.0.1', port, ...(!usual && { retryStrategy }) });
    client.on('error', () => {});
    return { client, close: () => client.disconnect() };
  },
};
export type ClientName = keyof typeof clients;
/** With each of these every outage is driven whose course depends on the client. */
export const CLIENTS = Object.keys(clients) as ClientName[];

/** What the issue promises. */
export const ANSWER_WITHIN_MS = 750;
export const REFUSED_WITHIN_MS = 10;
export const BACK_WITHIN_MS = 2000;

export interface Answer {
  readonly status: number;
  readonly ms: number;
  /** Whom the application took the request for. */
  readonly user: string | null;
  readonly count: number;
}

export interface Person {
  readonly name: string;
  readonly cookies: ReadonlyMap<string, string>;
  /** Looks at the own page. */
  read(signal?: AbortSignal): Promise<Answer>;
  /** Adds one to a counter in the session. */
  write(signal?: AbortSignal): Promise<Answer>;
  logout(): Promise<Answer>;
  /** Uses these cookies from now on, as somebody would who had copied them. */
  bring(cookies: Iterable<readonly [string, string]>): void;
  /** What the counter must be: at least this, and at most with all of unknown outcome. */
  readonly known: number;
  readonly unknown: number;
  /** Set by a test in which this person may lose the session. */
  mayBeNobody: boolean;
}

export interface Scene {
  readonly redis: RedisServer;
  readonly proxy: FaultProxy;
  readonly people: readonly Person[];
  /** Events of the application, by name. */
  told<E extends keyof Events>(event: E): Events[E][];
  readonly ready: () => Promise<boolean>;
  /** Somebody who is not signed in yet. */
  newcomer(name: string): Person;
  login(person: Person): Promise<Answer>;
}

export interface SceneOptions {
  readonly people?: number;
  readonly redis?: RedisOptions;
  /** A client without any option of ours. */
  readonly usual?: boolean;
}

const NAMES = ['ann', 'ben', 'cyd', 'dan', 'eve', 'fay', 'gus', 'hal', 'ida', 'joe'];
const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

/** Redis, proxy, application, and ten people signed in, unless it should be fewer. */
export async function scene(
  client: ClientName,
  { people = 10, redis: options, usual = false }: SceneOptions = {},
): Promise<Scene> {
  const server = await startRedis(options);
  const proxy = await faultProxy(server.port);
  const connected = await clients[client](proxy.port, usual);
  const events: { event: keyof Events; payload: unknown }[] = [];
  const s = sessions({ data: type<{ count: number }>(), store: redis(connected.client) });
  for (const event of EVENTS) s.on(event, (payload) => events.push({ event, payload }));
  const site = await serve(
    session(s, (req, res, visit) => {
      const url = new URL(req.url ?? '', 'http://localhost');
      if (url.pathname === '/login') visit.login(url.searchParams.get('user') ?? '');
      if (url.pathname === '/write') visit.update('count', (count = 0) => count + 1);
      const answer = { user: visit.user ?? null, count: visit.get('count') ?? 0 };
      if (url.pathname === '/logout') visit.destroy();
      res.setHeader('Content-Type', 'application/json');
      res.end(JSON.stringify(answer));
    }),
  );
  ended.push(async () => {
    connected.close();
    await s.close();
    await proxy.close();
    await server.program.stop('SIGKILL');
  });

  const somebody = (name: string): Someone => new Someone(name, browser(site));
  const all = NAMES.slice(0, people).map(somebody);
  for (const person of all) {
    expect((await person.login()).status).toBe(200);
    expect((await person.write()).status).toBe(200);
  }
  return {
    redis: server,
    proxy,
    people: all,
    told: <E extends keyof Events>(wanted: E) =>
      events.filter(({ event }) => event === wanted).map(({ payload }) => payload as Events[E]),
    ready: s.ready,
    newcomer: somebody,
    login: (person) => (person as Someone).login(),
  };
}

class Someone implements Person {
  readonly name: string;
  readonly #browser: ReturnType<typeof browser>;
  known = 0;
  unknown = 0;
  mayBeNobody = false;

  constructor(name: string, own: ReturnType<typeof browser>) {
    this.name = name;
    this.#browser = own;
  }

  get cookies(): ReadonlyMap<string, string> {
    return this.#browser.cookies;
  }

  login(): Promise<Answer> {
    return this.#ask(`/login?user=${this.name}`, { keepsCookie: false });
  }

  read(signal?: AbortSignal): Promise<Answer> {
    return this.#ask('/me', signal && { signal });
  }

  async write(signal?: AbortSignal): Promise<Answer> {
    this.unknown++;
    const answer = await this.#ask('/write', signal && { signal });
    if (answer.status === 200) {
      this.unknown--;
      this.known++;
    }
    return answer;
  }

  logout(): Promise<Answer> {
    return this.#ask('/logout', { keepsCookie: false });
  }

  bring(cookies: Iterable<readonly [string, string]>): void {
    for (const [name, value] of cookies) this.#browser.cookies.set(name, value);
  }

  async #ask(path: string, { keepsCookie = true, signal }: { keepsCookie?: boolean; signal?: AbortSignal } = {}) {
    const cookie = [...this.cookies].join();
    const begun = performance.now();
    const response = await this.#browser.fetch(path, signal ? { signal } : {});
    const text = await response.text();
    const ms = performance.now() - begun;
    const { status } = response;
    if (keepsCookie) expect([...this.cookies].join(), `${this.name}'s cookie`).toBe(cookie);
    if (status !== 200) {
      expect(status, `${path}: ${text}`).toBe(503);
      expect(response.headers.get('retry-after')).toBe('1');
      return { status, ms, user: null, count: 0 };
    }
    const { user, count } = JSON.parse(text) as { user: string | null; count: number };
    if (user !== null || !(this.mayBeNobody || cookie === '')) expect(user, `${path} of ${this.name}`).toBe(this.name);
    return { status, ms, user, count };
  }
}

/** What people do. */
export const read = (person: Person): Promise<Answer> => person.read();
export const write = (person: Person): Promise<Answer> => person.write();

/** All at once, each person in turn. */
export function together(people: readonly Person[], count: number, ask: (person: Person) => Promise<Answer>) {
  return Promise.all(Array.from({ length: count }, (_, i) => ask(people[i % people.length] as Person)));
}

/**
 * The same, and every answer, of whatever status, is there in time. On a machine that is busy with other things all timers go
 * slower; a timer of our own tells by how much, and so much is granted.
 */
export async function inTime(people: readonly Person[], count: number, ask: (person: Person) => Promise<Answer>) {
  const slowness = stopwatch();
  const answers = await together(people, count, ask);
  expect(p99(answers)).toBeLessThan(ANSWER_WITHIN_MS * slowness());
  return answers;
}

const TICK_MS = 25;
/** Timers of an idle machine are a little late as well. */
const USUAL_SLOWNESS = 1.05;

/** What to grant for a busy machine since then: 1 on an idle one. Twice what timers lose, since the requests themselves lose as well. */
function stopwatch(): () => number {
  const begun = performance.now();
  let ticks = 0;
  const timer = setInterval(() => ticks++, TICK_MS);
  return () => {
    clearInterval(timer);
    const slower = (performance.now() - begun) / ((ticks + 1) * TICK_MS) / USUAL_SLOWNESS;
    return 1 + 2 * Math.max(0, slower - 1);
  };
}

/** The longest but one of a hundred. */
export function p99(answers: readonly Answer[]): number {
  const times = answers.map(({ ms }) => ms).sort((a, b) => a - b);
  return times[Math.ceil(times.length * 0.99) - 1] ?? Number.NaN;
}

/** How many answers there were of each status. */
export function statuses(answers: readonly Answer[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/**
 * The outage that concerns these requests: 40 at once are told so in time, and soon nobody waits at all. What a loaded machine adds
 * is not ours: a refusal may take 10 ms longer than a page of the same server that needs no session, in the best of some rounds.
 */
export async function refusesQuickly({ people, newcomer }: Scene, ask: (person: Person) => Promise<Answer>) {
  expect(statuses(await inTime(people, 40, ask))).toEqual({ 503: 40 });
  const stranger = newcomer('a stranger');
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10 && best > REFUSED_WITHIN_MS; round++) {
    const [refused, plain]: [Answer[], Answer[]] = [[], []];
    for (let i = 0; i < 40; i++) {
      refused.push(await ask(people[i % people.length] as Person));
      plain.push(await stranger.read());
    }
    expect(statuses(refused)).toEqual({ 503: 40 });
    expect(statuses(plain)).toEqual({ 200: 40 });
    best = Math.min(best, p99(refused) - p99(plain));
  }
  expect(best).toBeLessThan(REFUSED_WITHIN_MS);
}

/** From the end of the fault on: within two seconds 99 of 100 succeed, with the cookies of before. */
export async function comesBack(people: readonly Person[], ask: (person: Person) => Promise<Answer>): Promise<void> {
  const begun = performance.now();
  const slowness = stopwatch();
  while ((await ask(people[0] as Person)).status !== 200 && performance.now() - begun < 10 * BACK_WITHIN_MS)
    await wait(20);
  expect(performance.now() - begun, 'time since the fault ended').toBeLessThan(BACK_WITHIN_MS * slowness());
  const answers = await together(people, 100, ask);
  expect(statuses(answers)[200]).toBeGreaterThanOrEqual(99);
}

/** Nothing that was acknowledged is missing, and nothing was done twice. */
export async function settled(people: readonly Person[]): Promise<void> {
  for (const person of people) {
    const { status, count } = await person.read();
    expect(status).toBe(200);
    expect(count, `${person.name}'s counter`).toBeGreaterThanOrEqual(person.known);
    expect(count, `${person.name}'s counter`).toBeLessThanOrEqual(person.known + person.unknown);
  }
}

/** Asks again and again until it holds; ten seconds at most. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error('Waited 10 s in vain.');
    await wait(10);
  }
}

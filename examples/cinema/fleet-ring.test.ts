/**
 * `npm start -- --ring`, and `SESSIONS=ring:...` over servers of one's own: three Redis servers that are killed one after the other
 * and come back empty, under a visitor who goes on clicking. Nobody is signed out.
 *
 * Runs what the build made; `npm test` builds first.
 */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { need } from '../../test/support/needs.js';
import { onFreePort } from '../../test/support/ports.js';
import { startRedis } from '../../test/support/redis.js';
import { type Program, startNode } from '../../test/support/spawn.js';
import { tempFolder } from '../../test/support/temp.js';
import { type Browser, browser } from './testing/browser.js';
import { register, showings } from './testing/visit.js';

const program = fileURLToPath(new URL('../../build/examples/cinema/fleet.js', import.meta.url));
const OPEN = /Cinema is open at {2}(http:\/\/127\.0\.0\.1:(\d+))[\s\S]*Ctrl-C/;

vi.setConfig({ testTimeout: 120_000 });

const { test } = need('redis');

const startFleet = (args: readonly string[], env: Record<string, string | undefined> = {}): Promise<Program> =>
  onFreePort((port) =>
    startNode(program, ['--port', String(port), '--data', tempFolder('fleet'), '--servers', '2', ...args], {
      ready: OPEN,
      deadlineMs: 60_000,
      env: { SESSIONS: undefined, ...env },
    }),
  );

/** Somebody who chooses another seat with every click, and looks whether he is still himself. */
class Visitor {
  clicks = 0;
  /** Answers that are neither 200 nor 503, and seats that were lost. */
  readonly surprises: string[] = [];
  #isLeaving = false;
  #visit: Promise<void> = Promise.resolve();

  constructor(
    readonly browser: Browser,
    readonly screenId: string,
  ) {}

  static async at(address: string, mobile: string): Promise<Visitor> {
    const visitor = browser(address);
    await register(visitor, mobile);
    return new Visitor(visitor, String((await showings(visitor)).at(-1)!.id));
  }

  start(): void {
    this.#visit = this.#click();
  }

  async leave(): Promise<void> {
    this.#isLeaving = true;
    await this.#visit;
  }

  async #click(): Promise<void> {
    while (!this.#isLeaving) {
      const seat = String(1 + (this.clicks++ % 50));
      const put = await this.browser.put('/api/session/seats', { screenId: this.screenId, seat });
      const user = await this.browser.get('/api/users/');
      const seats = await this.browser.get<unknown>(`/api/session/seats?screenId=${this.screenId}`);
      const statuses = [put.status, user.status, seats.status];
      // The page asks again by itself. That a ring fails no request is tested where nothing else runs (test/ring).
      if (statuses.includes(503)) continue;
      if (statuses.some((status) => status !== 200)) this.surprises.push(`${statuses}`);
      else if (String(seats.body) !== seat) this.surprises.push(`chose ${seat}, found ${seats.body}`);
    }
  }
}

test('--ring starts three servers; one is killed and comes back empty, and the visitor goes on', async () => {
  const folder = tempFolder('ring');
  const fleet = await startFleet(['--ring'], { TMPDIR: folder });
  expect(fleet.output()).toContain('sessions    a ring of 3 Redis servers, two copies of each session, near cache');
  expect(fleet.output()).toMatch(/redis-2 +weight 20 +home of +44\.4 % of them, keeps +88\.9 %/);
  const visitor = await Visitor.at(fleet.ready![1]!, '13800000001');
  expect((await visitor.browser.get('/api/session/')).body).toMatchObject({ livesIn: 'ring' });
  const pids = ['redis-1', 'redis-2', 'redis-3'].map((name) => pidOf(fleet, name));
  visitor.start();
  process.kill(pids[1]!, 'SIGKILL');
  await fleet.saw(/ring: redis-2 does not answer\. redis-1 and redis-3 stand in for it/);
  await fleet.saw(/redis-2 is back/);
  await fleet.saw(/ring: redis-2 has come back empty/);
  await fleet.saw(/ring: redis-2 has everything again, .* Nobody was signed out\./);
  await visitor.leave();
  expect(visitor.surprises, fleet.output()).toEqual([]);
  expect(visitor.clicks).toBeGreaterThan(10);
  const now = ['redis-1', 'redis-2', 'redis-3'].map((name) => pidOf(fleet, name));
  expect(readdirSync(folder)).toHaveLength(1);
  expect((await fleet.stop()).code).toBe(0);
  await expect.poll(() => now.filter(isRunning)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test('a fleet that is killed takes its Redis servers along', async () => {
  const folder = tempFolder('ring');
  const fleet = await startFleet(['--ring'], { TMPDIR: folder });
  const pids = ['redis-1', 'redis-2', 'redis-3'].map((name) => pidOf(fleet, name));
  fleet.signal('SIGKILL');
  await expect.poll(() => pids.filter(isRunning), { timeout: 20_000 }).toEqual([]);
  await expect.poll(() => readdirSync(folder), { timeout: 20_000 }).toEqual([]);
});

test('SESSIONS=ring: each of the servers dies in turn and comes back empty, and nobody is signed out', async () => {
  const servers = await Promise.all([startRedis(), startRedis(), startRedis()]);
  const weights = [15, 20, 10];
  const nodes = servers.map(({ url }, i) => `n${i}=${url}?weight=${weights[i]}`);
  const fleet = await startFleet([], { SESSIONS: `ring:${nodes}` });
  const visitors = await Promise.all(
    ['13800000002', '13800000003', '13800000004'].map((mobile) => Visitor.at(fleet.ready![1]!, mobile)),
  );
  const idle = await Visitor.at(fleet.ready![1]!, '13800000005');
  for (const visitor of visitors) visitor.start();
  for (const [i, server] of servers.entries()) {
    await server.kill();
    await fleet.saw(new RegExp(`ring: n${i} does not answer`));
    await server.restart();
    await fleet.saw(new RegExp(`ring: n${i} has everything again`));
  }
  for (const visitor of visitors) await visitor.leave();
  expect(
    visitors.map(({ surprises }) => surprises),
    fleet.output(),
  ).toEqual([[], [], []]);
  expect((await idle.browser.get('/api/users/')).status).toBe(200);
  expect((await fleet.stop()).code).toBe(0);
});

test('what cannot be is one sentence, and nothing is started', async () => {
  const cases = [
    [
      ['--ring'],
      { PATH: '/nowhere' },
      /^--ring wants redis-server, which is not installed\. .*apt-get install redis-server/,
    ],
    [['--ring'], { SESSIONS: 'redis://a' }, /^SESSIONS says where sessions live, and --ring says it, too/],
  ] as const;
  for (const [args, env, sentence] of cases) {
    const fleet = await startNode(program, [...args, '--data', tempFolder('fleet')], {
      env: { SESSIONS: undefined, ...env },
    });
    expect((await fleet.exited).code).toBe(1);
    expect(fleet.output().trim()).toMatch(sentence);
    expect(fleet.output().trim().split('\n')).toHaveLength(1);
  }
});

/** The newest process of that name. */
function pidOf(fleet: Program, name: string): number {
  return Number([...fleet.output().matchAll(new RegExp(`${name} .*?pid (\\d+)`, 'g'))].at(-1)?.[1]);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

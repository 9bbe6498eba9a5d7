/**
 * `SESSIONS=redis://... npm start`: three servers on a real Redis that is frozen, killed, and comes back with its data or without.
 *
 * What a visitor must see in all of that: a clear 503 while sessions are not reachable, and then himself, still signed in by the very
 * cookie that he had. Runs what the build made; `npm test` builds first.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { need } from '../../test/support/needs.js';
import { freePort, onFreePort } from '../../test/support/ports.js';
import { type RedisServer, startRedis } from '../../test/support/redis.js';
import { startRedisCluster } from '../../test/support/redis-cluster.js';
import { type Program, startNode } from '../../test/support/spawn.js';
import { tempFolder } from '../../test/support/temp.js';
import { type Browser, browser, type Reply } from './testing/browser.js';
import { PAY_PASSWORD, register, showings, signIn } from './testing/visit.js';

const program = fileURLToPath(new URL('../../build/examples/cinema/fleet.js', import.meta.url));
const OPEN = /Cinema is open at {2}(http:\/\/127\.0\.0\.1:(\d+))[\s\S]*Ctrl-C/;
const SERVERS = ['cinema-1', 'cinema-2', 'cinema-3'];
const AWAY = '会话暂时无法访问，请重试';
const SIGN_IN_FIRST = '请先登录';
/** The near cache's bound: the longest that an outage or an end elsewhere can stay unseen. */
const STALENESS_MS = 2000;
const SECRET = 'moon-and-stars';

vi.setConfig({ testTimeout: 60_000 });

const { describe, test } = need('redis');

const startFleet = (sessions: string): Promise<Program> =>
  onFreePort((port) =>
    startNode(program, ['--port', String(port), '--data', tempFolder('fleet')], {
      ready: OPEN,
      deadlineMs: 60_000,
      env: { SESSIONS: sessions },
    }),
  );

describe('three servers on one Redis', () => {
  let redis: RedisServer;
  let fleet: Program;
  let address: string;

  beforeAll(async () => {
    redis = await startRedis({ password: SECRET, args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    fleet = await startFleet(redis.url);
    address = fleet.ready![1]!;
  });
  afterAll(async () => {
    await fleet.stop();
    expect(fleet.output()).not.toContain(SECRET);
    expect(fleet.output()).not.toMatch(/\n {4}at /);
  });

  const member = async (mobile: string): Promise<Browser> => {
    const visitor = browser(address);
    await register(visitor, mobile);
    return visitor;
  };

  test('the start-up lines tell where sessions live, and so does the session itself', async () => {
    expect(fleet.output()).toContain(`sessions    Redis at 127.0.0.1:${redis.port}, near cache in each server`);
    expect((await browser(address).get('/api/session/')).body).toMatchObject({ livesIn: 'redis' });
  });

  test('a visit from registration to payment, on three servers, one of which is killed in the middle', async () => {
    const visitor = await member('13800000001');
    await visitor.delete('/api/session/');
    await signIn(visitor, '13800000001');
    const show = (await showings(visitor)).at(-1)!;
    await visitor.put('/api/session/seats', { screenId: show.id, seat: '36,37' });
    process.kill(pidOf(fleet, 'cinema-2'), 'SIGKILL');
    for (let i = 0; i < 6; i++) {
      expect((await visitor.get(`/api/session/seats?screenId=${show.id}`)).body).toEqual([36, 37]);
    }
    const order = await visitor.post('/api/orders/', { screenId: show.id, seat: '36,37' });
    const paid = await visitor.patch(`/api/orders/${order.body.id}`, { payPassword: PAY_PASSWORD });
    expect([order.body.message, paid.body.message]).toEqual(['订单创建成功', '支付成功']);
    await fleet.saw(/cinema-2 is back/);
    const answers = await fromEveryServer(visitor, '/api/users/');
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test('log out everywhere reaches every server at once', async () => {
    const here = await member('13800000002');
    const there = browser(address);
    await signIn(there, '13800000002');
    // Every server has a copy of the other session by now.
    expect((await fromEveryServer(there, '/api/users/')).map(({ status }) => status)).toEqual([200, 200, 200]);
    const cookies = new Map(there.cookies);

    expect((await here.delete('/api/session/devices?others=1')).body).toMatchObject({ ended: 1 });
    const refused = async (): Promise<boolean> => {
      there.cookies.clear();
      for (const [name, value] of cookies) there.cookies.set(name, value);
      return (await fromEveryServer(there, '/api/users/')).every(({ status }) => status === 233);
    };
    await expect.poll(refused, { timeout: STALENESS_MS, interval: 5 }).toBe(true);
    expect(await refused()).toBe(true);
    expect((await fromEveryServer(here, '/api/users/')).map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  test('Redis hangs: a clear 503 in time, and the same cookies afterwards', async () => {
    const visitor = await member('13800000003');
    const show = (await showings(visitor)).at(-2)!;
    const cookies = new Map(visitor.cookies);
    redis.stop();
    await everyServerIsAway(visitor);
    const begun = performance.now();
    const write = await visitor.put('/api/session/seats', { screenId: show.id, seat: '7' });
    // Sojourn's own bound of 0.75 s is tested where nothing else runs; this is it with three servers and a gateway on a busy machine.
    expect(performance.now() - begun).toBeLessThan(1500);
    expect([write.status, write.body.message, write.headers.get('retry-after')]).toEqual([503, AWAY, '1']);
    expect(write.headers.getSetCookie()).toEqual([]);
    expect((await ready(fleet, 'cinema-1')).status).toBe(503);
    expect((await browser(address).get('/api/movies/')).status, 'who has no session needs none').toBe(200);
    await fleet.saw(
      /cinema-\d: Session store Redis at 127\.0\.0\.1:\d+ could not .* Visitors get 503 and stay signed in\./,
    );

    redis.cont();
    await everyServerIsBack(visitor);
    expect(visitor.cookies).toEqual(cookies);
    expect((await ready(fleet, 'cinema-1')).status).toBe(200);
    await fleet.saw(/cinema-\d: sessions are reachable again, after \d+\.\d s\./);
  });

  test('Redis is killed and comes back with its data: everybody is still signed in', async () => {
    const visitor = await member('13800000004');
    const cookies = new Map(visitor.cookies);
    await redis.kill();
    await everyServerIsAway(visitor);
    await redis.restart();
    await everyServerIsBack(visitor);
    expect(visitor.cookies).toEqual(cookies);
  });

  test('a server that dies during the outage comes back, says 503 like the others, and recovers with them', async () => {
    const visitor = await member('13800000005');
    await redis.kill();
    process.kill(pidOf(fleet, 'cinema-3'), 'SIGKILL');
    await fleet.saw(/cinema-3 died[\s\S]*cinema-3 is back/);
    await everyServerIsAway(visitor);
    await redis.restart();
    await everyServerIsBack(visitor);
  });

  test('Redis comes back empty: visitors are asked to sign in, and can', async () => {
    const visitor = await member('13800000006');
    await redis.raw('FLUSHALL');
    await redis.kill();
    await redis.restart();
    const refused = async (): Promise<boolean> =>
      (await fromEveryServer(visitor, '/api/users/')).every(({ body }) => body.message === SIGN_IN_FIRST);
    await expect.poll(refused, { timeout: 10_000 }).toBe(true);
    await signIn(visitor, '13800000006');
    expect((await fromEveryServer(visitor, '/api/users/')).map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});

test('three servers on a Redis Cluster', async () => {
  const { masters } = await startRedisCluster();
  const hosts = masters.map(({ port }) => `127.0.0.1:${port}`);
  const fleet = await startFleet(`redis+cluster://${hosts[0]},${hosts[1]}`);
  const visitor = browser(fleet.ready![1]!);
  await register(visitor, '13800000007');
  expect((await fromEveryServer(visitor, '/api/users/')).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(fleet.output()).toContain(`sessions    Redis Cluster at ${hosts[0]}, ${hosts[1]}, near cache in each server`);
  expect((await fleet.stop()).code).toBe(0);
});

test('a Redis that cannot be used is a sentence, and nothing is started', async () => {
  const redis = await startRedis({ password: SECRET });
  const nowhere = await freePort();
  const cases = [
    [
      `redis://:${SECRET}@127.0.0.1:${nowhere}`,
      `Redis at 127.0.0.1:${nowhere} does not answer: nothing listens there.`,
    ],
    [`redis://127.0.0.1:${redis.port}`, `Redis at 127.0.0.1:${redis.port} wants a password.`],
    [
      `redis://:${SECRET}2@127.0.0.1:${redis.port}`,
      `Redis at 127.0.0.1:${redis.port} refuses the user or the password`,
    ],
    [`${redis.url}/99`, `Redis at 127.0.0.1:${redis.port}/99 does not answer: ERR DB index is out of range.`],
    [`redis+cluster://:${SECRET}@127.0.0.1:${nowhere}`, `Redis Cluster at 127.0.0.1:${nowhere} does not answer`],
  ] as const;
  await Promise.all(
    cases.map(async ([sessions, sentence]) => {
      const fleet = await startNode(program, ['--data', tempFolder('fleet')], { env: { SESSIONS: sessions } });
      expect((await fleet.exited).code).toBe(1);
      expect(fleet.output()).toContain(sentence);
      expect(fleet.output().trim().split('\n')).toHaveLength(1);
      expect(fleet.output()).not.toContain(SECRET);
    }),
  );
});

/** One answer of each server, in the order of their names. The gateway looks for a server that was down a few times a second. */
async function fromEveryServer(visitor: Browser, path: string): Promise<Reply<{ message?: string }>[]> {
  const answers = new Map<string, Reply<{ message?: string }>>();
  const ask = async () => {
    const answer = await visitor.get<{ message?: string }>(path);
    answers.set(answer.servedBy, answer);
    return [...answers.keys()].sort();
  };
  await expect.poll(ask, { interval: 5, timeout: 10_000 }).toEqual(SERVERS);
  return SERVERS.map((name) => answers.get(name)!);
}

/** A copy may be served for as long as the bound says. */
async function everyServerIsAway(visitor: Browser): Promise<void> {
  const texts = async () => (await fromEveryServer(visitor, '/api/users/')).map(({ body }) => body.message);
  await expect.poll(texts, { timeout: 2 * STALENESS_MS }).toEqual([AWAY, AWAY, AWAY]);
}

async function everyServerIsBack(visitor: Browser): Promise<void> {
  const statuses = async () => (await fromEveryServer(visitor, '/api/users/')).map(({ status }) => status);
  await expect.poll(statuses, { timeout: 10_000 }).toEqual([200, 200, 200]);
}

/** The newest process of that name: it may have been started again. */
function pidOf(fleet: Program, server: string): number {
  return Number([...fleet.output().matchAll(new RegExp(`${server} .*?pid (\\d+)`, 'g'))].at(-1)?.[1]);
}

function ready(fleet: Program, server: string): Promise<Response> {
  const port = new RegExp(`${server} .*port (\\d+)`).exec(fleet.output())?.[1];
  return fetch(`http://127.0.0.1:${port}/readyz`);
}

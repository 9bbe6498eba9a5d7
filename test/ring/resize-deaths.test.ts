/**
 * Real Redis servers, two servers of an application that write all the time, and deaths in the middle of a resize: of the process that
 * coordinates it, of the one that carries sessions over, and of a node. Time runs faster, so that waiting by design is short.
 */
import { afterEach, beforeAll, expect } from 'vitest';
import { type RingStore, ring } from '../../src/layers/ring.js';
import { redis } from '../../src/stores/redis.js';
import { Crowd } from '../support/crowd.js';
import { exam, runs } from '../support/exam.js';
import { hurried } from '../support/hurried.js';
import { need } from '../support/needs.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { redisClients } from '../support/redis-clients.js';
import { startWorker, type Worker } from '../support/worker.js';

const { describe, test } = need('redis');

const TIMES = exam ? 1 : 5;
/** On a busy machine everything may take a while. */
const DEADLINE_MS = 1000 * TIMES;
const FROM = Date.now();
const NAMES = ['a', 'b', 'c', 'd'];
const SESSIONS = exam ? 150 : 60;
const [kind] = redisClients.single;

let servers: RedisServer[] = [];
beforeAll(async () => {
  servers = await Promise.all(NAMES.map(() => startRedis()));
});

type Store = RingStore<ReturnType<typeof redis>>;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function server(prefix: string, copies: number): Promise<Store> {
  const clients = await Promise.all(servers.map((each) => kind!.connect(each)));
  const nodes = clients.map(({ client }, i) => ({
    name: NAMES[i]!,
    weight: i < 3 ? 1 : 0,
    store: redis(client, { prefix }),
  }));
  const store = ring(nodes, { copies, pace: 100_000, deadline: DEADLINE_MS, environment: hurried(TIMES, FROM) });
  closing.push(...clients.map((client) => async () => client.close()));
  closing.push(async () => store.close());
  return store;
}

function mover(prefix: string, copies: number, pace: number): Worker {
  const urls = Object.fromEntries(servers.map(({ url }, i) => [NAMES[i]!, url]));
  const worker = startWorker('ring-mover', [JSON.stringify({ urls, copies, prefix, times: TIMES, from: FROM, pace })]);
  closing.push(() => worker.stop());
  return worker;
}

/** Two servers and their visitors; a third process gives the drained node its share, and takes everything from another one. */
async function begin(name: string, copies: number, pace: number) {
  const prefix = `${name}:`;
  const [one, two] = [await server(prefix, copies), await server(prefix, copies)];
  const crowd = new Crowd([one, two], SESSIONS);
  await crowd.arrive();
  const worker = mover(prefix, copies, pace);
  crowd.start();
  const published = worker.ask({ weights: { d: 2, a: 0 } });
  // It may be killed before it has an answer.
  published.catch(() => {});
  return { one, two, crowd, worker, published };
}

/**
 * In the middle of the move, which the third process makes slowly. On a busy machine it may be late with its lease, and then the others, who
 * are quick, have made all of it: that was another story, and it begins anew.
 */
async function beginSlowly(name: string, copies: number) {
  for (let tries = 1; tries <= 5; tries++) {
    const life = await begin(`${name}-${tries}`, copies, 25);
    await life.published;
    let done = 0;
    const how = async (): Promise<string> => {
      const { phase, move } = await life.one.status();
      done = move?.sessionsDone ?? 0;
      return phase === 'stable' ? 'over' : done > 5 ? 'in the middle' : 'at the beginning';
    };
    await expect.poll(how, within).not.toBe('at the beginning');
    if (done > 5) return life;
    await expectWhole(life);
    life.worker.kill();
  }
  throw new Error('five times the move was over before it could be met');
}

const within = { timeout: 60_000, interval: 20 };

async function expectWhole({ one, two, crowd }: { one: Store; two: Store; crowd: Crowd }): Promise<void> {
  await expect.poll(async () => (await two.status()).phase, within).toBe('stable');
  expect((await one.status()).epoch).toBe(2);
  await expect
    .poll(() => one.describe().nodes.map(({ state, synced }) => `${state} ${synced}`), within)
    .toEqual(NAMES.map(() => 'up yes'));
  await crowd.stop();
  expect(crowd.trouble()).toEqual([]);
  await crowd.verify();
  expect(crowd.done).toBeGreaterThan(SESSIONS);
}

for (const copies of exam ? [1, 2] : [2])
  describe(`copies: ${copies}`, () => {
    test('the process that coordinates is killed: others go on with it', async () => {
      for (let kill = 0; kill < runs(1, 10); kill++) {
        const life = await begin(`coordinator-${copies}-${kill}`, copies, 100_000);
        await expect.poll(async () => (await life.one.status()).phase, within).not.toBe('stable');
        await new Promise((resolve) => setTimeout(resolve, (Math.random() * 3500) / TIMES));
        life.worker.kill();
        await expectWhole(life);
        expect(life.crowd.errors()).toEqual([]);
      }
    }, 600_000);

    test('the process that carries sessions over is killed: others carry the rest', async () => {
      for (let kill = 0; kill < runs(1, 10); kill++) {
        const life = await beginSlowly(`mover-${copies}-${kill}`, copies);
        life.worker.kill();
        await expectWhole(life);
        expect(life.crowd.errors()).toEqual([]);
      }
    }, 600_000);
  });

describe('two copies', () => {
  test.each(exam ? ['a', 'd', 'b'] : ['d'])(
    'node %s is killed while sessions move, and comes back empty',
    async (name) => {
      for (let kill = 0; kill < runs(1, 5); kill++) {
        const life = await begin(`node-${name}-${kill}`, 2, 200);
        await life.published;
        const victim = servers[NAMES.indexOf(name)]!;
        await victim.kill();
        await new Promise((resolve) => setTimeout(resolve, 300));
        await victim.restart();
        await expectWhole(life);
      }
    },
    600_000,
  );
});

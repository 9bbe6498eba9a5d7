/**
 * Real servers that are killed and stopped under full load: what was acknowledged is there, nobody is signed out, nobody comes back.
 *
 * Three servers without persistence: whoever is killed comes back empty. All times are real, and none is an assertion.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type RingStore, ring } from '../../src/layers/ring.js';
import { redis } from '../../src/stores/redis.js';
import { runs } from '../support/exam.js';
import { need } from '../support/needs.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { type ConnectedClient, redisClients } from '../support/redis-clients.js';

const { describe, test } = need('redis');
const WRITERS = 32;
const HOUR_MS = 3_600_000;

let servers: RedisServer[] = [];
let clients: ConnectedClient[] = [];
const [kind] = redisClients.single;

beforeAll(async () => {
  servers = await Promise.all([startRedis(), startRedis(), startRedis()]);
  clients = await Promise.all(servers.map((server) => kind!.connect(server)));
});
afterAll(() => Promise.all(clients.map((client) => client.close())));

type Store = RingStore<ReturnType<typeof redis>>;

const stores: Store[] = [];
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

function open(prefix: string, write: 'degrade' | 'strict'): Store {
  const nodes = clients.map(({ client }, i) => ({ name: `redis-${i}`, store: redis(client, { prefix }) }));
  const store = ring(nodes, { copies: 2, write, pace: 100_000 });
  stores.push(store);
  return store;
}

/** Somebody whose every click counts one up, and what they were told. */
interface Visitor {
  readonly id: string;
  acknowledged: number;
  asked: number;
}

class Load {
  readonly visitors: readonly Visitor[];
  absent = 0;
  failed = 0;
  done = 0;
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(
    readonly store: Store,
    name: string,
  ) {
    this.visitors = Array.from({ length: WRITERS }, (_, i) => ({ id: `${name}-${i}`, acknowledged: 0, asked: 0 }));
  }

  async create(): Promise<void> {
    for (const { id } of this.visitors) {
      const head = { createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, version: 1, generation: 0 };
      expect(await this.store.create(id, { head, fields: new Map([['n', Buffer.from('0')]]) })).toBe('ok');
    }
  }

  start(): void {
    this.#isOver = false;
    this.#running = Promise.all(this.visitors.map((visitor) => this.#clicks(visitor)));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  /** Everybody finds what they were told, or what they last asked for. */
  async verify(): Promise<void> {
    for (const { id, acknowledged, asked } of this.visitors) {
      const stored = await this.store.load(id);
      expect(stored, id).not.toBeNull();
      const n = Number(Buffer.from(stored!.fields.get('n')!).toString());
      expect(n, id).toBeGreaterThanOrEqual(acknowledged);
      expect(n, id).toBeLessThanOrEqual(asked);
    }
  }

  async #clicks(visitor: Visitor): Promise<void> {
    while (!this.#isOver) {
      try {
        if ((await this.store.load(visitor.id)) === null) this.absent++;
        const next = ++visitor.asked;
        const fields = new Map([['n', { op: 'set', value: Buffer.from(String(next)) } as const]]);
        const head = { expiresAt: Date.now() + HOUR_MS };
        const { status } = await this.store.commit(visitor.id, { generation: 0, head, fields });
        if (status === 'ok') visitor.acknowledged = next;
        else this.absent++;
        this.done++;
      } catch {
        this.failed++;
        await wait(1);
      }
    }
  }
}

async function allSynced(store: Store): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (store.describe().nodes.every(({ state, synced }) => state === 'up' && synced === 'yes')) return;
    await wait(20);
  }
  expect(store.describe().nodes).toEqual([]);
}

describe('three real servers, two copies', () => {
  test('kill -9 under full load: nothing acknowledged is lost, nobody is absent, no logout is undone', async () => {
    const store = open('kill:', 'degrade');
    const load = new Load(store, 'ann');
    await load.create();
    const ended: string[] = [];
    for (let kill = 0; kill < runs(3, 50); kill++) {
      const victim = servers[kill % 3]!;
      const leaving = `leaving-${kill}`;
      const head = { createdAt: Date.now(), expiresAt: Date.now() + HOUR_MS, version: 1, generation: 0 };
      await store.create(leaving, { head, fields: new Map() });
      load.start();
      await wait(150);
      await victim.kill();
      await store.destroy(leaving);
      ended.push(leaving);
      await wait(200);
      await load.stop();
      await load.verify();
      load.start();
      await victim.restart();
      await allSynced(store);
      await load.stop();
      await load.verify();
      for (const id of ended) expect(await store.load(id)).toBeNull();
    }
    expect([load.absent, load.failed]).toEqual([0, 0]);
    expect(load.done).toBeGreaterThan(500);
  });

  test('the second copy stopped 200 ms before: what both had to take is there', async () => {
    const store = open('stalled:', 'strict');
    const load = new Load(store, 'bob');
    await load.create();
    for (let kill = 0; kill < runs(3, 50); kill++) {
      const [victim, stalled] = [servers[kill % 3]!, servers[(kill + 1) % 3]!];
      load.start();
      await wait(100);
      stalled.stop();
      await wait(200);
      await victim.kill();
      await load.stop();
      stalled.cont();
      await victim.restart();
      await allSynced(store);
      await load.verify();
    }
    expect(load.absent).toBe(0);
    expect(load.done).toBeGreaterThan(100);
  });

  test('a server that is stopped fails no request', async () => {
    const store = open('stop:', 'degrade');
    const load = new Load(store, 'cid');
    await load.create();
    for (let stop = 0; stop < runs(2, 20); stop++) {
      const victim = servers[stop % 3]!;
      load.start();
      await wait(100);
      victim.stop();
      await wait(600);
      victim.cont();
      await allSynced(store);
      await load.stop();
      await load.verify();
    }
    expect([load.absent, load.failed]).toEqual([0, 0]);
  });
});

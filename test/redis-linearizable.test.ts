/**
 * Two servers on one Redis answer as if calls came one at a time, though their connections are cut again and again.
 *
 * A cut leaves the calls that were under way without a known outcome, or has them sent again, so sessions are short and many. No longer
 * than the store remembers operations: one that is sent again after eight others on the same session is carried out again. And nobody
 * ends a session here: a commit that was carried out, and is sent again when the session has ended, is told "gone".
 * With a near cache one server alone is looked at, since another one may see a change a moment later.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Store } from 'sojourn';
import { cached } from 'sojourn/cached';
import { redis } from 'sojourn/redis';
import { beforeAll, expect } from 'vitest';
import { runs } from './support/exam.js';
import { History } from './support/linearizable-history.js';
import { life } from './support/lives.js';
import { need } from './support/needs.js';
import { type FaultProxy, faultProxy } from './support/proxy.js';
import { type RedisServer, startRedis } from './support/redis.js';
import { twoKinds } from './support/redis-clients.js';

const { describe, test } = need('redis');

const ROUNDS = runs(20, 400);
/** Sessions that live at the same time. */
const TOGETHER = 40;
const LIFE = { operations: 8, callers: 4, ends: false };
/** From the beginning of a round. */
const CUT_WITHIN_MS = 12;

let rounds = 0;
describe('linearizable', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });

  for (const kind of twoKinds) {
    for (const mode of ['two servers', 'one server with a near cache'] as const) {
      test(`${kind.name}, ${mode}: ${ROUNDS * TOGETHER} sessions, connections cut`, async () => {
        const history = new History();
        const proxies = await Promise.all((mode === 'two servers' ? [1, 2] : [1]).map(() => faultProxy(server.port)));
        const stores = await Promise.all(proxies.map(async (proxy) => opened(await connected(proxy))));
        const servers = stores.map((store) => history.observed(store));

        let cut = 0;
        for (let round = 0; round < ROUNDS; round++) {
          rounds++;
          const lives = Array.from({ length: TOGETHER }, (_, n) => life(servers, `${rounds}.${n}`, LIFE));
          await wait(Math.random() * CUT_WITHIN_MS);
          const proxy = proxies[round % proxies.length]!;
          cut += proxy.links.length;
          proxy.cut();
          await Promise.all(lives);
        }

        expect(history.refute()).toEqual([]);
        expect(cut).toBeGreaterThan(ROUNDS / 2);
        expect(history.operations.length).toBeGreaterThanOrEqual(ROUNDS * TOGETHER * LIFE.operations);
        for (const store of stores) await store.close?.();
      }, 1_800_000);

      function opened(store: ReturnType<typeof redis>): Store {
        return mode === 'two servers' ? store : cached(store);
      }
    }

    async function connected({ port }: FaultProxy) {
      return redis((await kind.connect({ url: `redis://127.0.0.1:${port}` })).client);
    }
  }
});

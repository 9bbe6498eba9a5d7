/** Sessions in Redis from two processes: the promises that only show then, and fifty requests at once over HTTP. */
import { beforeAll, expect } from 'vitest';
import { twoProcessKit } from '../src/testing/index.js';
import { runs } from './support/exam.js';
import { browser } from './support/http.js';
import { need } from './support/needs.js';
import { type RedisServer, startRedis, until } from './support/redis.js';
import { twoKinds } from './support/redis-clients.js';
import { startNode } from './support/spawn.js';

const { describe, test } = need('redis');
const TRIALS = runs(20, 500);
const FIFTY = Array.from({ length: 50 }, (_, i) => i);

let redis: RedisServer;
describe('two processes', () => {
  beforeAll(async () => {
    redis = await startRedis();
    process.env.REDIS_URL = redis.url; // for the programs, which inherit it
  });

  for (const { name } of twoKinds) {
    twoProcessKit(
      { describe, test },
      { name: `redis, ${name}`, command: [process.execPath, 'build/test/programs/redis-served.js', name] },
    );

    for (const mode of ['bare', 'cached'] as const) {
      test(`${name}, ${mode}: from two servers 50 of 50 fields and 50 of 50 updates of one counter, ${TRIALS} times`, async () => {
        const servers = await Promise.all([site(name, mode), site(name, mode)]);
        for (let trial = 0; trial < TRIALS; trial++) {
          const ann = browser(servers[0]!);
          await ann.fetch('/?field=0');
          const at = servers.map((served) => browser(served, ann.cookies));
          // Both know the session by now, and with a near cache both keep it.
          for (const each of at) await each.fetch('/');
          const answers = await Promise.all(FIFTY.map((i) => at[i % 2]!.fetch(`/add?field=${i}`)));
          expect(answers.map(({ status }) => status)).toEqual(FIFTY.map(() => 200));

          // Answers of fifty requests come in any order, so the browser may not know of the last version: it is seen a moment later.
          for (const each of at) {
            await until('all fifty are there', async () => {
              const held = (await (await each.fetch('/')).json()) as Record<string, number>;
              expect(held.n).toBe(50);
              expect(FIFTY.filter((i) => held[`field${i}`] === i)).toHaveLength(50);
              return true;
            });
          }
        }
      }, 600_000);
    }
  }
});

async function site(client: string, mode: 'bare' | 'cached') {
  const ready = /listening on (\d+)/;
  const program = await startNode('build/test/programs/redis-site.js', [client, redis.url, mode], { ready });
  const port = Number(program.ready?.[1]);
  return { port, url: `http://127.0.0.1:${port}` };
}

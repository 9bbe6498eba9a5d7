/**
 * What fences and versions cost the server of a node: cells replaced with and without a fence, beside the same bytes put down without
 * looking at anything, and beside a commit of the store alone. CPU of the server as it counts itself, per write, and writes a second.
 */
import { redis } from 'sojourn/redis';
import { type Gauge, openGauge } from '../redis/gauge.js';
import { digits, figure, range } from '../support/figures.js';
import { judge, type Result } from '../support/result.js';
import { click, freshId, server, session } from './servers.js';
import { type Entrant, inTurn, paired, ratio } from './turns.js';

const PACE = { rounds: 21, single: 200, many: 10_000 };
const QUICK_PACE = { rounds: 5, single: 100, many: 3000 };
const SESSIONS = 1000;
const BYTES = 1100;
const HOUR_MS = 3_600_000;
const LIMIT = 0.9;
const PUT = 'put, without looking';
const REPLACE = 'replace, by its mark';
const FENCED = 'replace, by its mark and with a fence';
const COMMIT = 'a commit of the store alone';
/** As the scripts of the store are called, and nothing else: what a script costs by itself is no fence's fault. */
const PUT_SCRIPT = "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) return 1";

export async function fences(quick: boolean): Promise<Result> {
  const { client, port, stop } = await server();
  const gauge = await openGauge(port);
  const store = redis(client, { prefix: 'fence:' });
  const cost = new Map<string, number[]>();
  const sha = (await client.sendCommand(['SCRIPT', 'LOAD', PUT_SCRIPT])) as unknown as string;
  const bytes = Buffer.alloc(BYTES, 7);
  const ids = Array.from({ length: SESSIONS }, freshId);
  for (const id of ids) await store.create(id, session());
  const entrants: Entrant[] = [
    {
      name: PUT,
      run: (n) => client.sendCommand(['EVALSHA', sha, '1', `put:${ids[n % SESSIONS]}`, bytes, String(HOUR_MS)]),
    },
    replacing(REPLACE, store, bytes, undefined),
    replacing(FENCED, store, bytes, { slot: 7, epoch: 1 }),
    { name: COMMIT, run: (n) => Promise.resolve(store.commit(ids[n % SESSIONS]!, click(n))) },
  ];
  const samples = await inTurn('fences', entrants, quick ? QUICK_PACE : PACE);
  for (const { name, run } of entrants) cost.set(name, await serverCost(gauge, run, quick ? 3 : 9));
  await stop();

  const rows = [...samples].map(([name, { rates }]) => {
    const share = figure(paired(rates, samples.get(REPLACE)!.rates, ratio));
    const cpu = figure(cost.get(name)!);
    return [
      name,
      Math.round(figure(rates).median).toString(),
      `${digits(share.median)} (${range(share)})`,
      `${digits(cpu.median)} (${range(cpu)})`,
    ];
  });
  const share = figure(paired(samples.get(FENCED)!.rates, samples.get(REPLACE)!.rates, ratio));
  return {
    tables: [
      {
        title: 'The ring: what fences and versions cost the server of a node (1.1 KB)',
        columns: ['what', 'writes/s, 64 at once', 'of a replace', 'CPU of Redis, us'],
        rows,
      },
    ],
    goals: [
      judge(
        { what: 'a fence, share of writes/s that is left', bound: 'at least', limit: LIMIT, unit: '' },
        share.median,
        share,
      ),
    ],
    checks: [],
  };
}

/** Who knows the mark puts the next one in its place. A lane for each of the requests that run at once, so that none meets another. */
function replacing(
  name: string,
  store: Pick<ReturnType<typeof redis>, 'cells'>,
  bytes: Uint8Array,
  fence: { slot: number; epoch: number } | undefined,
): Entrant {
  const free = Array.from({ length: SESSIONS }, () => ({ id: freshId(), mark: null as Buffer | null }));
  let made = 0;
  return {
    name,
    async run() {
      const cell = free.pop()!;
      const mark = Buffer.alloc(8);
      mark.writeUInt32LE(++made);
      const next = { mark, bytes, keepUntil: Date.now() + HOUR_MS };
      const { status } = await store.cells!.replace(cell.id, cell.mark, next, fence);
      if (status !== 'ok') throw new Error(`${name} was answered ${status}`);
      cell.mark = mark;
      free.unshift(cell);
    },
  };
}

const AT_ONCE = 16;
const WRITES = 4000;

/** Microseconds of the server's CPU for one write: one sample for each of so many rounds. */
async function serverCost(gauge: Gauge, run: Entrant['run'], rounds: number): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await gauge.sinceLast();
    for (let n = 0; n < WRITES; n += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => run(n + i)));
    samples.push((await gauge.sinceLast()).cpuUs / WRITES);
  }
  return samples;
}

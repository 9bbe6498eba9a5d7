/**
 * A server that hangs (SIGSTOP) in the middle of full load: how soon it is passed over, what requests wait, and how many fail.
 *
 * Three nodes of two copies, 32 visitors who read nine times and write once, over and over. Each round: some time in quiet, then one
 * server is stopped for as long, then it goes on, and is waited for. The figures of a round are compared with its own quiet time.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { redis } from 'sojourn/redis';
import { type RingStore, ring } from 'sojourn/ring';
import { digits, figure, range } from '../support/figures.js';
import { sayLive } from '../support/processes.js';
import type { Goal, Result } from '../support/result.js';
import { click, freshId, servers, session } from './servers.js';

const PACE = { rounds: 9, phaseMs: 2000 };
const QUICK_PACE = { rounds: 3, phaseMs: 1000 };
const VISITORS = 32;
const SESSIONS = 1000;
const READS_PER_WRITE = 9;
const GOALS = { detectMs: 60, readMs: 10, readRatio: 2 };
const PATIENCE_MS = 30_000;

type Ring = RingStore<ReturnType<typeof redis>>;

interface Round {
  readonly detectMs: number;
  /** 99th percentiles of reads, and the longest one. */
  readonly quietMs: number;
  readonly hangMs: number;
  readonly worstMs: number;
  readonly reads: number;
  readonly failed: number;
}

export async function hang(quick: boolean): Promise<Result> {
  const own = await servers(3);
  const weights = [15, 20, 10];
  const nodes = own.map(({ client }, i) => ({ name: `n${i}`, weight: weights[i]!, store: redis(client) }));
  const store: Ring = ring(nodes, { copies: 2 });
  const ids = Array.from({ length: SESSIONS }, freshId);
  for (const id of ids) await store.create(id, session());
  const { rounds, phaseMs } = quick ? QUICK_PACE : PACE;
  const done: Round[] = [];
  for (let round = 0; round <= rounds; round++) {
    sayLive(round === 0 ? 'hang: warming up' : `hang: round ${round} of ${rounds}`);
    const one = await roundOf(store, ids, own[round % 3]!.pid, phaseMs);
    if (round > 0) done.push(one);
  }
  await store.close();
  for (const server of own) await server.stop();
  return resultOf(done);
}

async function roundOf(store: Ring, ids: readonly string[], pid: number, phaseMs: number): Promise<Round> {
  const load = new Load(store, ids);
  await wait(phaseMs);
  const quiet = load.take();
  const down = new Promise<number>((resolve) => {
    const stop = store.on('nodeDown', () => {
      stop();
      resolve(performance.now());
    });
  });
  const stoppedAt = performance.now();
  process.kill(pid, 'SIGSTOP');
  await wait(phaseMs);
  const hanging = load.take();
  process.kill(pid, 'SIGCONT');
  await load.stop();
  await wellAgain(store);
  return {
    detectMs: (await down) - stoppedAt,
    quietMs: percentile(quiet, 0.99),
    hangMs: percentile(hanging, 0.99),
    worstMs: percentile(hanging, 1),
    reads: hanging.length,
    failed: load.failed,
  };
}

/** 32 visitors who never pause. */
class Load {
  failed = 0;
  #waits: number[] = [];
  #isOver = false;
  readonly #running: Promise<unknown>;

  constructor(
    private readonly store: Ring,
    private readonly ids: readonly string[],
  ) {
    this.#running = Promise.all(Array.from({ length: VISITORS }, (_, i) => this.#visit(i)));
  }

  /** How long reads took since the last time, in milliseconds. */
  take(): number[] {
    const waits = this.#waits;
    this.#waits = [];
    return waits;
  }

  stop(): Promise<unknown> {
    this.#isOver = true;
    return this.#running;
  }

  async #visit(visitor: number): Promise<void> {
    for (let n = visitor; !this.#isOver; n += VISITORS) {
      const id = this.ids[n % this.ids.length]!;
      const begun = performance.now();
      try {
        if (n % (READS_PER_WRITE + 1) === 0) {
          if ((await this.store.commit(id, click(n))).status !== 'ok') this.failed++;
        } else {
          if ((await this.store.load(id)) === null) this.failed++;
          this.#waits.push(performance.now() - begun);
        }
      } catch {
        this.failed++;
      }
    }
  }
}

async function wellAgain(store: Ring): Promise<void> {
  const begun = performance.now();
  while (store.describe().nodes.some(({ state, synced }) => state !== 'up' || synced !== 'yes')) {
    if (performance.now() - begun > PATIENCE_MS) throw new Error('a node that was stopped has not come back');
    await wait(10);
  }
}

function resultOf(rounds: readonly Round[]): Result {
  const of = (pick: (round: Round) => number) => figure(rounds.map(pick));
  const [detect, quiet, hanging, worst] = [
    of(({ detectMs }) => detectMs),
    of(({ quietMs }) => quietMs),
    of(({ hangMs }) => hangMs),
    of(({ worstMs }) => worstMs),
  ];
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0);
  const reads = rounds.reduce((sum, round) => sum + round.reads, 0);
  // Each round against its own quiet time.
  const slow = rounds.map(({ hangMs, quietMs }) => hangMs / Math.max(GOALS.readMs, GOALS.readRatio * quietMs));
  const row = (what: string, one: typeof detect): string[] => [what, digits(one.median), range(one)];
  const goal = (what: string, target: string, measured: string, isMet: boolean): Goal => {
    return { what, target, measured, verdict: isMet ? 'met' : 'not met' };
  };
  return {
    tables: [
      {
        title: `The ring: a server hangs under the load of ${VISITORS} visitors (${rounds.length} times)`,
        columns: ['what', 'median, ms', 'min..max'],
        rows: [
          row('passed over after', detect),
          row('reads before, p99', quiet),
          row('reads meanwhile, p99', hanging),
          row('reads meanwhile, the longest', worst),
        ],
      },
    ],
    goals: [
      goal('a hang: requests that failed', '0', `${failed} of ${reads}`, failed === 0),
      goal(
        'a hang: passed over',
        `within ${GOALS.detectMs} ms`,
        `${digits(detect.median)} ms (${range(detect)})`,
        detect.median <= GOALS.detectMs,
      ),
      goal(
        'a hang: p99 of reads over max(10 ms, twice quiet)',
        'at most 1',
        `${digits(figure(slow).median)} (${range(figure(slow))})`,
        figure(slow).median <= 1,
      ),
    ],
    checks: [],
  };
}

function percentile(values: number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

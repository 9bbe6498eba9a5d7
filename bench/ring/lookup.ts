/**
 * What a lookup costs: from a session's id to its nodes, beside npm hashring 3.2.0. Ratios of one run, so that the machine cancels
 * out; each sample is a pair, ours and theirs one right after the other.
 *
 * hashring keeps the last 5000 keys in an LRU cache. "Cold" goes through 65,536 ids, so that it always misses and hashes;
 * "hot" through 512, so that it always hits. Both take the same ids; ours has no cache, so one more row says how it does on the
 * 65,536, which have to come from memory, against hits. Our answer is the list of two owners; theirs is one owner (`get`), and
 * `range(id, 2)` for the list. Heap growth over ten million lookups is read after a
 * collection on both sides: what a lookup leaves behind, if it leaves anything.
 *
 * A goal is judged by the ratio of the fastest rounds: whatever else the machine does can only add to a time.
 */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { firstTable } from '../../src/ring/first-table.js';
import { type Ring, ringOf } from '../../src/ring/ring.js';
import { sayLive } from '../support/processes.js';
import type { Goal, Result } from '../support/result.js';

interface Pair {
  readonly theirs: number;
  readonly ours: number;
}

interface HashRing {
  get(key: string): string;
  range(key: string, count: number): string[];
}

const ROUNDS = 101;
const QUICK_ROUNDS = 21;
const COLD_IDS = 65_536;
const HOT_IDS = 512;
/** Short, so that most samples fall between two interruptions; the cold ones go through more ids than the cache holds. */
const OURS_AT_ONCE = 65_536;
const THEIRS_AT_ONCE = { cold: 8192, hot: 16_384 };
const GOALS = { cold: 90, hot: 2.5 };
const MANY = 10_000_000;
/** A list of two would be 300 MB and more; this is what counters and the compiler may leave. */
const MOST_HEAP_GROWTH = 1024 * 1024;
const WEIGHTS = [15, 20, 10];

const HashRing = createRequire(import.meta.url)('hashring') as new (
  nodes: Record<string, { weight: number }>,
) => HashRing;
// As a server has them: flat text, from a header.
const ids = Array.from({ length: COLD_IDS }, () => randomBytes(16).toString('base64url'));
/** In sight of the compiler, so that it leaves no lookup out. */
let kept = 0;

export function lookup(quick: boolean): Result {
  const rows: string[][] = [];
  const goals: Goal[] = [];
  for (const count of [3, 10, 100]) {
    sayLive(`lookup, ${count} nodes`);
    measure(count, quick ? QUICK_ROUNDS : ROUNDS, rows, goals);
  }
  const title = 'The ring: from an id to its nodes, beside npm hashring 3.2.0';
  return {
    tables: [{ title, columns: ['nodes', 'hashring / ours', 'fastest rounds', 'median of pairs (min..max)'], rows }],
    goals,
    checks: [],
  };
}

function measure(count: number, rounds: number, rows: string[][], goals: Goal[]): void {
  const specs = Array.from({ length: count }, (_, n) => ({ name: `10.0.0.${n + 1}:6379`, weight: WEIGHTS[n % 3]! }));
  const ring = ringOf(firstTable(specs, { copies: 2 }).table);
  const theirs = new HashRing(Object.fromEntries(specs.map(({ name, weight }) => [name, { weight }])));
  const ours = () => timed(OURS_AT_ONCE, (times) => lookUp(ring, times, COLD_IDS));
  const oursHot = () => timed(OURS_AT_ONCE, (times) => lookUp(ring, times, HOT_IDS));
  const cold = () => timed(THEIRS_AT_ONCE.cold, (times) => get(theirs, times, COLD_IDS));
  const hot = () => timed(THEIRS_AT_ONCE.hot, (times) => get(theirs, times, HOT_IDS));
  const range = () => timed(THEIRS_AT_ONCE.cold, (times) => getRange(theirs, times, COLD_IDS));
  const show = (what: string, samples: readonly Pair[], goal?: number): void => {
    const ratios = samples.map(({ theirs, ours }) => theirs / ours).toSorted((a, b) => a - b);
    const [min, median, max] = [ratios[0]!, ratios[ratios.length >> 1]!, ratios.at(-1)!].map((ratio) =>
      ratio.toFixed(1),
    );
    const best = fastest(samples);
    rows.push([String(count), what, best.toFixed(1), `${median} (${min}..${max})`]);
    if (goal === undefined) return;
    const verdict = best >= goal ? 'met' : 'not met';
    goals.push({
      what: `ring of ${count}: lookup, ${what}`,
      target: `at least ${goal}`,
      measured: best.toFixed(1),
      verdict,
    });
  };
  show('get, cold', pairs(rounds, cold, ours), GOALS.cold);
  show('get, from its cache', pairs(rounds, hot, oursHot), GOALS.hot);
  show('get, from its cache; ours 65,536 ids', pairs(rounds, hot, ours));
  show('range(id, 2), cold', pairs(rounds, range, ours));
  const growth = heapGrowth(() => lookUp(ring, MANY, COLD_IDS));
  goals.push({
    what: `ring of ${count}: bytes that a lookup leaves (heap after ${MANY / 1e6} million)`,
    target: '0',
    measured: `${(Math.max(0, growth) / MANY).toFixed(3)} (${Math.round(growth / 1024)} KiB)`,
    verdict: growth < MOST_HEAP_GROWTH ? 'met' : 'not met',
  });
}

/** Nanoseconds of theirs and ours, one right after the other, after a round to warm up. */
function pairs(rounds: number, theirs: () => number, ours: () => number): Pair[] {
  return Array.from({ length: rounds + 1 }, () => ({ theirs: theirs(), ours: ours() })).slice(1);
}

// Three loops, written out: through one loop with a function for an argument the compiler would inline none of them.
// `different` is a power of two: a division would take as long as a lookup.

function lookUp(ring: Ring, times: number, different: number): void {
  for (let n = 0; n < times; n++) kept = (kept + ring.nodesFor(ids[n & (different - 1)]!).length) | 0;
}

function get(ring: HashRing, times: number, different: number): void {
  for (let n = 0; n < times; n++) kept = (kept + ring.get(ids[n & (different - 1)]!).length) | 0;
}

function getRange(ring: HashRing, times: number, different: number): void {
  for (let n = 0; n < times; n++) kept = (kept + ring.range(ids[n & (different - 1)]!, 2).length) | 0;
}

/** Nanoseconds of one time. */
function timed(times: number, run: (times: number) => void): number {
  const begin = process.hrtime.bigint();
  run(times);
  return Number(process.hrtime.bigint() - begin) / times;
}

/** Bytes that are allocated and not yet collected, so that what is thrown away at once counts as well. */
function heapGrowth(work: () => void): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  work();
  collect();
  const before = getHeapStatistics();
  work();
  const after = getHeapStatistics();
  return after.used_heap_size - before.used_heap_size;
}

/** The ratio of the fastest rounds: whatever else the machine does can only add to a time. */
function fastest(samples: readonly Pair[]): number {
  return Math.min(...samples.map(({ theirs }) => theirs)) / Math.min(...samples.map(({ ours }) => ours));
}

/**
 * Measuring work inside one process, as the HTTP part does over sockets: all cases in turn without pauses, the order moved
 * on by one each round, the first round thrown away. What is counted is the CPU time of the whole process, garbage
 * collection and native threads included, so waiting for a disk costs nothing and copying for it does.
 */
import { sayLive } from './processes.js';

export interface Case {
  readonly name: string;
  /** Does the work `times` times. */
  run(times: number): void | Promise<void>;
}

export interface Pace {
  readonly rounds: number;
  /** CPU time of a turn, about. Work that waits for a disk takes longer by the clock. */
  readonly turnMs: number;
}

/** No turn takes longer by the clock than so many times its CPU time. */
const MOST_WAITING = 4;

/** So often is work done in one turn of the event loop: enough that the turn itself costs next to nothing. */
const IN_ONE_TURN = 128;

/**
 * `work` for `times` numbers, letting the event loop come round now and then. A loop that never does would pile up what a
 * store leaves for the end of a turn (LMDB's snapshot has a timer), and measure the collecting of that.
 */
export async function inTurns(times: number, work: (i: number) => unknown): Promise<void> {
  let kept: unknown;
  for (let i = 0; i < times; i++) {
    kept = work(i);
    if (i % IN_ONE_TURN === 0) await new Promise(setImmediate);
  }
  // In sight of the compiler, so that it leaves nothing out.
  (globalThis as { sojournBenchKept?: unknown }).sojournBenchKept = kept;
}

/** Microseconds of CPU per time, for each case: one sample a round. */
export async function measure(cases: readonly Case[], { rounds, turnMs }: Pace): Promise<Map<string, number[]>> {
  const times = new Map<Case, number>();
  for (const each of cases) times.set(each, await timesFor(each, turnMs));
  const samples = new Map(cases.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round <= rounds; round++) {
    sayLive(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    for (const each of rotated(cases, round)) {
      const cost = await cpuOf(each, times.get(each)!);
      if (round > 0) samples.get(each.name)!.push(cost);
    }
  }
  return samples;
}

/** `items`, beginning with another one each round. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const from = round % items.length;
  return [...items.slice(from), ...items.slice(0, from)];
}

/** How often fits into a turn. Counted up from a few, which also lets the compiler see the code. */
async function timesFor(each: Case, turnMs: number): Promise<number> {
  for (let times = 64; ; times *= 2) {
    const begun = performance.now();
    const cpuMs = ((await cpuOf(each, times)) * times) / 1000;
    const share = Math.max(cpuMs, (performance.now() - begun) / MOST_WAITING) / turnMs;
    if (share >= 0.5) return Math.ceil(times / share);
  }
}

async function cpuOf(each: Case, times: number): Promise<number> {
  const before = process.cpuUsage();
  await each.run(times);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

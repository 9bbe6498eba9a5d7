/**
 * A clock for tests: it stands still until it is told to move, and whatever was due on the way runs in order.
 *
 * It is a whole `Environment`, so stores, the engine and the ring take it where they would take the real one, and a test
 * about a timeout of a week lasts a microsecond. Patching the globals, as fake-timer libraries do, was rejected: that also
 * stops the timers of sockets and of the test runner itself.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Duration, Environment } from '../contract.js';
import { checked, durationMs, wholeNumber } from '../core/options.js';
import { failure } from '../errors.js';

/** How many interval runs one `advance` may cause: a short interval and a jump of years are a mistake in the test. */
const MAX_RUNS = 1_000_000;

/** 2026-01-01: any fixed moment will do, and a fixed one makes failures look the same every time. */
const START_MS = 1_767_225_600_000;

export interface ControllableClock extends Environment {
  /** Moves the time forward, running due intervals in order, each at the very moment it is due. */
  advance(by: Duration): void;
}

export interface ClockOptions {
  /** Makes `random` repeatable: the same seed gives the same bytes. Without it they are cryptographically strong. */
  readonly seed?: number;
}

/**
 * A clock that stands still at `startMs` (epoch milliseconds) until `advance`.
 * @example
 * const clock = controllableClock();
 * const store = memory({ now: clock.now });
 * clock.advance('31m');
 */
export function controllableClock(startMs: number = START_MS, options?: ClockOptions): ControllableClock {
  const { seed } = checked('controllableClock', options, ['seed']);
  const intervals = new Set<Interval>();
  let nowMs = startMs;
  return {
    now: () => nowMs,
    random: seed === undefined ? (bytes) => randomBytes(bytes) : repeatable(seed),
    every(intervalMs, run) {
      wholeNumber('intervalMs of every', intervalMs, 1, Number.MAX_SAFE_INTEGER);
      const interval: Interval = { dueMs: nowMs + intervalMs, intervalMs, run };
      intervals.add(interval);
      return () => void intervals.delete(interval);
    },
    advance(by) {
      const untilMs = nowMs + durationMs('by of advance', by);
      for (let runs = 0, next = earliest(intervals); next && next.dueMs <= untilMs; next = earliest(intervals)) {
        if (++runs > MAX_RUNS) throw tooFar(by);
        nowMs = next.dueMs;
        next.dueMs += next.intervalMs;
        next.run();
      }
      nowMs = untilMs;
    },
  };
}

interface Interval {
  dueMs: number;
  readonly intervalMs: number;
  readonly run: () => void;
}

/** The next interval to run; of two that are due together, the one that was started first. */
function earliest(intervals: ReadonlySet<Interval>): Interval | undefined {
  let first: Interval | undefined;
  for (const interval of intervals) if (!first || interval.dueMs < first.dueMs) first = interval;
  return first;
}

/** SHA-256 of the seed and a counter: repeatable, and without any pattern that code under test could trip over. */
function repeatable(seed: number): (bytes: number) => Uint8Array {
  let block = 0;
  return (bytes) => {
    const blocks: Buffer[] = [];
    for (let made = 0; made < bytes; made += 32) {
      blocks.push(createHash('sha256').update(`${seed}:${block++}`).digest());
    }
    return Buffer.concat(blocks, bytes);
  };
}

function tooFar(by: Duration): Error {
  const wanted = `must cause at most ${MAX_RUNS} interval runs; advance in smaller steps, or use a longer interval`;
  return failure('SOJOURN_OPTION', { option: 'by of advance', wanted, got: String(by) });
}

/**
 * The real clock, the real dice, the real timers.
 *
 * The one place in the engine that touches them; everything else is handed an `Environment`, so that tests can move the
 * clock. Timers never keep a process alive; only `pause` does, in the middle of a call. What runs once is an interval that stops itself,
 * so that an environment has one kind of timer.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import type { Environment } from '../contract.js';

export const environment: Environment = {
  now: Date.now,
  random: (bytes) => randomBytes(bytes),
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Runs `run` once, between `leastMs` and `mostMs` from now: servers that failed together do not come back together. Returns the way to stop it. */
export function soon(
  { every, random }: Pick<Environment, 'every' | 'random'>,
  leastMs: number,
  mostMs: number,
  run: () => void,
): () => void {
  const stop = every(Math.round(leastMs + ((mostMs - leastMs) * random(1)[0]!) / 255), () => {
    stop();
    run();
  });
  return stop;
}

/**
 * Waits within a call that somebody awaits, between `leastMs` and `mostMs`. It keeps the process alive: a program whose last act is a
 * logout would otherwise end, without a word, before that is done.
 */
export function pause(leastMs: number, mostMs: number): Promise<void> {
  return rest(leastMs + ((mostMs - leastMs) * environment.random(1)[0]!) / 255);
}

/**
 * The real clock, the real dice, the real timers.
 *
 * The one place in the engine that touches them; everything else is handed an `Environment`, so that tests can move the
 * clock. Timers never keep a process alive.
 */
import { randomBytes } from 'node:crypto';
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

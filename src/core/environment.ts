/** The real clock, the real dice. The one place in the engine that touches either; everything else is handed an `Environment`. */
import { randomBytes } from 'node:crypto';
import type { Environment } from '../contract.js';

export const environment: Environment = {
  now: () => Date.now(),
  random: (bytes) => randomBytes(bytes),
  every(intervalMs, run) {
    const timer = setInterval(run, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

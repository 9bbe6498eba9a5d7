/**
 * A clock and timers that run so many times as fast: for what waits for seconds by design, with everything else as it is.
 *
 * Processes that are to agree on the time are given the same beginning.
 */

import { randomBytes } from 'node:crypto';
import type { Environment } from 'sojourn';

export function hurried(times: number, from: number = Date.now()): Environment {
  return {
    now: () => Math.floor(from + (Date.now() - from) * times),
    random: (bytes) => randomBytes(bytes),
    every(ms, run) {
      const timer = setInterval(run, Math.max(1, Math.round(ms / times)));
      timer.unref();
      return () => clearInterval(timer);
    },
  };
}

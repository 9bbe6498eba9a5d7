/**
 * A watcher that writes down what it is told, and lets a test wait for it.
 *
 * It also keeps the contract's books: whether it is deaf now, and what is told while it is.
 */
import { performance } from 'node:perf_hooks';
import type { Watcher } from '../../src/contract.js';

export interface RecordingWatcher extends Watcher {
  /** `changed <id>`, `deaf` and `heard`, in the order they came; of several `heard` in a row only one. */
  readonly told: readonly string[];
  readonly isDeaf: boolean;
  /** Resolves when `what` has been told, counted from the call on. Rejects after ten seconds. */
  next(what: string): Promise<void>;
  /** Resolves when everything that was acknowledged before the call has been told. */
  caughtUp(): Promise<void>;
  /** How often a change of this session was told. */
  changes(id: string): number;
}

const DEADLINE_MS = 10_000;

export function recordingWatcher(): RecordingWatcher {
  const told: string[] = [];
  const waiting = new Set<(what: string, asOf: number) => void>();
  let isDeaf = true;

  function tell(what: string, asOf = 0): void {
    if (what !== 'heard' || told.at(-1) !== 'heard') told.push(what);
    for (const each of waiting) each(what, asOf);
  }

  function waitFor(holds: (what: string, asOf: number) => boolean, wanted: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer);
        waiting.delete(look);
        settle();
      };
      const look = (what: string, asOf: number) => {
        if (holds(what, asOf)) done(resolve);
      };
      const late = () => done(() => reject(new Error(`Not told: ${wanted}. Told so far: ${told.join(', ')}`)));
      const timer = setTimeout(late, DEADLINE_MS);
      waiting.add(look);
    });
  }

  return {
    told,
    get isDeaf() {
      return isDeaf;
    },
    changed: (id) => tell(`changed ${id}`),
    deaf() {
      isDeaf = true;
      tell('deaf');
    },
    heard(asOf) {
      if (asOf > performance.now()) throw new Error('Heard of the future.');
      isDeaf = false;
      tell('heard', asOf);
    },
    next: (wanted) => waitFor((what) => what === wanted, wanted),
    caughtUp() {
      const from = performance.now();
      return waitFor((what, asOf) => what === 'heard' && asOf >= from, 'heard');
    },
    changes: (id) => told.filter((what) => what === `changed ${id}`).length,
  };
}

/**
 * Removing expired sessions from stores that do not do it themselves, now and then and a few at a time.
 *
 * Garbage collection only: the engine serves no expired session, swept or not. A sweep that takes longer than its interval is
 * not begun again meanwhile. Rejected: sweeping by chance within requests, which makes one visitor wait for all others.
 */
import type { Environment, MaybePromise, Store, Sweepable } from '../contract.js';
import type { Emitter } from './events.js';

/** At most this many expired sessions are removed in one go, so that a sweep never blocks requests for long. */
const SWEEP_BATCH = 200;
/** And so many goes at one time; the rest waits for the next. */
const SWEEP_ROUNDS = 100;

/** Returns the way to stop it. */
export function startSweeping(store: Store, everyMs: number, environment: Environment, events: Emitter): () => void {
  const sweepable = store as Store & Sweepable;
  let isUnderWay = false;
  let isOver = false;
  const stop = environment.every(everyMs, () => {
    if (isUnderWay) return;
    isUnderWay = true;
    sweepAll((limit) => (isOver ? 0 : sweepable.sweep(limit)))
      .catch((error) => {
        // What a store says of calls after its end is no trouble.
        if (!isOver) events.emit('storeError', { store: store.name, operation: 'sweep', error });
      })
      .finally(() => {
        isUnderWay = false;
      });
  });
  return () => {
    isOver = true;
    stop();
  };
}

async function sweepAll(sweep: (limit: number) => MaybePromise<number>): Promise<void> {
  for (let round = 0; round < SWEEP_ROUNDS; round++) {
    if ((await sweep(SWEEP_BATCH)) < SWEEP_BATCH) return;
    await new Promise(setImmediate);
  }
}

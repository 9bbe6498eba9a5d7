/**
 * Ending sessions so that they stay ended, also when the store does not answer.
 *
 * A logout that the store cannot confirm must not be forgotten: whoever holds the cookie would be signed in again after the
 * outage. So this server remembers the id and refuses the session from then on, and goes on telling the store in the
 * background until it is confirmed. Other servers learn of it only then; that is why the answer is a failure by default.
 * `onDestroyError: 'later'` lets the answer go out as if all had been done: true here, and elsewhere after the outage.
 *
 * At most MAX_KEPT ids, each for KEPT_MS; one more pushes the oldest out, which is told as a `storeError`. Rejected: a file of
 * such ids, which the next process would have to find; and no bound, since an outage is when people click again and again.
 */
import type { Environment, Events, MaybePromise } from '../contract.js';
import { failure } from '../errors.js';
import type { Allowance } from './deadline.js';
import { soon } from './environment.js';
import type { Emitter } from './events.js';
import type { Guarded } from './guard.js';
import { isPromise } from './maybe.js';

export const MAX_KEPT = 10_000;
export const KEPT_MS = 3_600_000;
/** Between two attempts, doubled after each that failed. */
const FIRST_WAIT_MS = 500;
const LAST_WAIT_MS = 5000;

/** What becomes of an answer whose logout the store has not confirmed. */
export type OnDestroyError = 'fail' | 'later';

export interface EndingSettings {
  readonly store: Pick<Guarded, 'name' | 'ended' | 'destroy'>;
  readonly onDestroyError: OnDestroyError;
  readonly environment: Environment;
  readonly events: Emitter;
}

export interface Endings {
  /**
   * Ends a session. Where the store is in trouble the session is refused here all the same; then this throws, or, where policy
   * lets a `logout` go on, returns.
   */
  end(id: string, reason: Events['destroyed']['reason'], allowance?: Allowance): MaybePromise<void>;
  close(): void;
}

export function endings({ store, onDestroyError, environment, events }: EndingSettings): Endings {
  const { ended } = store;
  let stop: (() => void) | undefined;
  let isClosed = false;

  return {
    end(id, reason, allowance) {
      try {
        const done = store.destroy(id, allowance);
        if (!isPromise(done)) return confirmed(id, reason);
        return done.then(
          () => confirmed(id, reason),
          (error) => unconfirmed(id, reason, error),
        );
      } catch (error) {
        unconfirmed(id, reason, error);
      }
    },
    close() {
      isClosed = true;
      stop?.();
    },
  };

  function confirmed(id: string, reason: Events['destroyed']['reason']): void {
    ended.delete(id);
    events.emit('destroyed', { id, reason });
  }

  function unconfirmed(id: string, reason: Events['destroyed']['reason'], error: unknown): void {
    if (!ended.has(id) && ended.size >= MAX_KEPT) giveUp(ended.keys().next().value!);
    ended.set(id, { reason, until: environment.now() + KEPT_MS });
    if (stop === undefined) tellSoon(FIRST_WAIT_MS);
    if (reason !== 'logout' || onDestroyError === 'fail') throw error;
  }

  function tellSoon(waitMs: number): void {
    if (isClosed) return;
    stop = soon(environment, waitMs / 2, waitMs, () => {
      tell().then((isDone) => {
        stop = undefined;
        if (!isDone) tellSoon(Math.min(waitMs * 2, LAST_WAIT_MS));
      });
    });
  }

  /** Tells the store of one after the other, until all are confirmed or one fails. Never throws. */
  async function tell(): Promise<boolean> {
    for (const [id, { reason, until }] of ended) {
      if (until <= environment.now()) {
        giveUp(id);
        continue;
      }
      try {
        await store.destroy(id);
        confirmed(id, reason);
      } catch {
        return false;
      }
    }
    return true;
  }

  function giveUp(id: string): void {
    ended.delete(id);
    const problem = `the end of session ${id} was not confirmed, and is not remembered any longer`;
    const error = failure('SOJOURN_STORE', { store: store.name, operation: 'destroy', problem });
    events.emit('storeError', { store: store.name, operation: 'destroy', error });
  }
}

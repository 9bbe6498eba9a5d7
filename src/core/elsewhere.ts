/**
 * Hearing of sessions that ended in other processes, or by time, where the store can tell.
 *
 * Only when somebody listens: it costs a connection. A backend that cannot be listened to now is tried again and again, more
 * and more slowly. What is said in between is lost: such events are news, not a record.
 */
import type { Environment, Store, Watchable } from '../contract.js';
import { soon } from './environment.js';
import type { Emitter } from './events.js';

const FIRST_WAIT_MS = 1000;
const LAST_WAIT_MS = 30_000;

export interface ElsewhereSettings {
  readonly store: Store;
  readonly environment: Environment;
  readonly events: Emitter;
}

export interface Elsewhere {
  /** From now on, if not before. */
  start(): void;
  close(): Promise<void>;
}

export function elsewhere({ store, environment, events }: ElsewhereSettings): Elsewhere {
  if (!('listen' in store)) return { start() {}, close: async () => {} };
  const listenable = store as Store & Pick<Watchable, 'listen'>;
  let isStarted = false;
  let cancel: (() => void) | undefined;
  let stop: Awaited<ReturnType<Watchable['listen']>> | undefined;
  let isClosed = false;

  return {
    start() {
      if (isStarted) return;
      isStarted = true;
      void attempt(FIRST_WAIT_MS);
    },
    async close() {
      isClosed = true;
      cancel?.();
      await stop?.();
    },
  };

  /** Never rejects. */
  async function attempt(waitMs: number): Promise<void> {
    try {
      const ready = await listenable.listen((id, how) => {
        if (isClosed) return;
        if (how === 'expired') events.emit('expired', { id });
        else events.emit('destroyed', { id, reason: 'elsewhere' });
      });
      if (isClosed) await ready();
      else stop = ready;
    } catch (error) {
      events.emit('storeError', { store: store.name, operation: 'listen', error });
      if (isClosed) return;
      cancel = soon(environment, waitMs / 2, waitMs, () => void attempt(Math.min(waitMs * 2, LAST_WAIT_MS)));
    }
  }
}

/**
 * Telling others what happened: a set of listeners for each event, called in turn.
 *
 * A listener that throws never disturbs a request: the failure becomes a process warning,
 * because an audit log that breaks must be noticed, and must not log anybody out. Node's
 * EventEmitter was rejected: an `error` event without a listener throws there, and its types do not know our events.
 */
import type { Events } from '../contract.js';
import { isPromise } from './maybe.js';

export type Listener<E extends keyof Events> = (event: Events[E]) => void;
export type Listeners = { readonly [E in keyof Events]?: Listener<E> };

export interface Emitter {
  emit<E extends keyof Events>(event: E, payload: Events[E]): void;
  /** Returns the way to stop listening. */
  on<E extends keyof Events>(event: E, listener: Listener<E>): () => void;
}

export function emitter(initial: Listeners = {}): Emitter {
  const listeners = new Map<keyof Events, Set<Listener<keyof Events>>>();

  function on<E extends keyof Events>(event: E, listener: Listener<E>): () => void {
    const set = listeners.get(event) ?? new Set();
    listeners.set(event, set);
    set.add(listener as Listener<keyof Events>);
    return () => set.delete(listener as Listener<keyof Events>);
  }

  for (const [event, listener] of Object.entries(initial))
    on(event as keyof Events, listener as Listener<keyof Events>);

  return {
    on,
    emit(event, payload) {
      const set = listeners.get(event);
      if (set === undefined) return;
      for (const listener of set) {
        try {
          // A listener may be an async function: nobody waits for it, but its failure must not end the process.
          const result: unknown = listener(payload);
          if (isPromise(result)) result.then(undefined, (error) => warn(event, error));
        } catch (error) {
          warn(event, error);
        }
      }
    },
  };
}

function warn(event: keyof Events, error: unknown): void {
  const reason = error instanceof Error ? error.message : 'not an error';
  process.emitWarning(`a listener for "${event}" threw: ${reason}`, 'SojournWarning');
}

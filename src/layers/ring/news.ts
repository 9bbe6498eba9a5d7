/**
 * What a ring tells its operators: nodes that come and go, writes with fewer copies than wanted, values that were lost.
 *
 * A store is made before the engine that uses it, and so it has listeners of its own. Nobody is waited for, and a listener that
 * throws disturbs nothing: it becomes a process warning, as in the engine (core/events.ts).
 */

export interface RingEvents {
  /** The node is not asked any more, until a probe in the background gets through. */
  nodeDown: { readonly node: string };
  nodeUp: { readonly node: string; readonly downMs: number };
  /**
   * The node lacks something that others have, so what it does not know is not believed. 'empty': it has lost everything.
   * 'behind': writes have passed it by. It is helped in the background, and `synced` tells when that is done.
   */
  unsynced: { readonly node: string; readonly why: 'empty' | 'behind' };
  synced: { readonly node: string };
  /** A write that was acknowledged by fewer nodes than there should be copies. */
  degraded: { readonly id: string; readonly operation: RingWrite; readonly missed: readonly string[] };
  /** Two nodes took changes of one field without knowing of each other. The later value stands; of these fields one was lost. */
  conflict: { readonly id: string; readonly fields: readonly string[] };
  /** A copy that cannot be read. The others are used, and it is left as it is. */
  corrupt: { readonly id: string; readonly node: string };
  /** A session was written by a server whose clock is more than a minute ahead. */
  skew: { readonly id: string };
}

export type RingWrite = 'create' | 'commit' | 'destroy';

export type RingListener<E extends keyof RingEvents> = (event: RingEvents[E]) => void;

export class News {
  readonly #listeners = new Map<keyof RingEvents, Set<RingListener<never>>>();

  /** Returns the way to stop listening. */
  on<E extends keyof RingEvents>(event: E, listener: RingListener<E>): () => void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set);
    set.add(listener);
    return () => void set.delete(listener);
  }

  tell<E extends keyof RingEvents>(event: E, what: RingEvents[E]): void {
    for (const listener of this.#listeners.get(event) ?? []) {
      try {
        (listener as RingListener<E>)(what);
      } catch (error) {
        const reason = error instanceof Error ? error.message : 'not an error';
        process.emitWarning(`a listener for "${event}" of the ring threw: ${reason}`, 'SojournWarning');
      }
    }
  }
}

/**
 * A walk round and round over a map, a few steps at a time: how a full store is swept without ever being looked through at once.
 *
 * A Map's iterator survives changes: it skips what went and meets what came. Rejected: a heap of deadlines (every touch would move
 * an entry), a timer for each.
 */

/** A sweep walks past this many entries for each that it may remove, so that a call costs the same in a full store. */
const STEPS_PER_REMOVAL = 16;

export class Walk<V> {
  readonly #map: ReadonlyMap<string, V>;
  #at: Iterator<[string, V]>;

  constructor(map: ReadonlyMap<string, V>) {
    this.#map = map;
    this.#at = map.entries();
  }

  /** Goes on from where it stopped, and removes at most `limit` entries that have expired. Returns how many. */
  sweep(limit: number, hasExpired: (entry: V) => boolean, remove: (id: string) => void): number {
    let removed = 0;
    for (let steps = Math.min(limit * STEPS_PER_REMOVAL, this.#map.size); steps > 0 && removed < limit; steps--) {
      const next = this.#next();
      if (next === null || !hasExpired(next[1])) continue;
      remove(next[0]);
      removed++;
    }
    return removed;
  }

  /** One step. At the end the walk begins anew. */
  #next(): [string, V] | null {
    let next = this.#at.next();
    if (next.done) {
      this.#at = this.#map.entries();
      next = this.#at.next();
    }
    return next.done ? null : next.value;
  }
}

/**
 * The ids of sessions that were destroyed here a moment ago: whatever still comes in about them is not handed over.
 *
 * A load that set out before the destroy may come back after it with a live session, and a replica may tell of one that its
 * primary has forgotten. Bounded by time and by count; what falls out is asked of the store again, which knows best.
 */

/** Longer than any load can be under way: a call is given up after half a second, a client's own queue after a few. */
const ENDED_MS = 60_000;
/** About 2 MB. */
const MOST_ENDED = 20_000;

export class Ended {
  /** When each ended, oldest first. Milliseconds of the monotonic clock. */
  readonly #times = new Map<string, number>();

  add(id: string, nowMs: number): void {
    this.#times.delete(id);
    this.#times.set(id, nowMs);
    for (const [oldest, endedAt] of this.#times) {
      if (nowMs - endedAt <= ENDED_MS && this.#times.size <= MOST_ENDED) return;
      this.#times.delete(oldest);
    }
  }

  has(id: string, nowMs: number): boolean {
    const endedAt = this.#times.get(id);
    return endedAt !== undefined && nowMs - endedAt <= ENDED_MS;
  }

  delete(id: string): void {
    this.#times.delete(id);
  }
}

/**
 * The copies of a near cache, bounded by bytes: a Map, and a hand that goes round it when room is needed.
 *
 * The second-chance rule (CLOCK): a hit sets a mark on its entry, and nothing else. The hand takes away what has no mark, and
 * wipes the mark of what has; whatever was read since it last came by stays. A copy that nobody may be served any more goes
 * first, marked or not. True LRU was rejected: deleting and setting a Map's key at every hit costs more than the whole rest
 * of it, and rebuilds the table all the time. Random eviction was, too: it takes hot sessions as gladly as dead ones.
 */
import type { Kept } from './kept.js';
import type { Period } from './watching.js';

/** A copy and how far it can be trusted. Times are milliseconds of the monotonic clock. */
export interface Entry {
  readonly stored: Kept;
  /** It holds every change that was acknowledged before then. */
  readonly askedAt: number;
  /** The time without interruption in which every change of it is told. */
  period: Period;
  /** What it takes, about. */
  readonly bytes: number;
  /** Set by a hit, wiped by the hand. */
  used: boolean;
}

/** Marks that the hand wipes for one entry that wants room; then it takes what comes. Bounds the work in a cache that is hot all over. */
const MOST_CHANCES = 64;

export class Entries {
  readonly #byId = new Map<string, Entry>();
  readonly #maxBytes: number;
  readonly #isServed: (entry: Entry) => boolean;
  /** A Map's iterator survives changes: it skips what went and meets what came. */
  #hand: Iterator<[string, Entry]>;
  bytes = 0;
  evicted = 0;

  /** `isServed`: whether the entry may still be served to somebody. */
  constructor(maxBytes: number, isServed: (entry: Entry) => boolean) {
    this.#maxBytes = maxBytes;
    this.#isServed = isServed;
    this.#hand = this.#byId.entries();
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Entry | undefined {
    return this.#byId.get(id);
  }

  /** Replaces what is there. What is larger than the whole cache is not kept. */
  set(id: string, entry: Entry): void {
    if (entry.bytes > this.#maxBytes) {
      this.delete(id);
      return;
    }
    this.bytes += entry.bytes - (this.#byId.get(id)?.bytes ?? 0);
    this.#byId.set(id, entry);
    if (this.bytes > this.#maxBytes) this.#makeRoom();
  }

  /** True when there was something. */
  delete(id: string): boolean {
    const entry = this.#byId.get(id);
    if (entry === undefined) return false;
    this.#byId.delete(id);
    this.bytes -= entry.bytes;
    return true;
  }

  clear(): void {
    this.#byId.clear();
    this.bytes = 0;
  }

  #makeRoom(): void {
    for (let chances = 0; this.bytes > this.#maxBytes; ) {
      const [id, entry] = this.#next();
      if (entry.used && chances < MOST_CHANCES && this.#isServed(entry)) {
        entry.used = false;
        chances++;
        continue;
      }
      this.delete(id);
      this.evicted++;
    }
  }

  /** One step of the hand, which begins anew at the end. Only for a cache that is not empty. */
  #next(): [string, Entry] {
    let next = this.#hand.next();
    if (next.done) {
      this.#hand = this.#byId.entries();
      next = this.#hand.next();
    }
    return next.value;
  }
}

/**
 * The near cache itself: when a copy may be kept, served and must go.
 *
 * A copy may be kept when nothing happened to its session between the question and the answer. So every load (and create)
 * that is under way has a *fill*, its permission to leave a copy behind; a change that is told, and the end of an own commit
 * or destroy, take it away. The answer still goes to those who asked before; who comes after asks anew. That one rule is why
 * no late answer brings back an older state, and no version has to be compared for it.
 *
 * A copy may be served while it is known to hold everything that was acknowledged `stalenessMs` ago: it was asked for, or
 * the store was heard, since then. That is looked at when it is served: a process that was stopped for a minute must not
 * serve what it held before its timers and sockets come to their turn.
 *
 * 'gone' was not taken for the end of a session: a commit from before a login meets it too, and the session lives on.
 */
import type { Delta, MaybePromise, Outcome, Store, Stored, Watchable } from '../../contract.js';
import { isPromise } from '../../core/maybe.js';
import { Ended } from './ended.js';
import { Entries, type Entry } from './entries.js';
import { bytesKept, type Kept, kept, keptAfter } from './kept.js';
import { type Period, Watching } from './watching.js';

export interface NearCacheSettings {
  readonly store: Store & Watchable;
  readonly maxBytes: number;
  readonly stalenessMs: number;
  /** Epoch milliseconds, for deadlines of sessions. */
  readonly now: () => number;
  /** Milliseconds that never jump, for the age of copies. */
  readonly monotonic: () => number;
}

/** What operators see of a near cache. Counts since the start. */
export interface CacheFigures {
  /** Copies held, those for outages only included. */
  readonly entries: number;
  /** What they take, about. */
  readonly bytes: number;
  readonly hits: number;
  readonly misses: number;
  /** Copies given up because their session was changed or ended, or may have been. */
  readonly dropped: number;
  /** Copies given up for room. */
  readonly evicted: number;
  /** How often all copies were given up because changes may have been missed. */
  readonly interruptions: number;
  /** False while changes cannot be heard: then nothing is kept. */
  readonly watched: boolean;
}

/** A call under way that may leave a copy behind, as long as it is the one that stands in the map. */
interface Fill {
  readonly askedAt: number;
  /** The period in which it was asked; null when changes could be missed. */
  readonly period: Period | null;
  /** Absent for a create, which nobody joins. */
  answer?: Promise<Stored | null>;
  /** True when several callers get the one answer. */
  isShared: boolean;
}

/** So often within the bound the store makes sure that nothing is missed: one answer may be late, and another one lost. */
const BEATS = 4;

/** Above the guard's 1024 calls in flight; the oldest lose their permission then. */
const MOST_FILLS = 4096;

export class NearCache {
  readonly #store: Store;
  readonly #stalenessMs: number;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly watching: Watching;
  readonly #entries: Entries;
  readonly #fills = new Map<string, Fill>();
  readonly #ended = new Ended();
  #hits = 0;
  #misses = 0;
  #dropped = 0;

  constructor({ store, maxBytes, stalenessMs, now, monotonic }: NearCacheSettings) {
    this.#store = store;
    this.#stalenessMs = stalenessMs;
    this.#now = now;
    this.#monotonic = monotonic;
    const everyMs = Math.floor(stalenessMs / BEATS);
    this.watching = new Watching({ store, everyMs, monotonic, changed: (id) => this.#drop(id) });
    this.#entries = new Entries(maxBytes, (entry) => this.#isServed(entry));
  }

  /** On the path of every request. A hit is one lookup, two clocks and three comparisons. */
  load(id: string, atLeast: number | undefined): MaybePromise<Stored | null> {
    const entry = this.#entries.get(id);
    if (entry === undefined || !this.#isServed(entry) || isOlder(entry.stored, atLeast)) return this.#miss(id, atLeast);
    entry.used = true;
    this.#hits++;
    return entry.stored;
  }

  create(id: string, session: Stored): MaybePromise<'ok' | 'exists'> {
    this.watching.start();
    const fill = this.#begin(id, this.#monotonic());
    // Copied now: by the time of the answer the session is the caller's again.
    const copy = fill.period && kept(session);
    const created = (answer: 'ok' | 'exists'): 'ok' | 'exists' => {
      const isMine = this.#release(id, fill);
      if (answer === 'exists') return answer;
      this.#ended.delete(id);
      if (isMine && copy !== null) this.#keep(id, copy, fill);
      return answer;
    };
    return settled(
      () => this.#store.create(id, session),
      created,
      () => this.#drop(id),
    );
  }

  commit(id: string, delta: Delta): MaybePromise<Outcome> {
    const { period } = this.watching;
    const sentAt = this.#monotonic();
    const before = this.#entries.get(id);
    // What the store is about to make of our copy. The request is on its way meanwhile, and the delta is still as it was sent.
    let after: Kept | null | undefined;
    const work = (): MaybePromise<Outcome> => {
      const outcome = this.#store.commit(id, delta);
      after = before && keptAfter(before.stored, delta, this.#now());
      return outcome;
    };
    const committed = (outcome: Outcome): Outcome => {
      this.#fills.delete(id);
      const isOurs = outcome.status === 'ok' && before !== undefined && this.#entries.get(id) === before;
      if (isOurs && after && outcome.version === after.head.version) {
        this.#entries.set(id, entryOf(id, after, sentAt, period ?? closed(sentAt)));
      } else this.#drop(id);
      return outcome;
    };
    return settled(work, committed, () => this.#doubt(id));
  }

  destroy(id: string): MaybePromise<void> {
    this.#drop(id);
    const destroyed = (): void => {
      this.#drop(id);
      this.#ended.add(id, this.#monotonic());
    };
    return settled(
      () => this.#store.destroy(id),
      destroyed,
      () => this.#drop(id),
    );
  }

  stale(id: string, maxAgeMs: number): Stored | null {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.stored.head.expiresAt <= this.#now()) return null;
    return this.#ageOf(entry) <= maxAgeMs ? entry.stored : null;
  }

  get figures(): CacheFigures {
    return {
      entries: this.#entries.size,
      bytes: this.#entries.bytes,
      hits: this.#hits,
      misses: this.#misses,
      dropped: this.#dropped,
      evicted: this.#entries.evicted,
      interruptions: this.watching.interruptions,
      watched: this.watching.period !== null,
    };
  }

  close(): void {
    this.#entries.clear();
    this.#fills.clear();
  }

  /** Whether a copy may answer a load: told of every change, alive, and no older than the bound. */
  #isServed(entry: Entry): boolean {
    const { period } = this.watching;
    return (
      entry.period === period && entry.stored.head.expiresAt > this.#now() && this.#ageOf(entry) <= this.#stalenessMs
    );
  }

  /** How long ago it was certain that the copy was the newest. */
  #ageOf({ askedAt, period: { heardAt } }: Entry): number {
    return this.#monotonic() - (askedAt > heardAt ? askedAt : heardAt);
  }

  #miss(id: string, atLeast: number | undefined): MaybePromise<Stored | null> {
    this.#misses++;
    this.watching.start();
    const now = this.#monotonic();
    if (this.#ended.has(id, now)) return null;
    const fill = this.#fills.get(id);
    if (fill?.answer === undefined || now - fill.askedAt > this.#stalenessMs) return this.#ask(id, now, atLeast);
    fill.isShared = true;
    if (atLeast === undefined) return fill.answer;
    // It may have been asked before that version was there.
    return fill.answer.then((stored) => {
      const isEnough = stored !== null && !isOlder(stored, atLeast);
      return isEnough ? stored : this.#ask(id, this.#monotonic(), atLeast);
    });
  }

  #ask(id: string, askedAt: number, atLeast: number | undefined): MaybePromise<Stored | null> {
    const fill = this.#begin(id, askedAt);
    const answer = settled(
      () => this.#store.load(id, atLeast),
      (stored) => this.#landed(id, fill, stored),
      () => void this.#release(id, fill),
    );
    if (isPromise(answer)) fill.answer = answer;
    return answer;
  }

  #landed(id: string, fill: Fill, stored: Stored | null): Stored | null {
    const isMine = this.#release(id, fill);
    if (stored === null || stored.head.expiresAt <= this.#now() || this.#ended.has(id, this.#monotonic())) {
      this.#outdate(id, Number.POSITIVE_INFINITY, isMine);
      return null;
    }
    const isWatched = isMine && fill.period !== null && fill.period === this.watching.period;
    const copy = isWatched || fill.isShared ? kept(stored) : null;
    if (isWatched && copy !== null) this.#keep(id, copy, fill);
    else this.#outdate(id, stored.head.version, isMine);
    return copy ?? stored;
  }

  /**
   * Somebody was just handed this version, and it is not kept: nobody here shall be handed an older one from now on. That is
   * what a copy may be, and what another load may bring whose question was answered earlier.
   */
  #outdate(id: string, version: number, isMine: boolean): void {
    const entry = this.#entries.get(id);
    if (entry !== undefined && entry.stored.head.version < version) this.#entries.delete(id);
    if (!isMine) this.#fills.delete(id);
  }

  #keep(id: string, copy: Kept, { askedAt, period }: Fill): void {
    if (period !== null && period === this.watching.period) this.#entries.set(id, entryOf(id, copy, askedAt, period));
  }

  /** A permission to leave a copy behind. There is one for each id: the latest. */
  #begin(id: string, askedAt: number): Fill {
    const fill: Fill = { askedAt, period: this.watching.period, isShared: false };
    this.#fills.delete(id);
    this.#fills.set(id, fill);
    const [oldest] = this.#fills.size > MOST_FILLS ? this.#fills.keys() : [];
    if (oldest !== undefined) this.#fills.delete(oldest);
    return fill;
  }

  /** Gives the permission back. True when it was still good. */
  #release(id: string, fill: Fill): boolean {
    const isMine = this.#fills.get(id) === fill;
    if (isMine) this.#fills.delete(id);
    return isMine;
  }

  /** The session was changed or has ended, or may have been: no copy, and none of what is under way. */
  #drop(id: string): void {
    this.#fills.delete(id);
    if (this.#entries.delete(id)) this.#dropped++;
  }

  /** A commit without an answer: nobody knows what is stored. Good for an outage, which this may be the beginning of. */
  #doubt(id: string): void {
    this.#fills.delete(id);
    const entry = this.#entries.get(id);
    if (entry !== undefined) entry.period = closed(entry.period.heardAt);
  }
}

/** A period that is over: no copy of it is served, and it tells how old they are. */
function closed(heardAt: number): Period {
  return { heardAt };
}

function entryOf(id: string, stored: Kept, askedAt: number, period: Period): Entry {
  return { stored, askedAt, period, bytes: bytesKept(id, stored), used: false };
}

function isOlder({ head }: Stored, atLeast: number | undefined): boolean {
  return atLeast !== undefined && head.version < atLeast;
}

/** Runs a call of the store below, and one of two endings: at once where it answers at once. */
function settled<A>(run: () => MaybePromise<A>, done: (answer: A) => A, failed: () => void): MaybePromise<A> {
  try {
    const answer = run();
    if (!isPromise(answer)) return done(answer);
    return answer.then(done, (error) => {
      failed();
      throw error;
    });
  } catch (error) {
    failed();
    throw error;
  }
}

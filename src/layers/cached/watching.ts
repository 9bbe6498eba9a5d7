/**
 * How a near cache hears of changes: whether it does at present, since when, and what to do while it does not.
 *
 * Watching begins with the first call that could use it, not with `cached(store)`: a program that only builds its stores
 * opens no connection. When it cannot begin, sessions are served without copies, and a later call tries again; no timer is
 * needed, because without calls nobody misses the cache. A failure is told once as a warning, and by `check()`.
 *
 * A period is a time in which no change was missed. `deaf` ends it, `heard` begins the next, and a copy belongs to the one in
 * which it was asked for: so dropping everything is one assignment, and the copies are still there for an outage.
 */
import type { MaybePromise, Watchable, Watcher } from '../../contract.js';
import { isPromise } from '../../core/maybe.js';
import { isFailure } from '../../errors.js';

export interface Period {
  /** All that was acknowledged before has been told. Milliseconds of the monotonic clock. */
  heardAt: number;
}

export interface WatchingSettings {
  readonly store: Watchable;
  /** How often, at least, the store must make sure that nothing is missed. */
  readonly everyMs: number;
  readonly monotonic: () => number;
  readonly changed: (id: string) => void;
}

/** The first wait after a failure, doubled for each one that follows, up to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;

type Stop = () => MaybePromise<void>;

export class Watching {
  /** Null while changes may be missed. */
  period: Period | null = null;
  /** How often changes may have been missed. */
  interruptions = 0;
  readonly #settings: WatchingSettings;
  /** What the store tells is for this attempt's watcher; earlier ones are not listened to any more. */
  #attempt = 0;
  #isStarted = false;
  #isClosed = false;
  #failures = 0;
  #nextAt = Number.NEGATIVE_INFINITY;
  #problem: unknown;
  #settling: Promise<void> | undefined;
  #stop: Stop | undefined;

  constructor(settings: WatchingSettings) {
    this.#settings = settings;
  }

  /** Watches, if it does not yet, and the last failure was long enough ago. Never throws. */
  start(): void {
    if (this.#isStarted || this.#isClosed || this.#settings.monotonic() < this.#nextAt) return;
    this.#isStarted = true;
    const attempt = ++this.#attempt;
    const { store, everyMs } = this.#settings;
    try {
      const stop = store.watch(this.#watcher(attempt), everyMs);
      if (isPromise(stop)) {
        this.#settling = stop.then(
          (late) => this.#begun(late),
          (error) => this.#failed(error),
        );
      } else this.#begun(stop);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Why there is no watching, in words for an operator; undefined when there is. Waits for an attempt that is under way. */
  async problem(): Promise<string | undefined> {
    await this.#settling;
    return this.#problem === undefined ? undefined : reason(this.#problem);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.period = null;
    const stop = this.#stop;
    this.#stop = undefined;
    await stop?.();
  }

  #watcher(attempt: number): Watcher {
    const isMeant = (): boolean => attempt === this.#attempt && !this.#isClosed;
    return {
      changed: (id) => {
        if (isMeant()) this.#settings.changed(id);
      },
      deaf: () => {
        if (isMeant()) this.#interrupt();
      },
      heard: (asOf) => {
        if (isMeant()) this.#hear(asOf);
      },
    };
  }

  #interrupt(): void {
    if (this.period !== null) this.interruptions++;
    this.period = null;
  }

  /** A time in the future would make copies immortal, and is nothing that anybody can have heard. */
  #hear(asOf: number): void {
    const heardAt = Math.min(asOf, this.#settings.monotonic());
    if (this.period === null) this.period = { heardAt };
    else if (heardAt > this.period.heardAt) this.period.heardAt = heardAt;
  }

  #begun(stop: Stop): void {
    this.#settling = undefined;
    this.#failures = 0;
    this.#problem = undefined;
    if (this.#isClosed) stopQuietly(stop);
    else this.#stop = stop;
  }

  #failed(error: unknown): void {
    this.#settling = undefined;
    this.#isStarted = false;
    this.#attempt++;
    this.#interrupt();
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** this.#failures++, LONGEST_WAIT_MS);
    this.#nextAt = this.#settings.monotonic() + waitMs;
    if (this.#problem === undefined && !this.#isClosed) process.emitWarning(reason(error), 'SojournWarning');
    this.#problem = error;
  }
}

/** Closed while it was beginning: nobody waits any more for what the store says to that. */
function stopQuietly(stop: Stop): void {
  try {
    const stopped = stop();
    if (isPromise(stopped)) stopped.catch(() => {});
  } catch {
    // The store is being closed as well.
  }
}

/** The driver's own words may hold addresses and passwords; those of our own errors do not. */
function reason(error: unknown): string {
  const why = isFailure(error) ? error.message : 'The store could not watch.';
  return `The near cache keeps no copies, and every load goes to the store, because changes cannot be heard: ${why}`;
}

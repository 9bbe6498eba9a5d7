/**
 * One node of a ring, as this process knows it: whether it answers, how fast, and whether it can be believed.
 *
 * Every call has a deadline. Three failures in a row open the breaker: then nobody asks the node any more, and a probe in the
 * background finds out when it is back. A call without an answer in time is not known to have failed: a server that was
 * stopped does it later. So writes go on as compare-and-set of whole replicas, which may be done late, or twice.
 *
 * A node is *sure* when its word is enough: it has its synced mark, and no other node keeps hints for it. What a node
 * that is not sure knows may be old, and what it does not know means nothing.
 *
 * Rejected: probing with a request now and then ("half open"; that one would wait for its deadline), and one breaker for reads and
 * one for writes as in front of a single store (core/gate.ts): here another node answers, and a node that cannot write is no home.
 */
import type { Cells, Environment, MaybePromise, Store } from '../../contract.js';
import { Breaker } from '../../core/breaker.js';
import type { Deadlines } from '../../core/deadline.js';
import { soon } from '../../core/environment.js';
import { isPromise } from '../../core/maybe.js';
import { Renewal } from '../../core/renewal.js';
import { failure, isFailure, type SojournError } from '../../errors.js';
import { REPAIR_HORIZON_MS } from './replica.js';

const MOST_FAILURES_IN_A_ROW = 3;
const PROBE_LEAST_MS = 50;
const PROBE_MOST_MS = 150;
/** Probes without an answer. More would only wait in a driver's memory. */
const MOST_PROBES = 64;
const PROBE = 'probe';
/** Nobody turns to the next copy sooner. */
const LEAST_HEDGE_MS = 10;

export interface NodeSettings {
  readonly name: string;
  readonly store: Store;
  readonly cells: Cells;
  readonly deadlines: Deadlines;
  readonly environment: Environment;
  /** What a probe reads: any answer says that the node is back. */
  readonly probeId: string;
  readonly down: (node: Node) => void;
  readonly up: (node: Node, downMs: number) => void;
}

export class Node {
  readonly name: string;
  readonly store: Store;
  readonly cells: Cells;
  /** What its synced mark says, as this process saw it last. Null: there is none. Undefined: nobody has looked. */
  mark: string | null | undefined = undefined;
  /** Nodes that may keep hints for this one. */
  readonly behind: Set<Node> = new Set();
  /** When it was in use last, as epoch milliseconds, by this process or by what is written down there. */
  aliveAt: number | undefined;
  /** It was away when slots of it were closed, and may have taken writes that it should not have. */
  isUnfenced = false;
  /** How often this process has left something for it on another node: who passes it on knows whether that was all. */
  falls = 0;
  /** Hints for this node that this process wrote, as far as it does not know them to be done. */
  hintsPending = 0;
  /** Epoch milliseconds of the last answer. */
  lastSeenAt: number | undefined;
  readonly #settings: NodeSettings;
  readonly #breaker: Breaker;
  /** Tells the store that its connections may be dead: where even probes are not answered. */
  readonly #renewal: Renewal;
  #isSilent = false;
  /** About 99 of 100 answers come within so many milliseconds. */
  #slowMs = 0;
  #probes = 0;
  #stopProbing: (() => void) | undefined;
  #isClosed = false;

  constructor(settings: NodeSettings) {
    this.name = settings.name;
    this.store = settings.store;
    this.cells = settings.cells;
    this.#settings = settings;
    this.#breaker = new Breaker(settings.environment.now, MOST_FAILURES_IN_A_ROW);
    this.#renewal = new Renewal(settings.store, settings.environment);
  }

  /** It can be asked, and what it says may count. */
  get isUp(): boolean {
    return !this.#breaker.isOpen && (this.behind.size === 0 || !this.isOutdated);
  }

  /** It answers. */
  get isReached(): boolean {
    return !this.#breaker.isOpen;
  }

  /**
   * It was away for so long that nobody may remember what ended meanwhile: nothing of what it has may go to others. Not so where
   * another node misses what this one took.
   */
  get isOutdated(): boolean {
    if (this.aliveAt === undefined || this.#settings.environment.now() - this.aliveAt < AWAY_MOST_MS) return false;
    for (const keeper of this.behind) if (!keeper.behind.has(this)) return true;
    return false;
  }

  /** Of all its sessions. */
  get isSure(): boolean {
    return typeof this.mark === 'string' && this.behind.size === 0 && !this.isUnfenced;
  }

  get slowMs(): number {
    return this.#slowMs;
  }

  /** How long to wait for this node before the next one is asked as well. */
  get hedgeMs(): number {
    return Math.max(LEAST_HEDGE_MS, this.#slowMs);
  }

  /**
   * What the node answers, within the deadline. Rejects with SOJOURN_STORE for an outage, and with whatever else the store throws.
   * `late`: told of an answer that came after its deadline.
   */
  ask<R>(operation: string, run: () => MaybePromise<R>, late?: (answer: R) => void): Promise<R> {
    if (this.#breaker.isOpen) return Promise.reject(this.#refusal(operation));
    return this.#ask(operation, run, late);
  }

  /** Items of a walk, each within the deadline. */
  async *walk<R>(operation: string, items: () => AsyncIterable<R>): AsyncIterableIterator<R> {
    const iterator = items()[Symbol.asyncIterator]();
    try {
      for (;;) {
        const item = await this.ask(operation, () => iterator.next());
        if (item.done) return;
        yield item.value;
      }
    } finally {
      // Not awaited: a walk that hangs would hang here again.
      iterator.return?.().catch(() => {});
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#stopProbing?.();
    this.#hasSpoken();
  }

  #ask<R>(operation: string, run: () => MaybePromise<R>, late?: (answer: R) => void): Promise<R> {
    const { deadlines, environment } = this.#settings;
    const askedAt = environment.now();
    return new Promise<R>((resolve, reject) => {
      let answer: MaybePromise<R>;
      try {
        answer = run();
      } catch (error) {
        return reject(this.#trouble(operation, error));
      }
      if (!isPromise(answer)) {
        this.#answered(askedAt);
        return resolve(answer);
      }
      const wait = deadlines.beginFor(deadlines.callMs, () => reject(this.#late(operation)));
      answer.then(
        (value) => {
          if (!deadlines.end(wait)) {
            late?.(value);
            this.#answeredLate();
            return;
          }
          this.#answered(askedAt);
          resolve(value);
        },
        (error) => {
          if (deadlines.end(wait)) reject(this.#trouble(operation, error));
        },
      );
    });
  }

  #answered(askedAt: number): void {
    const now = this.#settings.environment.now();
    this.lastSeenAt = now;
    if (this.#isSilent) this.#hasSpoken();
    if (this.#breaker.isWary && !this.#breaker.isOpen) this.#breaker.succeeded();
    // Up by 99 parts for each answer that took longer, down by one for the others: it comes to rest where 1 in 100 is longer.
    const step = Math.max(this.#slowMs, 1) / 20;
    this.#slowMs += now - askedAt > this.#slowMs ? step : -step / 99;
  }

  /** A node that was stopped has found its way back, and need not wait for the next probe. */
  #answeredLate(): void {
    this.lastSeenAt = this.#settings.environment.now();
    if (this.#isSilent) this.#hasSpoken();
    if (!this.#breaker.isOpen || this.#isClosed) return;
    this.#stopProbing?.();
    this.#probe();
  }

  #late(operation: string): SojournError {
    const problem = `it did not answer in time (${this.#settings.deadlines.callMs} ms)`;
    const error = failure('SOJOURN_STORE', { store: this.name, operation, problem });
    this.#failed();
    if (operation === PROBE && !this.#isClosed) {
      this.#isSilent = true;
      this.#renewal.silent(this, this.#settings.deadlines.callMs);
    }
    return error;
  }

  #hasSpoken(): void {
    this.#isSilent = false;
    this.#renewal.ended(this);
  }

  /** Damage, a full store and mistakes of the caller pass as they are: the node did answer. */
  #trouble(operation: string, error: unknown): SojournError {
    if (this.#isSilent) this.#hasSpoken();
    if (isFailure(error) && error.code !== 'SOJOURN_STORE') {
      if (this.#breaker.isWary && !this.#breaker.isOpen) this.#breaker.succeeded();
      return error;
    }
    this.#failed();
    if (isFailure(error)) return error;
    return failure('SOJOURN_STORE', { store: this.name, operation, problem: 'its driver failed (see cause)' }, error);
  }

  #refusal(operation: string): SojournError {
    const problem = 'it does not answer, and is not asked again before a probe gets through';
    return failure('SOJOURN_STORE', { store: this.name, operation, problem });
  }

  #failed(): void {
    if (!this.#breaker.failed()) return;
    this.#settings.down(this);
    this.#probeSoon();
  }

  #probeSoon(): void {
    if (this.#isClosed) return;
    this.#stopProbing = soon(this.#settings.environment, PROBE_LEAST_MS, PROBE_MOST_MS, () => this.#probe());
  }

  #probe(): void {
    if (this.#probes >= MOST_PROBES) {
      this.#probeSoon();
      return;
    }
    this.#probes++;
    this.#ask(PROBE, () => this.#probing()).then(
      () => this.#up(),
      (error) => {
        if (isOutage(error)) this.#probeSoon();
        else this.#up();
      },
    );
  }

  /** Counts as under way until there is an answer, however late. */
  async #probing(): Promise<void> {
    try {
      await this.cells.read(this.#settings.probeId);
    } finally {
      this.#probes--;
    }
  }

  #up(): void {
    if (!this.#breaker.isOpen || this.#isClosed) return;
    this.#settings.up(this, this.#breaker.close());
  }
}

/** Tombstones are kept for a day. An hour of it is for clocks that differ, and for telling a node what it has missed. */
export const AWAY_MOST_MS: number = REPAIR_HORIZON_MS - 3_600_000;

/** Whether the node did not do its work, so that another one may. */
export function isOutage(error: unknown): boolean {
  return !isFailure(error) || error.code === 'SOJOURN_STORE';
}

/**
 * The way to a store and back, for one kind of calls: reads or writes. Each has its own gate, because backends fail by kinds: with
 * a full disk, or as a replica, they read and do not write, and then everybody shall stay signed in.
 *
 * A gate is shut while its breaker is open, or while as many calls are under way as are allowed; whoever comes is refused at
 * once. A call that is not answered by its deadline has failed for its caller. It goes on counting as under way until its
 * answer does come, which is then ignored: a backend that hangs must not gather calls without end.
 * All of it costs 0.25 us for a call that is answered later (Node 20), and two looks at a flag for one that is answered at once.
 */
import type { Environment, Store, StoreCalls } from '../contract.js';
import { failure, isFailure, type SojournError } from '../errors.js';
import { Breaker } from './breaker.js';
import type { Allowance, Deadlines } from './deadline.js';
import { soon } from './environment.js';
import type { Emitter } from './events.js';
import { isPromise } from './maybe.js';
import type { Renewal } from './renewal.js';

/** Calls under way. More would only wait in the driver's memory. */
export const MAX_IN_FLIGHT = 1024;
/** Probes without an answer, likewise. */
const MAX_PROBES = 1024;
/** How long after a failed probe, or after the failure that opened the breaker, the next one comes. */
const PROBE_LEAST_MS = 200;
const PROBE_MOST_MS = 1000;

export interface GateSettings {
  readonly store: Pick<Store, 'name'>;
  readonly calls: StoreCalls;
  /** A call that changes nothing and finds nothing: an answer, any answer, is what it is for. */
  readonly probe: () => unknown;
  readonly deadlines: Deadlines;
  /** Told when probes have no answer. */
  readonly renewal: Renewal;
  readonly environment: Environment;
  readonly events: Emitter;
}

export class Gate {
  readonly #settings: GateSettings;
  readonly #breaker: Breaker;
  #inFlight = 0;
  #probes = 0;
  /** A probe is under way that is not late yet. */
  #isProbing = false;
  #stopProbing: (() => void) | undefined;
  #isClosed = false;
  /** Nobody may pass. A plain property: every request looks at it. */
  isShut = false;

  constructor(settings: GateSettings) {
    this.#settings = settings;
    this.#breaker = new Breaker(settings.environment.now);
  }

  get isDown(): boolean {
    return this.#breaker.isOpen;
  }

  /** For who comes while the gate is shut, or has no time left. */
  refuse(operation: string): never {
    const { store, deadlines } = this.#settings;
    const refusal = (problem: string): SojournError =>
      failure('SOJOURN_STORE', { store: store.name, operation, problem });
    // Told when it began, once (storeDown).
    if (this.#breaker.isOpen) throw refusal('it does not answer, and is not asked again before a probe gets through');
    const error = this.isShut
      ? refusal(`${MAX_IN_FLIGHT} calls are waiting for it already`)
      : refusal(`this request has waited ${deadlines.totalMs} ms for it in all`);
    this.#tell(operation, error);
    throw error;
  }

  /** For a store that has answered at once. */
  passed(): void {
    if (this.#breaker.isWary) this.#breaker.succeeded();
  }

  /**
   * Waits for an answer, but not for ever. Rejects with what `trouble` makes of a failure; or asks once more, if there is an
   * `again`, time is left, and the call has failed otherwise than by its deadline: a driver whose link broke is mostly
   * connected anew in milliseconds.
   */
  wait<R>(operation: string, answer: PromiseLike<R>, allowance: Allowance, again?: () => Promise<R>): Promise<R> {
    const { deadlines } = this.#settings;
    this.#enter();
    return new Promise<R>((resolve, reject) => {
      const wait = deadlines.begin(allowance, () => reject(this.#late(operation)));
      answer.then(
        (value) => {
          this.#leave();
          if (!deadlines.end(wait)) return;
          this.passed();
          resolve(value);
        },
        (error) => {
          this.#leave();
          if (!deadlines.end(wait)) return;
          if (again === undefined || !isOutage(error)) return reject(this.trouble(operation, error));
          const known = this.#known(operation, error);
          this.#count(known);
          if (!this.isShut && !deadlines.isSpent(allowance)) return resolve(this.wait(operation, again(), allowance));
          this.#tell(operation, known);
          reject(known);
        },
      );
    });
  }

  /**
   * What a failure is for the caller: trouble is told, counted, and of one kind. Damage (SOJOURN_CORRUPT) and mistakes of the
   * caller pass as they are: the backend did answer. So it did when it was full, or others were quicker.
   */
  trouble(operation: string, error: unknown): unknown {
    const known = this.#known(operation, error);
    if (known.fault === 'store' && known.code !== 'SOJOURN_CORRUPT') this.#tell(operation, known);
    this.#count(known);
    return known;
  }

  close(): void {
    this.#isClosed = true;
    this.#stopProbing?.();
    this.#settings.renewal.ended(this);
  }

  #late(operation: string): unknown {
    const { store, deadlines } = this.#settings;
    const problem = `it did not answer in time (${deadlines.callMs} ms)`;
    return this.trouble(operation, failure('SOJOURN_STORE', { store: store.name, operation, problem }));
  }

  #known(operation: string, error: unknown): SojournError {
    return isFailure(error) ? error : foreign(this.#settings.store.name, operation, error);
  }

  #tell(operation: string, error: SojournError): void {
    const { store, events } = this.#settings;
    events.emit('storeError', { store: store.name, operation, error });
  }

  #count(error: SojournError): void {
    if (error.code === 'SOJOURN_STORE') this.#failed();
    else this.passed();
  }

  #enter(): void {
    if (++this.#inFlight >= MAX_IN_FLIGHT) this.isShut = true;
  }

  #leave(): void {
    if (--this.#inFlight < MAX_IN_FLIGHT && !this.#breaker.isOpen) this.isShut = false;
  }

  #failed(): void {
    if (!this.#breaker.failed()) return;
    this.isShut = true;
    this.#settings.events.emit('storeDown', { store: this.#settings.store.name, calls: this.#settings.calls });
    this.#probeSoon();
  }

  #probeSoon(): void {
    this.#isProbing = false;
    if (this.#isClosed) return;
    this.#stopProbing = soon(this.#settings.environment, PROBE_LEAST_MS, PROBE_MOST_MS, () => this.#probe());
  }

  #probe(): void {
    if (this.#probes >= MAX_PROBES) return void this.#probeSoon();
    this.#isProbing = true;
    try {
      const answer = this.#settings.probe();
      if (isPromise(answer)) this.#awaitProbe(answer);
      else this.#up();
    } catch (error) {
      this.#probeFailed(error);
    }
  }

  #awaitProbe(answer: Promise<unknown>): void {
    const { deadlines } = this.#settings;
    this.#probes++;
    const wait = deadlines.begin({ spent: 0 }, () => {
      if (!this.#isClosed) this.#settings.renewal.silent(this, deadlines.callMs);
      this.#probeSoon();
    });
    answer.then(
      () => {
        this.#probes--;
        this.#settings.renewal.ended(this);
        if (deadlines.end(wait)) this.#up();
        else this.#probeAtOnce();
      },
      (error) => {
        this.#probes--;
        if (deadlines.end(wait)) this.#probeFailed(error);
      },
    );
  }

  /**
   * After an answer that came too late: the backend is back, or slow, and the next probe finds out which. Drivers keep what they
   * cannot send, so this is the moment at which one has found its server again.
   */
  #probeAtOnce(): void {
    if (this.#isProbing || this.#isClosed || !this.#breaker.isOpen) return;
    this.#stopProbing?.();
    this.#probe();
  }

  /** Any answer will do, also that the store is full: it did answer. */
  #probeFailed(error: unknown): void {
    if (isOutage(error)) this.#probeSoon();
    else this.#up();
  }

  #up(): void {
    this.#isProbing = false;
    const { store, calls, events, renewal } = this.#settings;
    renewal.ended(this);
    const downMs = this.#breaker.close();
    this.isShut = this.#inFlight >= MAX_IN_FLIGHT;
    events.emit('storeUp', { store: store.name, calls, downMs });
  }
}

function isOutage(error: unknown): boolean {
  return !isFailure(error) || error.code === 'SOJOURN_STORE';
}

/** The driver's own words stay in `cause`: they may hold addresses and passwords that a message must not. */
function foreign(store: string, operation: string, error: unknown): SojournError {
  const code = (error as { code?: unknown } | null)?.code;
  const problem =
    typeof code === 'string' && /^[\w.-]{1,40}$/.test(code)
      ? `its driver failed with ${code}`
      : 'its driver failed (see cause)';
  return failure('SOJOURN_STORE', { store, operation, problem }, error);
}

/**
 * How long a request waits for its store: a deadline for every call, and a total for all calls of one request.
 *
 * All waiting calls share one timer, a wheel of TICKS steps for a deadline: a call is linked into the slot where its time is
 * up, and unlinked when its answer comes. Nothing reads a clock, so a wall clock that jumps changes nothing. And a step is
 * one turn of the event loop at least: when this process itself was busy, or was stopped and goes on, the answers that lie
 * in its sockets are read before anything is given up. The wheel turns only while somebody waits.
 *
 * Begin and end of a wait take 0.04 us together; a timer of its own for each call, set and cleared, takes 0.12, and
 * AbortSignal.timeout 7 (Node 20). Rejected besides: timestamps in a queue, which a request's shorter rest of time would break.
 */
import type { Environment } from '../contract.js';

/** Steps in a deadline. A call is given up at most one step early, never late. */
const TICKS = 20;
/** A request may wait this much longer for all its calls than for a single one: 500 and 700 ms, so that its 503 is there within 750. */
const TOTAL = 1.4;

/** What a request has spent of its time on waiting for the store, in steps. */
export interface Allowance {
  spent: number;
}

/** A call that waits for its answer. */
export class Wait {
  before: Wait = this;
  after: Wait = this;
  constructor(
    readonly begun: number,
    readonly allowance: Allowance,
    readonly late: () => void,
  ) {}
}

export class Deadlines {
  readonly #every: Environment['every'];
  readonly #tickMs: number;
  readonly #callTicks: number;
  readonly #totalTicks: number;
  readonly #slots: readonly Wait[];
  #now = 0;
  #waiting = 0;
  #stop: (() => void) | undefined;

  constructor({ every }: Pick<Environment, 'every'>, deadlineMs: number) {
    this.#every = every;
    this.#tickMs = Math.max(1, Math.floor(deadlineMs / TICKS));
    this.#callTicks = Math.max(1, Math.floor(deadlineMs / this.#tickMs));
    this.#totalTicks = Math.ceil(this.#callTicks * TOTAL);
    this.#slots = Array.from({ length: this.#totalTicks + 1 }, () => new Wait(0, { spent: 0 }, () => {}));
  }

  /** The two limits, in milliseconds, for messages. */
  get callMs(): number {
    return this.#callTicks * this.#tickMs;
  }
  get totalMs(): number {
    return this.#totalTicks * this.#tickMs;
  }

  /** True when this request has no time left. */
  isSpent({ spent }: Allowance): boolean {
    return spent >= this.#totalTicks;
  }

  /** Begins a wait for one call. `late` runs unless `end` comes first. */
  begin(allowance: Allowance, late: () => void): Wait {
    return this.#enter(Math.min(this.#callTicks, this.#left(allowance)), allowance, late);
  }

  /** Begins a wait of its own for so many milliseconds, at most those of a call. */
  beginFor(ms: number, late: () => void): Wait {
    const ticks = Math.min(Math.ceil(ms / this.#tickMs), this.#callTicks);
    return this.#enter(Math.max(1, ticks), { spent: 0 }, late);
  }

  /** Begins a wait for as long as this request has time at all. */
  beginLong(allowance: Allowance, late: () => void): Wait {
    return this.#enter(this.#left(allowance), allowance, late);
  }

  /** Ends a wait. False when it was over already. */
  end(wait: Wait): boolean {
    if (wait.after === wait) return false;
    this.#leave(wait);
    return true;
  }

  close(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #left({ spent }: Allowance): number {
    return Math.max(1, this.#totalTicks - spent);
  }

  #enter(ticks: number, allowance: Allowance, late: () => void): Wait {
    const wait = new Wait(this.#now, allowance, late);
    const slot = this.#slots[(this.#now + ticks) % this.#slots.length]!;
    wait.before = slot.before;
    wait.after = slot;
    slot.before.after = wait;
    slot.before = wait;
    this.#waiting++;
    this.#stop ??= this.#every(this.#tickMs, () => this.#tick());
    return wait;
  }

  #leave(wait: Wait): void {
    wait.before.after = wait.after;
    wait.after.before = wait.before;
    wait.before = wait;
    wait.after = wait;
    wait.allowance.spent += this.#now - wait.begun;
    this.#waiting--;
  }

  #tick(): void {
    // One idle step before it stops: a server that is asked now and then does not set a timer for every call.
    if (this.#waiting === 0) this.close();
    this.#now++;
    const slot = this.#slots[this.#now % this.#slots.length]!;
    while (slot.after !== slot) {
      const wait = slot.after;
      this.#leave(wait);
      wait.late();
    }
  }
}

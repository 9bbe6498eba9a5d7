/**
 * Whether a backend is worth asking: five failures in a row, or half of at least twenty answers within a second, say no.
 *
 * Then nobody waits any more: callers are refused at once, and a probe in the background finds out when the backend is back
 * (gate.ts). Letting a caller through now and then to try ("half open") was rejected: that one would wait for his deadline.
 * Successes are only counted after a failure, and the second begins with one, so that in good times there is nothing to count.
 */
import type { Environment } from '../contract.js';

const MOST_IN_A_ROW = 5;
const WINDOW_MS = 1000;
const WINDOW_LEAST = 20;

export class Breaker {
  readonly #now: Environment['now'];
  readonly #mostInARow: number;
  #inARow = 0;
  #windowSince = 0;
  #answers = 0;
  #failures = 0;
  #openSince = 0;
  /** Nobody is to ask. */
  isOpen = false;
  /** Something has failed lately: successes are to be told. */
  isWary = false;

  /** `mostInARow`: so many failures in a row open it. */
  constructor(now: Environment['now'], mostInARow: number = MOST_IN_A_ROW) {
    this.#now = now;
    this.#mostInARow = mostInARow;
  }

  /** True when this failure opens it. */
  failed(): boolean {
    const now = this.#now();
    const age = now - this.#windowSince;
    // A clock that was set back begins a new second as well.
    if (!this.isWary || age < 0 || age >= WINDOW_MS) this.#begin(now);
    this.isWary = true;
    this.#inARow++;
    this.#answers++;
    this.#failures++;
    const isHalf = this.#answers >= WINDOW_LEAST && this.#failures * 2 >= this.#answers;
    if (this.isOpen || (this.#inARow < this.#mostInARow && !isHalf)) return false;
    this.isOpen = true;
    this.#openSince = now;
    return true;
  }

  succeeded(): void {
    this.#inARow = 0;
    this.#answers++;
  }

  /** Closes it. Returns for how long it was open. */
  close(): number {
    this.isOpen = false;
    this.isWary = false;
    this.#inARow = 0;
    return Math.max(0, this.#now() - this.#openSince);
  }

  #begin(now: number): void {
    this.#windowSince = now;
    this.#answers = 0;
    this.#failures = 0;
  }
}

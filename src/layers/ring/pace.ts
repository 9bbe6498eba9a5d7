/**
 * How fast work in the background goes: so many steps in a second, and fewer while nodes take longer to answer than they did.
 *
 * Each batch of steps has a time at which it is due, and a step waits for its batch. So it does not matter how many wait at once, and a
 * batch that took long is not made up for by a rush. Half as many each time that nodes are slow, a tenth more each time that they are not.
 *
 * Rejected: resting after each batch for what is left of its time (of many that wait at once, two batches rest at the same time), and
 * a timer for each step (it would cost more than the step).
 */
import type { Environment } from '../../contract.js';
import { rest } from './shared.js';

const BATCH = 16;
/** The pace that is given may be slower. */
const LEAST_PER_SECOND = 50;
/** Nobody minds answers that are quicker. */
const QUICK_MS = 10;

export class Pace {
  readonly #environment: Environment;
  readonly #most: number;
  readonly #slowMs: () => number;
  readonly #limitMs: number;
  #perSecond: number;
  #steps = 0;
  #gate: Promise<void> | undefined;
  #dueAt: number;
  #done = 0;
  #doneAt: number;
  /** Done in a second, lately. 0 before there is a figure. */
  lately = 0;

  /** `most`: steps in a second. `slowMs`: what nodes need for an answer. */
  constructor(environment: Environment, most: number, slowMs: () => number) {
    this.#environment = environment;
    this.#most = most;
    this.#perSecond = Math.min(most, Math.max(LEAST_PER_SECOND, most / 4));
    this.#slowMs = slowMs;
    this.#limitMs = Math.max(QUICK_MS, 2 * slowMs());
    this.#dueAt = environment.now();
    this.#doneAt = this.#dueAt;
  }

  /** Resolves when it may be taken. */
  async step(): Promise<void> {
    const gate = this.#gate;
    if (++this.#steps % BATCH === 0) this.#gate = this.#nextBatch();
    await gate;
  }

  /** One was done. */
  done(): void {
    if (++this.#done % BATCH !== 0) return;
    const now = this.#environment.now();
    const tookMs = now - this.#doneAt;
    this.#doneAt = now;
    if (tookMs > 0) this.lately += ((BATCH * 1000) / tookMs - this.lately) / (this.lately === 0 ? 1 : 8);
  }

  #nextBatch(): Promise<void> | undefined {
    const isSlow = this.#slowMs() > this.#limitMs;
    const wanted = isSlow ? this.#perSecond / 2 : this.#perSecond * 1.1;
    this.#perSecond = Math.min(this.#most, Math.max(LEAST_PER_SECOND, wanted));
    const now = this.#environment.now();
    this.#dueAt = Math.max(this.#dueAt + (BATCH * 1000) / this.#perSecond, now);
    const restMs = this.#dueAt - now;
    return restMs >= 1 ? rest(this.#environment, restMs) : undefined;
  }
}

/**
 * Who listens to sessions that end, and from when on it hears.
 *
 * A listener waits until the links are subscribed: whoever is told "you listen" before that misses an end without knowing. If
 * that takes too long, or Redis forbids it, the listener is sent away with the reason, and may come again; who listens already
 * only loses what is said until the next links are subscribed. Rejected: listeners that are kept until some day links stand, for
 * then nobody learns that a server forbids it, or cannot be reached.
 */
import type { Ended, Environment } from '../../contract.js';
import { soon } from '../../core/environment.js';

export type Listener = (id: string, how: Ended) => void;

/** How long links and their subscription may take. Links alone are given two seconds. */
const SUBSCRIBE_MS = 5000;

interface Listening {
  readonly ended: Listener;
  isSubscribed: boolean;
  /** True for one that was sent away. */
  readonly answer: (error?: unknown) => void;
}

export class Listenings {
  readonly #all = new Set<Listening>();
  readonly #environment: Environment;
  readonly #left: () => void;

  /** `left`: is called whenever there is one listener less. */
  constructor(environment: Environment, left: () => void) {
    this.#environment = environment;
    this.#left = left;
  }

  get size(): number {
    return this.#all.size;
  }

  /** True while somebody waits for a subscription. */
  get areWaiting(): boolean {
    return [...this.#all].some(({ isSubscribed }) => !isSubscribed);
  }

  /** Resolves with the way to stop, once it hears. */
  add(ended: Listener): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        if (this.#all.delete(listening)) this.#left();
      };
      const late = new Error(`Nothing could be subscribed within ${SUBSCRIBE_MS} ms.`);
      const cancel = soon(this.#environment, SUBSCRIBE_MS, SUBSCRIBE_MS, () => listening.answer(late));
      const listening: Listening = {
        ended,
        isSubscribed: false,
        answer(error) {
          cancel();
          listening.isSubscribed = true;
          if (error === undefined) return resolve(stop);
          stop();
          reject(error);
        },
      };
      this.#all.add(listening);
    });
  }

  /** Everybody who waits hears from now on. */
  subscribed(): void {
    this.#answer();
  }

  /** What Redis says to everybody who waits. */
  refused(error: unknown): void {
    this.#answer(error);
  }

  tell(id: string, how: Ended): void {
    for (const { ended } of this.#all) ended(id, how);
  }

  /** Nobody hears any more, and nobody waits. */
  clear(): void {
    this.#answer();
    this.#all.clear();
  }

  #answer(error?: unknown): void {
    for (const listening of [...this.#all]) if (!listening.isSubscribed) listening.answer(error);
  }
}

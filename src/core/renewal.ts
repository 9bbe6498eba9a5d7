/**
 * When to tell a store that its connections may be dead: nothing has been answered for so long, although it was asked.
 *
 * A link that a network has forgotten (a firewall, a machine that was cut off) says nothing any more, and not even that. Drivers
 * notice it late or never: what is sent on it looks like traffic. The probes of a gate (gate.ts) are questions that anybody can answer, so
 * their silence is the sign. Refusals are none, however long they last: somebody refused. One for both gates of a store, so
 * that a new connection is given time to come about. The first wait is longer: a server that was only frozen is back in time mostly, and
 * commands that are under way on a connection are lost with it.
 */
import type { Environment, Store } from '../contract.js';
import { soon } from './environment.js';

/** So long without an answer, counted from the question. */
export const RENEW_AFTER_MS = 3000;
/** And then again and again: a connection that was made while the network was still down is as dead, and everybody shall be back within two seconds. */
export const RENEW_AGAIN_MS = 1000;

export class Renewal {
  readonly #store: Pick<Store, 'renew'>;
  readonly #environment: Environment;
  /** Gates whose probes are not answered. */
  readonly #silent = new Set<object>();
  #stop: (() => void) | undefined;

  constructor(store: Pick<Store, 'renew'>, environment: Environment) {
    this.#store = store;
    this.#environment = environment;
  }

  /** A probe of this gate has had no answer for `ms`. */
  silent(gate: object, ms: number): void {
    if (this.#store.renew === undefined) return;
    this.#silent.add(gate);
    if (this.#stop === undefined) this.#renewIn(Math.max(1, RENEW_AFTER_MS - ms));
  }

  /** The store has answered this gate, or the gate is closed. */
  ended(gate: object): void {
    this.#silent.delete(gate);
    if (this.#silent.size > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #renewIn(ms: number): void {
    this.#stop = soon(this.#environment, ms, ms, () => {
      this.#renewIn(RENEW_AGAIN_MS);
      try {
        this.#store.renew?.();
      } catch {
        // It was to help. The next probe tells whether it did.
      }
    });
  }
}

/**
 * Writes of one session by this process, one after the other: without it they would only take each other's mark away.
 *
 * A hundred commits of one session at a time would need thousands of compare-and-sets; in turns each needs one. Other
 * processes are not bound by it, and need not be.
 */

export class Turns {
  /** The last one that was given a turn, for each session that is being written. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `write` when all that came before it are done. */
  take<R>(id: string, write: () => Promise<R>): Promise<R> {
    const before = this.#last.get(id);
    const own = before === undefined ? write() : before.then(write, write);
    this.#last.set(id, own);
    const leave = (): void => {
      if (this.#last.get(id) === own) this.#last.delete(id);
    };
    own.then(leave, leave);
    return own;
  }
}

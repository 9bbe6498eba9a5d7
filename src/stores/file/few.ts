/**
 * So many at a time, and the others wait: what keeps a thousand writes from opening a thousand files.
 *
 * First come, first served. There is no bound on who waits: the engine lets no more than 1024 calls be under way (core/gate.ts), and
 * gives each up after its deadline. Rejected: refusing (a burst of logins would fail on a disk that is merely slow).
 */

export class Few {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(most: number) {
    this.#free = most;
  }

  async run<T>(act: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      return await act();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/**
 * When the world is at peace, and when it was: what decides how much may be asked of the ring.
 *
 * A fault is a disturbance from its beginning to its end. `CALM_MS` after the last one has ended there is calm: breakers have
 * closed, hints are delivered, nodes that came back empty are filled again. Without consensus nobody can promise that every
 * server sees every write while some cannot reach each other; but in calm all of it must be there.
 */

/** How long a ring may take to recover. */
export const CALM_MS = 10_000;

export class Calm {
  readonly #now: () => number;
  #disturbances = 0;
  #quietSince = Number.NEGATIVE_INFINITY;
  #epoch = 0;
  /** Each time a disturbance began that was not one of several, and when the quiet began before it. */
  readonly #quiets: { readonly from: number; readonly to: number }[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Changes whenever a disturbance begins: two moments with the same one, both calm, have calm between them. */
  get epoch(): number {
    return this.#epoch;
  }

  get isCalm(): boolean {
    return this.#disturbances === 0 && this.#now() >= this.#quietSince + CALM_MS;
  }

  begin(): void {
    this.#epoch++;
    if (this.#disturbances++ === 0) this.#quiets.push({ from: this.#quietSince, to: this.#now() });
  }

  end(): void {
    if (--this.#disturbances === 0) this.#quietSince = this.#now();
  }

  /** The first moment of calm from then on, as far as it has come by now. */
  next(from: number): number {
    for (const quiet of this.#quiets) {
      const first = Math.max(quiet.from + CALM_MS, from);
      if (first < quiet.to) return first;
    }
    const first = Math.max(this.#quietSince + CALM_MS, from);
    return this.#disturbances === 0 && first <= this.#now() ? first : Number.POSITIVE_INFINITY;
  }
}

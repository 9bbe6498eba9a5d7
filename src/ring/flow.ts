/**
 * How much gets through a network, in whole units: from the source to the sink over arcs that carry no more than their limits.
 *
 * One shortest way after another, each used for all that it bears (Edmonds and Karp): as much as any plan could send. Arcs may carry
 * something from the beginning, and may be widened when nothing more gets through; what they carry is changed only where a
 * way needs it. Arcs are looked at in the order in which they were laid, so every implementation finds the same ways.
 *
 * Rejected: Dinic's layers and push-relabel. They save time in networks far larger than these, and are harder to write twice alike.
 */
export class Flow {
  /** Arcs come in pairs: what one may still carry, and what may be taken back, the same number with its last bit turned. */
  readonly #open: number[] = [];
  readonly #ends: number[] = [];
  readonly #arcs: readonly number[][];

  constructor(places: number) {
    this.#arcs = Array.from({ length: places }, () => []);
  }

  /** Lays an arc, and says its number. */
  lay(from: number, to: number, limit: number, carried: number): number {
    const arc = this.#ends.length;
    this.#ends.push(to, from);
    this.#open.push(limit - carried, carried);
    this.#arcs[from]!.push(arc);
    this.#arcs[to]!.push(arc + 1);
    return arc;
  }

  widen(arc: number, by: number): void {
    this.#open[arc]! += by;
  }

  carried(arc: number): number {
    return this.#open[arc + 1]!;
  }

  /** Sends all that gets through. The places that can then still be reached from the source are 1. */
  send(source: number, sink: number): Uint8Array {
    for (;;) {
      const reached = new Uint8Array(this.#arcs.length);
      const way = this.#shortestWay(source, sink, reached);
      if (way.length === 0) return reached;
      const amount = Math.min(...way.map((arc) => this.#open[arc]!));
      for (const arc of way) {
        this.#open[arc]! -= amount;
        this.#open[arc ^ 1]! += amount;
      }
    }
  }

  #shortestWay(source: number, sink: number, reached: Uint8Array): number[] {
    const by = new Int32Array(reached.length);
    const places = [source];
    reached[source] = 1;
    for (const place of places) {
      for (const arc of this.#arcs[place]!) {
        const end = this.#ends[arc]!;
        if (this.#open[arc] === 0 || reached[end] === 1) continue;
        reached[end] = 1;
        by[end] = arc;
        if (end === sink) return this.#wayTo(sink, source, by);
        places.push(end);
      }
    }
    return [];
  }

  #wayTo(sink: number, source: number, by: Int32Array): number[] {
    const way: number[] = [];
    for (let place = sink; place !== source; place = this.#ends[way.at(-1)! ^ 1]!) way.push(by[place]!);
    return way;
  }
}

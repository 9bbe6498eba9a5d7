/**
 * A server that keeps sessions and cells: the real memory store, on a machine that can be stopped, slowed and killed.
 *
 * What arrives at a stopped server waits and is carried out when it goes on, however long its sender has given up. A killed one
 * refuses connections; it comes back with all that it had (a disk that is written before each answer), with nothing, or as it was
 * some time ago.
 */
import type { Cell, Celled, Indexed, Listable, Store } from '../../../src/contract.js';
import { memory } from '../../../src/stores/memory.js';
import { START_MS } from './app-process.js';
import type { World } from './world.js';

export type Keeps = Store & Indexed & Listable & Celled;

export interface Work {
  readonly run: (store: Keeps) => unknown;
  readonly answer: (result: unknown) => void;
  /** Of what the store has thrown, or because there is no server. */
  readonly fail: (error?: unknown) => void;
}

export class Server {
  readonly name: string;
  /** How far its clock is ahead. */
  readonly #skewMs: number;
  /** How much later it does everything. */
  slowMs = 0;
  state: 'up' | 'stopped' | 'dead' = 'up';
  store: Keeps;
  readonly #world: World;
  #queue: Work[] = [];
  #snapshot: readonly (readonly [string, Cell])[] = [];

  constructor(world: World, name: string, skewMs: number) {
    this.#skewMs = skewMs;
    this.#world = world;
    this.name = name;
    this.store = this.#empty();
  }

  receive(work: Work): void {
    if (this.state === 'dead') work.fail();
    else if (this.state === 'stopped') this.#queue.push(work);
    else if (this.slowMs > 0) this.#world.after(this.slowMs, () => this.#carryOut(work));
    else this.#carryOut(work);
  }

  stop(): void {
    this.state = 'stopped';
  }

  goOn(): void {
    this.state = 'up';
    const due = this.#queue;
    this.#queue = [];
    for (const work of due) this.#world.after(0, () => this.#carryOut(work));
  }

  kill(): void {
    this.state = 'dead';
    const due = this.#queue;
    this.#queue = [];
    for (const work of due) work.fail();
  }

  restart(): void {
    this.state = 'up';
  }

  forget(): void {
    this.store = this.#empty();
  }

  /** Remembers all cells as they are now, for `rollBack`. */
  async snapshot(): Promise<void> {
    const cells: (readonly [string, Cell])[] = [];
    for await (const id of this.store.cells.ids()) {
      const cell = await this.store.cells.read(id);
      if (cell) cells.push([id, cell]);
    }
    this.#snapshot = cells;
  }

  rollBack(): void {
    this.forget();
    for (const [id, cell] of this.#snapshot) void this.store.cells.replace(id, null, cell);
  }

  #empty(): Keeps {
    return memory({ now: () => Math.floor(START_MS + this.#world.now + this.#skewMs), name: this.name });
  }

  #carryOut(work: Work): void {
    if (this.state !== 'up') {
      this.receive(work);
      return;
    }
    try {
      const result = work.run(this.store);
      if (result instanceof Promise) result.then(work.answer, work.fail);
      else work.answer(result);
    } catch (error) {
      work.fail(error);
    }
  }
}

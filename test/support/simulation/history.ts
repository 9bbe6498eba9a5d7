/**
 * What was asked in a run and what came of it: operations on sessions, and in which order they certainly happened.
 *
 * Every write leaves something that nobody else writes, so a value tells who wrote it. An operation is *settled* from when on all
 * servers must know it: at once if there was calm while it ran, else in the next calm. One is *before* another if it was settled when that one was called, or if the
 * same process had the answer of the first when it called the second. All else is concurrent, and either may win.
 */
import type { Calm } from './calm.js';

export const SECRET = '@secret';

/** What an operation does to a session. */
export interface Effect {
  /** Fields by name with what they then hold; null: deleted. The secret is one of them. */
  readonly writes: ReadonlyMap<string, string | null>;
  /** The entry that an `append` adds to the log. */
  readonly entry?: string;
  /** What an `append` took the log for. */
  readonly expect?: string | null;
  /** The generation that was read, and for a login the one that it begins. */
  readonly generation: number;
  readonly nextGeneration?: number;
  readonly expiresAt?: number;
  /** The secret that a rotation replaces. */
  readonly replaces?: string;
  readonly creates?: true;
  readonly destroys?: true;
}

export type Status = 'open' | 'ok' | 'conflict' | 'gone' | 'exists' | 'error';

export class Operation {
  status: Status = 'open';
  returned = Number.POSITIVE_INFINITY;
  /** True if there was calm from call to answer. */
  isCalm = false;
  /** The version that a commit made. */
  version: number | undefined;
  readonly #calm: Calm;
  readonly #epoch: number | undefined;

  constructor(
    readonly name: string,
    /** Process and incarnation. */
    readonly process: string,
    readonly effect: Effect,
    readonly called: number,
    calm: Calm,
  ) {
    this.#calm = calm;
    this.#epoch = calm.isCalm ? calm.epoch : undefined;
  }

  answered(status: Status, at: number): void {
    this.status = status;
    this.returned = at;
    this.isCalm = this.#epoch !== undefined && this.#epoch === this.#calm.epoch;
  }

  get isAcknowledged(): boolean {
    return this.status === 'ok';
  }

  /** May have been done, or may still be: acknowledged, or nobody knows. */
  get isPossible(): boolean {
    return this.status === 'ok' || this.status === 'open' || this.status === 'error';
  }

  /** From then on every server must know it. */
  get settled(): number {
    if (this.status !== 'ok') return Number.POSITIVE_INFINITY;
    return this.isCalm ? this.returned : this.#calm.next(this.returned);
  }

  /** Whether it must be known to somebody who asks at `called`, from this process. */
  isKnownTo(process: string, called: number): boolean {
    if (this.status !== 'ok' || this.returned > called) return false;
    return this.process === process || this.settled <= called;
  }

  isBefore(other: Operation): boolean {
    return this.isKnownTo(other.process, other.called);
  }
}

/** A load, or what a refused commit says about a session. */
export interface Look {
  readonly process: string;
  readonly called: number;
  readonly returned: number;
  readonly isCalm: boolean;
  readonly epoch: number;
}

/** All that was done to one session. */
export class Story {
  readonly operations: Operation[] = [];
  /** By what only they have written. */
  readonly #writers = new Map<string, Operation>();
  readonly #versions = new Map<string, { version: number; returned: number; epoch: number }>();
  /** Somebody has seen in calm that it is gone, before its time. */
  seenGone: Look | undefined;

  constructor(
    readonly id: string,
    readonly creation: Operation,
  ) {
    this.add(creation);
  }

  add(operation: Operation): void {
    this.operations.push(operation);
    for (const value of operation.effect.writes.values()) if (value !== null) this.#writers.set(value, operation);
    if (operation.effect.entry !== undefined) this.#writers.set(operation.effect.entry, operation);
  }

  writerOf(value: string): Operation | undefined {
    return this.#writers.get(value);
  }

  /** Remembers the version that a process has seen, and tells the highest that it had seen before in the same calm. */
  seen({ process, called, returned, epoch }: Look, version: number): number {
    const last = this.#versions.get(process);
    if (last?.epoch !== epoch) {
      this.#versions.set(process, { version, returned, epoch });
      return 0;
    }
    const before = last.returned <= called ? last.version : 0;
    if (version > last.version) this.#versions.set(process, { version, returned, epoch });
    return before;
  }
}

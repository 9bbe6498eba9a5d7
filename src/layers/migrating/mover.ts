/**
 * Moving all sessions in the background: walk the old store, move what it lists, walk again until nothing is left.
 *
 * There is no plan to keep: what has moved is not listed any more, so whoever starts anew goes on where the last one died. It is paced,
 * so that requests hardly notice, and can pause. What cannot be moved (damage, a value too large for the new store) is counted and
 * named, and does not hold up the rest.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as rest } from 'node:timers/promises';
import type { Store } from '../../contract.js';
import { checked, wholeNumber } from '../../core/options.js';
import { failure, isFailure } from '../../errors.js';
import type { Below } from '../able.js';
import type { Moving } from './move.js';

export interface MoveOptions {
  /** Sessions a second at most, 1 to 1,000,000. Default 500. */
  readonly pace?: number;
  /** Called now and then, and at the end. */
  readonly onProgress?: (progress: MoveProgress) => void;
}

export interface MoveProgress {
  /** 'failed': some could not be moved, and stay where they are; `failures` names them. */
  readonly state: 'moving' | 'paused' | 'stopped' | 'done' | 'failed';
  /** Sessions that the old store had when it began. */
  readonly total: number;
  readonly moved: number;
  /** That had ended, or gone over by a request, when their turn came. */
  readonly passed: number;
  readonly failed: number;
  /** Why, and at most the last 100 of them. */
  readonly failures: readonly { readonly id: string; readonly code: string }[];
  /** Walks over the old store, the present one included. */
  readonly walks: number;
}

/** A move that is under way. */
export interface Move {
  readonly progress: MoveProgress;
  /** Resolves when it has ended, also when it was stopped. Rejects when the old store cannot be walked. */
  readonly done: Promise<MoveProgress>;
  /** What is under way is finished first. */
  pause(): void;
  resume(): void;
  /** Ends it. Start another one to go on. */
  stop(): void;
}

export interface Verified {
  /** Live sessions in the old store. */
  readonly left: number;
  /** Some of them, at most 20. */
  readonly ids: readonly string[];
}

export interface MoverSettings {
  readonly from: Below;
  readonly to: Store;
  readonly moving: Moving;
  readonly phase: 'from' | 'moving';
}

const AT_A_TIME = 16;
const MAX_WALKS = 100;
const MAX_NAMED = 100;
const MAX_LEFT_NAMED = 20;
/** So many that cannot be moved are not about sessions: the new store is in trouble, and the move ends. */
const MAX_FAILED = 1000;
/** Told after so many sessions. */
const TOLD_EVERY = 64;
/** The pace is kept over so long: a timer for each session would cost more than the session. */
const SLICE_MS = 50;

export class Mover {
  readonly #settings: MoverSettings;
  readonly #running = new Set<Running>();

  constructor(settings: MoverSettings) {
    this.#settings = settings;
  }

  start(options: MoveOptions | undefined): Move {
    const own = checked('move', options, ['pace', 'onProgress']);
    const pace = wholeNumber('pace of move', own.pace ?? 500, 1, 1_000_000);
    this.refuseEarly();
    if (this.#settings.from.list === undefined) throw cannotList();
    const running = new Running(this.#settings, pace, own.onProgress);
    this.#running.add(running);
    const forget = (): void => void this.#running.delete(running);
    running.done.then(forget, forget);
    return running;
  }

  async verify(): Promise<Verified> {
    const { from } = this.#settings;
    if (from.list === undefined) throw cannotList();
    const ids: string[] = [];
    let left = 0;
    for await (const [id] of from.list()) {
      left++;
      if (ids.length < MAX_LEFT_NAMED) ids.push(id);
    }
    return { left, ids };
  }

  close(): void {
    for (const running of this.#running) running.stop();
  }

  /** SOJOURN_OPTION in phase 'from'. */
  refuseEarly(): void {
    if (this.#settings.phase === 'moving') return;
    const wanted = "must be 'moving' before sessions are moved: first deploy the layer in phase 'from' everywhere";
    throw failure('SOJOURN_OPTION', { option: 'phase of migrating', wanted, got: "'from'" });
  }
}

class Running implements Move {
  readonly done: Promise<MoveProgress>;
  readonly #settings: MoverSettings;
  readonly #pace: number;
  readonly #onProgress: ((progress: MoveProgress) => void) | undefined;
  readonly #failures = new Map<string, string>();
  #state: MoveProgress['state'] = 'moving';
  #total = 0;
  #moved = 0;
  #passed = 0;
  #walks = 0;
  #begun = 0;
  #since = performance.now();
  #wake: (() => void) | undefined;

  constructor(settings: MoverSettings, pace: number, onProgress: ((progress: MoveProgress) => void) | undefined) {
    this.#settings = settings;
    this.#pace = pace;
    this.#onProgress = onProgress;
    this.done = this.#run();
    // Who waits hears of it; who does not is not to be killed by it.
    this.done.catch(() => {});
  }

  get progress(): MoveProgress {
    const failures = [...this.#failures].slice(-MAX_NAMED).map(([id, code]) => ({ id, code }));
    return {
      state: this.#state,
      total: this.#total,
      moved: this.#moved,
      passed: this.#passed,
      failed: this.#failures.size,
      failures,
      walks: this.#walks,
    };
  }

  pause(): void {
    if (this.#state === 'moving') this.#become('paused');
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#restart();
    this.#become('moving');
  }

  stop(): void {
    if (this.#state === 'moving' || this.#state === 'paused') this.#become('stopped');
  }

  async #run(): Promise<MoveProgress> {
    // The caller gets hold of this move before it tells of anything.
    await null;
    for await (const _ of this.#settings.from.list!()) this.#total++;
    this.#restart();
    let found = -1;
    while (found !== 0 && !this.#isEnding && this.#walks < MAX_WALKS) {
      this.#walks++;
      found = await this.#walk();
    }
    if (this.#state !== 'stopped') this.#become(this.#failures.size > 0 ? 'failed' : 'done');
    else this.#onProgress?.(this.progress);
    return this.progress;
  }

  get #isEnding(): boolean {
    return this.#state === 'stopped' || this.#failures.size >= MAX_FAILED;
  }

  /** Moves what is listed, and tells how much of it was new. */
  async #walk(): Promise<number> {
    const underWay = new Set<Promise<void>>();
    let found = 0;
    for await (const [id] of this.#settings.from.list!()) {
      if (this.#failures.has(id)) continue;
      await this.#turn();
      if (this.#isEnding) break;
      found++;
      const one = this.#one(id).finally(() => underWay.delete(one));
      underWay.add(one);
      if (underWay.size >= AT_A_TIME) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    return found;
  }

  async #one(id: string): Promise<void> {
    try {
      if ((await this.#settings.moving.move(id)) === 'moved') this.#moved++;
      else this.#passed++;
    } catch (error) {
      this.#failures.set(id, isFailure(error) ? error.code : 'unknown');
    }
    if ((this.#moved + this.#passed + this.#failures.size) % TOLD_EVERY === 0) this.#onProgress?.(this.progress);
  }

  /** Waits while paused, and for as long as the pace wants. */
  async #turn(): Promise<void> {
    while (this.#state === 'paused') await new Promise<void>((wake) => (this.#wake = wake));
    const dueMs = (this.#begun++ / this.#pace) * 1000;
    const aheadMs = dueMs - (performance.now() - this.#since);
    // A timer that keeps the process alive: a script that only waits for the move must not end before it.
    if (aheadMs > SLICE_MS) await rest(aheadMs);
  }

  /** Time that was paused is not made up for. */
  #restart(): void {
    this.#begun = 0;
    this.#since = performance.now();
  }

  #become(state: MoveProgress['state']): void {
    this.#state = state;
    this.#wake?.();
    this.#onProgress?.(this.progress);
  }
}

function cannotList(): Error {
  const wanted = 'must be a store that can list, or nobody knows what is left in it';
  return failure('SOJOURN_OPTION', { option: 'from of migrating', wanted });
}

/**
 * An application process: a clock that may be wrong, timers, and what reaches it from outside.
 *
 * Whatever it waits for comes in through `receive`. A killed process receives nothing any more, and so stands still for ever at
 * the step that it had come to. A paused one (SIGSTOP) receives everything when it goes on, as an event loop does then: first each
 * timer that is due, once, then the answers that lie in its sockets.
 */
import type { Environment } from '../../../src/contract.js';
import type { Chance } from './chance.js';
import type { Event, World } from './world.js';

/** 2026-01-01, when every simulation begins. */
export const START_MS = 1_767_225_600_000;

interface Timer {
  readonly intervalMs: number;
  readonly run: () => void;
  isStopped: boolean;
  event: Event | undefined;
}

export class AppProcess {
  readonly name: string;
  readonly environment: Environment;
  /** How far its clock is ahead. */
  skewMs: number;
  isAlive = true;
  isPaused = false;
  readonly #world: World;
  readonly #timers = new Set<Timer>();
  #late: (() => void)[] = [];
  #inbox: (() => void)[] = [];

  constructor(world: World, name: string, source: Chance, skewMs: number) {
    this.#world = world;
    this.name = name;
    this.skewMs = skewMs;
    this.environment = {
      now: () => Math.floor(START_MS + world.now + this.skewMs),
      random: (bytes) => source.bytes(bytes),
      every: (intervalMs, run) => this.#every(intervalMs, run),
    };
  }

  receive(run: () => void): void {
    if (!this.isAlive) return;
    if (this.isPaused) this.#inbox.push(run);
    else run();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    const due = [...this.#late, ...this.#inbox];
    this.#late = [];
    this.#inbox = [];
    for (const run of due) this.#world.after(0, () => this.receive(run));
  }

  kill(): void {
    this.isAlive = false;
    for (const timer of this.#timers) stop(timer);
    this.#timers.clear();
    this.#late = [];
    this.#inbox = [];
  }

  #every(intervalMs: number, run: () => void): () => void {
    const timer: Timer = { intervalMs, run, isStopped: !this.isAlive, event: undefined };
    if (this.isAlive) {
      this.#timers.add(timer);
      this.#set(timer);
    }
    return () => {
      stop(timer);
      this.#timers.delete(timer);
    };
  }

  #set(timer: Timer): void {
    timer.event = this.#world.after(timer.intervalMs, () => {
      if (this.isPaused) this.#late.push(() => this.#fire(timer));
      else this.#fire(timer);
    });
  }

  #fire(timer: Timer): void {
    if (timer.isStopped) return;
    this.#set(timer);
    timer.run();
  }
}

function stop(timer: Timer): void {
  timer.isStopped = true;
  if (timer.event) timer.event.isCancelled = true;
}

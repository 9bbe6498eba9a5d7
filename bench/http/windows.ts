/**
 * CPU per request, by windows of a tenth of a second inside the server. The server knows best what it served and what that
 * cost it, so nothing has to be agreed with the load generator: a window counts for a row when all of its requests belong to
 * that row, and so did all of the window before (which leaves out the change of turns, and commits that trail behind it).
 */
import type { Name } from './entrants.js';
import type { Route } from './paths.js';

const WINDOW_MS = 100;
/** A window in which next to nothing was served says nothing about a request. */
const LEAST_REQUESTS = 20;

export interface Tally {
  /** The number under which requests of this row are counted. */
  slot(name: Name, route: Route): number;
  count(slot: number): void;
  requests(): readonly number[];
  key(slot: number): string;
}

/** One window: microseconds of CPU per request, and the share of its time that the process was busy. */
export interface Window {
  readonly cpu: number;
  readonly busy: number;
}

export function rowKey(name: Name, route: Route): string {
  return `${name}/${route}`;
}

export function tally(): Tally {
  const keys: string[] = [];
  const counts: number[] = [];
  return {
    slot(name, route) {
      counts.push(0);
      return keys.push(rowKey(name, route)) - 1;
    },
    count: (slot) => void counts[slot]!++,
    requests: () => counts,
    key: (slot) => keys[slot]!,
  };
}

export interface Sampler {
  /** Forgets everything so far: what came before was for warming up. */
  restart(): void;
  windows(): Record<string, Window[]>;
}

export function sampler(tally: Tally): Sampler {
  let windows: Record<string, Window[]> = {};
  let before = reading(tally);
  let slotBefore = -1;
  setInterval(() => {
    const now = reading(tally);
    const slot = onlySlot(before.requests, now.requests);
    if (slot !== -1 && slot === slotBefore) keep(tally.key(slot), windowOf(before, now, slot));
    before = now;
    slotBefore = slot;
  }, WINDOW_MS);

  function keep(key: string, window: Window | undefined): void {
    const known = windows[key] ?? [];
    if (window !== undefined) known.push(window);
    windows[key] = known;
  }

  return {
    windows: () => windows,
    restart() {
      windows = {};
      slotBefore = -1;
    },
  };
}

interface Reading {
  readonly at: number;
  readonly cpuUs: number;
  readonly requests: readonly number[];
}

function reading(tally: Tally): Reading {
  const { user, system } = process.cpuUsage();
  return { at: performance.now(), cpuUs: user + system, requests: [...tally.requests()] };
}

/** The one row that was served between two readings; -1 for none, or several. */
function onlySlot(before: readonly number[], now: readonly number[]): number {
  const served = now.flatMap((count, slot) => (count > before[slot]! ? [slot] : []));
  return served.length === 1 ? served[0]! : -1;
}

function windowOf(before: Reading, now: Reading, slot: number): Window | undefined {
  const served = now.requests[slot]! - before.requests[slot]!;
  if (served < LEAST_REQUESTS) return undefined;
  const cpuUs = now.cpuUs - before.cpuUs;
  return { cpu: cpuUs / served, busy: cpuUs / 1000 / (now.at - before.at) };
}

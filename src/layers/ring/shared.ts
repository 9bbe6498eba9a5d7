/**
 * What all parts of a ring share: its nodes and places, time and chance, figures, and small questions that several of them ask.
 *
 * Each part is handed this one object, and keeps to itself what is its own.
 * Rejected: one class for all of it (2000 lines).
 */
import type { Environment } from '../../contract.js';
import type { Deadlines } from '../../core/deadline.js';
import { failure, type SojournError } from '../../errors.js';
import type { StampClock } from './clock.js';
import { type Copy, joined } from './copy.js';
import type { Memo } from './memo.js';
import type { News } from './news.js';
import type { Node } from './node.js';
import type { Places } from './place.js';

export interface Shared {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly places: Places;
  readonly clock: StampClock;
  readonly environment: Environment;
  readonly deadlines: Deadlines;
  readonly news: News;
  readonly memo: Memo;
  readonly figures: Figures;
  /** Resolves when the table of this step, or a later one, is followed. SOJOURN_STORE when that takes too long. */
  readonly awaitStep: (step: number) => Promise<void>;
  /** 'degrade': a write that reaches one of its nodes is good, and hints tell the others. 'strict': it has to reach all. */
  readonly write: 'degrade' | 'strict';
}

/** Counted since the ring was made. */
export interface Figures {
  /** Reads that turned to another copy, because the first one was late. */
  hedged: number;
  /** Writes that not all of their nodes took. */
  degraded: number;
  /** Copies that were brought up to date. */
  mended: number;
  /** Reads after which the copies were compared. */
  compared: number;
  /** Hints that were passed on. */
  replayed: number;
  /** Sessions that were met on a node that they were leaving, and carried over at once. */
  pulled: number;
  /** Writes that were refused because a newer table was coming, and then were done by that one. */
  refused: number;
}

export function newFigures(): Figures {
  return { hedged: 0, degraded: 0, mended: 0, compared: 0, replayed: 0, pulled: 0, refused: 0 };
}

export function trouble(
  { name }: Pick<Shared, 'name'>,
  operation: string,
  problem: string,
  cause?: unknown,
): SojournError {
  return failure('SOJOURN_STORE', { store: name, operation, problem }, cause);
}

/** What two copies know together. Lost values are told. */
export function joinedAloud({ news }: Pick<Shared, 'news'>, id: string, a: Copy, b: Copy): Copy {
  const { copy, lost } = joined(a, b, id);
  if (lost.length > 0) news.tell('conflict', { id, fields: lost });
  return copy;
}

/** Resolves after so many milliseconds. */
export function rest({ every }: Pick<Environment, 'every'>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const stop = every(Math.max(1, Math.round(ms)), () => {
      stop();
      resolve();
    });
  });
}

/** Runs `run` for all items, so many at a time. Rejects with the first failure, once none is under way any more. */
export async function inParallel<T>(
  items: AsyncIterable<T> | Iterable<T>,
  atATime: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  const failed: unknown[] = [];
  for await (const item of items) {
    const one = run(item)
      .catch((error) => void failed.push(error))
      .finally(() => underWay.delete(one));
    underWay.add(one);
    if (underWay.size >= atATime) await Promise.race(underWay);
    if (failed.length > 0) break;
  }
  await Promise.all(underWay);
  if (failed.length > 0) throw failed[0];
}

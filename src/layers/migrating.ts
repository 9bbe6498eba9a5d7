/**
 * From one store to another while everybody stays signed in: `migrating({ from, to, phase })`.
 *
 * Two deploys, a move, a third deploy. First all servers get the layer in phase 'from': they keep everything in the old store, as servers
 * without the layer do, but know a session that has gone over. Then phase 'moving': new sessions are made in the new store, old ones move
 * when they are written to, and `move()` brings the rest over in the background. When `verify()` finds nothing left, deploy `to` alone.
 * Servers of two neighbouring steps may run at the same time; a session is in one place at a time, and each of its states tells
 * anybody how to go on (migrating/move.ts).
 *
 * A store that is left may be another system's (`flaskSession`), whose ids are tokens: those sessions get tokens of ours as they go over
 * (migrating/leaving.ts), and a store of ours never becomes such a one.
 *
 * Reads never write, but for the first of such a session. A look that finds nothing in the one store is confirmed by a look at the other, in the direction in which sessions
 * move, so none is missed on its way. Rejected: writing to both stores (two writes are not one: they differ after the first crash, and then
 * nobody knows which is right); copying first and catching up (no store can say what has changed since).
 */
import type {
  Delta,
  Head,
  Indexed,
  Listable,
  Outcome,
  Shared,
  Store,
  Stored,
  Sweepable,
  Watchable,
} from '../contract.js';
import { environment } from '../core/environment.js';
import { checked, oneOf } from '../core/options.js';
import { failure } from '../errors.js';
import { type Below, checkedStore } from './able.js';
import { hearingBoth } from './migrating/hearing.js';
import { isShared, leaving, successorOf, withSecret } from './migrating/leaving.js';
import { fenced, isArriving, isFrozen, markIn, refuseMark, unfenced, unmarked } from './migrating/marks.js';
import { arrived, Moving, type Renamed } from './migrating/move.js';
import { type Move, type MoveOptions, Mover, type Verified } from './migrating/mover.js';

export type { Move, MoveOptions, MoveProgress, Verified } from './migrating/mover.js';

export interface MigratingOptions<From extends Store, To extends Store> {
  /** The store that is left. */
  readonly from: From;
  /** The store that is gone to. */
  readonly to: To;
  /**
   * 'from': nothing moves, new sessions are made in the old store. For the deploy during which servers without the layer still run.
   * 'moving': new sessions are made in the new store, old ones move. Only when every server has the layer.
   */
  readonly phase: 'from' | 'moving';
  /** The clock, epoch milliseconds. */
  readonly now?: () => number;
}

/** What both stores can do, and the way over. */
export type Migrating<From extends Store, To extends Store> = Store &
  Both<From, To, Indexed> &
  Both<From, To, Listable> &
  Both<From, To, Watchable> &
  (From extends Shared ? Shared : unknown) &
  (From extends Sweepable ? Sweepable : To extends Sweepable ? Sweepable : unknown) &
  Migration;

type Both<A, B, Ability> = A extends Ability ? (B extends Ability ? Ability : unknown) : unknown;

export interface Migration {
  /**
   * Brings over all that is left, in the background. Repeat it after a crash: what has moved has moved. Several servers may do it at once.
   * SOJOURN_OPTION in phase 'from', and over an old store that cannot list.
   * @example
   * const both = migrating({ from: lmdb('./sessions'), to: redis(client), phase: 'moving' });
   * const move = both.move({ pace: 1000, onProgress: ({ moved, total }) => console.log(`${moved} of ${total}`) });
   * await move.done;
   */
  move(options?: MoveOptions): Move;
  /** How many live sessions the old store still has. */
  verify(): Promise<Verified>;
  /**
   * Verifies, and if nothing is left, this process asks the old store no more. Only when no server is in phase 'from' any longer:
   * what such a server would still put into the old store is not found then. SOJOURN_OPTION in phase 'from'.
   */
  cutOver(): Promise<Verified>;
}

const NOT_SHARED = "must be a store of ours: another system's ids are tokens, and ours must not become such";
const RENAMED: Renamed = {
  id: (id) => successorOf(id).id,
  session: (id, stored) => withSecret(stored, successorOf(id)),
};

/** A commit that meets a session on its way helps it on, and tries again. */
const MAX_TRIES = 20;

/**
 * Two stores as one, between which sessions move. Put a near cache around it, not inside.
 * @example
 * const both = migrating({ from: lmdb('./sessions'), to: redis(client), phase: 'moving' });
 * const app = sessions({ store: both });
 * await both.move().done;
 */
export function migrating<From extends Store, To extends Store>(
  options: MigratingOptions<From, To>,
): Migrating<From, To> {
  const own = checked('migrating', options, ['from', 'to', 'phase', 'now']);
  const from: Below = checkedStore('from of migrating', own.from as From);
  const to: Below = checkedStore('to of migrating', own.to as To);
  const phase = oneOf('phase of migrating', own.phase, ['from', 'moving']);
  const time = { now: own.now ?? environment.now, random: environment.random };
  if (isShared(to)) throw failure('SOJOURN_OPTION', { option: 'to of migrating', wanted: NOT_SHARED, got: to.name });
  const foreign = isShared(from) ? from : undefined;
  const moving = new Moving({ from, to, environment: time, renamed: foreign && RENAMED });
  const mover = new Mover({ from, to, moving, phase });
  let isOver = false;
  const hearing = !foreign && from.watch && to.watch && from.listen && to.listen ? hearingBoth(from, to) : undefined;

  const layer: Store & Migration & Partial<Indexed & Listable & Shared> = {
    name: `${from.name} to ${to.name}`,
    load(id, atLeast) {
      if (isOver) return loadTo(id, atLeast);
      return phase === 'from' ? loadFromFirst(id, atLeast) : loadToFirst(id, atLeast);
    },
    async create(id, session) {
      refuseMark(session.fields);
      const [here, there] = phase === 'from' ? [from, to] : [to, from];
      if (!isOver && (await there.load(id)) !== null) return 'exists';
      return here.create(id, session);
    },
    commit(id, delta) {
      refuseMark(delta.fields);
      return phase === 'from' ? commitFromFirst(id, delta) : commitTo(id, delta, !isOver);
    },
    async destroy(id) {
      // In this order: see migrating/move.ts.
      if (!isOver) await from.destroy(id);
      await to.destroy(id);
    },
    ...(foreign && {
      ...leaving({ from: foreign, to, moving, phase, isOver: () => isOver }),
      isId: (text: string) => foreign.isId(text),
      leaving: phase,
    }),
    ...(from.byUser && to.byUser && { byUser }),
    ...(from.list && to.list && { list }),
    ...((from.sweep || to.sweep) && { sweep }),
    ...hearing?.watchable,
    move: (more) => mover.start(more),
    verify: () => mover.verify(),
    async cutOver() {
      mover.refuseEarly();
      const verified = await mover.verify();
      isOver = verified.left === 0;
      return verified;
    },
    check: async () => [...((await from.check?.()) ?? []), ...((await to.check?.()) ?? [])],
    renew() {
      from.renew?.();
      to.renew?.();
    },
    async close() {
      mover.close();
      try {
        await from.close?.();
      } finally {
        await to.close?.();
      }
    },
  };
  return layer as unknown as Migrating<From, To>;

  // Reading

  async function loadTo(id: string, atLeast: number | undefined): Promise<Stored | null> {
    const stored = arrived(await to.load(id, atLeast));
    return stored && unmarked(stored);
  }

  /** Sessions move from the old store to the new one: what is not in the old one, is in the new one, or nowhere. */
  async function loadFromFirst(id: string, atLeast: number | undefined): Promise<Stored | null> {
    const stored = await from.load(id, atLeast);
    if (stored !== null && !isFrozen(stored)) return stored;
    return (await loadTo(id, atLeast)) ?? onItsWay(id, stored);
  }

  /** The quicker order once most have moved; what has moved between the two looks is found by a third. */
  async function loadToFirst(id: string, atLeast: number | undefined): Promise<Stored | null> {
    const there = await loadTo(id, atLeast);
    if (there !== null) return there;
    const stored = await from.load(id, atLeast);
    return stored === null ? loadTo(id, atLeast) : onItsWay(id, stored);
  }

  /** A frozen session is what it was. It must not be kept: it goes on changing in the other store, and this one will not tell. */
  function onItsWay(id: string, stored: Stored | null): Stored | null {
    if (stored === null || !isFrozen(stored)) return stored;
    hearing?.doubt(id);
    return unmarked(stored);
  }

  // Writing

  async function commitFromFirst(id: string, delta: Delta): Promise<Outcome> {
    const outcome = await from.commit(id, fenced(delta, false));
    if (outcome.status === 'ok') return outcome;
    if (outcome.status === 'conflict' && markIn(outcome) === null) return unfenced(outcome);
    // On its way, or gone over.
    return commitTo(id, delta, outcome.status === 'conflict');
  }

  /** `mayBring`: what is not there may be in the old store, and is brought over. */
  async function commitTo(id: string, delta: Delta, mayBring: boolean): Promise<Outcome> {
    let isCleared = false;
    let isBrought = !mayBring;
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const outcome = await to.commit(id, fenced(delta, isCleared));
      if (outcome.status === 'ok' || (outcome.status === 'gone' && isBrought)) return outcome;
      const mark = markIn(outcome);
      const isExpected = isCleared ? mark !== null && isArriving(mark) : mark === null;
      if (outcome.status === 'conflict' && isExpected) return unfenced(outcome);
      isCleared = mark !== null && isArriving(mark);
      if (isCleared) await from.destroy(id);
      else if (outcome.status === 'gone' || mark !== null) {
        // A place that nobody fills is no session.
        if (isBrought && mark !== null) return { status: 'gone' };
        await moving.move(id);
        isBrought = true;
      }
    }
    const problem = `others changed it ${MAX_TRIES} times in a row`;
    throw failure('SOJOURN_STORE', { store: to.name, operation: 'commit', problem });
  }

  // Walks

  /** Old store first: what moves meanwhile is seen in the new one. */
  async function* byUser(user: string): AsyncIterable<readonly [id: string, head: Head]> {
    const seen = new Set<string>();
    for (const store of isOver ? [to] : [from, to]) {
      for await (const entry of store.byUser!(user)) {
        if (!seen.has(entry[0])) yield entry;
        seen.add(entry[0]);
      }
    }
  }

  /** What moves meanwhile may be seen twice. */
  async function* list(): AsyncIterable<readonly [id: string, head: Head]> {
    if (!isOver) yield* from.list!();
    for await (const entry of to.list!()) {
      const [id, { secret, user }] = entry;
      // A place for a session has neither. Others without them are rare, and looked at.
      if (secret !== undefined || user !== undefined || (await loadTo(id, undefined)) !== null) yield entry;
    }
  }

  async function sweep(limit: number): Promise<number> {
    const removed = (await from.sweep?.(limit)) ?? 0;
    return removed + ((await to.sweep?.(limit - removed)) ?? 0);
  }
}

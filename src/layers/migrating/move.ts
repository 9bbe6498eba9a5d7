/**
 * Moving one session, by anybody, at any time, from wherever somebody else has died.
 *
 *     old         from: the session      to: nothing
 *     frozen      from: it, marked       to: nothing
 *     reserved    from: it, marked       to: a place with a nonce
 *     arriving    from: it, marked       to: the session, marked
 *     cleared     from: nothing          to: the session, marked
 *     new         from: nothing          to: the session
 *
 * Each step is one call that lands whole or not at all, and each state says all that is needed for the next, so there is no plan to be
 * lost and no owner to die. Commits lose against marks, so from `frozen` to `cleared` the session is the same in both places.
 *
 * Why nobody comes back: `destroy` takes it from the old store first, then from the new one, and ids are never used twice. A place is
 * filled only by who has seen its nonce first and the frozen session after that. So at the time of the first look a destroy had not
 * begun, and when it takes the place away that nonce is gone for ever. A place that a slow mover reserves afterwards is never filled.
 */
import type { Environment, Head, Store, Stored } from '../../contract.js';
import { failure } from '../../errors.js';
import { arrivalOf, filling, freezing, isFrozen, MARK, reservation, settling } from './marks.js';

const NONCE_BYTES = 16;
/** More than any version: a store that keeps copies asks below. */
const FRESH: number = Number.MAX_SAFE_INTEGER;
/** Each round that brings nothing means that somebody else has brought it further. */
const MAX_ROUNDS = 20;

export interface MoveSettings {
  readonly from: Store;
  readonly to: Store;
  /** Under which id a session is in the new store, and what else is to be there. By default it is the same in both. */
  readonly renamed?: Renamed | undefined;
  readonly environment: Pick<Environment, 'now' | 'random'>;
}

export interface Renamed {
  id(id: string): string;
  session(id: string, stored: Stored): Stored;
}

const UNCHANGED: Renamed = { id: (id) => id, session: (_id, stored) => stored };

/** 'moved' by us or by others; 'absent': there was nothing to move. */
export type Moved = 'moved' | 'absent';

export class Moving {
  readonly #settings: MoveSettings;
  readonly #underWay = new Map<string, Promise<Moved>>();

  constructor(settings: MoveSettings) {
    this.#settings = settings;
  }

  /** Brings the session to the new store, wherever it is on its way. Callers in this process share one move. */
  move(id: string): Promise<Moved> {
    const present = this.#underWay.get(id);
    if (present !== undefined) return present;
    const move = this.#move(id).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, move);
    return move;
  }

  async #move(id: string): Promise<Moved> {
    const { from } = this.#settings;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const stored = await from.load(id, FRESH);
      if (stored === null) return 'absent';
      if (isFrozen(stored)) return this.#finish(id);
      const outcome = await from.commit(id, freezing(stored.head));
      // 'gone': it was signed in, or destroyed. 'conflict': somebody else has frozen it.
      if (outcome.status !== 'gone') return this.#finish(id);
    }
    throw this.#outrun();
  }

  /** From `frozen` to `new`. */
  async #finish(id: string): Promise<Moved> {
    const { from, to, environment, renamed = UNCHANGED } = this.#settings;
    const there = renamed.id(id);
    for (let round = 0; round < MAX_ROUNDS; round++) {
      // The order of these two looks is what the whole is built on: first the place, then the session.
      const place = await to.load(there, FRESH);
      const stored = await from.load(id, FRESH);
      if (stored === null || !isFrozen(stored)) return 'moved';
      if (place === null) {
        await to.create(there, reservation(stored.head, environment.random(NONCE_BYTES), environment.now()));
      } else if (arrivalOf(place) === 'reserved') {
        const outcome = await to.commit(there, filling(renamed.session(id, stored), place.fields.get(MARK)!));
        if (outcome.status === 'ok') return this.clear(id, stored.head);
      } else return this.clear(id, place.head);
    }
    throw this.#outrun();
  }

  /** From `arriving` to `new`. */
  async clear(id: string, head: Head): Promise<Moved> {
    const { from, to, renamed = UNCHANGED } = this.#settings;
    await from.destroy(id);
    await to.commit(renamed.id(id), settling(head));
    return 'moved';
  }

  #outrun(): Error {
    const problem = `others changed it ${MAX_ROUNDS} times in a row`;
    return failure('SOJOURN_STORE', { store: this.#settings.to.name, operation: 'move a session', problem });
  }
}

/** What `load` may hand over of the new store: nothing that is only a place. */
export function arrived(stored: Stored | null): Stored | null {
  return stored !== null && arrivalOf(stored) !== 'reserved' ? stored : null;
}

/**
 * Around every call to a store: it is answered, refused or given up within its time, and trouble becomes one kind of error.
 *
 * An absent session, a damaged one and an outage are three different answers. Absence is data (`null`, `gone`). Damage
 * (SOJOURN_CORRUPT) concerns one session and passes through. Everything else is an outage: a `storeError` event, and a
 * SOJOURN_STORE for the adapter to answer with 503. Never does an outage look like "no such session".
 *
 * A store that answers at once (memory, a read of LMDB) pays for a look at two flags; only promises are waited for
 * (deadline.ts, gate.ts). A session that has ended here is gone here, though the store may not know yet (ending.ts).
 */
import type { Caching, Delta, Environment, Events, MaybePromise, Outcome, Store, Stored } from '../contract.js';
import { failure } from '../errors.js';
import { type Allowance, Deadlines } from './deadline.js';
import type { Emitter } from './events.js';
import { Gate } from './gate.js';
import { isPromise } from './maybe.js';
import { isCaching } from './policies.js';
import { Renewal } from './renewal.js';

export interface GuardSettings {
  readonly store: Store;
  readonly deadlineMs: number;
  readonly environment: Environment;
  readonly events: Emitter;
}

/** The end of a session that the store has not confirmed yet. */
export interface Ending {
  readonly reason: Events['destroyed']['reason'];
  /** Epoch milliseconds. Until then this server refuses the session, and tries to tell the store. */
  readonly until: number;
}

/** A store whose every call ends in time. `allowance`: the request's; without one the call has a time of its own. */
export interface Guarded {
  readonly name: string;
  load(id: string, atLeast?: number, allowance?: Allowance): MaybePromise<Stored | null>;
  create(id: string, session: Stored, allowance?: Allowance): MaybePromise<'ok' | 'exists'>;
  commit(id: string, delta: Delta, allowance?: Allowance): MaybePromise<Outcome>;
  destroy(id: string, allowance?: Allowance): MaybePromise<void>;
  /** The last copy of a near cache, if there is one. */
  stale(id: string, maxAgeMs: number): Stored | null;
  /** Items of a listing, each within its time. */
  walk<R>(operation: string, items: () => AsyncIterable<R>): AsyncIterable<R>;
  /** For who waits his turn: `late` runs when the request's time for the store is up, unless the returned function is called before. */
  patience(operation: string, allowance: Allowance | undefined, late: (error: unknown) => void): () => void;
  readonly deadlines: Deadlines;
  /** Reads or writes are refused for the time being. */
  readonly isDown: boolean;
  /** Sessions that have ended here and that the store has not confirmed. */
  readonly ended: Map<string, Ending>;
  close(): void;
}

/**
 * Well formed for a store, and impossible all the same: the last of 22 characters has bits that no id has (token.ts), so it
 * is never made, and a token that shows it is malformed.
 */
export const NO_SUCH_ID = 'sojourn-anybody-home-B';

export function guard({ store, deadlineMs, environment, events }: GuardSettings): Guarded {
  const deadlines = new Deadlines(environment, deadlineMs);
  const shared = { store, deadlines, renewal: new Renewal(store, environment), environment, events };
  const reads = new Gate({ ...shared, calls: 'reads', probe: () => store.load(NO_SUCH_ID) });
  // A commit never creates: for an id that nobody has it changes nothing, and goes the way of all writes.
  const writes = new Gate({ ...shared, calls: 'writes', probe: () => store.commit(NO_SUCH_ID, EMPTY) });
  /** A copy in this process that answers at once says nothing of the backend below. */
  const isBackend = !isCaching(store);
  const ended = new Map<string, Ending>();

  // The four verbs spell out the same steps, so that none makes a function for a call that answers at once.
  return {
    name: store.name,
    deadlines,
    ended,
    get isDown() {
      return reads.isDown || writes.isDown;
    },

    load(id, atLeast, allowance = { spent: 0 }) {
      if (ended.size !== 0 && ended.has(id)) return null;
      if (reads.isShut || deadlines.isSpent(allowance)) reads.refuse('load');
      try {
        const stored = store.load(id, atLeast);
        if (isPromise(stored)) return reads.wait('load', stored, allowance, async () => store.load(id, atLeast));
        if (isBackend) reads.passed();
        return stored;
      } catch (error) {
        throw reads.trouble('load', error);
      }
    },

    create(id, session, allowance = { spent: 0 }) {
      if (writes.isShut || deadlines.isSpent(allowance)) writes.refuse('create');
      try {
        const answer = store.create(id, session);
        if (isPromise(answer)) return writes.wait('create', answer, allowance);
        writes.passed();
        return answer;
      } catch (error) {
        throw writes.trouble('create', error);
      }
    },

    commit(id, delta, allowance = { spent: 0 }) {
      if (ended.size !== 0 && ended.has(id)) return GONE;
      if (writes.isShut || deadlines.isSpent(allowance)) writes.refuse('commit');
      try {
        const outcome = store.commit(id, delta);
        if (isPromise(outcome)) return writes.wait('commit', outcome, allowance);
        writes.passed();
        return outcome;
      } catch (error) {
        throw writes.trouble('commit', error);
      }
    },

    destroy(id, allowance = { spent: 0 }) {
      if (writes.isShut || deadlines.isSpent(allowance)) writes.refuse('destroy');
      try {
        const done = store.destroy(id);
        if (isPromise(done)) return writes.wait('destroy', done, allowance);
        writes.passed();
      } catch (error) {
        throw writes.trouble('destroy', error);
      }
    },

    stale: (id, maxAgeMs) => (ended.has(id) ? null : (store as Store & Caching).stale(id, maxAgeMs)),

    async *walk(operation, items) {
      if (reads.isShut) reads.refuse(operation);
      const iterator = items()[Symbol.asyncIterator]();
      try {
        for (;;) {
          const item = await reads.wait(operation, iterator.next(), { spent: 0 });
          if (item.done) return;
          yield item.value;
        }
      } finally {
        // Not awaited: a listing that hangs would hang here again.
        iterator.return?.().catch(() => {});
      }
    },

    patience(operation, allowance = { spent: 0 }, late) {
      const problem = `others are writing this session, and its turn did not come within ${deadlines.totalMs} ms`;
      const error = (): unknown => failure('SOJOURN_STORE', { store: store.name, operation, problem });
      const wait = deadlines.beginLong(allowance, () => late(error()));
      return () => void deadlines.end(wait);
    },

    close() {
      reads.close();
      writes.close();
      deadlines.close();
    },
  };
}

const GONE: Outcome = Object.freeze({ status: 'gone' });
const EMPTY: Delta = { generation: 0, head: { expiresAt: 1 }, fields: new Map() };

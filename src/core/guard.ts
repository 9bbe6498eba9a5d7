/**
 * Around every call to a store: trouble becomes one kind of error and one event, wherever in the call it happens.
 *
 * An absent session, a damaged one and an outage are three different answers. Absence is data (`null`, `gone`). Damage
 * (SOJOURN_CORRUPT) concerns one session and passes through. Everything else is an outage: a `storeError` event, and a
 * SOJOURN_STORE for the adapter to answer with 503. Never does an outage look like "no such session".
 */
import type { MaybePromise, Store } from '../contract.js';
import { failure, isFailure } from '../errors.js';
import type { Emitter } from './events.js';
import { isPromise } from './maybe.js';

export type Guarded = Pick<Store, 'name' | 'load' | 'create' | 'commit' | 'destroy'>;

export function guard(store: Store, events: Emitter): Guarded {
  function trouble(operation: string, error: unknown): never {
    if (isFailure(error, 'SOJOURN_CORRUPT') || (isFailure(error) && error.fault !== 'store')) throw error;
    const known = isFailure(error) ? error : unknown(store.name, operation, error);
    events.emit('storeError', { store: store.name, operation, error: known });
    throw known;
  }

  function call<R>(operation: string, run: () => MaybePromise<R>): MaybePromise<R> {
    try {
      const result = run();
      return isPromise(result) ? result.catch((error) => trouble(operation, error)) : result;
    } catch (error) {
      return trouble(operation, error);
    }
  }

  return {
    name: store.name,
    // On the path of every request, so without a function made for the call.
    load(id) {
      try {
        const stored = store.load(id);
        return isPromise(stored) ? stored.catch((error) => trouble('load', error)) : stored;
      } catch (error) {
        return trouble('load', error);
      }
    },
    create: (id, session) => call('create', () => store.create(id, session)),
    commit: (id, delta) => call('commit', () => store.commit(id, delta)),
    destroy: (id) => call('destroy', () => store.destroy(id)),
  };
}

/** The driver's own words stay in `cause`: they may hold addresses and passwords that a message must not. */
function unknown(store: string, operation: string, error: unknown): Error {
  const code = (error as { code?: unknown } | null)?.code;
  const problem =
    typeof code === 'string' && /^[\w.-]{1,40}$/.test(code)
      ? `its driver failed with ${code}`
      : 'its driver failed (see cause)';
  return failure('SOJOURN_STORE', { store, operation, problem }, error);
}

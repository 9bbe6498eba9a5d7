/**
 * What becomes of a request when the store is in trouble: three choices, each with a safe default.
 *
 *   onReadError      its session cannot be loaded     fail (503), or a stand-in: empty, or an older copy
 *   onWriteError     its changes cannot be kept       fail (503); drop-touch forgives only a later deadline, never data
 *   onDestroyError   its logout is not confirmed      fail (503), or later (ending.ts)
 *
 * There is none for logins: one that the store has not confirmed is a 503 without a cookie. Nothing here opens a door: no
 * policy makes anybody signed in who was not, and none signs anybody out.
 */
import type { Caching, Duration, OnReadError, Store } from '../contract.js';
import { failure } from '../errors.js';
import type { OnDestroyError } from './ending.js';
import { checked, durationMs, oneOf, show } from './options.js';

/** What becomes of an answer whose changes the store did not take. 'drop-touch': it goes out all the same if nothing but the deadline would have moved. */
export type OnWriteError = 'fail' | 'drop-touch';

export interface PolicyOptions {
  /** How long to wait for one call to the store, 10 ms to 1 minute. A request waits two fifths longer for all its calls. Default 500 ms. */
  readonly deadline?: Duration;
  /** What a request gets whose session cannot be loaded. `open` and the adapters take another choice for single routes. Default 'fail'. */
  readonly onReadError?: OnReadError;
  /** Default 'fail'. */
  readonly onWriteError?: OnWriteError;
  /**
   * A logout that the store has not confirmed clears the cookie, is refused by this server at once, and is told to the store when
   * it is back. 'fail': the answer is a 503. 'later': it goes out as if all had been done. Default 'fail'.
   */
  readonly onDestroyError?: OnDestroyError;
}

/** `onReadError` once it is checked. `staleMs` only with 'stale'. */
export interface ReadPolicy {
  readonly kind: 'fail' | 'anonymous' | 'stale';
  readonly staleMs: number;
}
export interface Policies {
  readonly deadlineMs: number;
  readonly onReadError: ReadPolicy;
  readonly onWriteError: OnWriteError;
  readonly onDestroyError: OnDestroyError;
}

const MIN_DEADLINE_MS = 10;
const MAX_DEADLINE_MS = 60_000;

export function policies(options: PolicyOptions, store: Store): Policies {
  return {
    deadlineMs: deadlineOf(options.deadline ?? 500),
    onReadError: readPolicy(options.onReadError ?? 'fail', store),
    onWriteError: oneOf('onWriteError', options.onWriteError ?? 'fail', ['fail', 'drop-touch']),
    onDestroyError: oneOf('onDestroyError', options.onDestroyError ?? 'fail', ['fail', 'later']),
  };
}

const FAIL: ReadPolicy = { kind: 'fail', staleMs: 0 };
const ANONYMOUS: ReadPolicy = { kind: 'anonymous', staleMs: 0 };

/** Asked for every request of a route that has a choice of its own: the two words cost nothing. */
export function readPolicy(given: OnReadError, store: Store): ReadPolicy {
  if (given === 'fail') return FAIL;
  if (given === 'anonymous') return ANONYMOUS;
  if (typeof given !== 'object' || given === null || !('stale' in given)) {
    throw failure('SOJOURN_OPTION', {
      option: 'onReadError',
      wanted: "must be 'fail', 'anonymous' or { stale: duration }",
      got: show(given),
    });
  }
  const { stale } = checked('onReadError', given, ['stale']);
  if (!isCaching(store)) {
    throw failure('SOJOURN_OPTION', {
      option: 'onReadError',
      wanted: `can be { stale } only over a store that keeps copies, like cached(redis(client)); ${store.name} keeps none`,
    });
  }
  return { kind: 'stale', staleMs: durationMs('stale of onReadError', stale!) };
}

export function isCaching(store: Store): store is Store & Caching {
  return typeof (store as Partial<Caching>).stale === 'function' && 'stalenessMs' in store;
}

function deadlineOf(given: Duration): number {
  const ms = durationMs('deadline', given);
  if (ms >= MIN_DEADLINE_MS && ms <= MAX_DEADLINE_MS) return ms;
  throw failure('SOJOURN_OPTION', { option: 'deadline', wanted: 'must be from 10 ms to 1 minute', got: show(given) });
}

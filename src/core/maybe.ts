/**
 * Going on with a value that is there already or comes later, without paying for a promise where there is none.
 *
 * A store in this process answers at once, and an await costs it a turn of the microtask queue and a promise: a tenth of
 * a whole read. So the engine's path is written with `chain`, and awaits only what is a promise.
 */
import type { MaybePromise } from '../contract.js';

export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null)?.then === 'function';
}

export function chain<A, B>(value: MaybePromise<A>, next: (value: A) => MaybePromise<B>): MaybePromise<B> {
  return isPromise(value) ? value.then(next) : next(value);
}

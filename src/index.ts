/**
 * sojourn: distributed sessions.
 *
 * This file binds the parts that most applications use together: the engine with its cookie, its typed JSON, the real
 * clock. Stores that need a package, and adapters, have their own entries (`sojourn/lmdb`, `sojourn/express` ...), so that
 * nobody loads what he does not use.
 */
import { json } from './codecs/json.js';
import type { Sessions, Store } from './contract.js';
import { environment } from './core/environment.js';
import {
  assemble,
  type SealedAbilities,
  type SealedOptions,
  type SessionsOptions,
  type Type,
} from './core/sessions.js';
import { cookie } from './transports/cookie.js';

export { json } from './codecs/json.js';
export type {
  Caching,
  Cell,
  Celled,
  Cells,
  Codec,
  Delta,
  Duration,
  Ended,
  Environment,
  Events,
  Fence,
  Former,
  FormerSession,
  Head,
  HeaderLine,
  Indexed,
  Listable,
  MaybePromise,
  OnReadError,
  OpenOptions,
  Outcome,
  RefusedReason,
  Replaced,
  RequestView,
  Revocable,
  Sealer,
  Session,
  SessionFormat,
  Sessions,
  Shared,
  Store,
  StoreCalls,
  Stored,
  Superseded,
  Sweepable,
  Transport,
  Watchable,
  Watcher,
  Write,
} from './contract.js';
export { apply } from './core/delta.js';
export type { OnDestroyError } from './core/ending.js';
export type { Listener, Listeners } from './core/events.js';
export type { LifetimeOptions } from './core/expiry.js';
export type { Mutations } from './core/intent.js';
export type { KeyOptions } from './core/key-options.js';
export type { Limits } from './core/limits.js';
export type { OnWriteError, PolicyOptions } from './core/policies.js';
export type { ApplicationOptions, SealedAbilities, SealedOptions, SessionsOptions, Type } from './core/sessions.js';
export { type ErrorCode, type Fault, failure, isFailure, SojournError } from './errors.js';
export { type EncryptedOptions, encrypted } from './seals/encrypted.js';
export { type SignedOptions, signed } from './seals/signed.js';
export { type MemoryOptions, memory } from './stores/memory.js';
export { none } from './stores/none.js';
export { type BearerOptions, bearer } from './transports/bearer.js';
export { type CookieOptions, cookie } from './transports/cookie.js';
export { firstOf } from './transports/first-of.js';

/**
 * Sessions for an application. Adapters (`sojourn/express`, `sojourn/node`) put them to work.
 * Throws SOJOURN_OPTION, naming the option, for anything that is not as it must be.
 * @example const s = sessions({ data: type<{ views: number }>(), store: memory() })
 */
export function sessions<T extends object = Record<string, unknown>, S extends Store = Store>(
  options: SessionsOptions<T, S>,
): Sessions<T, S>;
/**
 * Sessions that travel in their cookies: no store. `revocations` names one that keeps who was signed out; without it `destroy` and
 * `revoke` do not exist, and a cookie is good until its deadline, whoever has it.
 * @example const s = sessions({ data: type<{ views: number }>(), seal: encrypted({ keys: [key] }) })
 */
export function sessions<T extends object = Record<string, unknown>, R extends Store | undefined = undefined>(
  options: SealedOptions<T, R>,
): Sessions<T, SealedAbilities<R>>;
export function sessions(options: SessionsOptions<object, Store> | SealedOptions<object, Store | undefined>): unknown {
  return assemble(options, {
    transport: () => cookie(),
    codec: (limits) => json({ maxDepth: limits.depth }),
    environment,
  });
}

/** Names the shape of the session's data for the compiler; does nothing at run time. */
export function type<T extends object>(): Type<T> {
  return {};
}

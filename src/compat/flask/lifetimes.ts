/**
 * Flask's lifetimes in the words of `sessions()`: one span, counted from the last time that the session was written.
 *
 * Flask has no absolute timeout: a session lives as long as it is used. Ours is told to be a hundred years, which is the same.
 *
 * Rejected: defaults of the store and the cookie, because `idle` and `absolute` belong to the engine, and would be said twice.
 */
import type { Duration } from '../../contract.js';
import type { LifetimeOptions } from '../../core/expiry.js';
import { durationMs } from '../../core/options.js';

const FOR_EVER: Duration = '36500d';

/**
 * The options `idle`, `absolute` and `remember` of `sessions()` that treat a session as Flask does. `lifetime` is its
 * PERMANENT_SESSION_LIFETIME, which counts for all sessions there, permanent or not.
 * @example
 * import { flaskLifetimes, flaskTransport } from 'sojourn/flask';
 *
 * sessions({ store, transport: flaskTransport(), ...flaskLifetimes('7d') });
 */
export function flaskLifetimes(
  lifetime: Duration = '31d',
): Required<LifetimeOptions> & { readonly remember: Required<LifetimeOptions> } {
  const life = { idle: durationMs('lifetime of flaskLifetimes', lifetime), absolute: FOR_EVER };
  return { ...life, remember: life };
}

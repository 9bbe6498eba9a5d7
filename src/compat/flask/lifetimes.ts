/**
 * Flask's lifetimes in the words of `sessions()`: one span, counted from the last time that the session was written.
 *
 * Flask has no absolute timeout: a permanent session lives as long as it is used, and one that is not is not prolonged by reading.
 */
import type { Duration } from '../../contract.js';
import type { LifetimeOptions } from '../../core/expiry.js';
import { checked, durationMs, flag } from '../../core/options.js';

export interface FlaskLifetimeOptions {
  /** PERMANENT_SESSION_LIFETIME. Default 31 days. */
  readonly lifetime?: Duration;
  /** SESSION_REFRESH_EACH_REQUEST: whether reading prolongs a permanent session. Default true. */
  readonly refresh?: boolean;
}

const FOR_EVER: Duration = '36500d';

/**
 * The options `idle`, `absolute` and `remember` of `sessions()` that treat a session as Flask does.
 * @example sessions({ seal, transport, ...flaskLifetimes({ lifetime: '7d' }) })
 */
export function flaskLifetimes(
  options?: FlaskLifetimeOptions,
): Required<LifetimeOptions> & { readonly remember: Required<LifetimeOptions> } {
  const own = checked('flaskLifetimes', options, ['lifetime', 'refresh']);
  const idle = durationMs('lifetime of flaskLifetimes', own.lifetime ?? '31d');
  const refresh = own.refresh === undefined ? true : flag('refresh of flaskLifetimes', own.refresh);
  return { idle, absolute: idle, remember: { idle, absolute: refresh ? FOR_EVER : idle } };
}

/**
 * Sessions of cookie-session: JSON in base64 in one cookie, its signature in a second one beside it.
 *
 * `session.sig` is HMAC-SHA1 of `session=<value>`, base64url without padding, by the first key; all of them open (keygrip). There is
 * no time in it: such a cookie is good until its keys are gone, which is one more reason to move. Taken over, it gets ours.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Former } from '../../contract.js';
import {
  type OldCookieOptions,
  oldCookieOptions,
  oldValue,
  parsedJson,
  secretsOf,
  sessionFrom,
  takingBack,
} from './old-cookie.js';

export interface CookieSessionOptions extends OldCookieOptions {
  /** The `keys` (or the `secret`) of cookie-session. */
  readonly keys: string | readonly string[];
  /** The `name` of cookie-session. Default `session`. */
  readonly name?: string;
}

/**
 * Goes on with the sessions of cookie-session.
 * @example sessions({ store, formerly: [cookieSession({ keys, user: (old) => old.userId as string })] })
 */
export function cookieSession(options: CookieSessionOptions): Former {
  const own = oldCookieOptions('cookieSession', options, ['keys', 'name']);
  const keys = secretsOf('keys of cookieSession', own.keys);
  const { name = 'session' } = own;

  return {
    name: 'cookie-session',
    read(request) {
      const value = oldValue(request, name);
      const signature = oldValue(request, `${name}.sig`);
      if (value === null || signature === null || !isSigned(`${name}=${value}`, signature, keys)) return null;
      return sessionFrom(parsedJson(Buffer.from(value, 'base64').toString('utf8')), own);
    },
    clear: takingBack([name, `${name}.sig`], own),
  };
}

function isSigned(text: string, signature: string, keys: readonly string[]): boolean {
  const given = Buffer.from(signature);
  return keys.some((key) => {
    const mac = Buffer.from(createHmac('sha1', key).update(text).digest('base64url'));
    return given.length === mac.length && timingSafeEqual(given, mac);
  });
}

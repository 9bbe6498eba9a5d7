/**
 * The session cookie as Flask sets and deletes it, attribute by attribute, so that both sides mean one cookie.
 *
 * A browser tells cookies apart by name, domain and path: if these differ between the two, a visitor has two sessions. The order of
 * attributes is Werkzeug's, which nobody needs and everybody can compare. The defaults are Flask's, not ours: HttpOnly, no Secure, no
 * SameSite. Tell it what your Flask application is told.
 *
 * With `signedBy` the cookie holds a signed id, as Flask-Session has it with SESSION_USE_SIGNER: the engine sees the id.
 */
import type { HeaderLine, RequestView, Transport } from '../../contract.js';
import { checked, flag, oneOf, show } from '../../core/options.js';
import { failure } from '../../errors.js';
import { cookieValues, MAX_CANDIDATES } from '../../transports/cookie-header.js';
import { isLoopback } from '../../transports/loopback.js';
import type { SecretKey } from './signature.js';
import { type SignedId, signedId } from './signed-id.js';

export interface FlaskTransportOptions {
  /** SESSION_COOKIE_NAME. Default `session`. */
  readonly name?: string;
  /** SESSION_COOKIE_DOMAIN. Default: this host only. */
  readonly domain?: string;
  /** SESSION_COOKIE_PATH, or APPLICATION_ROOT. Default `/`. */
  readonly path?: string;
  /** SESSION_COOKIE_HTTPONLY. Default true; leave it. */
  readonly httpOnly?: boolean;
  /** SESSION_COOKIE_SECURE. Default false, as in Flask; turn it on, on both sides. */
  readonly secure?: boolean;
  /** SESSION_COOKIE_SAMESITE. Default: not sent, as in Flask; 'lax' is better, on both sides. */
  readonly sameSite?: 'lax' | 'strict' | 'none';
  /** SESSION_COOKIE_PARTITIONED. Default false. */
  readonly partitioned?: boolean;
  /** SESSION_USE_SIGNER of Flask-Session: the SECRET_KEY, or several, newest first. Default: ids are not signed. */
  readonly signedBy?: SecretKey | readonly SecretKey[];
  /** A clock for Expires, epoch milliseconds: for tests. */
  readonly now?: () => number;
}

/** RFC 6265bis 5.6: a name and value of more octets together are ignored as a whole. */
const MAX_COOKIE = 4096;
const COOKIE_VALUE = /^[!#-+\--:<-[\]-~]+$/;
/** What a name, a domain or a path may be made of without ending the attribute. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9.-]{0,253}[a-z0-9])?$/i;
const PATH = /^\/[!-:<-~]{0,1000}$/;

/**
 * The cookie of a Flask application, for `flaskCookie` and `flaskSession`. Throws SOJOURN_OPTION for what would end up outside its
 * attribute. With `secure`, plain http from anywhere but this machine is SOJOURN_INSECURE when a cookie is to be set.
 * @example flaskTransport({ name: 'shop', secure: true, sameSite: 'lax' })
 */
export function flaskTransport(options?: FlaskTransportOptions): Transport {
  const own = checked('flaskTransport', options, KNOWN);
  const name = matching('name', own.name ?? 'session', NAME);
  const secure = own.secure === undefined ? false : flag('secure of flaskTransport', own.secure);
  const attributes = attributesOf(own, secure);
  const signer: SignedId | undefined = own.signedBy === undefined ? undefined : signedId(own.signedBy);
  const now = own.now ?? Date.now;
  const cleared: readonly HeaderLine[] = [
    ['Set-Cookie', `${name}=; ${attributes('Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0')}`],
  ];

  return {
    name: 'flask',
    scope: name,
    longest: MAX_COOKIE - name.length,
    vary: 'Cookie',
    read(request) {
      const values = cookieValues(request.header('cookie'), name, MAX_CANDIDATES);
      return signer === undefined ? values : values.flatMap((value) => signer.read(value) ?? UNSIGNED);
    },
    write(token, lifetimeMs, request) {
      if (secure) demandSecure(request);
      const value = signer === undefined ? token : signer.write(token);
      demandCookie(name, value);
      return [['Set-Cookie', `${name}=${value}; ${attributes(expires(lifetimeMs, now()))}`]];
    },
    clear: () => cleared,
    describe: () => ({ transport: 'flask', name, secure, attributes: attributes(''), signed: signer !== undefined }),
  };
}

const KNOWN = ['name', 'domain', 'path', 'httpOnly', 'secure', 'sameSite', 'partitioned', 'signedBy', 'now'] as const;

/** A value whose signature is wrong was presented all the same: the engine refuses it as malformed, and takes the cookie back. */
const UNSIGNED = [''];

/** Domain; Expires; Max-Age; Secure; HttpOnly; Path; SameSite; Partitioned. */
function attributesOf(own: Partial<FlaskTransportOptions>, secure: boolean): (times: string) => string {
  const httpOnly = own.httpOnly === undefined ? true : flag('httpOnly of flaskTransport', own.httpOnly);
  const partitioned = own.partitioned === undefined ? false : flag('partitioned of flaskTransport', own.partitioned);
  const sameSite =
    own.sameSite === undefined
      ? undefined
      : oneOf('sameSite of flaskTransport', own.sameSite, ['lax', 'strict', 'none']);
  if ((partitioned || sameSite === 'none') && !secure)
    throw failure('SOJOURN_OPTION', { option: 'secure of flaskTransport', wanted: 'must be true for such a cookie' });
  const domain = own.domain === undefined ? '' : `Domain=${matching('domain', own.domain, DOMAIN)}`;
  const path = `Path=${matching('path', own.path ?? '/', PATH)}`;
  const site = sameSite === undefined ? '' : `SameSite=${sameSite.charAt(0).toUpperCase()}${sameSite.slice(1)}`;
  const rest = [secure ? 'Secure' : '', httpOnly ? 'HttpOnly' : '', path, site, partitioned ? 'Partitioned' : ''];
  return (times) => [domain, times, ...rest].filter((part) => part !== '').join('; ');
}

function expires(lifetimeMs: number | undefined, now: number): string {
  if (lifetimeMs === undefined) return '';
  return `Expires=${new Date(now + lifetimeMs).toUTCString()}`;
}

function demandSecure(request: RequestView): void {
  if (request.secure || (!request.proxied && isLoopback(request.header('host')))) return;
  throw failure('SOJOURN_INSECURE', { proxied: request.proxied });
}

function demandCookie(name: string, value: string): void {
  const size = name.length + value.length;
  if (size > MAX_COOKIE)
    throw failure('SOJOURN_LIMIT', { what: 'The session cookie', size, limit: MAX_COOKIE, option: 'seal' });
  if (!COOKIE_VALUE.test(value))
    throw failure('SOJOURN_VALUE', { path: 'the token', problem: 'it has characters that no cookie may carry' });
}

function matching(option: 'name' | 'domain' | 'path', value: unknown, form: RegExp): string {
  if (typeof value === 'string' && form.test(value)) return value;
  throw failure('SOJOURN_OPTION', {
    option: `${option} of flaskTransport`,
    wanted: `must be as Flask's SESSION_COOKIE_${option.toUpperCase()} can be`,
    got: show(value),
  });
}

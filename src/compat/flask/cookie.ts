/**
 * Flask's cookie as the place where an application's sessions live: `sessions({ seal: flaskCookie({ secretKey }) })`.
 *
 * The format has room for a dict, the second of its signing, and nothing else. So what a session of ours has besides its fields is
 * taken from there: it was created, and used, when it was signed; `_permanent` is "remember"; `_user_id`, where Flask-Login keeps
 * it, is the user. These two are no fields in Node. There is no id: two visitors with equal sessions that were signed in the same second
 * have the same cookie, so that nothing made of it could tell them apart.
 *
 * Keys that cannot be names of fields here (an empty one, `__proto__`) are kept together in one field, `$flask`, and written back where
 * they were. A clock that runs behind refuses what was signed "in the future", and Flask then signs the visitor out without a word;
 * so we sign two seconds in the past.
 */
import type { Duration, Head, SessionFormat, Stored } from '../../contract.js';
import { problemOfName } from '../../core/limits.js';
import { checked, durationMs, oneOf, show } from '../../core/options.js';
import { failure } from '../../errors.js';
import { unwritable } from './bounds.js';
import { flaskCodec } from './codec.js';
import { cookieValue } from './cookie-value.js';
import { Dict, type Python } from './python.js';
import type { SecretKey } from './signature.js';
import { readTagged, writeTagged } from './tagged-json.js';

export interface FlaskCookieOptions {
  /** Flask's SECRET_KEY; or a list with the newest first, SECRET_KEY_FALLBACKS behind it. The first signs, all open. */
  readonly secretKey: SecretKey | readonly SecretKey[];
  /** PERMANENT_SESSION_LIFETIME: how long after it was signed a cookie is good. Default 31 days. */
  readonly lifetime?: Duration;
  /** 'legacy' for itsdangerous before 1.0, which counts seconds from 2011. Default 'unix'. */
  readonly epoch?: 'unix' | 'legacy';
  /** How far in the past cookies are signed, for Flask machines whose clocks run behind. 0 to not. Default 2 seconds. */
  readonly signTimeOffset?: Duration;
  /** How far in the future a cookie may have been signed, for Flask machines whose clocks run ahead. Default 0, as Flask has it. */
  readonly clockTolerance?: Duration;
  /** The key under which Flask keeps who is signed in. Default `_user_id`, Flask-Login's; `user_id` before its 0.5. */
  readonly user?: string;
}

/** Where a session's other keys are. */
const OTHERS = '$flask';
const PERMANENT = '_permanent';
const DEFAULT_LIFETIME: Duration = '31d';

/**
 * Sessions in the very cookie that Flask keeps them in, for both to read and write. Goes with `flaskTransport()` and `flaskLifetimes()`.
 * Everybody can read such a cookie; nobody without the key can change it; and until it expires nobody can take it back.
 * @example
 * import { flaskCookie, flaskLifetimes, flaskTransport } from 'sojourn/flask';
 *
 * const s = sessions({
 *   seal: flaskCookie({ secretKey: [newKey, oldKey] }),
 *   transport: flaskTransport(),
 *   ...flaskLifetimes(),
 * });
 */
export function flaskCookie(options: FlaskCookieOptions): SessionFormat {
  const own = checked('flaskCookie', options, KNOWN);
  if (own.secretKey === undefined)
    throw failure('SOJOURN_OPTION', { option: 'secretKey of flaskCookie', wanted: "must be Flask's SECRET_KEY" });
  const epoch = oneOf('epoch of flaskCookie', own.epoch ?? 'unix', ['unix', 'legacy']);
  const values = cookieValue({ keys: own.secretKey, epoch });
  const lifetimeS = Math.floor(durationMs('lifetime of flaskCookie', own.lifetime ?? DEFAULT_LIFETIME) / 1000);
  const offsetS = seconds('signTimeOffset', own.signTimeOffset ?? '2s');
  const toleranceS = seconds('clockTolerance', own.clockTolerance ?? 0);
  const user = userKey(own.user);

  return {
    name: 'flask',
    codec: flaskCodec(),
    write: ({ head, fields }, now) => values.write(dictOf(head, fields, user), Math.floor(now / 1000) - offsetS),
    read(token, now) {
      const opened = values.read(token, Math.floor(now / 1000), undefined);
      if (opened === null) return null;
      const age = Math.floor(now / 1000) - opened.signedAt;
      if (age < -toleranceS || age > lifetimeS) return null;
      return storedOf(opened.dict, opened.signedAt, lifetimeS, user);
    },
  };
}

const KNOWN = ['secretKey', 'lifetime', 'epoch', 'signTimeOffset', 'clockTolerance', 'user'] as const;

function seconds(option: string, given: Duration): number {
  return given === 0 ? 0 : Math.ceil(durationMs(`${option} of flaskCookie`, given) / 1000);
}

/** The key that holds the user. SOJOURN_OPTION for what is no key. */
export function userKey(given: string | undefined): string {
  const key = given ?? '_user_id';
  if (typeof key === 'string' && key !== '' && key !== PERMANENT) return key;
  throw failure('SOJOURN_OPTION', { option: 'user', wanted: 'must be the key of a field', got: show(key) });
}

function storedOf(dict: Dict, signedAt: number, lifetimeS: number, user: string): Stored {
  return {
    head: {
      createdAt: signedAt * 1000,
      expiresAt: (signedAt + lifetimeS) * 1000,
      version: 1,
      generation: 0,
      ...headIn(dict, user),
    },
    fields: fieldsIn(dict, user),
  };
}

/** What a dict says of its session as a whole. Whatever is not of the type it must have says nothing, and is a field. */
export function headIn(dict: Dict, user: string): Pick<Head, 'user' | 'remember'> {
  const permanent = dict.get(PERMANENT);
  const name = dict.get(user);
  return {
    ...(isUser(name) && { user: name }),
    ...(typeof permanent === 'boolean' && { remember: permanent }),
  };
}

/** Whether this key and value are said by the head. */
export function isOfHead(key: Python, value: Python, user: string): boolean {
  return key === PERMANENT ? typeof value === 'boolean' : key === user && isUser(value);
}

function isUser(value: Python | undefined): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 255 && value.isWellFormed();
}

/** The user and `_permanent` as the head has them now. */
export function putHead(dict: Dict, head: Pick<Head, 'user' | 'remember'>, user: string): void {
  if (head.remember !== undefined) dict.set(PERMANENT, head.remember);
  if (head.user !== undefined) dict.set(user, head.user);
}

/** Whether a key can be the name of a field of ours. */
export function isName(key: Python): key is string {
  return typeof key === 'string' && key !== OTHERS && problemOfName(key) === undefined;
}

function fieldsIn(dict: Dict, user: string): Map<string, Uint8Array> {
  const fields = new Map<string, Uint8Array>();
  const others = new Dict();
  for (const [key, value] of dict.entries()) {
    if (isOfHead(key, value, user)) continue;
    if (isName(key)) fields.set(key, bytesOf(value));
    else others.set(key, value);
  }
  if (others.size > 0) fields.set(OTHERS, bytesOf(others));
  return fields;
}

function dictOf(head: Head, fields: ReadonlyMap<string, Uint8Array>, user: string): Dict {
  const dict = new Dict();
  for (const [name, bytes] of fields) {
    const value = readTagged(Buffer.from(bytes).toString('latin1'));
    if (name !== OTHERS) dict.set(name, value);
    else if (value instanceof Dict) for (const [key, other] of value.entries()) dict.set(key, other);
    else
      throw unwritable(OTHERS, 'it is where the keys of Flask are kept that cannot be fields, and must stay an object');
  }
  putHead(dict, head, user);
  return dict;
}

function bytesOf(value: Python): Uint8Array {
  return Buffer.from(writeTagged(value), 'latin1');
}

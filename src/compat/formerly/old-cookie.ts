/**
 * What the readers of old cookies share: finding one, taking it back, and making a session of plain data.
 *
 * Old libraries percent-encode values and take the first of several cookies of a name; so does this. Whatever is too long, or no
 * object, or made to change prototypes, is no session.
 */
import type { FormerSession, HeaderLine, RequestView } from '../../contract.js';
import { checked, flag, show } from '../../core/options.js';
import { failure } from '../../errors.js';
import { cookieValues } from '../../transports/cookie-header.js';
import { cookieSettings } from '../../transports/cookie-options.js';

/** A session of another library: the object that handlers saw as `req.session`. */
export type OldSession = Readonly<Record<string, unknown>>;

export interface OldCookieOptions {
  /** The `domain` that the old cookie was set with. A cookie is taken back only where name, domain and path agree. Default: none. */
  readonly domain?: string;
  /** Its `path`. Default `/`. */
  readonly path?: string;
  /** Leave the old cookie where it is: while servers with the old library still run. A logout then takes back ours alone. Default false. */
  readonly keepCookie?: boolean;
  /** Who is signed in, as the application keeps it. Default: nobody is. */
  readonly user?: (session: OldSession) => string | number | undefined | null;
  /** Fields that do not come along. Default: all do. */
  readonly without?: readonly string[];
}

const SHARED = ['domain', 'path', 'keepCookie', 'user', 'without'] as const;
/** Browsers take these only together with Secure, also where they are taken back. */
const PREFIXED = /^__(?:host|secure|http)-/i;
/** Longer than any cookie that a browser keeps, in parts or not. */
const MAX_VALUE = 16_384;

/** The options of a reader after unknown ones are refused; those that all have are checked. */
export function oldCookieOptions<O extends OldCookieOptions>(
  where: string,
  options: O,
  more: readonly (keyof O & string)[],
): O {
  const own = checked(where, options, [...SHARED, ...more] as (keyof O & string)[]) as O;
  if (own.user !== undefined && typeof own.user !== 'function')
    throw failure('SOJOURN_OPTION', { option: `user of ${where}`, wanted: 'must be a function', got: show(own.user) });
  if (own.keepCookie !== undefined) flag(`keepCookie of ${where}`, own.keepCookie);
  return own;
}

/** The secrets of a reader, as bytes or text. SOJOURN_OPTION for an empty list or an empty secret. */
export function secretsOf(option: string, given: string | readonly string[]): readonly string[] {
  const list = typeof given === 'string' ? [given] : given;
  if (Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === 'string' && one !== '')) return list;
  throw failure('SOJOURN_OPTION', { option, wanted: 'must be the old secret, or a list of them', got: show(given) });
}

/** The value of the old cookie, decoded; null when there is none. */
export function oldValue(request: RequestView, name: string): string | null {
  const [value] = cookieValues(request.header('cookie'), name, 1);
  if (value === undefined || value === '' || value.length > MAX_VALUE) return null;
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** How to take back these cookies, those that a request shows. Throws SOJOURN_OPTION for a domain or path that no cookie can have. */
export function takingBack(
  names: readonly string[],
  { domain, path, keepCookie }: OldCookieOptions,
): (request: RequestView) => readonly HeaderLine[] {
  const lines = names.map((name) => {
    const secure = PREFIXED.test(name);
    const settings = cookieSettings({
      name,
      secure,
      ...(domain !== undefined && { domain }),
      ...(path !== undefined && { path }),
    });
    const where = `; Path=${settings.path}${settings.domain === undefined ? '' : `; Domain=${settings.domain}`}`;
    const line = `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${where}${secure ? '; Secure' : ''}`;
    return [name, ['Set-Cookie', line]] as const;
  });
  if (keepCookie === true) return () => [];
  return (request) =>
    lines.filter(([name]) => cookieValues(request.header('cookie'), name, 1).length > 0).map(([, line]) => line);
}

/** What an old session's data is in ours; null for what is no object. */
export function sessionFrom(
  data: unknown,
  { user, without = [] }: OldCookieOptions,
  more: Pick<FormerSession, 'signedInAt' | 'remember'> = {},
): FormerSession | null {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return null;
  const owner = user?.(data as OldSession);
  const fields = Object.entries(data).filter(([name, value]) => value !== undefined && !without.includes(name));
  const hasOwner = (typeof owner === 'string' && owner !== '') || typeof owner === 'number';
  return { fields: new Map(fields), ...(hasOwner && { user: String(owner) }), ...more };
}

/** JSON, or undefined for what is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

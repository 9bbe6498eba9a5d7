/**
 * What can be said about the session cookie, and what browsers would silently ignore if it were said.
 *
 * A cookie that breaks a rule of RFC 6265bis is dropped by the browser without a word, and the developer sees a login that does
 * not stick. So every rule is checked here, once, when the application starts; where the compiler can know, it says so earlier.
 * The strict choice is the default: `__Host-` ties the cookie to this host and to https, HttpOnly is not an option, and SameSite
 * is always sent, because browsers open a two-minute hole for cookies that leave it out.
 */
import { checked, flag, oneOf, show, wholeNumber } from '../core/options.js';
import { failure } from '../errors.js';

/** The session cookie's attributes. HttpOnly is always on; how long the cookie lives follows from the session's timeouts. */
export interface CookieOptions {
  /**
   * Default `__Host-sid`; with `domain` or another `path` `__Secure-sid`; with `secure: false` `sid`. The prefixes `__Host-`,
   * `__Secure-`, `__Http-` and `__Host-Http-` are promises that browsers check, so they bind the other options.
   */
  readonly name?: string;
  /** Share the cookie with all subdomains of this domain. Default: this host only. */
  readonly domain?: string;
  /** Default `/`. */
  readonly path?: string;
  /** When other sites' links and forms carry the cookie along. Default `lax`; `none` demands `secure`. */
  readonly sameSite?: 'lax' | 'strict' | 'none';
  /** Only over https. Default true; plain http from this machine itself (development) works all the same, see `cookie`. */
  readonly secure?: boolean;
  /** A separate cookie for each site that embeds this one (CHIPS). Brings `sameSite: 'none'` with it. Default false. */
  readonly partitioned?: boolean;
  /** Which cookies Chromium drops last when it holds too many. Default: not sent. */
  readonly priority?: 'low' | 'medium' | 'high';
  /**
   * How many cookies one session may take, 1 to 3, where it travels in its token and is too long for one. More would fill the header
   * lines that Node and most proxies accept (16 KiB, often 8). Default 1.
   */
  readonly parts?: number;
}

/** What a name's prefix asks of the other options, for the compiler. */
export type PrefixRules<Name extends string> =
  Lowercase<Name> extends `__host-${string}`
    ? { readonly domain?: never; readonly path?: '/'; readonly secure?: true }
    : Lowercase<Name> extends `__secure-${string}` | `__http-${string}`
      ? { readonly secure?: true }
      : unknown;

/** The options after all checks, with every default filled in. */
export interface CookieSettings {
  readonly name: string;
  /** The name without its prefix: what plain http on this machine uses, where browsers refuse the prefix. */
  readonly plainName: string;
  readonly domain: string | undefined;
  readonly path: string;
  readonly sameSite: SameSite;
  readonly secure: boolean;
  readonly partitioned: boolean;
  readonly priority: Priority | undefined;
  readonly parts: number;
}

type SameSite = NonNullable<CookieOptions['sameSite']>;
type Priority = NonNullable<CookieOptions['priority']>;

/** Throws SOJOURN_OPTION naming the option that browsers would not accept. */
export function cookieSettings(options: CookieOptions | undefined): CookieSettings {
  refuseForeign(options);
  const own = checked('cookie', options, KNOWN);
  const partitioned = own.partitioned === undefined ? false : flag('partitioned of cookie', own.partitioned);
  const secure = own.secure === undefined ? true : flag('secure of cookie', own.secure);
  const sameSite = sameSiteOf(own.sameSite, partitioned);
  const domain = own.domain === undefined ? undefined : domainOf(own.domain);
  const path = own.path === undefined ? '/' : pathOf(own.path);
  const priority =
    own.priority === undefined ? undefined : oneOf('priority of cookie', own.priority, ['low', 'medium', 'high']);
  const name = own.name === undefined ? defaultName(secure, domain, path) : nameOf(own.name);
  if (!secure) demandInsecureIsAllowed(sameSite, partitioned);
  const prefix = PREFIXES.find((known) => name.toLowerCase().startsWith(known.text));
  if (prefix) demandPrefixRules(prefix, { name, domain, path, secure });
  return {
    name,
    plainName: name.slice(prefix?.text.length ?? 0),
    domain,
    path,
    sameSite,
    secure,
    partitioned,
    priority,
    parts: wholeNumber('parts of cookie', own.parts ?? 1, 1, 3),
  };
}

const KNOWN = ['name', 'domain', 'path', 'sameSite', 'secure', 'partitioned', 'priority', 'parts'] as const;

/** Options that other libraries have and this one refuses, with the reason. */
const FOREIGN: ReadonlyMap<string, string> = new Map([
  ['httpOnly', 'is always on and cannot be switched off: no script may read a session token. Leave it out'],
  ['maxAge', "follows from the session's timeouts. Leave it out, and set those"],
  ['expires', "follows from the session's timeouts. Leave it out, and set those"],
]);

function refuseForeign(options: object | undefined): void {
  for (const name of Object.keys(options ?? {})) {
    const reason = FOREIGN.get(name);
    if (reason !== undefined) throw failure('SOJOURN_OPTION', { option: `${name} of cookie`, wanted: reason });
  }
}

function sameSiteOf(given: SameSite | undefined, partitioned: boolean): SameSite {
  if (given === undefined) return partitioned ? 'none' : 'lax';
  const sameSite = oneOf('sameSite of cookie', given, ['lax', 'strict', 'none']);
  if (partitioned && sameSite !== 'none') throw refused('partitioned', "goes with sameSite: 'none' only", sameSite);
  return sameSite;
}

function demandInsecureIsAllowed(sameSite: SameSite, partitioned: boolean): void {
  if (partitioned) throw refused('partitioned', 'goes with secure: true only', true);
  if (sameSite === 'none') throw refused('sameSite', "'none' goes with secure: true only", sameSite);
}

/** RFC 6265bis 5.6: an attribute value beyond this is ignored, and the cookie would go where it should not, or not at all. */
const MAX_ATTRIBUTE = 1024;
/** Labels of letters, digits and hyphens; a leading dot is allowed and means nothing. An IDN is given in its xn-- form. */
const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;
/** Visible ASCII without the semicolon that would begin another attribute. A path with a space never matches a request. */
const PATH = /^\/[!-:<-~]*$/;
/** RFC 9110 5.6.2, token. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Together with any value, a name must stay below the 4096 octets of a whole cookie. */
const MAX_NAME = 256;

function domainOf(given: unknown): string {
  if (typeof given === 'string' && given.length <= MAX_ATTRIBUTE && DOMAIN.test(given)) return given;
  throw refused('domain', `must be a domain name like example.com, of at most ${MAX_ATTRIBUTE} characters`, given);
}

function pathOf(given: unknown): string {
  if (typeof given === 'string' && given.length <= MAX_ATTRIBUTE && PATH.test(given)) return given;
  throw refused(
    'path',
    `must begin with / and be visible ASCII without semicolons, at most ${MAX_ATTRIBUTE} characters`,
    given,
  );
}

function nameOf(given: unknown): string {
  if (typeof given === 'string' && given.length <= MAX_NAME && NAME.test(given)) return given;
  throw refused('name', `must be 1 to ${MAX_NAME} letters, digits and !#$%&'*+-.^_\`|~`, given);
}

function defaultName(secure: boolean, domain: string | undefined, path: string): string {
  if (!secure) return 'sid';
  return domain === undefined && path === '/' ? '__Host-sid' : '__Secure-sid';
}

interface Prefix {
  readonly text: string;
  /** Bound to one host: no Domain, and Path=/. */
  readonly hostOnly: boolean;
}

/** RFC 6265bis 4.1.3 and the layered-cookies draft. Browsers compare them without regard to case, so do we; longest first. */
const PREFIXES: readonly Prefix[] = [
  { text: '__host-http-', hostOnly: true },
  { text: '__host-', hostOnly: true },
  { text: '__secure-', hostOnly: false },
  { text: '__http-', hostOnly: false },
];

function demandPrefixRules(prefix: Prefix, cookie: Pick<CookieSettings, 'name' | 'domain' | 'path' | 'secure'>): void {
  const shown = cookie.name.slice(0, prefix.text.length);
  if (cookie.name.length === shown.length) throw refused('name', `must go on after ${shown}`, cookie.name);
  if (!cookie.secure) throw refused('secure', `must be true for a name that begins with ${shown}`, false);
  if (!prefix.hostOnly) return;
  if (cookie.domain !== undefined)
    throw refused('domain', `must be left out for a name that begins with ${shown}`, cookie.domain);
  if (cookie.path !== '/') throw refused('path', `must be / for a name that begins with ${shown}`, cookie.path);
}

function refused(option: keyof CookieOptions, wanted: string, got: unknown): Error {
  return failure('SOJOURN_OPTION', { option: `${option} of cookie`, wanted, got: show(got) });
}

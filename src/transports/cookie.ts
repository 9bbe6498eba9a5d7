/**
 * The token in a cookie: what nearly every application wants.
 *
 * The idea: a cookie has two faces. The full one is what was configured, `__Host-sid` and Secure by default. The plain one is for
 * development, http on this very machine, where browsers refuse the prefix and some refuse Secure: the same cookie without them,
 * bound to this host. A request meets one face or neither, and reads and writes through that one alone, so that with a prefixed
 * name an https request never takes a token from a cookie that plain http could have planted.
 *
 * Over a near cache a second cookie, `<name>-v`, carries the version that this client was last told of, for a few seconds. It is
 * looked for only then, and a header without it is passed over in 0.03 us.
 *
 * Sessions that travel in their token may need two or three cookies (cookie-parts.ts).
 *
 * Rejected: a `development` switch (forgotten in production, and forgotten in development); sending a Secure cookie over plain http
 * and letting the browser drop it, which is the commonest beginner's riddle of every session library; Expires beside Max-Age, which
 * only browsers of the last century need; guessing https from X-Forwarded-Proto, which is the adapter's to trust.
 */
import type { HeaderLine, RequestView, Transport } from '../contract.js';
import { failure } from '../errors.js';
import { cookieValues, MAX_CANDIDATES, NONE } from './cookie-header.js';
import { type CookieOptions, type CookieSettings, cookieSettings, type PrefixRules } from './cookie-options.js';
import { joined, longestToken, partName, split, tail } from './cookie-parts.js';
import { isLoopback } from './loopback.js';
import { versionOf } from './version.js';

export type { CookieOptions } from './cookie-options.js';

/**
 * Carries the token in a cookie. Throws SOJOURN_OPTION for settings that a browser would not accept.
 *
 * Over plain http a Secure cookie cannot work. From this machine itself (a Host of localhost, 127.0.0.0/8 or [::1], and no
 * untrusted proxy in between) the cookie is then sent without Secure, Domain and Partitioned under its name without prefix
 * (`sid`). From anywhere else no session is found, and storing one throws SOJOURN_INSECURE, which names the proxy setting.
 * @example cookie({ domain: 'example.com', sameSite: 'strict' })
 */
export function cookie<const Name extends string = string>(
  options?: CookieOptions & { readonly name?: Name } & PrefixRules<Name>,
): Transport {
  const settings = cookieSettings(options);
  const { parts } = settings;
  const full = face(settings);
  const plain = settings.secure ? face(plainSettings(settings)) : full;

  function faceFor(request: RequestView): Face | null {
    if (request.secure || !settings.secure) return full;
    return !request.proxied && isLoopback(request.header('host')) ? plain : null;
  }

  return {
    name: 'cookie',
    scope: settings.name,
    longest: longestToken(settings.name, settings.parts),
    vary: 'Cookie',
    read(request) {
      const met = faceFor(request);
      if (met === null) return NONE;
      const header = request.header('cookie');
      const values = cookieValues(header, met.name, MAX_CANDIDATES);
      return parts === 1 ? values : values.flatMap((value) => joined(header, met.name, value, parts));
    },
    write(token, lifetimeMs, request) {
      const met = faceFor(request);
      if (met === null) throw failure('SOJOURN_INSECURE', { proxied: request.proxied });
      demandCookieValue(met.name, token, parts);
      const line = (name: string, value: string): HeaderLine => [
        'Set-Cookie',
        `${name}=${value}${maxAge(lifetimeMs)}${met.attributes}`,
      ];
      if (parts === 1) return [line(met.name, token)];
      const values = split(met.name, token);
      return [
        ...values.map((value, i) => line(partName(met.name, i), value)),
        ...tail(request.header('cookie'), met.name, values.length, parts).map((name) => clearing(name, met)),
      ];
    },
    readVersion(request) {
      const met = faceFor(request);
      if (met === null) return undefined;
      return versionOf(cookieValues(request.header('cookie'), met.versionName, MAX_CANDIDATES));
    },
    writeVersion(version, lifetimeMs, request) {
      const met = faceFor(request);
      return met === null
        ? NO_LINES
        : [['Set-Cookie', `${met.versionName}=${version}${maxAge(lifetimeMs)}${met.attributes}`]];
    },
    // Where neither face fits, the full one: behind a proxy that nobody told us of, it is the one that the browser may hold.
    clear(request) {
      const met = faceFor(request) ?? full;
      if (parts === 1) return met.cleared;
      return [...met.cleared, ...tail(request.header('cookie'), met.name, 1, parts).map((name) => clearing(name, met))];
    },
    describe: () => described(settings),
  };
}

/** One way to send the cookie, with everything prepared that does not depend on the request. */
interface Face {
  readonly name: string;
  /** Has the prefix of the name, and with it the same promises. */
  readonly versionName: string;
  readonly attributes: string;
  readonly cleared: readonly HeaderLine[];
}

function face(settings: CookieSettings): Face {
  const { name } = settings;
  const attributes = attributesOf(settings);
  return {
    name,
    versionName: `${name}-v`,
    attributes,
    cleared: Object.freeze([Object.freeze(clearing(name, { attributes }))]),
  };
}

/** Max-Age is enough for browsers; Expires is for the cookie jars of API clients. Clearing is rare, so the bytes do not matter. */
function clearing(name: string, { attributes }: Pick<Face, 'attributes'>): HeaderLine {
  return ['Set-Cookie', `${name}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${attributes}`];
}

/** The same on plain http: SameSite=None and Partitioned demand Secure, and a Domain would not match this machine. */
function plainSettings(settings: CookieSettings): CookieSettings {
  const sameSite = settings.sameSite === 'none' ? 'lax' : settings.sameSite;
  return { ...settings, name: settings.plainName, secure: false, domain: undefined, partitioned: false, sameSite };
}

function attributesOf({ path, domain, secure, sameSite, partitioned, priority }: CookieSettings): string {
  return [
    `; Path=${path}`,
    domain === undefined ? '' : `; Domain=${domain}`,
    '; HttpOnly',
    secure ? '; Secure' : '',
    `; SameSite=${capital(sameSite)}`,
    partitioned ? '; Partitioned' : '',
    priority === undefined ? '' : `; Priority=${capital(priority)}`,
  ].join('');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

const NO_LINES: readonly HeaderLine[] = Object.freeze([]);

/** RFC 6265bis 5.5: browsers cut a lifetime to 400 days. */
const MAX_AGE_SECONDS = 400 * 86_400;

/** Rounded up: the cookie may outlive the session by less than a second, never the other way round. The server decides anyway. */
function maxAge(lifetimeMs: number | undefined): string {
  if (lifetimeMs === undefined) return '';
  return `; Max-Age=${Math.max(1, Math.min(Math.ceil(lifetimeMs / 1000), MAX_AGE_SECONDS))}`;
}

/** RFC 6265bis 4.1.1, cookie-octet: visible ASCII without quotes, comma, semicolon and backslash. */
const COOKIE_VALUE = /^[!#-+\--:<-[\]-~]+$/;

/** Browsers drop what breaks these rules without a word, and CR or LF would begin a header of their own. */
function demandCookieValue(name: string, token: string, parts: number): void {
  const longest = longestToken(name, parts);
  if (token.length > longest) {
    throw failure('SOJOURN_LIMIT', {
      what: 'The session cookie',
      size: name.length + token.length,
      limit: name.length + longest,
      option: 'parts of cookie',
    });
  }
  if (!COOKIE_VALUE.test(token)) {
    throw failure('SOJOURN_VALUE', {
      path: 'the token',
      problem: 'it is empty or has characters that no cookie may carry',
    });
  }
}

function described(settings: CookieSettings): object {
  const { plainName, ...rest } = settings;
  return { transport: 'cookie', ...rest, httpOnly: true, ...(settings.secure && { onLoopback: plainName }) };
}

/**
 * Set-Cookie lines read back by parsers that know nothing of ours: `cookie` and `tough-cookie` must find in every line what the
 * options meant, and a cookie jar that enforces the prefixes must keep the cookie and let it go again.
 */
import { parseSetCookie } from 'cookie';
import fc from 'fast-check';
import { Cookie, CookieJar, PrefixSecurityEnum } from 'tough-cookie';
import { expect, test } from 'vitest';
import type { HeaderLine, RequestView, Transport } from '../contract.js';
import { isFailure } from '../errors.js';
import { cookie } from './cookie.js';
import type { CookieOptions } from './cookie-options.js';

const HALF_HOUR = 30 * 60_000;
const https = (cookies?: string): RequestView => ({
  secure: true,
  proxied: false,
  header: (name) => (name === 'cookie' ? cookies : undefined),
});
const line = (lines: readonly HeaderLine[]): string => lines[0]?.[1] ?? '';

const name = fc.string({ unit: fc.constantFrom(...'!#$&*+-.^_`|~09AZaz'), minLength: 1, maxLength: 12 });
const prefixed = fc
  .tuple(fc.constantFrom('', '__Host-', '__Secure-', '__Http-', '__Host-Http-'), name)
  .map((parts) => parts.join(''));
const path = fc.string({ unit: fc.constantFrom(...'/abc.-_~%20=,'), maxLength: 12 }).map((rest) => `/${rest}`);
const options = fc.record<CookieOptions>(
  {
    name: prefixed,
    domain: fc.constantFrom('example.com', 'shop.example.com'),
    path,
    sameSite: fc.constantFrom('lax', 'strict', 'none'),
    secure: fc.constantFrom(true, true, true, false),
    partitioned: fc.constantFrom(true, false, false, false),
    priority: fc.constantFrom('low', 'medium', 'high'),
  },
  { requiredKeys: [] },
);
const value = fc.string({
  unit: fc.constantFrom(...'!#$%&()*+-./09:<=>?@AZ[]^_`az{|}~'),
  minLength: 1,
  maxLength: 70,
});
const lifetime = fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: undefined });

test('50,000 lines: two other parsers read what was meant, and options are refused or work', () => {
  let lines = 0;
  fc.assert(
    fc.property(options, value, lifetime, (given, content, lifetimeMs) => {
      const made = tried(given);
      if (made === null) return;
      lines += 2;
      const meant = meaning(given);
      const whole = line(made.write(content, lifetimeMs, https()));
      const seconds = lifetimeMs === undefined ? undefined : Math.min(Math.ceil(lifetimeMs / 1000), 34_560_000);
      expectSame(readByCookie(whole), { ...meant, value: content, maxAge: seconds }, whole);
      expectSame(readByTough(whole), { ...meant, value: content, maxAge: seconds }, whole);
      const gone = line(made.clear(https()));
      expectSame(readByCookie(gone), { ...meant, value: '', maxAge: 0 }, gone);
      expectSame(readByTough(gone), { ...meant, value: '', maxAge: 0 }, gone);
    }),
    { numRuns: 65_000 },
  );
  expect(lines).toBeGreaterThan(50_000);
});

test('a cookie jar that enforces the prefixes keeps the cookie, gives it back, and lets it be cleared', () => {
  const url = 'https://shop.example.com/shop/cart';
  const all: CookieOptions[] = [
    {},
    { domain: 'example.com' },
    { path: '/shop' },
    { name: 'visit' },
    { name: '__Host-Http-sid' },
    { partitioned: true },
  ];
  for (const given of all) {
    const transport = cookie(given);
    const jar = new CookieJar(undefined, { prefixSecurity: PrefixSecurityEnum.STRICT });
    jar.setCookieSync(line(transport.write('token', HALF_HOUR, https())), url);
    const back = https(jar.getCookieStringSync(url));
    expect(transport.read(back)).toEqual(['token']);
    jar.setCookieSync(line(transport.clear(back)), url);
    expect(jar.getCookieStringSync(url)).toBe('');
  }
});

interface Read {
  readonly name: string;
  readonly value: string;
  readonly path: string | undefined;
  readonly domain: string | undefined;
  readonly maxAge: number | undefined;
  readonly httpOnly: boolean;
  readonly secure: boolean;
  readonly sameSite: string | undefined;
  readonly partitioned: boolean;
  readonly priority: string | undefined;
}

/** What the options mean, said without the code under test. */
function meaning(given: CookieOptions): Omit<Read, 'value' | 'maxAge'> {
  const { domain, path = '/', secure = true, partitioned = false, priority } = given;
  const prefix = secure ? (domain === undefined && path === '/' ? '__Host-' : '__Secure-') : '';
  const sameSite = given.sameSite ?? (partitioned ? 'none' : 'lax');
  return {
    name: given.name ?? `${prefix}sid`,
    path,
    domain,
    httpOnly: true,
    secure,
    sameSite,
    partitioned,
    priority,
  };
}

function readByCookie(whole: string): Read {
  const {
    httpOnly = false,
    secure = false,
    partitioned = false,
    ...rest
  } = parseSetCookie(whole, { decode: (text) => text });
  const { name: key, value: content = '', path: at, domain, maxAge } = rest;
  return {
    name: key,
    value: content,
    path: at,
    domain,
    maxAge,
    httpOnly,
    secure,
    sameSite: rest.sameSite as string,
    partitioned,
    priority: rest.priority as string,
  };
}

function readByTough(whole: string): Read {
  const read = Cookie.parse(whole)!;
  const extensions = (read.extensions ?? []).map((text) => text.toLowerCase());
  return {
    name: read.key,
    value: read.value,
    path: read.path ?? undefined,
    domain: read.domain ?? undefined,
    maxAge: typeof read.maxAge === 'number' ? read.maxAge : undefined,
    httpOnly: read.httpOnly,
    secure: read.secure,
    sameSite: read.sameSite,
    partitioned: extensions.includes('partitioned'),
    priority: extensions.find((text) => text.startsWith('priority='))?.slice('priority='.length),
  };
}

function expectSame(got: Read, wanted: Read, whole: string): void {
  for (const key of Object.keys(wanted) as (keyof Read)[]) {
    if (got[key] !== wanted[key]) expect({ whole, key, value: got[key] }).toEqual({ whole, key, value: wanted[key] });
  }
}

function tried(options: CookieOptions): Transport | null {
  try {
    return cookie(options);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_OPTION')) return null;
    throw error;
  }
}

/**
 * The cookie transport as a browser meets it: the exact lines, what plain http and proxies change, what a cookie cannot carry.
 * Whether others read those lines as they were meant is asked in cookie-parsed-back.test.ts.
 */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { HeaderLine, RequestView, Transport } from '../contract.js';
import { join, newToken } from '../core/token.js';
import { isFailure } from '../errors.js';
import { cookie } from './cookie.js';
import type { CookieOptions } from './cookie-options.js';

const { id, secret } = newToken(randomBytes);
const token = join(id, secret);
const HALF_HOUR = 30 * 60_000;
const EPOCH = 'Expires=Thu, 01 Jan 1970 00:00:00 GMT';

const request = (headers: Record<string, string>, secure = true, proxied = false): RequestView => ({
  secure,
  proxied,
  header: (name) => headers[name],
});
const https = (cookies?: string): RequestView =>
  request({ host: 'shop.example', ...(cookies !== undefined && { cookie: cookies }) });
const http = (host: string, cookies = '', proxied = false): RequestView =>
  request({ host, cookie: cookies }, false, proxied);
const line = (lines: readonly HeaderLine[]): string => {
  const [name, value] = lines[0] ?? [];
  if (lines.length === 1 && name === 'Set-Cookie' && value !== undefined) return value;
  throw new Error(`expected one Set-Cookie line, got ${JSON.stringify(lines)}`);
};
const written = (transport: Transport, lifetimeMs: number | undefined = HALF_HOUR, seen = https()): string =>
  line(transport.write(token, lifetimeMs, seen));

describe('the line', () => {
  test.each<[title: string, options: CookieOptions, after: string]>([
    ['by default', {}, `__Host-sid=${token}; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=Lax`],
    ['under another name', { name: 'visit' }, `visit=${token}; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=Lax`],
    [
      'for a domain',
      { domain: 'example.com' },
      `__Secure-sid=${token}; Max-Age=1800; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax`,
    ],
    [
      'for a path',
      { path: '/shop' },
      `__Secure-sid=${token}; Max-Age=1800; Path=/shop; HttpOnly; Secure; SameSite=Lax`,
    ],
    ['strict', { sameSite: 'strict' }, `__Host-sid=${token}; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=Strict`],
    [
      'for other sites',
      { sameSite: 'none' },
      `__Host-sid=${token}; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=None`,
    ],
    [
      'partitioned',
      { partitioned: true },
      `__Host-sid=${token}; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=None; Partitioned`,
    ],
    [
      'with a priority',
      { priority: 'high' },
      `__Host-sid=${token}; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=Lax; Priority=High`,
    ],
    ['not secure', { secure: false }, `sid=${token}; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax`],
    [
      'with the newer prefix',
      { name: '__Host-Http-sid' },
      `__Host-Http-sid=${token}; Max-Age=1800; Path=/; HttpOnly; Secure; SameSite=Lax`,
    ],
  ])('%s', (_, options, expected) => {
    const transport = cookie(options);
    expect(written(transport)).toBe(expected);
    expect(line(transport.clear(https()))).toBe(
      expected.replace(token, '').replace('Max-Age=1800', `Max-Age=0; ${EPOCH}`),
    );
  });

  test('a cookie that ends with the browser has no Max-Age', () => {
    expect(line(cookie().write(token, undefined, https()))).toBe(
      `__Host-sid=${token}; Path=/; HttpOnly; Secure; SameSite=Lax`,
    );
  });

  test.each([
    [1, 1],
    [999, 1],
    [1000, 1],
    [1001, 2],
    [0, 1],
    [-5, 1],
    [86_400_000, 86_400],
    [400 * 86_400_000, 34_560_000],
    [401 * 86_400_000, 34_560_000],
    [Number.MAX_VALUE, 34_560_000],
    [Number.POSITIVE_INFINITY, 34_560_000],
  ])('a lifetime of %d ms is Max-Age=%d', (lifetimeMs, seconds) => {
    expect(written(cookie(), lifetimeMs)).toContain(`; Max-Age=${seconds}; `);
  });
});

describe('reading', () => {
  test('the token comes back from the line that was written', () => {
    const transport = cookie();
    const sent = written(transport).split(';')[0]!;
    expect(transport.read(https(`theme=dark; ${sent}; lang=en`))).toEqual([token]);
  });

  test('a request without cookies has no token', () => {
    expect(cookie().read(https())).toEqual([]);
    expect(cookie().read(https('theme=dark'))).toEqual([]);
  });

  test('two different tokens are both handed over: the engine judges', () => {
    expect(cookie().read(https('__Host-sid=a; __Host-sid=b'))).toEqual(['a', 'b']);
  });

  test('https never takes the token from the plain name, which plain http could have planted', () => {
    expect(cookie().read(https(`sid=${token}`))).toEqual([]);
    expect(cookie().read(request({ host: 'localhost', cookie: `sid=${token}` }))).toEqual([]);
  });

  test('a token in any other header is ignored', () => {
    const elsewhere = request({ host: 'shop.example', 'x-session-id': token, authorization: `Bearer ${token}` });
    expect(cookie().read(elsewhere)).toEqual([]);
  });
});

describe('plain http on this machine', () => {
  test('the cookie works without Secure and without its prefix', () => {
    const transport = cookie();
    const seen = http('localhost:3000', `sid=${token}; __Host-sid=other`);
    expect(written(transport, HALF_HOUR, seen)).toBe(`sid=${token}; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax`);
    expect(transport.read(seen)).toEqual([token]);
    expect(line(transport.clear(seen))).toBe(`sid=; Max-Age=0; ${EPOCH}; Path=/; HttpOnly; SameSite=Lax`);
  });

  test.each([
    ['__Host-visit', 'visit'],
    ['__Secure-visit', 'visit'],
    ['__Http-visit', 'visit'],
    ['__Host-Http-visit', 'visit'],
    ['__HOST-visit', 'visit'],
    ['visit', 'visit'],
  ])('%s becomes %s', (name, plain) => {
    expect(written(cookie({ name }), HALF_HOUR, http('127.0.0.1'))).toMatch(new RegExp(`^${plain}=`));
  });

  test('what would demand Secure or another host is left out', () => {
    const seen = http('[::1]:3000');
    expect(written(cookie({ partitioned: true, priority: 'low' }), HALF_HOUR, seen)).toBe(
      `sid=${token}; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax; Priority=Low`,
    );
    expect(written(cookie({ domain: 'example.com', path: '/shop', sameSite: 'strict' }), HALF_HOUR, seen)).toBe(
      `sid=${token}; Max-Age=1800; Path=/shop; HttpOnly; SameSite=Strict`,
    );
  });
});

describe('plain http from elsewhere', () => {
  const seen = http('shop.example', `sid=${token}; __Host-sid=${token}`);

  test('no session is found, and storing one says what to do', () => {
    expect(cookie().read(seen)).toEqual([]);
    expect(insecure(() => cookie().write(token, HALF_HOUR, seen)).message).toContain('plain http from another machine');
  });

  test('a request without a Host is from elsewhere', () => {
    const hostless = request({ cookie: `sid=${token}` }, false);
    expect(cookie().read(hostless)).toEqual([]);
    expect(insecure(() => cookie().write(token, HALF_HOUR, hostless)).details).toEqual({ proxied: false });
  });

  test('through a proxy that nobody trusts, the error names the setting, even on localhost', () => {
    for (const host of ['shop.example', 'localhost:3000']) {
      const proxied = http(host, `sid=${token}`, true);
      expect(cookie().read(proxied)).toEqual([]);
      const error = insecure(() => cookie().write(token, HALF_HOUR, proxied));
      expect(error.details).toEqual({ proxied: true });
      expect(error.message).toContain('trustProxy');
      expect(error.message).not.toContain(secret);
    }
  });

  test('clearing never throws, and clears what the browser may hold', () => {
    expect(line(cookie().clear(seen))).toBe(`__Host-sid=; Max-Age=0; ${EPOCH}; Path=/; HttpOnly; Secure; SameSite=Lax`);
    expect(cookie().clear(http('localhost', '', true))).toEqual(cookie().clear(https()));
  });

  test('secure: false asks nobody', () => {
    const transport = cookie({ secure: false });
    expect(transport.read(seen)).toEqual([token]);
    expect(written(transport, HALF_HOUR, seen)).toBe(`sid=${token}; Max-Age=1800; Path=/; HttpOnly; SameSite=Lax`);
    expect(written(transport)).toBe(written(transport, HALF_HOUR, seen));
  });
});

describe('what a cookie cannot carry', () => {
  test('4096 octets of name and value pass, one more is an error before the browser drops it', () => {
    const transport = cookie();
    const fits = 'v'.repeat(4096 - '__Host-sid'.length);
    expect(line(transport.write(fits, undefined, https()))).toContain(fits);
    const error = thrown(() => transport.write(`${fits}v`, undefined, https()));
    expect(isFailure(error, 'SOJOURN_LIMIT')).toBe(true);
    expect(isFailure(error) && error.details).toMatchObject({ size: 4097, limit: 4096 });
  });

  test('of all characters, exactly the cookie-octets of RFC 6265bis pass', () => {
    const passed: number[] = [];
    for (let code = 0; code < 0x300; code++) {
      const value = `a${String.fromCharCode(code)}b`;
      const outcome = thrown(() => cookie().write(value, undefined, https()));
      if (outcome === undefined) passed.push(code);
      else expect(isFailure(outcome, 'SOJOURN_VALUE')).toBe(true);
    }
    const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);
    expect(passed).toEqual([
      0x21,
      ...range(0x23, 0x2b),
      ...range(0x2d, 0x3a),
      ...range(0x3c, 0x5b),
      ...range(0x5d, 0x7e),
    ]);
  });

  test('an empty token is an error, not a cleared cookie', () => {
    expect(
      isFailure(
        thrown(() => cookie().write('', undefined, https())),
        'SOJOURN_VALUE',
      ),
    ).toBe(true);
  });

  test('what a developer reads about such a token', () => {
    expect(() => cookie().write('', undefined, https())).toThrow(
      'Cannot keep the token in the session: it is empty or has characters that no cookie may carry.',
    );
    expect(() => cookie().write('x'.repeat(4087), undefined, https())).toThrow(
      /^The session cookie: 4097 is over the .*4096.*option parts of cookie/,
    );
  });

  test('no message repeats the token', () => {
    for (const value of [`${token}\r\nSet-Cookie: x=1`, `${token};`, token.repeat(100)]) {
      const error = thrown(() => cookie().write(value, undefined, https()));
      expect(isFailure(error) && error.message).not.toContain(secret);
      expect(JSON.stringify(isFailure(error) && error.details)).not.toContain(secret);
    }
  });
});

test('describe shows the effective settings as JSON', () => {
  expect(JSON.parse(JSON.stringify(cookie().describe()))).toEqual({
    transport: 'cookie',
    name: '__Host-sid',
    path: '/',
    sameSite: 'lax',
    secure: true,
    httpOnly: true,
    partitioned: false,
    parts: 1,
    onLoopback: 'sid',
  });
  expect(cookie({ secure: false, domain: 'example.com' }).describe()).not.toHaveProperty('onLoopback');
});

test('answers vary by Cookie', () => {
  expect(cookie().vary).toBe('Cookie');
});

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

function insecure(call: () => unknown): { message: string; details: unknown } {
  const error = thrown(call);
  if (!isFailure(error, 'SOJOURN_INSECURE')) throw new Error('expected SOJOURN_INSECURE', { cause: error });
  return error;
}

describe('the version beside it', () => {
  const both = (transport: Transport, seen = https()): string => line(transport.writeVersion!(12, 1500, seen));

  test.each<[title: string, options: CookieOptions, expected: string]>([
    ['by default', {}, '__Host-sid-v=12; Max-Age=2; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [
      'for a domain',
      { domain: 'example.com' },
      '__Secure-sid-v=12; Max-Age=2; Path=/; Domain=example.com; HttpOnly; Secure; SameSite=Lax',
    ],
    ['under another name', { name: 'visit' }, 'visit-v=12; Max-Age=2; Path=/; HttpOnly; Secure; SameSite=Lax'],
  ])('is a cookie of the same kind, for as long as it matters: %s', (_, options, expected) => {
    expect(both(cookie(options))).toBe(expected);
  });

  test('has the plain face on plain http from this machine, and none from elsewhere', () => {
    expect(both(cookie(), http('localhost'))).toBe('sid-v=12; Max-Age=2; Path=/; HttpOnly; SameSite=Lax');
    expect(cookie().readVersion!(http('localhost', 'sid-v=7; __Host-sid-v=9'))).toBe(7);
    expect(cookie().writeVersion!(12, 1500, http('shop.example'))).toEqual([]);
    expect(cookie().readVersion!(http('shop.example', '__Host-sid-v=9'))).toBeUndefined();
  });

  test.each<[cookies: string | undefined, version: number | undefined]>([
    [undefined, undefined],
    [`__Host-sid=${token}`, undefined],
    [`__Host-sid=${token}; __Host-sid-v=12`, 12],
    [`__Host-sid-v=12; __Host-sid=${token}`, 12],
    ['__Host-sid-v=3; __Host-sid-v=40; __Host-sid-v=5', 40],
    ['__Host-sid-v=no; __Host-sid-v=5', 5],
    ['sid-v=5', undefined],
    ['__host-sid-v=5', undefined],
    ['x__Host-sid-v=5; __Host-sid-vv=6', undefined],
    ...['', '0', '-1', '+1', '1.5', '1e3', '01', '0x10', '"5"', 'Infinity', '1234567890123456', '５'].map(
      (wrong): [string, undefined] => [`__Host-sid-v=${wrong}`, undefined],
    ),
  ])('what is no version is none: %s', (cookies, version) => {
    expect(cookie().readVersion!(https(cookies))).toBe(version);
  });

  test('changes nothing about the token, which is found as before', () => {
    expect(cookie().read(https(`__Host-sid-v=12; __Host-sid=${token}`))).toEqual([token]);
    expect(cookie().read(https('__Host-sid-v=12'))).toEqual([]);
  });
});

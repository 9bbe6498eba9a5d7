/** Sessions that are too long for one cookie: in parts, put together again, and never put together wrongly. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { cookie, encrypted, type HeaderLine, sessions } from 'sojourn';
import { CookieJar } from 'tough-cookie';
import { describe, expect, test } from 'vitest';
import { request, visitor } from '../../test/support/visitor.js';

const text = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);
const jarOf = (lines: readonly HeaderLine[]): Map<string, string> =>
  new Map(lines.map(([, value]) => (value.split(';')[0] ?? '').split(/=(.*)/s) as unknown as [string, string]));
const headerOf = (cookies: Map<string, string>): string =>
  [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');

describe.each([2, 3])('%i cookies for a session', (parts) => {
  const transport = cookie({ parts });

  test('a short token is one cookie, as always', () => {
    const token = text(66);
    const lines = transport.write(token, undefined, request(undefined));
    expect(lines).toEqual([['Set-Cookie', `__Host-sid=${token}; Path=/; HttpOnly; Secure; SameSite=Lax`]]);
  });

  test('whatever fits comes back, and no cookie is longer than browsers keep', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: transport.longest! }), (length) => {
        const token = text(length);
        const cookies = jarOf(transport.write(token, undefined, request(undefined)));
        for (const [name, value] of cookies) expect(name.length + value.length).toBeLessThanOrEqual(4096);
        expect(transport.read(request(headerOf(cookies)))).toEqual([token]);
        expect(transport.read(request(headerOf(new Map([...cookies].reverse()))))).toEqual([token]);
      }),
      { numRuns: 100, examples: [[4086], [4087], [transport.longest!]] },
    );
  });

  test('the longest token is exact: one character more is refused', () => {
    const token = text(transport.longest!);
    expect(transport.write(token, undefined, request(undefined))).toHaveLength(parts);
    expect(() => transport.write(`${token}x`, undefined, request(undefined))).toThrow(/option parts of cookie/);
  });

  test('without one of its parts it is no token', () => {
    const cookies = jarOf(transport.write(text(transport.longest!), undefined, request(undefined)));
    const first = cookies.get('__Host-sid')!;
    for (const name of cookies.keys()) {
      const rest = new Map([...cookies].filter(([each]) => each !== name));
      expect(transport.read(request(headerOf(rest)))).toEqual(name === '__Host-sid' ? [] : [first]);
    }
  });

  test('clearing takes back every part that the request shows, with the same attributes', async () => {
    const jar = new CookieJar();
    const url = 'https://shop.example/';
    for (const [, line] of transport.write(text(transport.longest!), undefined, request(undefined)))
      await jar.setCookie(line, url);
    const header = await jar.getCookieString(url);
    for (const [, line] of transport.clear(request(header))) await jar.setCookie(line, url);
    expect(await jar.getCookieString(url)).toBe('');
  });
});

describe('a session that grows and shrinks', () => {
  const key = randomBytes(32);
  const s = sessions<{ big: string; views: number }>({
    seal: encrypted({ keys: [key] }),
    transport: cookie({ parts: 3 }),
  });

  test('takes as many cookies as it needs, and gives back the rest', async () => {
    const ann = visitor(s);
    for (const [size, count] of [
      [100, 1],
      [4000, 2],
      [8000, 3],
      [4000, 2],
      [100, 1],
      [8000, 3],
    ] as const) {
      const big = text(size);
      await ann.visit((session) => session.set('big', big));
      expect(ann.cookies.size).toBe(count);
      expect(await ann.visit((session) => session.get('big'))).toBe(big);
    }
    await ann.visit((session) => session.destroy());
    expect(ann.cookies.size).toBe(0);
  });

  test('too large for all of them is an error that names the field', async () => {
    await expect(visitor(s).visit((session) => session.set('big', text(10_000)))).rejects.toThrow(
      /12\d\d\d is the most that travels.*"big" 10002 bytes/,
    );
  });

  test('parts of two answers do not make a session', async () => {
    const ann = visitor(s);
    await ann.visit((session) => session.set('big', text(4000)));
    const before = ann.cookies.get('__Host-sid-1')!;
    await ann.visit((session) => session.set('big', text(4000)));
    ann.cookies.set('__Host-sid-1', before);
    expect(await ann.visit((session) => session.isNew)).toBe(true);
  });
});

test.each([0, 4, 1.5, '2'])('parts must be 1, 2 or 3, not %s', (parts) => {
  expect(() => cookie({ parts: parts as number })).toThrow(/parts of cookie: must be a whole number from 1 to 3/);
});

test('more parts than were allowed are not put together', () => {
  const header = '__Host-sid=~3abc; __Host-sid-1=def; __Host-sid-2=ghi';
  expect(cookie({ parts: 2 }).read(request(header))).toEqual(['~3abc']);
  expect(cookie({ parts: 3 }).read(request(header))).toEqual(['abcdefghi']);
});

test('a token has one spelling: in one part, in none, in parts without a number it is another text', () => {
  for (const first of ['~1abc', '~0abc', '~abc', '~-abc', '~', '~ abc'])
    expect(cookie({ parts: 3 }).read(request(`__Host-sid=${first}`))).toEqual([first]);
});

test('a token that just fits into one cookie takes one, and is not cut', () => {
  const transport = cookie({ parts: 3 });
  const [fits, one] = [text(4086), text(4087)];
  expect(transport.write(fits, undefined, request(undefined)).map(([, line]) => line)).toEqual([
    `__Host-sid=${fits}; Path=/; HttpOnly; Secure; SameSite=Lax`,
  ]);
  const names = transport.write(one, undefined, request(undefined)).map(([, line]) => line.split('=')[0]);
  expect(names).toEqual(['__Host-sid', '__Host-sid-1']);
});

test("cookies with numbers beyond ours are somebody else's, and stay", () => {
  const seen = request('__Host-sid=x; __Host-sid-1=a; __Host-sid-2=b; __Host-sid-3=c');
  const cleared = (parts: number) =>
    cookie({ parts })
      .clear(seen)
      .map(([, line]) => line.split('=')[0]);
  expect(cleared(1)).toEqual(['__Host-sid']);
  expect(cleared(2)).toEqual(['__Host-sid', '__Host-sid-1']);
  expect(cleared(3)).toEqual(['__Host-sid', '__Host-sid-1', '__Host-sid-2']);
});

test('a token of another library that begins with a tilde is whole where there is one part', () => {
  expect(cookie().read(request('__Host-sid=~2abc'))).toEqual(['~2abc']);
});

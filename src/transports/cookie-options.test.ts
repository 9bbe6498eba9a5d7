/**
 * Settings that a browser would silently ignore must not start. Hostile option cases by their id, then rule by rule; what the
 * compiler can refuse is refused by the compiler first, and by the check all the same for those who have none.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rounds } from '../../test/support/exam.js';
import { isFailure } from '../errors.js';
import { cookie } from './cookie.js';
import { type CookieOptions, cookieSettings } from './cookie-options.js';

/** What a JavaScript caller could pass: anything. */
const untyped = (options: unknown): CookieOptions => options as CookieOptions;

/** The message of the refusal, after checking that it names the option. */
function refusal(options: unknown, option: string): string {
  try {
    cookieSettings(untyped(options));
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_OPTION')) throw error;
    expect(error.message).toMatch(new RegExp(`^Option ${option} of cookie: `));
    return error.message;
  }
  throw new Error(`${JSON.stringify(options)} was accepted`);
}

describe('hostile options', () => {
  test('O04: __Host- forbids a domain', () => {
    expect(refusal({ name: '__Host-sid', domain: 'example.com' }, 'domain')).toContain('__Host-');
  });

  test("O05: sameSite 'none' without secure", () => {
    expect(refusal({ sameSite: 'none', secure: false }, 'sameSite')).toContain('secure: true');
  });

  test('O06: a path that would add an attribute', () => {
    refusal({ path: '/; Domain=evil.example' }, 'path');
  });

  test('O07: a name that is no token', () => {
    refusal({ name: 'si d=;' }, 'name');
  });

  test('O08: a path that browsers would drop for its length', () => {
    expect(refusal({ path: `/${'a'.repeat(2000)}` }, 'path')).toContain('1024');
    expect(cookieSettings({ path: `/${'a'.repeat(1023)}` }).path).toHaveLength(1024);
    refusal({ path: `/${'a'.repeat(1024)}` }, 'path');
  });

  test('O11: inherited settings are ignored', () => {
    const asJson: unknown = JSON.parse('{"__proto__":{"secure":false,"name":"evil"}}');
    const asPrototype: unknown = Object.create({ secure: false, name: 'evil', httpOnly: false });
    for (const options of [asJson, asPrototype]) {
      expect(cookieSettings(untyped(options))).toEqual(cookieSettings({}));
    }
  });

  test('O12: an unknown option comes with the name that was meant', () => {
    expect(refusal({ secur: true }, 'secur')).toContain('did you mean secure?');
    expect(refusal({ samesite: 'lax' }, 'samesite')).toContain('did you mean sameSite?');
  });
});

describe('what other libraries allow', () => {
  test('HttpOnly cannot be switched off, and the message says so', () => {
    expect(refusal({ httpOnly: false }, 'httpOnly')).toContain('always on');
    expect(refusal({ httpOnly: true }, 'httpOnly')).toContain('Leave it out');
  });

  test("lifetimes come from the session's timeouts", () => {
    expect(refusal({ maxAge: 1000 }, 'maxAge')).toContain('timeouts');
    expect(refusal({ expires: new Date(0) }, 'expires')).toContain('timeouts');
  });
});

describe('names', () => {
  test.each<[CookieOptions, string]>([
    [{}, '__Host-sid'],
    [{ path: '/' }, '__Host-sid'],
    [{ domain: 'example.com' }, '__Secure-sid'],
    [{ path: '/shop' }, '__Secure-sid'],
    [{ secure: false }, 'sid'],
    [{ secure: false, domain: 'example.com' }, 'sid'],
    [{ partitioned: true }, '__Host-sid'],
  ])('the default for %o is %s', (options, name) => {
    expect(cookieSettings(options).name).toBe(name);
  });

  test('of all characters, exactly those of an RFC 9110 token may be in a name', () => {
    const allowed = [];
    for (let code = 0; code < 0x300; code++)
      if (accepted({ name: `a${String.fromCharCode(code)}b` })) allowed.push(String.fromCharCode(code));
    expect(allowed.join('')).toBe("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  });

  test('empty, too long or not even text', () => {
    for (const name of ['', 'n'.repeat(257), 7, null, ['sid'], { toString: () => 'sid' }]) refusal({ name }, 'name');
    expect(accepted({ name: 'n'.repeat(256) })).toBe(true);
  });
});

describe('prefixes', () => {
  test.each(['__Host-sid', '__HOST-sid', '__host-sid', '__Host-Http-sid', '__hOST-hTTP-sid'])(
    '%s is bound to one host and to https',
    (name) => {
      refusal({ name, domain: 'example.com' }, 'domain');
      refusal({ name, path: '/shop' }, 'path');
      refusal({ name, secure: false }, 'secure');
      expect(accepted({ name, path: '/', secure: true })).toBe(true);
    },
  );

  test.each(['__Secure-sid', '__SECURE-sid', '__Http-sid', '__http-sid'])('%s is bound to https', (name) => {
    refusal({ name, secure: false }, 'secure');
    expect(accepted({ name, domain: 'example.com', path: '/shop' })).toBe(true);
  });

  test.each(['__Host-', '__Secure-', '__Http-', '__Host-Http-'])('%s alone leaves no name for plain http', (name) => {
    expect(refusal({ name }, 'name')).toContain('must go on');
  });

  test('a prefix in another place is no prefix', () => {
    expect(accepted({ name: 'x__Host-sid', domain: 'example.com', secure: false })).toBe(true);
    expect(cookieSettings({ name: 'x__Host-sid' }).plainName).toBe('x__Host-sid');
  });

  test('the compiler refuses what a prefix forbids', () => {
    // @ts-expect-error __Host- forbids a domain
    expect(() => cookie({ name: '__Host-sid', domain: 'example.com' })).toThrow('domain of cookie');
    // @ts-expect-error the same prefix in another letter case
    expect(() => cookie({ name: '__HOST-sid', domain: 'example.com' })).toThrow('domain of cookie');
    // @ts-expect-error __Host-Http- is a __Host- name too
    expect(() => cookie({ name: '__Host-Http-sid', domain: 'example.com' })).toThrow('domain of cookie');
    // @ts-expect-error __Host- demands Path=/
    expect(() => cookie({ name: '__Host-sid', path: '/shop' })).toThrow('path of cookie');
    // @ts-expect-error __Secure- demands Secure
    expect(() => cookie({ name: '__Secure-sid', secure: false })).toThrow('secure of cookie');
    // @ts-expect-error HttpOnly is not an option
    expect(() => cookie({ httpOnly: false })).toThrow('httpOnly of cookie');
    // What is allowed, and names known only at run time, compile.
    const name: string = 'visit';
    const options: CookieOptions = { name, domain: 'example.com' };
    for (const transport of [
      cookie(options),
      cookie({ name, path: '/shop' }),
      cookie({ name: '__Host-sid', path: '/', secure: true }),
    ]) {
      expect(transport.name).toBe('cookie');
    }
  });
});

describe('attributes', () => {
  test('partitioned brings SameSite=None and Secure, and contradicts the rest', () => {
    expect(cookieSettings({ partitioned: true })).toMatchObject({ sameSite: 'none', secure: true });
    refusal({ partitioned: true, sameSite: 'lax' }, 'partitioned');
    refusal({ partitioned: true, secure: false }, 'partitioned');
  });

  test.each(['Lax', 'LAX', '', true, 'none; Secure'])('sameSite %o is refused', (sameSite) => {
    expect(refusal({ sameSite }, 'sameSite')).toContain('lax, strict, none');
  });

  test.each(['auto', 'true', 1, null])('secure %o is refused', (secure) => {
    refusal({ secure }, 'secure');
  });

  test.each(['High', 'urgent', 1])('priority %o is refused', (priority) => {
    refusal({ priority }, 'priority');
  });

  test.each([
    '',
    '.',
    'example..com',
    'example.com.',
    '-a.com',
    'a-.com',
    'exa mple.com',
    'example.com; Path=/x',
    'bücher.example',
    'example.com:80',
    7,
  ])('domain %o is refused', (domain) => {
    refusal({ domain }, 'domain');
  });

  test.each(['example.com', '.example.com', 'xn--bcher-kva.example', 'a.b-c.example', 'localhost'])(
    'domain %s is accepted',
    (domain) => {
      expect(cookieSettings({ domain }).domain).toBe(domain);
    },
  );

  test.each(['', 'shop', '/a b', '/a\tb', '/a\r\nSet-Cookie: x=1', '/a\0', '/\u00e9', '/\u2028', 7])(
    'path %o is refused',
    (path) => {
      refusal({ path }, 'path');
    },
  );

  test('of all characters, exactly visible ASCII without the semicolon may be in a path', () => {
    const allowed: number[] = [];
    for (let code = 0; code < 0x300; code++)
      if (accepted({ path: `/a${String.fromCharCode(code)}b` })) allowed.push(code);
    const visible = Array.from({ length: 0x7e - 0x20 }, (_, n) => 0x21 + n);
    expect(allowed).toEqual(visible.filter((code) => String.fromCharCode(code) !== ';'));
  });

  test('whatever text is given for name, domain and path: refused, or a line with no attribute that was not meant', () => {
    const anything = fc.uint16Array({ maxLength: 8 }).map((codes) => String.fromCharCode(...codes));
    const good = fc.constantFrom('a', 'b-c', 'a.b', '');
    const bad = fc.constantFrom(
      '',
      '',
      '',
      '',
      ';',
      '; Domain=evil.example',
      ';Domain=evil.example',
      '=',
      ' ',
      '/',
      '\r\n',
      '\0',
      'é',
    );
    const nearly = fc.tuple(good, bad, good).map((parts) => parts.join(''));
    const text = fc.oneof(anything, nearly, nearly, nearly);
    const many = rounds(20_000);
    let lines = 0;
    const request = { secure: true, proxied: false, header: () => undefined };
    fc.assert(
      fc.property(
        fc.record({ name: text, domain: text, path: text.map((rest) => `/${rest}`) }, { requiredKeys: [] }),
        (given) => {
          if (!accepted(given)) return;
          lines++;
          const [, line = ''] = cookie(given).write('v', undefined, request)[0] ?? [];
          const names = line.split('; ').map((part) => part.split('=', 1)[0]);
          const domain = given.domain === undefined ? [] : ['Domain'];
          expect(names).toEqual([cookieSettings(given).name, 'Path', ...domain, 'HttpOnly', 'Secure', 'SameSite']);
          expect(line).toMatch(/^[ -~]*$/);
        },
      ),
      { numRuns: many },
    );
    expect(lines).toBeGreaterThan(many / 20);
  });

  test('options that are no object are refused', () => {
    for (const options of [null, 7, 'lax', ['lax'], true]) {
      expect(() => cookieSettings(untyped(options))).toThrow('must be an object');
    }
  });
});

function accepted(options: CookieOptions): boolean {
  try {
    cookieSettings(options);
    return true;
  } catch (error) {
    if (isFailure(error, 'SOJOURN_OPTION')) return false;
    throw error;
  }
}

test.each<[what: string, options: object, message: string]>([
  [
    'httpOnly',
    { httpOnly: false },
    'httpOnly of cookie: is always on and cannot be switched off: no script may read a session token. Leave it out.',
  ],
  ['maxAge', { maxAge: 60 }, "maxAge of cookie: follows from the session's timeouts. Leave it out, and set those."],
  ['expires', { expires: 60 }, "expires of cookie: follows from the session's timeouts. Leave it out, and set those."],
  ['partitioned, no flag', { partitioned: 'yes' }, 'partitioned of cookie: must be true or false, got "yes".'],
  ['secure, no flag', { secure: 'yes' }, 'secure of cookie: must be true or false, got "yes".'],
  ['priority', { priority: 'urgent' }, 'priority of cookie: must be one of low, medium, high, got "urgent".'],
  ['sameSite', { sameSite: 'Lax' }, 'sameSite of cookie: must be one of lax, strict, none, got "Lax".'],
  [
    'partitioned and strict',
    { partitioned: true, sameSite: 'strict' },
    `partitioned of cookie: goes with sameSite: 'none' only, got "strict".`,
  ],
  [
    'partitioned over http',
    { partitioned: true, secure: false },
    'partitioned of cookie: goes with secure: true only, got true.',
  ],
  [
    'none over http',
    { sameSite: 'none', secure: false },
    `sameSite of cookie: 'none' goes with secure: true only, got "none".`,
  ],
  [
    'domain',
    { domain: 'a b' },
    'domain of cookie: must be a domain name like example.com, of at most 1024 characters, got "a b".',
  ],
  [
    'path',
    { path: 'shop' },
    'path of cookie: must begin with / and be visible ASCII without semicolons, at most 1024 characters, got "shop".',
  ],
  ['name', { name: 'a b' }, 'name of cookie: must be 1 to 256 letters, digits and !#$%&\'*+-.^_`|~, got "a b".'],
  ['a prefix alone', { name: '__Host-' }, 'name of cookie: must go on after __Host-, got "__Host-".'],
  [
    'a prefix over http',
    { name: '__Secure-x', secure: false },
    'secure of cookie: must be true for a name that begins with __Secure-, got false.',
  ],
  [
    'a prefix and a domain',
    { name: '__HOST-x', domain: 'a.example' },
    'domain of cookie: must be left out for a name that begins with __HOST-, got "a.example".',
  ],
  [
    'a prefix and a path',
    { name: '__Host-Http-x', path: '/a' },
    'path of cookie: must be / for a name that begins with __Host-Http-, got "/a".',
  ],
  ['parts', { parts: 4 }, 'parts of cookie: must be a whole number from 1 to 3, got 4.'],
])('what is wrong, and what to do, is said in one line: %s', (_, options, message) => {
  expect(() => cookieSettings(options)).toThrow(expect.objectContaining({ message: `Option ${message}` }));
});

test.each<[what: string, options: CookieOptions]>([
  ['a domain of 1024 characters', { domain: `${'a'.repeat(1016)}.example` }],
  ['a path of 1024 characters', { path: `/${'a'.repeat(1023)}` }],
  ['a name of 256 characters', { name: 'a'.repeat(256) }],
  ['a cookie for each site that embeds this one, said twice', { partitioned: true, sameSite: 'none' }],
  ['a domain of single letters', { domain: 'a.b' }],
  ['every priority', { priority: 'low' }],
  ['every priority', { priority: 'medium' }],
  ['every priority', { priority: 'high' }],
  ['__Secure- with a domain and a path', { name: '__Secure-x', domain: 'a.example', path: '/a' }],
  ['__Http- with a domain and a path', { name: '__Http-x', domain: 'a.example', path: '/a' }],
])('taken as it is: %s', (_, options) => {
  expect(cookieSettings(options)).toMatchObject(options);
});

test.each<[what: string, options: object]>([
  ['a domain of 1025 characters', { domain: `${'a'.repeat(1017)}.example` }],
  ['a path of 1025 characters', { path: `/${'a'.repeat(1024)}` }],
  ['a name of 257 characters', { name: 'a'.repeat(257) }],
  ['a path that begins without a slash', { path: 'shop/cart' }],
  ['a domain in a list', { domain: ['example.com'] }],
  ['a path in a list', { path: ['/shop'] }],
  ['a name in a list', { name: ['sid'] }],
])('refused although it looks right: %s', (_, options) => {
  expect(() => cookieSettings(options as CookieOptions)).toThrow(/^Option (domain|path|name) of cookie: must be/);
});

test.each<[name: string, plainName: string]>([
  ['__Host-shop', 'shop'],
  ['__Host-Http-shop', 'shop'],
  ['__SECURE-shop', 'shop'],
  ['__Http-shop', 'shop'],
  ['shop', 'shop'],
])('%s is called %s on plain http at home', (name, plainName) => {
  expect(cookieSettings({ name })).toMatchObject({ name, plainName });
});

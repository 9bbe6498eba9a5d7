/** Flask's cookie for a whole application, as stories; what Flask itself says of it stands in test/interop. */
import { randomBytes } from 'node:crypto';
import { isFailure, type Sessions, sessions } from 'sojourn';
import { flaskCookie, flaskLifetimes, flaskTransport, markup, tuple, uuid } from 'sojourn/flask';
import { controllableClock } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { visitor } from '../../../test/support/visitor.js';
import { cookieValue } from './cookie-value.js';
import { Dict, Float, Markup, type Python, Tuple, Uuid } from './python.js';
import { writeTagged } from './tagged-json.js';

interface Fields {
  [key: string]: unknown;
}

const clock = () => controllableClock();
const values = cookieValue({ keys: 'dev', epoch: 'unix' });

function site(time = clock(), options: Partial<Parameters<typeof flaskCookie>[0]> = {}): Sessions<Fields, undefined> {
  return sessions<Fields>({
    seal: flaskCookie({ secretKey: 'dev', ...options }),
    transport: flaskTransport({ now: time.now }),
    environment: time,
    ...flaskLifetimes(),
  });
}

/** A visitor whom Flask has given this session. */
function flasks(s: Sessions<Fields, undefined>, dict: Dict, seconds: number) {
  return visitor(s, new Map([['session', values.write(dict, seconds)]]));
}

const jsonIn = (cookie: string, now: number) =>
  writeTagged(values.read(cookie, Math.floor(now / 1000), undefined)!.dict);

describe('one cookie for both', () => {
  test('untouched fields go back byte for byte, and a changed one keeps the types inside', async () => {
    const time = clock();
    const dict = Dict.of([
      ['price', new Float(30)],
      ['seat', new Tuple(['A', 7])],
      [
        'cart',
        Dict.of([
          ['id', new Uuid('4d212aca1dea4b7f9798363fba454706')],
          ['lines', [new Tuple([1, new Float(2)])]],
          ['n', 1],
        ]),
      ],
    ] as [Python, Python][]);
    const ann = flasks(site(time), dict, time.now() / 1000);
    await ann.visit((session) => {
      const cart = session.data.cart as { n: number; lines: unknown[] };
      cart.n++;
      cart.lines.push('x');
    });
    expect(jsonIn(ann.cookies.get('session')!, time.now())).toBe(
      '{"cart":{"id":{" u":"4d212aca1dea4b7f9798363fba454706"},"lines":[{" t":[1,2.0]},"x"],"n":2},"price":30.0,"seat":{" t":["A",7]}}',
    );
  });

  test('words for types that JavaScript has not', async () => {
    const time = clock();
    const ann = visitor(site(time));
    await ann.visit((session) => {
      session.set('a', [tuple(1, 'b'), markup('<b>'), uuid('4D212ACA-1dea-4b7f-9798-363fba454706')]);
    });
    const { dict } = values.read(ann.cookies.get('session')!, time.now() / 1000, undefined)!;
    expect(dict.get('a')).toEqual([
      new Tuple([1, 'b']),
      new Markup('<b>'),
      new Uuid('4d212aca1dea4b7f9798363fba454706'),
    ]);
  });

  test('keys that cannot be fields stay where they were', async () => {
    const time = clock();
    const ann = flasks(
      site(time),
      Dict.of([
        ['', 1],
        ['__proto__', new Float(2)],
        ['n', 1],
      ]),
      time.now() / 1000,
    );
    await ann.visit((session) => session.set('n', 2));
    expect(jsonIn(ann.cookies.get('session')!, time.now())).toBe('{"":1,"__proto__":2.0,"n":2}');
  });

  test('Flask-Login knows who signed in, and `remember` is permanent', async () => {
    const time = clock();
    const ann = visitor(site(time));
    const { lines } = await ann.ask((session) => session.login('42', { remember: true }));
    expect(jsonIn(ann.cookies.get('session')!, time.now())).toBe('{"_permanent":true,"_user_id":"42"}');
    expect(lines[0]![1]).toMatch(/; Expires=Sun, 01 Feb 2026 00:00:00 GMT; HttpOnly; Path=\/$/);
    expect(await ann.visit((session) => session.user)).toBe('42');
  });

  test('equal cookies of two visitors stay two sessions', async () => {
    const time = clock();
    const s = site(time);
    const dict = Dict.of([['theme', 'dark']]);
    const [ann, bob] = [flasks(s, dict, time.now() / 1000), flasks(s, dict, time.now() / 1000)];
    await ann.visit((session) => {
      session.login('ann');
      session.set('secret', 'hers');
    });
    expect(await bob.visit((session) => [session.user, session.get('secret'), session.get('theme')])).toEqual([
      undefined,
      undefined,
      'dark',
    ]);
    await ann.visit((session) => session.destroy());
    expect(await bob.visit((session) => session.get('theme'))).toBe('dark');
  });
});

describe('clocks and keys', () => {
  test('what we sign is good on a Flask machine whose clock is two seconds behind', async () => {
    const time = clock();
    const ann = visitor(site(time));
    await ann.visit((session) => session.set('n', 1));
    const now = Math.floor(time.now() / 1000);
    expect(values.read(ann.cookies.get('session')!, now - 2, 60)).not.toBeNull();
    expect(values.read(ann.cookies.get('session')!, now - 3, 60)).toBeNull();
  });

  test('a cookie from the future is refused, unless the tolerance says otherwise', async () => {
    const time = clock();
    const read = async (s: Sessions<Fields, undefined>) =>
      flasks(s, Dict.of([['n', 1]]), time.now() / 1000 + 3).visit((session) => session.get('n'));
    expect(await read(site(time))).toBeUndefined();
    expect(await read(site(time, { clockTolerance: '3s' }))).toBe(1);
    expect(await read(site(time, { clockTolerance: '2s' }))).toBeUndefined();
  });

  test('a cookie ends with the lifetime, counted from its signing', async () => {
    const time = clock();
    const ann = flasks(site(time), Dict.of([['n', 1]]), time.now() / 1000);
    time.advance('30d');
    expect(await ann.visit((session) => session.get('n'))).toBe(1);
    const bob = flasks(site(time), Dict.of([['n', 1]]), time.now() / 1000);
    time.advance('31d');
    time.advance('1s');
    expect(await bob.visit((session) => session.get('n'))).toBeUndefined();
  });

  test('the rotation of keys signs nobody out', async () => {
    const time = clock();
    const old = flasks(site(time), Dict.of([['n', 1]]), time.now() / 1000);
    const s = site(time, { secretKey: ['new', 'dev'] });
    const ann = visitor(s, old.cookies);
    await ann.visit((session) => session.update('n', (n) => (n as number) + 1));
    const only = visitor(site(time, { secretKey: 'new' }), ann.cookies);
    expect(await only.visit((session) => session.get('n'))).toBe(2);
  });
});

describe('what Flask has no place for', () => {
  test.each([
    ['a Set', new Set([1]), 'v'],
    ['a Date with milliseconds', new Date(1), 'v'],
    ['a function inside', { a: [() => {}] }, 'v.a[0]'],
    ['undefined inside', { a: undefined }, 'v.a'],
    ['a Map with numbers for keys', new Map([[1, 1]]), 'v'],
    ['an object of a class', { at: new URL('http://a') }, 'v.at'],
    ['an invalid Date', new Date(Number.NaN), 'v'],
  ])('%s is refused where it is set, with its path', async (_what, value, path) => {
    const ann = visitor(site());
    await ann.visit((session) => {
      const set = () => session.set('v', value);
      expect(set).toThrow(
        expect.objectContaining({ code: 'SOJOURN_VALUE', details: expect.objectContaining({ path }) }),
      );
    });
    expect(ann.cookies.size).toBe(0);
  });

  test('a session that does not fit into a cookie is refused, with the sizes of its fields', async () => {
    const ann = visitor(site());
    const visit = ann.visit((session) => session.set('big', randomBytes(3200)));
    await expect(visit).rejects.toSatisfy(
      (error) => isFailure(error, 'SOJOURN_TOKEN_SIZE') && /"big" \d+ bytes/.test(error.message),
    );
    expect(ann.cookies.size).toBe(0);
  });

  test.each([
    [{ secretKey: '' }, /secretKey|keys/],
    [{ secretKey: [] }, /keys/],
    [{ secretKey: 'dev', epoch: 'other' }, /epoch/],
    [{ secretKey: 'dev', liftime: '1d' }, /lifetime/],
    [{ secretKey: 'dev', user: '' }, /user/],
  ])('options %j are refused at the start', (options, message) => {
    expect(() => flaskCookie(options as never)).toThrow(message);
  });

  test('no error shows a key', () => {
    expect(() => flaskCookie({ secretKey: ['a-secret-key', 7 as never] })).toThrow(
      expect.not.stringContaining('a-secret-key'),
    );
  });
});

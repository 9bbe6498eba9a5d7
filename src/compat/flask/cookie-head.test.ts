/** What Flask's cookie says of a session as a whole: its user, its times, and keys that cannot name a field. */
import { describe, expect, test } from 'vitest';
import type { Stored } from '../../contract.js';
import { flaskCookie } from './cookie.js';
import { cookieValue } from './cookie-value.js';
import { Dict, type Python } from './python.js';

describe("what Flask's cookie says of a session", () => {
  const SIGNED_S = 1_700_000_000;
  const values = cookieValue({ keys: 'dev', epoch: 'unix' });
  const format = (more: object = {}) => flaskCookie({ secretKey: 'dev', lifetime: '1h', signTimeOffset: 0, ...more });
  const read = (entries: [Python, Python][], more?: object): Stored =>
    format(more).read(values.write(Dict.of(entries), SIGNED_S), SIGNED_S * 1000)!;
  const names = ({ fields }: Stored): string[] => [...fields.keys()];
  const text = ({ fields }: Stored, name: string): string => Buffer.from(fields.get(name)!).toString('latin1');

  test('it began when it was signed, and ends a lifetime later', () => {
    expect(read([['a', 1]]).head).toEqual({
      createdAt: SIGNED_S * 1000,
      expiresAt: (SIGNED_S + 3600) * 1000,
      version: 1,
      generation: 0,
    });
  });

  test.each([
    ['in its last second', 3600.9, {}, true],
    ['a second later', 3601, {}, false],
    ['signed a second ahead of our clock', -1, {}, false],
    ['the same, where that much is tolerated', -1, { clockTolerance: '1s' }, true],
    ['two seconds ahead', -2, { clockTolerance: '1s' }, false],
  ])('%s', (_, afterS, more, isGood) => {
    const cookie = values.write(Dict.of([['a', 1]]), SIGNED_S);
    expect(format(more).read(cookie, (SIGNED_S + afterS) * 1000) !== null).toBe(isGood);
  });

  test('nothing, where somebody else has signed it', () => {
    const cookie = cookieValue({ keys: 'other', epoch: 'unix' }).write(Dict.of([['a', 1]]), SIGNED_S);
    expect(format().read(cookie, SIGNED_S * 1000)).toBeNull();
  });

  test.each<[Python, boolean]>([
    ['ann', true],
    ['x'.repeat(255), true],
    ['x'.repeat(256), false],
    ['', false],
    ['\ud800', false],
    [7, false],
    [null, false],
  ])('_user_id %j: is it the user?', (value, isUser) => {
    const stored = read([['_user_id', value]]);
    expect(stored.head.user).toBe(isUser ? value : undefined);
    expect(names(stored)).toEqual(isUser ? [] : ['_user_id']);
  });

  test.each<[Python, boolean | undefined]>([
    [true, true],
    [false, false],
    ['yes', undefined],
    [1, undefined],
  ])('_permanent %j: is it to be remembered?', (value, remember) => {
    const stored = read([['_permanent', value]]);
    expect('remember' in stored.head).toBe(remember !== undefined);
    expect(stored.head.remember).toBe(remember);
    expect(names(stored)).toEqual(remember === undefined ? ['_permanent'] : []);
  });

  test('the user under another key; then _user_id is a field', () => {
    const stored = read(
      [
        ['_user_id', 'ann'],
        ['user_id', 'bob'],
      ],
      { user: 'user_id' },
    );
    expect([stored.head.user, names(stored)]).toEqual(['bob', ['_user_id']]);
  });

  test('keys that cannot name a field are kept together, and go back where they were', () => {
    const long = 'k'.repeat(256);
    const stored = read([
      ['a', 1],
      ['', 2],
      ['__proto__', 3],
      ['$flask', 4],
      [long, 5],
    ]);
    expect(names(stored)).toEqual(['a', '$flask']);
    expect(text(stored, '$flask')).toBe(`{"":2,"$flask":4,"__proto__":3,"${long}":5}`);
    const again = values.read(format().write(stored, SIGNED_S * 1000), SIGNED_S, undefined)!;
    expect([...again.dict.entries()].map(([key, value]) => [key, value]).sort()).toEqual(
      [
        ['a', 1],
        ['', 2],
        ['__proto__', 3],
        ['$flask', 4],
        [long, 5],
      ].sort(),
    );
    const spoilt = { ...stored, fields: new Map([['$flask', Buffer.from('[1]')]]) };
    expect(() => format().write(spoilt, SIGNED_S * 1000)).toThrow(/\$flask.*must stay an object/);
  });

  test('text beyond Latin-1 and half a character come back', () => {
    const stored = read([['é€😀', '\ud800 €']]);
    const again = values.read(format().write(stored, SIGNED_S * 1000), SIGNED_S, undefined)!;
    expect([...again.dict.entries()]).toEqual([['é€😀', '\ud800 €']]);
  });

  test('and it is signed as itsdangerous of before 1.0 did, where that is asked for', () => {
    const old = cookieValue({ keys: 'dev', epoch: 'legacy' }).write(Dict.of([['a', 1]]), SIGNED_S);
    expect(format({ epoch: 'legacy' }).read(old, SIGNED_S * 1000)?.head.createdAt).toBe(SIGNED_S * 1000);
    expect(format().read(old, SIGNED_S * 1000)).toBeNull();
  });

  test.each<[object, RegExp]>([
    [{ secretKey: undefined }, /secretKey of flaskCookie.*SECRET_KEY/],
    [{ epoch: '2011' }, /epoch of flaskCookie/],
    [{ lifetime: 'long' }, /lifetime of flaskCookie/],
    [{ signTimeOffset: -1 }, /signTimeOffset of flaskCookie/],
    [{ clockTolerance: 'x' }, /clockTolerance of flaskCookie/],
    [{ user: '' }, /user.*must be the key of a field/],
    [{ user: '_permanent' }, /user.*must be the key of a field/],
    [{ user: 7 }, /user.*must be the key of a field/],
    [{ secret: 'dev' }, /secret/],
  ])('%j is refused when the application starts, by name', (more, problem) => {
    expect(() => format(more)).toThrow(problem);
  });
});

/** What users configure: mistakes are named at start, and nothing inherited counts. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Duration } from '../contract.js';
import { checked, durationMs, flag, oneOf, show, wholeNumber } from './options.js';

const KNOWN = ['idle', 'absolute', 'remember'] as const;
interface Options {
  idle?: unknown;
  absolute?: unknown;
  remember?: unknown;
}
const complaint = (text: string) =>
  expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringContaining(text) });
const check = (options: unknown) => checked<Options>('sessions()', options as Options, KNOWN);

describe('names', () => {
  test('what is known and defined comes through; what is undefined counts as not given', () => {
    expect({ ...check({ idle: '1m', absolute: undefined, remember: false }) }).toEqual({ idle: '1m', remember: false });
    expect({ ...check(undefined) }).toEqual({});
  });

  test.each([
    ['idel', 'did you mean idle?'],
    ['IDLE', 'did you mean idle?'],
    ['idl', 'did you mean idle?'],
    ['absolut', 'did you mean absolute?'],
    ['remembers', 'did you mean remember?'],
    ['rimembre', 'known are idle, absolute, remember'],
    ['ttl', 'known are idle, absolute, remember'],
    [`idle${' '.repeat(50)}`, 'known are idle, absolute, remember'],
  ])('%s is refused, with a hint', (name, hint) => {
    expect(() => check({ [name]: 1 })).toThrowError(complaint(`${name} of sessions(): is not an option of sessions()`));
    expect(() => check({ [name]: 1 })).toThrowError(complaint(hint));
  });

  test('names two edits away are guessed, names three away are not', () => {
    expect(() => check({ abxolutx: 1 })).toThrowError(complaint('did you mean absolute?'));
    expect(() => check({ axxolutx: 1 })).toThrowError(complaint('known are'));
  });

  test('a polluted prototype weakens nothing, and a parsed __proto__ is ignored', () => {
    const inherited = check(Object.create({ idle: 'forever' }));
    const parsed = check(JSON.parse('{"__proto__": {"idle": "forever"}, "absolute": "1h"}'));

    expect([inherited.idle, parsed.idle, parsed.absolute]).toEqual([undefined, undefined, '1h']);
    expect('toString' in inherited).toBe(false);
  });

  test('null is no way of leaving an option out', () => {
    expect(() => check({ idle: null })).toThrowError(complaint('idle of sessions(): must not be null'));
  });

  test.each([
    [null, 'an object, got null'],
    [['idle'], 'an object, got an array'],
    ['idle', 'an object, got "idle"'],
    [7, 'an object, got 7'],
  ])('%j instead of options is refused', (options, text) => {
    expect(() => check(options)).toThrowError(complaint(`Option of sessions(): must be ${text}`));
  });
});

describe('durations', () => {
  test.each<[Duration, number]>([
    ['1500ms', 1500],
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    [250, 250],
    [0.2, 1],
    [1.6, 2],
    ['36500d', 36_500 * 86_400_000],
  ])('%s is %d milliseconds', (value, ms) => {
    expect(durationMs('idle', value)).toBe(ms);
  });

  test.each([
    0,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    '0s',
    '-1m',
    '30',
    '30 m',
    'm',
    '1w',
    '36501d',
    '1e3s',
    ' 1s',
    '1s ',
    '1m30s',
    null,
    undefined,
    {},
  ])('%s is refused, by the name of the option', (value) => {
    expect(() => durationMs('remember.idle', value as Duration)).toThrowError(
      complaint('Option remember.idle: must be a positive duration'),
    );
  });

  test('text and number agree, in every unit', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[])),
        (n, unit) => {
          expect(durationMs('idle', `${n}${unit}`)).toBe(durationMs('idle', n * units[unit]));
        },
      ),
    );
  });
});

describe('kinds', () => {
  test('a whole number within its bounds, both included', () => {
    expect([1, 3].map((n) => wholeNumber('limit', n, 1, 3))).toEqual([1, 3]);
    for (const wrong of [0, 4, 1.5, Number.NaN, '2', undefined])
      expect(() => wholeNumber('limit', wrong, 1, 3)).toThrowError(
        complaint('Option limit: must be a whole number from 1 to 3, got '),
      );
  });

  test('one of a list', () => {
    expect(oneOf('mode', 'b', ['a', 'b'])).toBe('b');
    expect(() => oneOf('mode', 'c', ['a', 'b'])).toThrowError(complaint('Option mode: must be one of a, b, got "c"'));
  });

  test('true or false, and nothing that only looks like it', () => {
    expect([flag('secure', true), flag('secure', false)]).toEqual([true, false]);
    for (const wrong of ['true', 0, null, undefined])
      expect(() => flag('secure', wrong)).toThrowError(complaint('Option secure: must be true or false'));
  });
});

describe('what a message shows of a value', () => {
  test.each<[unknown, string]>([
    ['text', '"text"'],
    ['x'.repeat(40), `"${'x'.repeat(40)}"`],
    ['x'.repeat(41), `"${'x'.repeat(40)}..."`],
    ['two\nlines', '"two\\nlines"'],
    [() => 'secret', 'a function'],
    [{ password: 'secret' }, 'an object'],
    [['secret'], 'an array'],
    [null, 'null'],
    [undefined, 'undefined'],
    [7n, '7'],
    [Symbol('s'), 'Symbol(s)'],
  ])('%#', (value, shown) => {
    expect(show(value)).toBe(shown);
  });
});

/** What handlers see of Python's values, and what becomes of what they set: the type of the value that it replaces, or one rule. */
import { describe, expect, test } from 'vitest';
import { python, shown, type Typed } from '../../../test/interop/typed.js';
import { demandFit, inCookie, inJson, inMsgpack } from './exact.js';
import { fromPlain } from './from-plain.js';
import { DateTime, Dict, Float, Markup, type Python, PythonSet, TimeDelta, Tuple } from './python.js';
import { float, markup, tuple, uuid } from './python-words.js';
import { toPlain } from './to-plain.js';

const unwritable = (problem: RegExp, path: string | RegExp = /^/) =>
  expect.objectContaining({
    code: 'SOJOURN_VALUE',
    details: {
      problem: expect.stringMatching(problem),
      path: typeof path === 'string' ? path : expect.stringMatching(path),
    },
  });
const ID = '4d212aca-1dea-4b7f-9798-363fba454706';

describe('what handlers see', () => {
  test.each<[Typed, unknown]>([
    [null, null],
    [true, true],
    [7, 7],
    [{ $: 'int', v: '9007199254740993' }, 9007199254740993n],
    [{ $: 'float', v: '7.0' }, 7],
    ['x', 'x'],
    [{ $: 'markup', v: '<b>' }, '<b>'],
    [{ $: 'decimal', v: '1.50' }, '1.50'],
    [{ $: 'uuid', v: ID }, ID],
    [{ $: 'bytes', v: '/w==' }, new Uint8Array([255])],
    [{ $: 'bytearray', v: '/w==' }, new Uint8Array([255])],
    [{ $: 'tuple', v: [1, { $: 'tuple', v: [] }] }, [1, []]],
    [[[1]], [[1]]],
    [{ $: 'set', v: [1, 2] }, new Set([1, 2])],
    [{ $: 'frozenset', v: ['a'] }, new Set(['a'])],
    [{ a: { b: 1 } }, { a: { b: 1 } }],
    [
      {
        $: 'dict',
        v: [
          [1, 'x'],
          ['a', 'y'],
        ],
      },
      new Map<unknown, unknown>([
        [1, 'x'],
        ['a', 'y'],
      ]),
    ],
    [{ $: 'dict', v: [['__proto__', 1]] }, new Map([['__proto__', 1]])],
    [{ $: 'dict', v: [['constructor', 1]] }, { constructor: 1 }],
    [{ $: 'datetime', v: '2020-01-01T00:00:00.123456' }, new Date('2020-01-01T00:00:00.123Z')],
    [{ $: 'datetime', v: '2020-01-01T00:00:00+05:30' }, new Date('2019-12-31T18:30:00Z')],
    [{ $: 'datetime', v: '0001-01-01T00:00:00' }, new Date('0001-01-01T00:00:00Z')],
    [{ $: 'date', v: '0033-01-02' }, '0033-01-02'],
    [{ $: 'timedelta', v: [1, 2, 500_000] }, 86_402.5],
    [{ $: 'timedelta', v: [-1, 86_399, 0] }, -1],
  ])('of value %#', (typed, plain) => {
    expect(toPlain(python(typed))).toEqual(plain);
  });

  test('copies: who changes what he sees changes nothing that is stored', () => {
    const bytes = new Uint8Array([1]);
    (toPlain(bytes) as Uint8Array)[0] = 9;
    expect(bytes[0]).toBe(1);
  });
});

describe('what is set where nothing was', () => {
  test.each<[unknown, string]>([
    [7, 'int 7'],
    [-0, 'float -0.0'],
    [7.5, 'float 7.5'],
    [2 ** 53, 'float 9007199254740992.0'],
    [2 ** 53 - 1, 'int 9007199254740991'],
    [Number.NaN, 'float NaN'],
    [7n, 'int 7'],
    [2n ** 70n, `int ${2n ** 70n}`],
    ['x', '"x"'],
    [[1, [2]], '[int 1,[int 2]]'],
    [{ a: 1 }, '{"a": int 1}'],
    [Object.assign(Object.create(null), { a: 1 }), '{"a": int 1}'],
    [
      new Map<unknown, unknown>(
        [
          [1, 'x'],
          [[], 1],
        ].slice(0, 1) as [unknown, unknown][],
      ),
      '{int 1: "x"}',
    ],
    [new Set([1, 'a']), 'set {"a",int 1}'],
    [new Uint8Array([255]), 'bytes ff'],
    [Buffer.from('a'), 'bytes 61'],
    [new Date('2020-01-01T00:00:00.123Z'), 'DateTime 2020-01-01T00:00:00.123000+00:00'],
    [new Date(-1), 'DateTime 1969-12-31T23:59:59.999000+00:00'],
    [new Date('0001-01-01T00:00:00Z'), 'DateTime 0001-01-01T00:00:00+00:00'],
    [tuple(1, tuple()), '(int 1,())'],
    [float(7), 'float 7.0'],
    [markup('<b>'), 'Markup "<b>"'],
    [uuid(ID.toUpperCase()), `Uuid ${ID}`],
    [uuid(ID.replaceAll('-', '')), `Uuid ${ID}`],
    [{ $python: 'tuple', of: [1], more: 1 }, '{"$python": "tuple","more": int 1,"of": [int 1]}'],
    [{ a: undefined }.a ?? null, 'None'],
  ])('%#', (plain, value) => {
    expect(shown(fromPlain(plain))).toBe(value);
  });

  class Own {}
  test.each<[unknown, RegExp, string | RegExp]>([
    [undefined, /no counterpart of undefined/, ''],
    [{ a: [undefined] }, /no counterpart of undefined/, '.a[0]'],
    [Array(1), /no counterpart of undefined/, '[0]'],
    [{ f: () => 1 }, /no counterpart of a function/, '.f'],
    [{ s: Symbol('x') }, /no counterpart of a symbol/, '.s'],
    [new Own(), /no counterpart of a Own/, ''],
    [{ r: /x/ }, /no counterpart of a RegExp/, '.r'],
    [Object.create(Object.create(null)), /no counterpart of a strange object/, ''],
    [{ d: new Date(Number.NaN) }, /an invalid Date/, '.d'],
    [[new Date('+010000-01-01T00:00:00Z')], /years from 1 to 9999/, '[0]'],
    [new Date('0000-12-31T00:00:00Z'), /years from 1 to 9999/, ''],
    [new Map([[[], 1]]), /no such key/, ''],
    [{ m: new Map([[{}, 1]]) }, /no such key/, '.m'],
    [[new Set([[]])], /no such key/, '[0]'],
    [{ $python: 'uuid', of: 'x' }, /no tuple, float, markup or uuid/, ''],
    [{ u: { $python: 'tuple', of: 1 } }, /no tuple, float, markup or uuid/, '.u'],
    [{ $python: 'float', of: 'x' }, /no tuple, float, markup or uuid/, ''],
    [{ $python: 'markup', of: 1 }, /no tuple, float, markup or uuid/, ''],
    [{ $python: 'other', of: ID }, /no tuple, float, markup or uuid/, ''],
    [tuple(1, () => 1), /a function/, '[1]'],
    [new Set([() => 1]), /a function/, '{}'],
    [new Map([['k', () => 1]]), /a function/, '.k'],
  ])('refused, with its place and why (%#)', (plain, problem, path) => {
    expect(() => fromPlain(plain)).toThrow(unwritable(problem, path));
  });

  test('uuid() takes nothing else', () => {
    for (const text of ['', ID.slice(1), `${ID}0`, `x${ID}`, ID.replace('4', 'g')])
      expect(() => uuid(text)).toThrow(unwritable(/it is no UUID/, 'uuid()'));
  });
});

describe('what is set in the place of something', () => {
  const set = (before: Typed, plain: unknown) => shown(fromPlain(plain, { before: python(before) }));

  test.each<[Typed]>([
    [{ $: 'float', v: '7.0' }],
    [{ $: 'float', v: 'nan' }],
    [{ $: 'float', v: '-0.0' }],
    [{ $: 'markup', v: '<b>' }],
    [{ $: 'uuid', v: ID }],
    [{ $: 'decimal', v: '1.50' }],
    [{ $: 'date', v: '2020-01-01' }],
    [{ $: 'timedelta', v: [1, 2, 500_000] }],
    [{ $: 'datetime', v: '2020-01-01T00:00:00.123456' }],
    [{ $: 'datetime', v: '2020-01-01T00:00:00.123456+05:30' }],
    [{ $: 'bytearray', v: '/w==' }],
    [{ $: 'tuple', v: [{ $: 'tuple', v: [{ $: 'float', v: '1.0' }] }, [1]] }],
    [{ $: 'frozenset', v: [{ $: 'float', v: '1.5' }] }],
    [{ $: 'set', v: [{ $: 'uuid', v: ID }] }],
    [
      {
        $: 'dict',
        v: [
          [
            { $: 'uuid', v: ID },
            { $: 'float', v: '1.0' },
          ],
        ],
      },
    ],
    [{ a: [{ $: 'tuple', v: [] }], b: { c: { $: 'markup', v: 'x' } } }],
  ])('the same goes back as it came (%#)', (typed) => {
    const value = python(typed);
    expect(shown(fromPlain(toPlain(value), { before: value }))).toBe(shown(value));
  });

  test.each<[Typed, unknown, string]>([
    [{ $: 'float', v: '7.0' }, 8, 'int 8'],
    [{ $: 'float', v: '7.0' }, 7.5, 'float 7.5'],
    [7, 7, 'int 7'],
    [{ $: 'markup', v: '<b>' }, '<i>', '"<i>"'],
    [{ $: 'uuid', v: ID }, 'x', '"x"'],
    ['x', '<b>', '"<b>"'],
    [{ $: 'timedelta', v: [0, 5, 0] }, 6, 'timedelta 0 6 0'],
    [{ $: 'timedelta', v: [0, 5, 0] }, -0.5, 'timedelta -1 86399 500000'],
    [{ $: 'timedelta', v: [0, 5, 0] }, 86_401.25, 'timedelta 1 1 250000'],
    [{ $: 'timedelta', v: [0, 5, 0] }, Number.NaN, 'float NaN'],
    [{ $: 'timedelta', v: [0, 5, 0] }, 'x', '"x"'],
    [{ $: 'datetime', v: '2020-01-01T00:00:00' }, new Date('2021-01-01T00:00:00Z'), 'DateTime 2021-01-01T00:00:00'],
    [
      { $: 'datetime', v: '2020-01-01T00:00:00+05:30' },
      new Date('2021-01-01T00:00:00Z'),
      'DateTime 2021-01-01T00:00:00+00:00',
    ],
    [{ $: 'bytearray', v: '/w==' }, new Uint8Array([1]), 'bytearray 01'],
    [{ $: 'bytes', v: '/w==' }, new Uint8Array([1]), 'bytes 01'],
    [{ $: 'tuple', v: [1] }, [2, 3], '(int 2,int 3)'],
    [[1], [2, 3], '[int 2,int 3]'],
    [{ $: 'frozenset', v: [1] }, new Set([2]), 'frozenset {int 2}'],
    [{ $: 'set', v: [1] }, new Set([2]), 'set {int 2}'],
    [{ $: 'tuple', v: [1] }, { a: 1 }, '{"a": int 1}'],
    [[{ $: 'float', v: '1.0' }], [1, 1], '[float 1.0,int 1]'],
    [{ a: { $: 'float', v: '1.0' } }, { b: 1, a: 1 }, '{"a": float 1.0,"b": int 1}'],
    [{ a: { $: 'float', v: '1.0' } }, new Map([['a', 1]]), '{"a": float 1.0}'],
    ['x', null, 'None'],
    [{ $: 'markup', v: 'true' }, true, 'True'],
    [{ $: 'markup', v: '7' }, 7, 'int 7'],
  ])('something else (%#)', (before, plain, value) => {
    expect(set(before, plain)).toBe(value);
  });

  test('a thing that was moved is still itself', () => {
    const line = new Tuple([new Float(1)]);
    const origins = new WeakMap<object, Python>();
    const plain = toPlain([line, 'x'], (object, origin) => origins.set(object, origin)) as unknown[];
    const moved = fromPlain({ first: plain[0] }, { before: [1], originOf: (object) => origins.get(object) });
    expect(shown(moved)).toBe('{"first": (float 1.0)}');
  });

  test('a list beyond 86400 microseconds rounds to whole ones', () => {
    expect(shown(fromPlain(0.000_000_6, { before: new TimeDelta(0, 0, 0) }))).toBe('timedelta 0 0 1');
  });
});

describe('what would come back as something else is refused', () => {
  const cases: readonly (readonly [string, Python, { cookie?: RegExp; msgpack?: RegExp; json?: RegExp }])[] = [
    ['a set', new PythonSet([], false), { cookie: /no sets/, msgpack: /no sets/, json: /no sets/ }],
    ['bytes', new Uint8Array(1), { json: /no bytes/ }],
    ['a bytearray', python({ $: 'bytearray', v: '' }), { json: /no bytes/ }],
    ['milliseconds', DateTime.utc(0, 1), { cookie: /whole seconds/, json: /no dates/ }],
    ['a whole second', DateTime.utc(0), { json: /no dates/ }],
    ['keys that are no text', Dict.of([[1, 1]]), { cookie: /text keys/, json: /text keys/ }],
    ['text keys', Dict.of([['a', 1]]), {}],
    ['Markup', new Markup('x'), {}],
  ];
  test.each(cases)('%s', (_what, value, problems) => {
    const formats = [
      ['cookie', inCookie],
      ['msgpack', inMsgpack],
      ['json', inJson],
    ] as const;
    for (const [name, misfit] of formats) {
      const problem = problems[name];
      const places: readonly (readonly [Python, string])[] = [
        [value, 'field'],
        [[0, value], 'field[1]'],
        [new Tuple([value]), 'field[0]'],
        [Dict.of([['k', [value]]]), 'field.k[0]'],
      ];
      for (const [place, path] of places) {
        const fit = () => demandFit(place, misfit, 'field');
        if (problem === undefined) expect(fit).not.toThrow();
        else expect(fit).toThrow(unwritable(problem, path));
      }
    }
  });
});

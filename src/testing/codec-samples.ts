/**
 * The values that the codec kit tries, by what the contract asks: keep, keep exactly or refuse, refuse.
 *
 * Most of them were lost, bent or confused by some session library in use; the names are those of the tests.
 * What has identity or can be spoilt by a codec is made anew for each test, so samples are functions where that matters.
 */

/** Plain data: no codec may refuse it or change it. */
export const mustKeep: readonly (readonly [what: string, value: unknown])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['zero', 0],
  ['a whole number', 42],
  ['a negative number', -7],
  ['a fraction', 0.1],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['the largest number', Number.MAX_VALUE],
  ['the smallest number', Number.MIN_VALUE],
  ['an empty string', ''],
  ['a string', 'book'],
  ['a number as a string', '42'],
  ['the word null as a string', 'null'],
  ['NUL and line separators', '\u0000\u2028\u2029'],
  ['quotes and backslashes', '"\\/"'],
  ['letters of all lengths in UTF-8', 'aé€😀'],
  ['a replacement character', '\ufffd'],
  ['a byte order mark', '\ufeff'],
  ['a composed letter', '\u00e9'],
  ['the same letter decomposed', 'e\u0301'],
  ['a long string', 'x'.repeat(70_000)],
  ['an empty array', []],
  ['an array', [1, 'two', [null]]],
  ['an empty object', {}],
  ['an object', { views: 1, cart: ['book'] }],
  ['an array-like object', { 0: 'a', length: 1 }],
  ['an empty key', { '': 1 }],
  ['a key with NUL', { 'user\u0000name': 1 }],
  ['keys that objects inherit', { constructor: 1, toString: 'x', hasOwnProperty: false, toJSON: 1 }],
  ['keys that look like indexes', { 10: 'a', 9: 'b', '01': 'c' }],
  ['objects that look like tags', { $date: '2026-01-02T03:04:05.678Z' }],
  ['objects that look like escaped tags', { $$date: '2026-01-02T03:04:05.678Z' }],
  ['tags within tags', { $set: [{ $map: [] }, { $: 1 }] }],
  ['tags of others', { __tag__: 'x', ' d': '2026', $type: 'Date', $numberLong: '1' }],
  ['fifty levels', Array.from({ length: 50 }).reduce((inside: unknown) => [inside], 'deep')],
];

/** Beyond plain data: exactly the same comes back, or SOJOURN_VALUE. Nothing in between. */
export const mustKeepOrRefuse: readonly (readonly [what: string, make: () => unknown])[] = [
  ['undefined', () => undefined],
  ['undefined in an object', () => ({ a: undefined })],
  ['undefined in an array', () => [undefined]],
  ['NaN', () => Number.NaN],
  ['Infinity', () => Number.POSITIVE_INFINITY],
  ['-Infinity', () => Number.NEGATIVE_INFINITY],
  ['-0', () => -0],
  ['a BigInt', () => 12345678901234567890n],
  ['a small BigInt', () => 42n],
  ['a lone high surrogate', () => '\ud800'],
  ['a lone low surrogate', () => 'a\udfffb'],
  ['a key with a lone surrogate', () => ({ '\ud800': 1 })],
  ['a Date', () => new Date('2026-01-02T03:04:05.678Z')],
  ['the first Date', () => new Date(-8.64e15)],
  ['the last Date', () => new Date(8.64e15)],
  [
    'a Map',
    () =>
      new Map<unknown, unknown>([
        ['a', 1],
        [{ b: 2 }, [3]],
      ]),
  ],
  ['an empty Map', () => new Map()],
  [
    'a Map with number and string keys',
    () =>
      new Map<unknown, unknown>([
        [1, 'a'],
        ['1', 'b'],
      ]),
  ],
  ['a Set', () => new Set(['a', 1, null])],
  ['an empty Set', () => new Set()],
  ['bytes', () => Uint8Array.of(0, 127, 128, 255)],
  ['no bytes', () => new Uint8Array(0)],
  ['a part of larger bytes', () => Uint8Array.of(1, 2, 3, 4).subarray(1, 3)],
  ['a Buffer', () => Buffer.from('buffer')],
  ['other typed arrays', () => Float64Array.of(1.5, Number.NaN)],
  ['an ArrayBuffer', () => Uint8Array.of(1, 2).buffer],
  ['an object without prototype', () => Object.assign(Object.create(null), { a: 1 })],
  ['a regular expression', () => /a+/gi],
  ['an error', () => new RangeError('too much')],
  ['everything at once', () => ({ m: new Map([[new Date(1), new Set([1n, -0])]]), u: [undefined, Uint8Array.of(1)] })],
];

class Cart {
  readonly items = ['book'];
}

/** What no codec can keep, with the path that the refusal must name, relative to the value. */
export const mustRefuse: readonly (readonly [what: string, make: () => unknown, path: string])[] = [
  ['a function', () => () => 1, ''],
  ['a symbol', () => Symbol('x'), ''],
  ['a function inside', () => ({ cart: [{}, { price: () => 1 }] }), '.cart[1].price'],
  ['a symbol inside', () => ({ 'unit price': [Symbol('x')] }), '["unit price"][0]'],
  ['a cycle', cycle, '.inside.self'],
  ['a class instance', () => ({ cart: new Cart() }), '.cart'],
  ['a promise', () => ({ later: Promise.resolve(1) }), '.later'],
  ['a WeakMap', () => [new WeakMap()], '[0]'],
  ['an invalid Date', () => ({ at: [new Date(Number.NaN)] }), '.at[0]'],
  ['a toJSON method', () => ({ a: { toJSON: () => 'other' } }), '.a.toJSON'],
  ['a proxy that throws', () => ({ a: hostileProxy() }), '.a'],
];

function cycle(): object {
  const value: { inside: { self?: unknown } } = { inside: {} };
  value.inside.self = value;
  return value;
}

function hostileProxy(): object {
  return new Proxy(
    {},
    {
      ownKeys(): never {
        throw new Error('boom');
      },
    },
  );
}

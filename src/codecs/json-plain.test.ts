/**
 * The quick way is taken for what is JSON already, and for nothing else: it would cost a factor of two, or bend a value.
 * And both ways count alike, so that a huge value ends at the same place however it is built.
 */
import { describe, expect, test } from 'vitest';
import { isFailure } from '../errors.js';
import { isPlain } from './json-plain.js';
import { MAX_SIZE } from './json-rules.js';
import { written } from './json-write.js';

class Cart {}
const holes = new Array(2);
const note = { note: 'x' };

test.each<[string, unknown]>([
  ['a text', 'popcorn'],
  ['an empty text', ''],
  ['zero', 0],
  ['a fraction', -1.5],
  ['true', true],
  ['false', false],
  ['null', null],
  ['an empty list', []],
  ['an empty object', {}],
  ['an ordinary session', { user: 'ann', cart: [{ id: 1, n: 2 }, null], seen: { a: { b: [[]] } }, ok: false }],
  ['two keys of which one looks like a tag', { $date: 1, b: 2 }],
  ['a dollar further in', { a$: 1 }],
])('%s is written by JSON.stringify alone', (_, value) => {
  expect(isPlain(value, 100)).toBe(true);
});

test.each<[string, unknown]>([
  ['undefined', undefined],
  ['a BigInt', 1n],
  ['NaN', Number.NaN],
  ['minus zero', -0],
  ['infinity', Number.POSITIVE_INFINITY],
  ['a function', () => 1],
  ['a symbol', Symbol('x')],
  ['a Date', new Date(0)],
  ['a Map', new Map()],
  ['bytes', new Uint8Array(1)],
  ['an object without a prototype', Object.create(null)],
  ['a class instance', new Cart()],
  ['a list of another class', new (class List extends Array {})()],
  ['an object that says it is a list', Object.setPrototypeOf({ length: 0 }, Array.prototype)],
  ['what looks like a tag', { $date: 'x' }],
  ['a key that could change a prototype', JSON.parse('{"__proto__":1,"a":2}')],
  ['holes', holes],
  ['a list with a property', Object.assign([1], note)],
  ['a list with a hole and a property', Object.assign(new Array(1), note)],
  ['a hidden property', Object.defineProperty({ a: 1 }, 'b', { value: 1 })],
  ['a symbol as key', { a: 1, [Symbol('x')]: 1 }],
  ['undefined in a list', [1, undefined]],
  ['a Date in an object', { a: 1, b: new Date(0) }],
  ['NaN deep inside', { a: [{ b: Number.NaN }] }],
])('%s is not', (_, value) => {
  expect(isPlain(value, 100)).toBe(false);
});

test('a toJSON on a prototype of the language is no concern of a value without one', () => {
  for (const prototype of [Array.prototype, Object.prototype]) {
    Object.defineProperty(prototype, 'toJSON', { value: () => 'bent', configurable: true });
    try {
      expect(isPlain([1], 100)).toBe(false);
    } finally {
      Reflect.deleteProperty(prototype, 'toJSON');
    }
  }
  expect(isPlain([1], 100)).toBe(true);
});

test('depth counts containers, and nothing else', () => {
  expect([isPlain(1, 0), isPlain([], 0), isPlain({}, 0)]).toEqual([true, false, false]);
  expect([isPlain([1], 1), isPlain({ a: 1 }, 1)]).toEqual([true, true]);
  expect([isPlain([[1]], 1), isPlain([{}], 1), isPlain({ a: [] }, 1)]).toEqual([false, false, false]);
  expect([isPlain([[1]], 2), isPlain([{}], 2), isPlain({ a: [] }, 2)]).toEqual([true, true, true]);
  expect(isPlain([[], [[]], []], 3)).toBe(true);
});

describe('4 MiB', () => {
  const text = (bytes: number): string => 'x'.repeat(bytes);
  const isWritten = (value: unknown): boolean => {
    try {
      return written(value, 100) !== '';
    } catch (error) {
      if (isFailure(error, 'SOJOURN_VALUE') && /takes more than 4 MiB/.test(error.message)) return false;
      throw error;
    }
  };

  /** `around`: the least that stands around a text of `n` letters. */
  test.each<[string, around: number, make: (text: string) => unknown]>([
    ['a text alone', 0, (t) => t],
    ['in a list', 3, (t) => [t]],
    ['beside a number', 4, (t) => [1, t]],
    ['in an object', 3, (t) => ({ a: t })],
  ])('the quick way gives up where more would be written: %s', (_, around, make) => {
    expect(isPlain(make(text(MAX_SIZE - around)), 100)).toBe(true);
    expect(isPlain(make(text(MAX_SIZE - around + 1)), 100)).toBe(false);
  });

  test.each<[string, around: number, make: (text: string) => unknown]>([
    ['a text alone', 0, (t) => t],
    ['in a list', 3, (t) => [t]],
    ['beside undefined', 4, (t) => [undefined, t]],
    ['in an object', 6, (t) => ({ abc: t })],
    ['as a key', 3, (t) => ({ [t]: 1n })],
    ['in a Map', 4, (t) => new Map([[1, t]])],
    ['in a Set', 3, (t) => new Set([t])],
    ['bytes', 0, (t) => Buffer.from(t)],
  ])('the careful way refuses there: %s', (_, around, make) => {
    expect(isWritten(make(text(MAX_SIZE - around)))).toBe(true);
    expect(isWritten(make(text(MAX_SIZE - around + 1)))).toBe(false);
  });
});

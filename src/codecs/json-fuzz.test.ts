/**
 * Typed JSON under random values and random bytes: what was kept comes back exactly, different values never share their bytes,
 * and whatever was read can be written again.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runs } from '../../test/support/exam.js';
import { isFailure } from '../errors.js';
import { json } from './json.js';
import { written } from './json-write.js';

const codec = json();

/** For a hang. The long form takes minutes. */
const bound = { timeout: runs(60_000, 3_600_000) };

/** Keys that a tag could be confused with are likelier than others. */
const key = fc.oneof(
  fc.constantFrom('$', '$$', '$date', '$$date', '$map', '$bare', '$undefined', 'a', 'b', '', 'constructor', '0'),
  fc.string({ unit: 'binary', maxLength: 6 }).filter((name) => name !== '__proto__'),
);

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, undefined, Number.NaN, -0, 0, 1 / 0, -1 / 0, true, '__proto__', '$date'),
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.string({ unit: 'binary', maxLength: 12 }),
  // UTF-16 units as they come: half of the surrogates are alone.
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 4 }).map((units) => String.fromCharCode(...units)),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => new Uint8Array(bytes)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    { weight: 5, arbitrary: leaf },
    { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 4 }) },
    { weight: 3, arbitrary: fc.dictionary(key, tie('value'), { maxKeys: 3, noNullPrototype: false }) },
    {
      weight: 1,
      arbitrary: fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((list) => new Map(list)),
    },
    { weight: 1, arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((list) => new Set(list)) },
  ),
}));

test('what can be kept comes back exactly, and its bytes are its own', bound, () => {
  fc.assert(
    fc.property(value, (v) => {
      const bytes = codec.encode(v);
      return same(codec.decode(bytes), v) && Buffer.compare(codec.encode(codec.decode(bytes)), bytes) === 0;
    }),
    { numRuns: runs(20_000, 2_000_000) },
  );
});

test('equal bytes mean equal values', bound, () => {
  // A domain so small that equal bytes do happen: otherwise nothing would be looked at.
  const small = fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom<unknown>('1', 1n, undefined, true, -0, 'NaN', Number.NaN, [], new Set(), new Map(), new Date(0)),
    fc.dictionary(
      fc.constantFrom('$', '$$', '$bigint', '$$bigint', '$set'),
      fc.constantFrom<unknown>('1', true, [], 1n),
      { maxKeys: 2, noNullPrototype: false },
    ),
  );
  let equal = 0;
  fc.assert(
    fc.property(small, small, (a, b) => {
      if (Buffer.compare(codec.encode(a), codec.encode(b)) !== 0) return true;
      equal++;
      return same(a, b);
    }),
    { numRuns: runs(20_000, 500_000) },
  );
  expect(equal).toBeGreaterThan(100);
});

test('anything at all is kept exactly or refused', bound, () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withObjectString: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withBoxedValues: true,
  });
  let kept = 0;
  let refused = 0;
  fc.assert(
    fc.property(anything, (v) => {
      const bytes = encodedOrNull(v);
      if (bytes === null) refused++;
      else kept++;
      return bytes === null || same(codec.decode(bytes), v);
    }),
    { numRuns: runs(5_000, 500_000) },
  );
  expect(Math.min(kept, refused)).toBeGreaterThan(100);
});

test('the quick way writes what the careful way writes', bound, () => {
  fc.assert(
    fc.property(value, (v) => Buffer.compare(codec.encode(v), Buffer.from(written(v, 100))) === 0),
    { numRuns: runs(5_000, 500_000) },
  );
});

test('random bytes are corrupt or a value that can be written again', bound, () => {
  const words = [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '$',
    '"$map":',
    '{"$set":[',
    '"$date"',
    '"a"',
    '1',
    '-0',
    '1e999',
    'null',
  ];
  const sentence = fc.array(fc.constantFrom(...words), { maxLength: 12 }).map((list) => Buffer.from(list.join('')));
  fc.assert(fc.property(fc.oneof(sentence, fc.uint8Array({ maxLength: 40 })), readsOrRefuses), {
    numRuns: runs(20_000, 1_000_000),
  });
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test('damaged encodings are corrupt or a value that can be written again', bound, () => {
  const places = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1)), {
    minLength: 1,
    maxLength: 3,
  });
  const damaged = fc.tuple(value, places).map(([v, strikes]) => {
    const bytes = [...codec.encode(v)];
    for (const [at, byte, dropped] of strikes) bytes.splice(at % bytes.length, dropped, byte);
    return Uint8Array.from(bytes);
  });
  fc.assert(fc.property(damaged, readsOrRefuses), { numRuns: runs(20_000, 1_000_000) });
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test('shared references that double at every level end at a bound', bound, () => {
  let value: unknown[] = [];
  for (let i = 0; i < 60; i++) value = [value, value];
  expect(() => codec.encode(value)).toThrow('it takes more than 4 MiB; references to one object are written each time');
});

function readsOrRefuses(bytes: Uint8Array): boolean {
  let v: unknown;
  try {
    v = codec.decode(bytes);
  } catch (error) {
    return isFailure(error, 'SOJOURN_CORRUPT');
  }
  return same(codec.decode(codec.encode(v)), v);
}

function encodedOrNull(v: unknown): Uint8Array | null {
  try {
    return codec.encode(v);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_VALUE')) return null;
    throw error;
  }
}

/** Object.is at every leaf, the same kinds, the same keys in the same order. */
function same(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Date) return a.getTime() === (b as Date).getTime();
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array) === 0;
  if (a instanceof Map || a instanceof Set) return same([...a], [...(b as Iterable<unknown>)]);
  const names = Reflect.ownKeys(a);
  return (
    sameList(names, Reflect.ownKeys(b)) &&
    names.every((name) => same((a as Record<PropertyKey, unknown>)[name], (b as Record<PropertyKey, unknown>)[name]))
  );
}

function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, i) => Object.is(item, b[i]));
}

/**
 * The conformance kit for codecs: every sentence of the `Codec` contract as a test that any runner can run.
 *
 * A codec must keep what plain JSON can say. Everything beyond that (Date, Map, NaN, undefined, a lone surrogate...) it may keep
 * exactly or refuse with SOJOURN_VALUE; what it may not do is give back something else. Bytes come from anywhere: whatever
 * they are, `decode` answers with a value or with SOJOURN_CORRUPT, and leaves the language's prototypes alone.
 *
 * Chance is seeded: a failure today is the same failure tomorrow. Rejected: fast-check in here, which every author of a codec
 * would have to install.
 */
import assert from 'node:assert/strict';
import type { Codec } from '../contract.js';
import { isFailure } from '../errors.js';
import { chance, damaged, plainValue } from './codec-chance.js';
import { mustKeep, mustKeepOrRefuse, mustRefuse } from './codec-samples.js';
import type { Runner } from './runner.js';

/** Values made by chance, and damaged encodings, of one run. */
const ROUNDS = 2000;

/**
 * Registers the group `codec <name>` with the runner.
 *
 * @example
 * import { describe, test } from 'node:test';
 * codecKit({ describe, test }, json()); // or a codec of your own
 */
export function codecKit(runner: Runner, codec: Codec): void {
  runner.describe(`codec ${codec.name}`, () => {
    keeping(runner, codec);
    refusing(runner, codec);
    bytes(runner, codec);
    damage(runner, codec);
  });
}

function keeping({ test }: Runner, codec: Codec): void {
  test('has a name', () => {
    assert.match(codec.name, /\S/);
  });
  for (const [what, value] of mustKeep) {
    test(`keeps ${what}`, () => assert.deepStrictEqual(again(codec, value), value));
  }
  for (const [what, make] of mustKeepOrRefuse) {
    test(`keeps ${what} exactly, or refuses`, () => keepsOrRefuses(codec, make()));
  }
  test('keeps any plain data', () => {
    const next = chance(1);
    for (let i = 0; i < ROUNDS; i++) {
      const value = plainValue(next);
      assert.deepStrictEqual(again(codec, value), value);
    }
  });
  test('keeps the order of keys', () => {
    assert.deepStrictEqual(Object.keys(again(codec, { b: 1, a: 2, c: 3 }) as object), ['b', 'a', 'c']);
  });
  test('does not change what it encodes', () => {
    const value = { list: [3, 1, 2], inside: { $set: [1], b: null } };
    const before = structuredClone(value);
    codec.encode(value);
    assert.deepStrictEqual(value, before);
  });
  test('gives a value of its own every time', () => {
    const encoded = codec.encode({ cart: ['book'] });
    const first = codec.decode(encoded) as { cart: string[] };
    first.cart.push('pen');
    assert.deepStrictEqual(codec.decode(encoded), { cart: ['book'] });
  });
}

function refusing({ test }: Runner, codec: Codec): void {
  for (const [what, make, path] of mustRefuse) {
    test(`refuses ${what}, naming the path`, () => {
      const error = refusalOf(codec, make());
      assert.equal(error.details.path, path);
    });
  }
  test('keeps the cause when reading a value throws', () => {
    const boom = new Error('boom');
    const value = {
      get a(): never {
        throw boom;
      },
    };
    assert.equal(refusalOf(codec, value).cause, boom);
  });
  test('never shows a value in a refusal', () => {
    const error = refusalOf(codec, { card: 'hunter2', pay: () => 'hunter2' });
    assert.doesNotMatch(`${error.message} ${JSON.stringify(error.details)}`, /hunter2/);
  });
  test('leaves prototypes alone when a key is __proto__', () => {
    keepsOrRefuses(codec, JSON.parse('{"a":{"__proto__":{"polluted":1}}}'));
    assertCleanPrototypes();
  });
}

function bytes({ test }: Runner, codec: Codec): void {
  test('gives equal bytes for equal values', () => {
    const next = chance(2);
    for (let i = 0; i < ROUNDS; i++) {
      const value = plainValue(next);
      assert.deepStrictEqual(raw(codec.encode(structuredClone(value))), raw(codec.encode(value)));
    }
  });
  test('gives different bytes for different values', () => {
    const seen = new Map<string, string>();
    for (const [what, make] of [
      ...mustKeep.map(([what, value]) => [what, () => value] as const),
      ...mustKeepOrRefuse,
    ]) {
      const encoded = encodedOrNull(codec, make());
      if (encoded === null) continue;
      const text = raw(encoded).toString('hex');
      assert.equal(seen.get(text), undefined, `${what} has the bytes of ${seen.get(text)}`);
      seen.set(text, what);
    }
  });
  test('reads bytes in the middle of a larger buffer', () => {
    const encoded = codec.encode({ a: ['b'] });
    const room = new Uint8Array(encoded.length + 9).fill(0x5b);
    room.set(encoded, 4);
    assert.deepStrictEqual(codec.decode(room.subarray(4, 4 + encoded.length)), { a: ['b'] });
  });
  test('neither changes nor keeps the bytes that it reads', () => {
    const encoded = Uint8Array.from(codec.encode(['book', { n: 1 }]));
    const before = Uint8Array.from(encoded);
    const value = codec.decode(encoded);
    assert.deepStrictEqual(encoded, before);
    encoded.fill(0);
    assert.deepStrictEqual(value, ['book', { n: 1 }]);
  });
}

function damage({ test }: Runner, codec: Codec): void {
  test('calls no bytes at all corrupt', () => {
    assert.throws(() => codec.decode(new Uint8Array(0)), isCorrupt);
  });
  test('calls an encoding that was cut short corrupt', () => {
    const encoded = codec.encode({ list: [1, 'two', { three: true }] });
    for (let length = 0; length < encoded.length; length++) {
      assert.throws(() => codec.decode(encoded.subarray(0, length)), isCorrupt, `cut to ${length} bytes`);
    }
  });
  test('answers damaged bytes with a value or with SOJOURN_CORRUPT', () => {
    const next = chance(3);
    for (let i = 0; i < ROUNDS; i++) {
      valueOrCorrupt(codec, damaged(codec.encode(plainValue(next)), next));
    }
    assertCleanPrototypes();
  });
  test('survives a hundred thousand opening brackets', () => {
    for (const unit of ['[', '{"a":', '\x81', '\xa1\x61'])
      valueOrCorrupt(codec, Buffer.from(unit.repeat(100_000), 'latin1'));
  });
}

function again(codec: Codec, value: unknown): unknown {
  return codec.decode(codec.encode(value));
}

function keepsOrRefuses(codec: Codec, value: unknown): void {
  const encoded = encodedOrNull(codec, value);
  if (encoded !== null) assert.deepStrictEqual(codec.decode(encoded), value);
}

/** The bytes; null if the codec refuses. Any other error is the test's failure. */
function encodedOrNull(codec: Codec, value: unknown): Uint8Array | null {
  try {
    return codec.encode(value);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_VALUE')) return null;
    throw error;
  }
}

function refusalOf(codec: Codec, value: unknown): Error & { readonly details: Readonly<Record<string, unknown>> } {
  try {
    codec.encode(value);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_VALUE')) return error;
    assert.fail(`refused, but with ${String(error)} instead of SOJOURN_VALUE`);
  }
  return assert.fail('was not refused');
}

function valueOrCorrupt(codec: Codec, encoded: Uint8Array): void {
  try {
    codec.decode(encoded);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
  }
}

function isCorrupt(error: unknown): boolean {
  return isFailure(error, 'SOJOURN_CORRUPT');
}

/** A view that compares by content, whatever kind of Uint8Array it was. */
function raw(encoded: Uint8Array): Buffer {
  assert.ok(encoded instanceof Uint8Array, 'encode must give a Uint8Array');
  return Buffer.from(encoded);
}

function assertCleanPrototypes(): void {
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  assert.deepStrictEqual(Object.keys(Object.prototype), []);
}

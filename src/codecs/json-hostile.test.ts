/**
 * Hostile values and hostile bytes, by the names that the project's list of bad inputs gives them.
 *
 * V: what a handler might hand to `session.set`, here as far as it concerns the codec; where the case is about the name of a
 * field, the name is a key. B: what the bytes of one field might hold when somebody else wrote them. Cases that belong to
 * limits, cookies, stores or bridges (V14, V25, B01 in place of the head, B10, B15 to B17) are tested there.
 */
import assert from 'node:assert/strict';
import { afterEach, describe, expect, test } from 'vitest';
import { isFailure, type SojournError } from '../errors.js';
import { json } from './json.js';

const codec = json();

afterEach(() => {
  expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('values that come back exactly', () => {
  test.each([
    ['V02 BigInt', 1n],
    ['V05 nested undefined', { a: undefined, b: [undefined] }],
    ['V07 Date', new Date(0)],
    ['V08 NaN', Number.NaN],
    ['V09 -0', -0],
    ['V10 lone surrogate', '\ud800'],
    ['V11 NUL and line separators', '\u0000\u2028\u2029'],
    ['V13 two million characters (the limit is the engine’s)', 'x'.repeat(2 ** 21)],
    ['V21 empty key', { '': 1 }],
    ['V22 key with NUL', { 'user\u0000name': 1, user: 2 }],
    ['V23 key toJSON', { toJSON: 1 }],
    ['V24 key cookie', { cookie: { maxAge: 1 } }],
    [
      'V25 a hundred thousand keys (the limit is the engine’s)',
      Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i])),
    ],
  ])('%s', (_name, value) => {
    expect(codec.decode(codec.encode(value))).toStrictEqual(value);
  });
});

describe('values that are refused', () => {
  test.each([
    ['V01 cycle', cycle, '.o', 'it contains itself'],
    ['V03 function', () => () => 1, '', 'a function is not data'],
    ['V04 symbol', () => Symbol('x'), '', 'a symbol is not data'],
    ['V06 invalid Date', () => new Date(Number.NaN), '', 'it is an invalid Date'],
    [
      'V12 twenty thousand levels',
      () => deep(20_000),
      expect.stringMatching(/^(\.a)+\.\.\.$/),
      'it is nested more than 100 levels deep',
    ],
    ['V17 toJSON', () => ({ toJSON: () => ({ isAdmin: true }) }), '.toJSON', 'a function is not data'],
    [
      'V19 own __proto__',
      () => JSON.parse('{"__proto__":{"isAdmin":true}}'),
      '',
      'a key named __proto__ could change a prototype',
    ],
    [
      'V20 key __proto__',
      () => Object.fromEntries([['__proto__', { a: 1 }]]),
      '',
      'a key named __proto__ could change a prototype',
    ],
  ])('%s', (_name, make, path, problem) => {
    expect(refusal(make()).details).toEqual({ path, problem });
  });

  test('V15 getter that throws: the cause is kept', () => {
    const error = refusal({
      get a(): never {
        throw new Error('boom');
      },
    });
    expect(error.details).toEqual({ path: '', problem: 'reading it threw an error' });
    expect(error.cause).toEqual(new Error('boom'));
  });

  test('V16 proxy that throws: the cause is kept', () => {
    const error = refusal({
      a: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('boom');
          },
        },
      ),
    });
    expect(error.details).toEqual({ path: '.a', problem: 'reading it threw an error' });
    expect(error.cause).toEqual(new Error('boom'));
  });
});

test('V18 a change after encoding changes nothing', () => {
  const list = [1];
  const bytes = codec.encode(list);
  list.push(2);
  expect(codec.decode(bytes)).toEqual([1]);
});

describe('bytes that are corrupt', () => {
  const entry = '{"views":1,"cart":["book"]}';
  test.each([
    ['B01 torn', entry.slice(0, entry.length / 2)],
    ['B02 something behind', `${entry}}`],
    ['B05 not JSON', 'not json at all'],
    ['B06 pickle', Buffer.from('gASVHQAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjAJpZJSFlFKULg==', 'base64')],
    ['B08 __proto__', '{"__proto__":{"isAdmin":true}}'],
    ['B08 __proto__ spelt with an escape', '{"a":[{"__prot\\u006f__":{"isAdmin":true}}]}'],
    ['B08 __proto__ in a tag', '{"$bare":{"__proto__":{"isAdmin":true}}}'],
    ['B11 a hundred thousand brackets', '['.repeat(100_000)],
    ['B11 a hundred thousand brackets, closed', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['B11 a hundred thousand objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['B12 more than 4 MiB', `{"a":"${'x'.repeat(2 ** 24)}"}`],
    ['B13 1e400', '{"n":1e400,"m":9007199254740993}'],
    ['a number of 400 digits', '9'.repeat(400)],
    ['nothing', ''],
    ['a byte order mark', '\ufeff1'],
    ['invalid UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['UTF-8 cut in the middle', Buffer.from('"€"').subarray(0, 3)],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['overlong UTF-8', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    [
      'invalid UTF-8 beside a replacement character',
      Buffer.concat([Buffer.from('"\ufffd'), Buffer.from([0x80, 0x22])]),
    ],
    ['an unknown tag', '{"$regexp":"a"}'],
    ['a tag without a name', '{"$":1}'],
    ['a tag named like a method of Map', '{"$has":1}'],
    ['an unknown tag spelt with an escape', '[{"\\u0024x":1}]'],
    ['a date that is none', '{"$date":"yesterday"}'],
    ['a date in another spelling', '{"$date":"2026-01-02"}'],
    ['a date as a number', '{"$date":0}'],
    ['a day that does not exist', '{"$date":"2026-02-30T00:00:00.000Z"}'],
    ['a map of no pairs', '{"$map":[["a"]]}'],
    ['a map of triples', '{"$map":[["a",1,2]]}'],
    ['a map of objects', '{"$map":[{"0":"a","1":1,"length":2}]}'],
    ['a map with a key twice', '{"$map":[["a",1],["a",2]]}'],
    ['a set that is no list', '{"$set":{"length":1}}'],
    ['a set with an element twice', '{"$set":[1,1]}'],
    ['a bigint with a point', '{"$bigint":"1.5"}'],
    ['a bigint with leading zeros', '{"$bigint":"007"}'],
    ['a bigint of minus zero', '{"$bigint":"-0"}'],
    ['a bigint in hexadecimal', '{"$bigint":"0x10"}'],
    ['a bigint of nothing', '{"$bigint":""}'],
    ['a bigint of a million digits', `{"$bigint":"${'9'.repeat(1_000_000)}"}`],
    ['a negative bigint one digit too long', `{"$bigint":"-${'9'.repeat(10_001)}"}`],
    ['a bigint one digit too long', `{"$bigint":"${'9'.repeat(10_001)}"}`],
    ['a number that has a spelling', '{"$number":"1"}'],
    ['undefined as false', '{"$undefined":false}'],
    ['base64 with a stranger in it', '{"$bytes":"AQ=*"}'],
    ['base64url', '{"$bytes":"AQL_"}'],
    ['base64 without padding', '{"$buffer":"aGk"}'],
    ['base64 with bits to spare', '{"$bytes":"AR=="}'],
    ['bytes as a list', '{"$bytes":[1]}'],
    ['bare bytes', '{"$bare":{"$bytes":""}}'],
    ['a bare list', '{"$bare":[]}'],
    ['bare nothing', '{"$bare":null}'],
    ['bare twice', '{"$bare":{"$bare":{}}}'],
    ['bare undefined', '{"$bare":{"$undefined":true}}'],
    ['a bigint as a number', '{"$bigint":12}'],
    ['a date as a number', '{"$date":0}'],
    ['a number as a number', '{"$number":0}'],
    ['bytes as an object', '{"$bytes":{}}'],
    ['a buffer of nothing', '{"$buffer":null}'],
  ])('%s', (_name, bytes) => {
    const error = corruption(Buffer.from(bytes));
    expect(error.cause).toBeUndefined();
    expect(error.message).toMatch(/^A field cannot be read back: [\w $,-]+\.$/);
  });
});

describe('bytes of others that are a value', () => {
  test.each([
    ['B03 null', 'null', null],
    ['B04 a string', '"a string"', 'a string'],
    [
      'B07 a function of node-serialize is a string',
      '{"rce":"_$$ND_FUNC$$_function(){}()"}',
      { rce: '_$$ND_FUNC$$_function(){}()' },
    ],
    [
      'B09 constructor',
      '{"constructor":{"prototype":{"polluted":1}}}',
      { constructor: { prototype: { polluted: 1 } } },
    ],
    ['B13 the nearest number', '9007199254740993', 9007199254740992],
    ['B14 the last of two keys', '{"role":"user","role":"admin"}', { role: 'admin' }],
    ['white space and spelling are free', ' { "a" : 1.0e0 }\n', { a: 1 }],
    ['a tag spelt with an escape is that tag', '{"\\u0024set":[]}', new Set()],
    ['a real replacement character', '"\ufffd"', '\ufffd'],
  ])('%s', (_name, text, value) => {
    assert.deepStrictEqual(codec.decode(Buffer.from(text)), value);
  });
});

function cycle(): object {
  const o: { o?: object } = {};
  o.o = o;
  return o;
}

function deep(levels: number): object {
  let value = {};
  for (let i = 0; i < levels; i++) value = { a: value };
  return value;
}

function refusal(value: unknown): SojournError {
  try {
    codec.encode(value);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_VALUE')) return error;
    throw error;
  }
  throw new Error('was not refused');
}

function corruption(bytes: Uint8Array): SojournError {
  try {
    codec.decode(bytes);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_CORRUPT')) return error;
    throw error;
  }
  throw new Error('was read');
}

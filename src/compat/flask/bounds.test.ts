/**
 * Just within a bound, and just beyond it; the first byte of every format; the last character of a signature. And whatever is refused says
 * why: the text is the `reason` of a `corrupt` event, all that somebody has who looks for the visitor's session.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { MAX_BYTES, MAX_DEPTH, MAX_VALUES } from './bounds.js';
import { cookieValue } from './cookie-value.js';
import { ENTRY_FORMATS, readEntry, writeEntry } from './entry.js';
import { fromPlain } from './from-plain.js';
import { readPickle } from './pickle-read.js';
import { ByteArray, Decimal, Dict, Float, Markup, type Python, PythonSet, Tuple } from './python.js';
import { signing } from './signature.js';
import { rememberToken, signedId } from './signed-id.js';
import { demandBounded, demandWritable } from './size.js';
import { readTagged, writeTagged } from './tagged-json.js';
import { toPlain } from './to-plain.js';

const corrupt = (problem: RegExp) =>
  expect.objectContaining({
    code: 'SOJOURN_CORRUPT',
    details: expect.objectContaining({ problem: expect.stringMatching(problem) }),
  });
const unwritable = (problem: RegExp, path: string | RegExp = /^/) =>
  expect.objectContaining({
    code: 'SOJOURN_VALUE',
    details: expect.objectContaining({
      problem: expect.stringMatching(problem),
      path: typeof path === 'string' ? path : expect.stringMatching(path),
    }),
  });
const bytes = (...parts: readonly (string | number | Uint8Array | readonly number[])[]) =>
  Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      return typeof part === 'number' ? Buffer.of(part) : Buffer.from(part);
    }),
  );
const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];

describe("Flask's cookie", () => {
  const NOW = 1_700_000_000;
  const values = cookieValue({ keys: 'dev', epoch: 'unix' });
  const signer = signing('keys', 'dev', 'cookie-session');
  const signed = (text: string) => `${text}.${signer.sign(text)}`;
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64url');
  const stamp = 'ZVPxAA';
  const read = (cookie: string) => values.read(cookie, NOW, undefined);

  test('of the old epoch is written as it is read', () => {
    const old = cookieValue({ keys: 'dev', epoch: 'legacy' });
    const cookie = old.write(Dict.of([['a', 1]]), NOW);
    expect(old.read(cookie, NOW, 0)!.signedAt).toBe(NOW);
    expect(cookie.split('.')[1]).toBe(base64(Buffer.from((NOW - 1_293_840_000).toString(16), 'hex')));
  });

  test.each([
    [0, ''],
    [1, 'AQ'],
    [255, '_w'],
    [256, 'AQA'],
    [65_536, 'AQAA'],
  ])('signed in second %i: the shortest bytes of it', (second, text) => {
    const cookie = values.write(new Dict(), second);
    expect(cookie.split('.')[1]).toBe(text);
    expect(values.read(cookie, second, 0)!.signedAt).toBe(second);
  });

  test('has a timestamp of eight bytes at most, spelled in one way', () => {
    const at = (timestamp: string) => read(signed(`${base64('{}')}.${timestamp}`));
    expect(at(base64(Buffer.alloc(8, 1)))!.signedAt).toBe(Number(0x0101010101010101n));
    expect(at(base64(Buffer.alloc(9, 1)))).toBeNull();
    expect(at(stamp)!.signedAt).toBe(0x6553f100);
    for (const other of ['ZVPxAB', 'ZVPxAA==', 'ZVPx AA', '*']) expect(at(other)).toBeNull();
  });

  test('without a timestamp is none, also where it could be cut into two', () => {
    expect(read(signed('e30A'))).toBeNull();
    expect(read(signed('e30.'))!.signedAt).toBe(0);
    for (const text of ['', '.', 'e30', `e30.${stamp}`, `.e30.${stamp}.`]) expect(read(text)).toBeNull();
  });

  test('that was signed and makes no sense is none, and nothing is thrown', () => {
    const payloads = [
      'e3',
      'e31',
      'e30=',
      base64('[]'),
      base64('{"a":}'),
      base64(Buffer.of(0x22, 0xff, 0x22)),
      '.e30',
      '.',
      '',
    ];
    for (const payload of payloads) expect(read(signed(`${payload}.${stamp}`)), payload).toBeNull();
    expect(read(signed(`.${base64(deflateSync(Buffer.from('{}')))}.${stamp}`))!.dict.size).toBe(0);
    expect(read(signed(`${base64('{"a":"\xe4"}')}.${stamp}`))!.dict.get('a')).toBe('\xe4');
  });

  test('is at most 64 KB long', () => {
    const ofBytes = (count: number) => signed(`${base64(`{"a":"${'x'.repeat(count - 8)}"}`)}.`);
    for (const [count, length, isRead] of [
      [49_130, 65_536, true],
      [49_131, 65_537, false],
    ] as const) {
      expect(ofBytes(count).length).toBe(length);
      expect(read(ofBytes(count)) !== null).toBe(isRead);
    }
  });

  test('inflates to a megabyte at most', () => {
    const inflating = (length: number) => {
      const json = `{"a":"${' '.repeat(length - 8)}"}`;
      return read(signed(`.${base64(deflateSync(Buffer.from(json)))}.${stamp}`));
    };
    expect(inflating(MAX_BYTES)!.dict.size).toBe(1);
    expect(inflating(MAX_BYTES + 1)).toBeNull();
  });

  test('is compressed where that saves two bytes', () => {
    for (let length = 0; length < 60; length++) {
      const json = `{"a":"${'x'.repeat(length)}"}`;
      const isCompressed = values.write(Dict.of([['a', 'x'.repeat(length)]]), NOW).startsWith('.');
      expect(isCompressed, json).toBe(deflateSync(Buffer.from(json)).length < json.length - 1);
    }
  });
});

describe('keys and signatures', () => {
  test.each([
    ['nothing', undefined, /keys\[0\]: must be the text or bytes of Flask's SECRET_KEY/],
    ['an empty text', '', /an empty text/],
    ['empty bytes', new Uint8Array(0), /SECRET_KEY/],
    ['a number', 5, /SECRET_KEY.*5/],
    ['no keys', [], /keys: must be a key, or a list of keys with the newest first/],
    ['an empty one behind a good one', ['a', ''], /keys\[1\]/],
  ])('%s is no secret key', (_what, keys, message) => {
    expect(() => signing('keys', keys as string, 'salt')).toThrow(message);
    expect(() => signing('keys', keys as string, 'salt')).toThrow(expect.objectContaining({ code: 'SOJOURN_OPTION' }));
  });

  test('a text is a key by its UTF-8, and so are these bytes', () => {
    const [text, same] = ['schlüssel', Buffer.from('schlüssel', 'utf8')].map((key) =>
      signing('keys', key, 's').sign('x'),
    );
    expect(text).toBe(same);
  });

  test('no id, or an empty one, is no id, however it was signed', () => {
    const ids = signedId(['new', 'old']);
    const empty = `.${signing('k', 'new', 'flask-session').sign('')}`;
    for (const value of ['', '.', empty, 'abc', ids.write('abc').slice(0, -1), `${ids.write('abc')}A`])
      expect(ids.read(value)).toBeNull();
    expect(ids.read(ids.write('a.b'))).toBe('a.b');
    expect(ids.read(signedId('old').write('abc'))).toBe('abc');
    expect(ids.write('abc')).toBe(signedId('new').write('abc'));
    expect(() => signedId('')).toThrow(/secretKey\[0\]/);
  });

  test('an id that itsdangerous has signed; another spelling of its last two bits is another cookie, and refused', () => {
    expect(signedId('dev').write('abc')).toBe('abc.PJw42rZcwe82Whbo0poRR9mBVes');
    expect(signedId('dev').read('abc.PJw42rZcwe82Whbo0poRR9mBVes')).toBe('abc');
    expect(signedId('dev').read('abc.PJw42rZcwe82Whbo0poRR9mBVet')).toBeNull();
  });

  test('Flask-Login’s token: the key by its Latin-1, the user by his UTF-8, nothing before or behind', () => {
    const token = rememberToken('schlüssel');
    const hex = createHmac('sha512', Buffer.from('schlüssel', 'latin1'))
      .update(Buffer.from('jürgen', 'utf8'))
      .digest('hex');
    expect(token.write('jürgen')).toBe(`jürgen|${hex}`);
    expect(token.read(`jürgen|${hex}`)).toBe('jürgen');
    for (const value of [
      `jürgen|${hex}0`,
      `jürgen|${hex.slice(1)}`,
      `|${hex}`,
      'jürgen',
      '',
      `x jürgen|${hex}`,
      `jürgen|${hex.toUpperCase()}`,
    ])
      expect(token.read(value), value).toBeNull();
    const both = rememberToken(['new', Buffer.from('old')]);
    expect(both.read(rememberToken('old').write('a|b'))).toBe('a|b');
    expect(both.write('7')).toBe(rememberToken('new').write('7'));
    expect(() => rememberToken(['a', ''])).toThrow(/secretKey\[1\]/);
  });
});

describe('which reader looks at an entry', () => {
  test.each<[string, Buffer]>([
    ['a lone 0x80 is the empty dict of msgpack', bytes(0x80)],
    ['0xdf is a long dict of msgpack', bytes([0xdf, 0, 0, 0, 0])],
    ['0xde a shorter one', bytes([0xde, 0, 0])],
    ['} is a pickle of protocol 1', bytes('}.')],
    ['( one of protocol 0', bytes('(d.')],
    ['0x80 and more one of protocol 2 and later', bytes([0x80, 2], '}.')],
    ['{ is JSON', bytes('{}')],
  ])('%s', (_what, entry) => {
    expect(readEntry(entry).size).toBe(0);
  });

  test.each<[Buffer, RegExp]>([
    [bytes(']', '.'), /its pickle is no dict/],
    [bytes([0x8f]), /its msgpack ends too early/],
    [bytes([0x81]), /its msgpack ends too early/],
    [bytes([0x90]), /begins like nothing/],
    [bytes([0x7f]), /begins like nothing/],
    [bytes([0xdd, 0, 0, 0, 0]), /begins like nothing/],
    [bytes([0xe0]), /begins like nothing/],
    [bytes('[]'), /begins like nothing/],
    [bytes(' {}'), /begins like nothing/],
    [bytes(), /begins like nothing/],
  ])('%j is no session, and it is said why', (entry, problem) => {
    expect(() => readEntry(entry)).toThrow(corrupt(problem));
  });

  test('an entry of a megabyte is read, one byte more is not', () => {
    const json = (length: number) => bytes('{"a":"', Buffer.alloc(length - 8, 'x'), '"}');
    const msgpack = (length: number) =>
      bytes([0x81, 0xa1, 0x61, 0xdb], u32(length - 8).reverse(), Buffer.alloc(length - 8, 'x'));
    const pickle = (length: number) => bytes('(', 'Va\n', 'X', u32(length - 11), Buffer.alloc(length - 11, 'x'), 'd.');
    for (const [of, more] of [
      [json, /more than 1048576 bytes/],
      [msgpack, /more than 1048576 bytes/],
      [pickle, /more than 1048576 bytes/],
    ] as const) {
      expect(of(MAX_BYTES)).toHaveLength(MAX_BYTES);
      expect(String(readEntry(of(MAX_BYTES)).get('a'))).toMatch(/^x+$/);
      expect(() => readEntry(of(MAX_BYTES + 1))).toThrow(corrupt(more));
    }
  });
});

describe('depth', () => {
  const nested = (depth: number, inner: Python = []): Python => {
    let value = inner;
    for (let i = 0; i < depth; i++) value = [value];
    return value;
  };
  const deep = /nested more than 300 deep/;

  test.each(ENTRY_FORMATS)('%s: lists within lists up to the bound, and no further', (format) => {
    // The dict is one level, and the empty list inside another.
    const fits = Dict.of([['a', nested(MAX_DEPTH - 2)]]);
    expect(JSON.stringify(toPlain(readEntry(writeEntry(fits, format))))).toBe(JSON.stringify(toPlain(fits)));
    const misfits = Dict.of([['a', nested(MAX_DEPTH + 1)]]);
    expect(() => writeEntry(misfits, format)).toThrow(unwritable(deep));
  });

  test('text and bytes that say more than that are refused before they are read', () => {
    const levels = MAX_DEPTH + 2;
    expect(() => readTagged('['.repeat(levels) + ']'.repeat(levels))).toThrow(corrupt(deep));
    expect(() => readTagged('{"a":'.repeat(levels) + 1 + '}'.repeat(levels))).toThrow(corrupt(deep));
    expect(() => readEntry(bytes([0x81, 0xa1, 0x61], Buffer.alloc(levels, 0x91), 1))).toThrow(corrupt(deep));
    expect(() => readEntry(bytes('(Va\n', ']'.repeat(levels), 'a'.repeat(levels - 1), 'd.'))).toThrow(corrupt(deep));
    expect(readTagged(`${'['.repeat(MAX_DEPTH)}1${']'.repeat(MAX_DEPTH)}`)).toHaveLength(1);
    expect(() => readTagged(`${'['.repeat(MAX_DEPTH + 1)}1${']'.repeat(MAX_DEPTH + 1)}`)).toThrow(corrupt(deep));
  });

  test('what is shared counts where it is deepest', () => {
    const shared = nested(MAX_DEPTH - 100);
    expect(() => demandBounded([shared, nested(97, shared)])).not.toThrow();
    expect(() => demandBounded([shared, nested(102, shared)])).toThrow(corrupt(deep));
    expect(() => demandBounded(nested(MAX_DEPTH - 1))).not.toThrow();
    expect(() => demandBounded(nested(MAX_DEPTH))).not.toThrow();
    expect(() => demandBounded(nested(MAX_DEPTH + 1))).toThrow(corrupt(deep));
  });

  test('what handlers set has the same bound, and the path says where', () => {
    const plain = (depth: number): unknown => (depth === 0 ? 1 : [plain(depth - 1)]);
    expect(() => writeTagged(fromPlain(plain(MAX_DEPTH)))).not.toThrow();
    expect(() => fromPlain({ a: plain(MAX_DEPTH) })).toThrow(
      unwritable(/300 deep, or contains itself/, /^\.a(\[0\])+$/),
    );
    const self: unknown[] = [];
    self.push(self);
    expect(() => fromPlain(self)).toThrow(unwritable(/contains itself/));
  });

  test('what contains itself is neither read nor written', () => {
    const self: Python[] = [];
    self.push(self);
    expect(() => demandBounded(self)).toThrow(corrupt(/it contains itself/));
    expect(() => demandWritable([new Tuple([self])])).toThrow(unwritable(/it contains itself/, ''));
    const dict = new Dict();
    dict.set('a', dict);
    expect(() => demandWritable(dict)).toThrow(unwritable(/it contains itself/, ''));
    expect(() => readPickle(bytes(']', [0x94], 'h', 0, 'a.'))).toThrow(corrupt(/./));
    expect(() => readPickle(bytes('}', [0x94], 'Va\nh', 0, 's.'))).toThrow(corrupt(/it contains itself/));
  });
});

describe('size, when all that is shared is written out', () => {
  const MOST = 8 * MAX_BYTES;
  const room = /written out it would take too much room/;

  test.each<[string, (size: number) => Python]>([
    ['a text', (size) => 'x'.repeat(size)],
    ['bytes', (size) => new Uint8Array(size)],
    ['a bytearray', (size) => new ByteArray(new Uint8Array(size))],
    ['Markup', (size) => new Markup('x'.repeat(size))],
    ['a Decimal', (size) => new Decimal('1'.repeat(size))],
    ['an int', (size) => 1n << BigInt(4 * (size - 1))],
  ])('%s counts by its length', (_what, of) => {
    const part = of(1_000_000);
    expect(() => demandBounded([...Array(8)].map(() => part))).not.toThrow();
    expect(() => demandBounded([...Array(9)].map(() => part))).toThrow(corrupt(room));
  });

  test('to the byte: eight for each value, and its length', () => {
    expect(() => demandBounded(['x'.repeat(MOST - 16)])).not.toThrow();
    expect(() => demandBounded(['x'.repeat(MOST - 15)])).toThrow(corrupt(room));
    expect(() => demandBounded([...Array(MOST / 8 - 1)].map(() => null))).not.toThrow();
    expect(() => demandBounded([...Array(MOST / 8)].map(() => null))).toThrow(corrupt(room));
  });

  test('in tuples, sets and dicts, keys and values, as in lists', () => {
    const long = 'x'.repeat(1_000_000);
    const nine = [...Array(9)].map((_, i) => `${i}`);
    expect(() => demandBounded(new Tuple(nine.map(() => long)))).toThrow(corrupt(room));
    expect(() => demandBounded(Dict.of(nine.map((key) => [key, long] as const)))).toThrow(corrupt(room));
    expect(() => demandBounded(new PythonSet([new Float(1), 'a'.repeat(4000)], false))).not.toThrow();
    const many = Array.from({ length: 2200 }, (_, i) => `${i}`.padEnd(4000, 'k'));
    expect(() => demandBounded(new PythonSet(many, true))).toThrow(corrupt(room));
    expect(() => demandBounded(Dict.of(many.map((key) => [key, null] as const)))).toThrow(corrupt(room));
  });

  test('a list that is ten times in a list, ten levels high, takes no time', () => {
    let value: Python = [1];
    for (let i = 0; i < 10; i++) value = Array(10).fill(value);
    expect(() => demandBounded(value)).toThrow(corrupt(room));
    for (const format of ['pickle', 'pickle-0', 'pickle-2'] as const)
      expect(() => writeEntry(Dict.of([['a', value]]), format)).toThrow(unwritable(room, ''));
  });

  test('JSON has two hundred thousand values at most', () => {
    const list = (count: number) => `[${'0,'.repeat(count - 2)}0]`;
    expect(readTagged(list(MAX_VALUES))).toHaveLength(MAX_VALUES - 1);
    expect(() => readTagged(list(MAX_VALUES + 1))).toThrow(corrupt(/more than 200000 values/));
  });
});

test('random bytes behind the first byte of any format: a session, or why not', () => {
  for (let i = 0; i < 300; i++) {
    const first = [0x80, 0x81, 0xde, 0x7b, 0x28, 0x7d][i % 6]!;
    try {
      readEntry(bytes(first, randomBytes(i % 40)));
    } catch (error) {
      expect(error).toEqual(corrupt(/\w{3}/));
    }
  }
});

/**
 * Arbitrary and damaged bytes for every reader: a session, or a refusal with its reason. Never another error, a hang, a changed prototype.
 */
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { isFailure } from 'sojourn';
import { flaskCookie } from 'sojourn/flask';
import { describe, expect, test } from 'vitest';
import { MAX_BYTES } from '../../src/compat/flask/bounds.js';
import { cookieValue } from '../../src/compat/flask/cookie-value.js';
import { ENTRY_FORMATS, readEntry, writeEntry } from '../../src/compat/flask/entry.js';
import { readMsgpack } from '../../src/compat/flask/msgpack-read.js';
import { readMsgspecJson } from '../../src/compat/flask/msgspec-json.js';
import { readPickle } from '../../src/compat/flask/pickle-read.js';
import { Dict, type Python } from '../../src/compat/flask/python.js';
import { signing } from '../../src/compat/flask/signature.js';
import { readTaggedDict } from '../../src/compat/flask/tagged-json.js';
import { toPlain } from '../../src/compat/flask/to-plain.js';
import { runs } from '../support/exam.js';
import { python, type Typed, vectors } from './typed.js';

const numRuns = runs(500, 50_000);

/** What a reader makes of it. Whatever it accepts must also be something that handlers can be shown. */
function isRead(read: () => Dict): boolean {
  try {
    const dict = read();
    expect(dict).toBeInstanceOf(Dict);
    toPlain(dict);
    return true;
  } catch (error) {
    expect(isFailure(error, 'SOJOURN_CORRUPT'), String(error)).toBe(true);
    return false;
  } finally {
    expect(Object.keys(Object.prototype)).toEqual([]);
  }
}

const READERS: readonly (readonly [string, (bytes: Uint8Array) => Dict])[] = [
  ['entries', readEntry],
  ['pickle', readPickle],
  ['msgpack', readMsgpack],
  ['json', readMsgspecJson],
  ['tagged JSON', (bytes) => readTaggedDict(Buffer.from(bytes).toString('latin1'))],
];

describe.each(READERS)('%s', (_name, read) => {
  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void isRead(() => read(bytes))),
      { numRuns },
    );
  });
});

const { vectors: pickles } = vectors<{ vectors: { pickle_b64: string; value: Typed }[] }>('pickle-read.json');
const small = pickles.filter(({ pickle_b64 }) => pickle_b64.length < 2000);

const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 3 });

function damaged(bytes: Buffer, all: readonly (readonly [number, number, number])[]): Buffer {
  return all.reduce((before, [place, byte, how]) => {
    const at = place % (before.length + 1);
    const rest = before.subarray(how === 0 ? at + 1 : at);
    return Buffer.concat([before.subarray(0, at), how === 2 ? Buffer.alloc(0) : Buffer.of(byte), rest]);
  }, bytes);
}

describe('damaged entries', () => {
  test('pickles of Python', () => {
    const one = fc.constantFrom(...small.map(({ pickle_b64 }) => Buffer.from(pickle_b64, 'base64')));
    fc.assert(
      fc.property(one, damage, (bytes, all) => void isRead(() => readPickle(damaged(bytes, all)))),
      { numRuns },
    );
  });

  test.each(ENTRY_FORMATS)('%s of ours', (format) => {
    const one = fc.constantFrom(...small.map(({ value }) => python(value) as Dict)).map((dict) => {
      try {
        return writeEntry(dict, format);
      } catch {
        return writeEntry(Dict.of([['n', 1]]), format);
      }
    });
    fc.assert(
      fc.property(one, damage, (bytes, all) => void isRead(() => readEntry(damaged(bytes, all)))),
      { numRuns },
    );
  });
});

describe('bombs', () => {
  const SECRET = 'dev';
  const signed = (payload: string) => {
    const text = `${payload}.ZVPxAA`;
    return `${text}.${signing('keys', SECRET, 'cookie-session').sign(text)}`;
  };
  const values = cookieValue({ keys: SECRET, epoch: 'unix' });

  test('a signed cookie that inflates to 100 MB is no session', () => {
    const bomb = deflateSync(Buffer.alloc(100_000_000, ' '), { level: 9 }).toString('base64url');
    expect(values.read(signed(`.${bomb.slice(0, 60_000)}`), 1_700_000_000, undefined)).toBeNull();
    const whole = signed(`.${deflateSync(Buffer.alloc(40_000_000, ' ')).toString('base64url')}`);
    const before = process.memoryUsage().arrayBuffers;
    expect(values.read(whole, 1_700_000_000, undefined)).toBeNull();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  test('a cookie of 1 MB is refused before anything is computed', () => {
    expect(values.read(signed('A'.repeat(1_000_000)), 1_700_000_000, undefined)).toBeNull();
    expect(flaskCookie({ secretKey: SECRET }).read('A'.repeat(1_000_000), 0)).toBeNull();
  });

  test.each([
    ['a hundred thousand lists inside each other', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['as many dicts', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['an int of a million digits', `{"a":${'9'.repeat(1_000_000)}}`],
  ])('JSON with %s', (_what, text) => {
    expect(isRead(() => readTaggedDict(text))).toBe(false);
    expect(isRead(() => readMsgspecJson(Buffer.from(text)))).toBe(false);
  });

  test('msgpack that promises four thousand million items', () => {
    for (const head of [
      [0x81, 0xa1, 0x61, 0xdd, 255, 255, 255, 255],
      [0xdf, 255, 255, 255, 255],
      [0x81, 0xa1, 0x61, 0xc6, 255, 255, 255, 255],
    ])
      expect(isRead(() => readEntry(Buffer.from(head)))).toBe(false);
    expect(isRead(() => readEntry(Buffer.alloc(MAX_BYTES, 0x81)))).toBe(false);
  });

  test('a pickle that uses one long key a hundred thousand times, or one long text', () => {
    const begin = Buffer.concat([
      Buffer.from([0x80, 4, 0x7d, 0x58]),
      Buffer.from([0, 0, 8, 0]),
      Buffer.alloc(0x80000, 'k'),
      Buffer.from([0x94, 0x30]),
    ]);
    const again = (step: number[]) =>
      Buffer.concat([begin, ...Array.from({ length: 100_000 }, () => Buffer.from(step)), Buffer.from('.')]);
    expect(isRead(() => readPickle(again([0x68, 0, 0x4e, 0x73])))).toBe(false);
    const list = Buffer.concat([
      begin,
      Buffer.from([0x8c, 1, 0x61, 0x5d, 0x28]),
      ...Array.from({ length: 100_000 }, () => Buffer.from([0x68, 0])),
      Buffer.from('es.'),
    ]);
    expect(isRead(() => readPickle(list))).toBe(false);
  });

  test('what contains itself cannot be written', () => {
    const list: Python[] = [];
    list.push(list);
    for (const format of ENTRY_FORMATS)
      expect(() => writeEntry(Dict.of([['a', list]]), format)).toThrow(
        expect.objectContaining({ code: 'SOJOURN_VALUE' }),
      );
  });
});

/**
 * Sessions that are rare and real: each was written by the real libraries (Python 3.11, Flask 3.1.3, msgspec 0.19), or is refused by
 * them. A visitor who has one is neither signed out, nor given what Python would not give him.
 */
import { describe, expect, test } from 'vitest';
import { python, shown } from '../../../test/interop/typed.js';
import { ENTRY_FORMATS, type EntryFormat, readEntry, writeEntry } from './entry.js';
import { fromPlain } from './from-plain.js';
import { DateTime, Dict, Markup, type Python, TimeDelta, Tuple } from './python.js';
import { readTagged, writeTagged } from './tagged-json.js';

const entry = (text: string, encoding: BufferEncoding = 'base64') => readEntry(Buffer.from(text, encoding));
const again = (dict: Dict, format: EntryFormat) => readEntry(writeEntry(dict, format));
/** And it is said why. */
const details = expect.objectContaining({ problem: expect.stringMatching(/\w{3}/) });
const corrupt = expect.objectContaining({ code: 'SOJOURN_CORRUPT', details });
const unwritable = expect.objectContaining({ code: 'SOJOURN_VALUE', details });

describe('dates', () => {
  test.each([
    [
      0,
      'KGRwMApWYXQKcDEKY2RhdGV0aW1lCmRhdGV0aW1lCnAyCihjX2NvZGVjcwplbmNvZGUKcDMKKFYH6AMBDB5cdTAwMDBcdTAwMDBcdTAwMDBcdTAwMDAKcDQKVmxhdGluMQpwNQp0cDYKUnA3CmNkYXRldGltZQp0aW1lem9uZQpwOAooY2RhdGV0aW1lCnRpbWVkZWx0YQpwOQooSTAKSTM2MDAKSTAKdHAxMApScDExClZDRVQKcDEyCnRwMTMKUnAxNAp0cDE1ClJwMTYKcy4=',
    ],
    [
      2,
      'gAJ9cQBYAgAAAGF0cQFjZGF0ZXRpbWUKZGF0ZXRpbWUKcQJjX2NvZGVjcwplbmNvZGUKcQNYCwAAAAfDqAMBDB4AAAAAcQRYBgAAAGxhdGluMXEFhnEGUnEHY2RhdGV0aW1lCnRpbWV6b25lCnEIY2RhdGV0aW1lCnRpbWVkZWx0YQpxCUsATRAOSwCHcQpScQtYAwAAAENFVHEMhnENUnEOhnEPUnEQcy4=',
    ],
    [
      4,
      'gASVZgAAAAAAAAB9lIwCYXSUjAhkYXRldGltZZSMCGRhdGV0aW1llJOUQwoH6AMBDB4AAAAAlGgCjAh0aW1lem9uZZSTlGgCjAl0aW1lZGVsdGGUk5RLAE0QDksAh5RSlIwDQ0VUlIaUUpSGlFKUcy4=',
    ],
  ])('datetime.now().astimezone(), whose timezone has a name, in protocol %i', (_protocol, pickle) => {
    const at = entry(pickle).get('at') as DateTime;
    expect(`${at}`).toBe('2024-03-01T12:30:00+01:00');
    for (const format of ['pickle', 'pickle-0', 'pickle-2'] as const)
      expect((again(Dict.of([['at', at]]), format).get('at') as DateTime).offset).toEqual(at.offset);
    expect(at.offset).toMatchObject({ name: 'CET' });
  });

  test('a name that is no text, and one argument too many, are refused', () => {
    const zone = (more: string) => `(dVa\ncdatetime\ntimezone\n(cdatetime\ntimedelta\n(I0\nI0\nI0\ntR${more}tRs.`;
    for (const more of ['I1\n', 'VCET\nVCET\n', 'N']) expect(() => entry(zone(more), 'latin1')).toThrow(corrupt);
  });

  test.each([
    ['datetime.min', 'Mon, 01 Jan 0001 00:00:00 GMT', '2001-01-01T00:00:00+00:00'],
    ['two digits of this century', 'Mon, 02 Jan 0068 00:00:00 GMT', '2068-01-02T00:00:00+00:00'],
    ['two digits of the last', 'Wed, 02 Jan 0069 00:00:00 GMT', '1969-01-02T00:00:00+00:00'],
    ['the last year with two digits', 'Thu, 31 Dec 0099 00:00:00 GMT', '1999-12-31T00:00:00+00:00'],
    ['the first with three', 'Fri, 01 Jan 0100 00:00:00 GMT', '0100-01-01T00:00:00+00:00'],
    ['the last with three', 'Tue, 01 Jan 0999 00:00:00 GMT', '0999-01-01T00:00:00+00:00'],
    ['the last of all', 'Fri, 31 Dec 9999 23:59:59 GMT', '9999-12-31T23:59:59+00:00'],
  ])("%s in Flask's cookie is the year that Flask reads", (_what, text, iso) => {
    const date = readTagged(JSON.stringify({ ' d': text }));
    expect(`${date}`).toBe(iso);
    expect(`${readTagged(writeTagged(date))}`).toBe(iso);
  });

  test.each([
    'Wed, 02 May 2018 03:51:29',
    'Wed, 2 May 2018 03:51:29 GMT',
    'Wed, 31 Feb 2018 03:51:29 GMT',
    'Wed, 02 May 2018 24:00:00 GMT',
    'Wed, 02 Mai 2018 03:51:29 GMT',
    'now',
    ' Wed, 02 May 2018 03:51:29 GMT',
    'Wed, 02 May 2018 03:51:29 GMT ',
  ])('a date in another form, %j, is no session', (text) => {
    expect(() => readTagged(JSON.stringify({ ' d': text }))).toThrow(corrupt);
  });

  test('a date that Flask would read as another one is not written', () => {
    for (const year of [1, 99]) {
      const date = python({ $: 'datetime', v: `${String(year).padStart(4, '0')}-12-31T00:00:00+00:00` });
      expect(() => writeTagged([date])).toThrow(unwritable);
    }
  });

  test('a birthday of 1900 in a pickle of Python 2, where bytes are text', () => {
    const birthday = (name: string, state: string) => entry(`(dVa\ncdatetime\n${name}\n(S'${state}'\ntRs.`, 'latin1');
    expect(`${birthday('date', '\\x07l\\x01\\x02').get('a')}`).toBe('1900-01-02');
    expect(`${birthday('datetime', '\\x07l\\x01\\x02\\x03\\x04\\x05\\x00\\x00\\x00').get('a')}`).toBe(
      '1900-01-02T03:04:05',
    );
    expect(() => birthday('date', '\\x07l\\x01')).toThrow(corrupt);
  });

  test.each([
    [1999, '1970-01-01T00:00:01.000002+00:00'],
    [1500, '1970-01-01T00:00:01.000002+00:00'],
    [1499, '1970-01-01T00:00:01.000001+00:00'],
    [999_999_999, '1970-01-01T00:00:02+00:00'],
  ])('%i nanoseconds in msgpack are rounded as msgspec rounds', (nanoseconds, iso) => {
    const both = (BigInt(nanoseconds) << 34n) | 1n;
    expect(`${entry(`81a161d7ff${both.toString(16).padStart(16, '0')}`, 'hex').get('a')}`).toBe(iso);
  });

  test('the last moment that Python has, and the one after', () => {
    const at = (nanoseconds: number, seconds: bigint) => {
      const bytes = Buffer.alloc(12);
      bytes.writeUInt32BE(nanoseconds);
      bytes.writeBigInt64BE(seconds, 4);
      return entry(`81a161c70cff${bytes.toString('hex')}`, 'hex').get('a');
    };
    expect(`${at(999_999_000, 253_402_300_799n)}`).toBe('9999-12-31T23:59:59.999999+00:00');
    expect(() => at(999_999_999, 253_402_300_799n)).toThrow(corrupt);
    expect(`${at(0, -62_135_596_800n)}`).toBe('0001-01-01T00:00:00+00:00');
    expect(() => at(0, -62_135_596_801n)).toThrow(corrupt);
    expect(() => at(1_000_000_000, 0n)).toThrow(corrupt);
  });

  test.each<[TimeDelta, string]>([
    [new TimeDelta(0, 0, 0), 'P0D'],
    [new TimeDelta(1, 0, 0), 'P1D'],
    [new TimeDelta(-1, 86_399, 0), '-PT1S'],
    [new TimeDelta(-1, 0, 1), '-PT86399.999999S'],
    [new TimeDelta(400, 3, 10), 'P400DT3.00001S'],
    [new TimeDelta(-1, 86_399, 999_999), '-PT0.000001S'],
  ])('timedelta %j is the text that msgspec writes, %s', (delta, text) => {
    for (const format of ['msgpack', 'json'] as const)
      expect(again(Dict.of([['a', delta]]), format).get('a')).toBe(text);
  });
});

describe('keys', () => {
  test('tuples as keys, which msgpack has as arrays, are tuples again', () => {
    const seats = entry('82a5736561747382920102a3616e6e92019202a178a3626f62a46e6f6e65819001', 'hex');
    expect(shown(seats)).toBe('{"none": {(): int 1},"seats": {(int 1,(int 2,"x")): "bob",(int 1,int 2): "ann"}}');
    expect(shown(again(seats, 'msgpack'))).toBe(shown(seats));
  });

  test('a dict as a key is refused, and so is one inside a tuple', () => {
    for (const hex of ['81a16181 8002', '81a16181 918002']) expect(() => entry(hex, 'hex')).toThrow(corrupt);
  });

  test('a key of Markup is the text that it is equal to', () => {
    const dict = entry('gASVNQAAAAAAAAB9lCiMCm1hcmt1cHNhZmWUjAZNYXJrdXCUk5SMAWGUhZSBlEsBjAFilGgDjAF4lIWUgZR1Lg==');
    dict.set('a', 2);
    expect(shown(dict)).toBe('{"a": int 2,"b": Markup "x"}');
    dict.set(new Markup('a'), 3);
    expect(dict.get('a')).toBe(3);
    expect(new Dict().get(new Markup('\0n'))).toBeUndefined();
  });

  const long = 'k'.repeat(5000);
  test('a key of five thousand characters is no session, in any format, and never another error', () => {
    expect(() => readTagged(`{"a":{"${long}":1}}`)).toThrow(corrupt);
    expect(() => entry(`{"${long}":1}`, 'latin1')).toThrow(corrupt);
    expect(() => entry(`(dV${long}\nNs.`, 'latin1')).toThrow(corrupt);
    expect(() => readEntry(Buffer.concat([Buffer.from('81da1388', 'hex'), Buffer.from(`${long}\x01`)]))).toThrow(
      corrupt,
    );
    expect(() => fromPlain({ deep: { [long]: 1 } })).toThrow(unwritable);
  });

  test.each<[string, Python, string]>([
    ['bytes', Buffer.from('k'), '{"a":{"aw==":1}}'],
    ['an aware datetime', DateTime.utc(1_577_836_800), '{"a":{"2020-01-01T00:00:00Z":1}}'],
    ['a whole float', python({ $: 'float', v: '2.0' }), '{"a":{"2.0":1}}'],
    ['an int', 7, '{"a":{"7":1}}'],
  ])('%s as a key is in JSON what msgspec makes of it', (_what, key, json) => {
    expect(writeEntry(Dict.of([['a', Dict.of([[key, 1]])]]), 'json').toString()).toBe(json);
  });

  test.each<[string, Python]>([
    ['None', null],
    ['True', true],
    ['a tuple', new Tuple([1])],
  ])('%s as a key is what msgspec answers with a 500, in JSON', (_what, key) => {
    expect(() => writeEntry(Dict.of([['a', Dict.of([[key, 1]])]]), 'json')).toThrow(unwritable);
  });
});

describe('numbers', () => {
  const nines = '9'.repeat(4300);

  test('an int of 4300 digits, with a sign or without, is the last that Python reads', () => {
    for (const digits of [nines, `-${nines}`]) {
      expect(readTagged(digits)).toBe(BigInt(digits));
      expect(entry(`(dVa\nL${digits}L\ns.`, 'latin1').get('a')).toBe(BigInt(digits));
    }
    for (const digits of [`${nines}9`, `-${nines}9`]) {
      expect(() => readTagged(digits)).toThrow(corrupt);
      expect(() => entry(`(dVa\nL${digits}L\ns.`, 'latin1')).toThrow(corrupt);
    }
  });

  test.each(ENTRY_FORMATS)('%s: what nobody could read back is not written', (format) => {
    for (const sign of [1n, -1n])
      expect(() => writeEntry(Dict.of([['a', sign * 10n ** 4300n]]), format)).toThrow(unwritable);
  });

  test("nor is it in Flask's cookie", () => {
    expect(() => writeTagged(10n ** 4300n)).toThrow(unwritable);
    expect(() => writeTagged(-(10n ** 4300n))).toThrow(unwritable);
    const last = 10n ** 4300n - 1n;
    for (const one of [last, -last]) {
      expect(readTagged(writeTagged(one))).toBe(one);
      for (const format of ['pickle', 'pickle-0', 'pickle-2', 'json'] as const)
        expect(again(Dict.of([['a', one]]), format).get('a')).toBe(one);
    }
  });

  test('nor read from the bytes of a pickle', () => {
    const long = (bytes: number, last: number) =>
      Buffer.concat([
        Buffer.from('80047d8c0161 8b'.replace(' ', ''), 'hex'),
        Buffer.from([bytes & 255, bytes >> 8, 0, 0]),
        Buffer.alloc(bytes - 1),
        Buffer.from([last]),
        Buffer.from('s.'),
      ]);
    expect(shown(readEntry(long(1786, 2)).get('a')!)).toBe(`int ${2n ** 14281n}`);
    for (const [bytes, last] of [
      [1786, 127],
      [1786, 128],
      [1787, 1],
      [1788, 0],
    ] as const)
      expect(() => readEntry(long(bytes, last)), `${bytes} ${last}`).toThrow(corrupt);
  });

  test('a Decimal may have an exponent of ten digits', () => {
    const pickle = 'gASVMgAAAAAAAAB9lIwBYZSMB2RlY2ltYWyUjAdEZWNpbWFslJOUjA0xRSs5OTk5OTk5OTk5lIWUUpRzLg==';
    expect(shown(entry(pickle))).toBe('{"a": Decimal 1E+9999999999}');
  });

  test.each(['NaN', 'Infinity', '-Infinity', '1e400', '-1e400', '"\\ud800"', '"x\\udfff"'])(
    "%s is in Flask's cookie, and never in an entry of msgspec's JSON",
    (text) => {
      readTagged(text);
      expect(() => entry(`{"a":${text}}`, 'latin1')).toThrow(corrupt);
    },
  );

  test('-0 is an int in JSON, -0.0 a float', () => {
    expect(shown(readTagged('[-0,-0.0]'))).toBe('[int 0,float -0.0]');
  });
});

/** MessagePack head by head: what each reads as, what is refused and why, and the form that msgspec 0.19 writes for each value. */
import { describe, expect, test } from 'vitest';
import { python, shown, type Typed } from '../../../test/interop/typed.js';
import { readMsgpack } from './msgpack-read.js';
import { writeMsgpack } from './msgpack-write.js';
import { DateTime, Dict, type Python } from './python.js';

const read = (hex: string) => shown(readMsgpack(Buffer.from(`81a161${hex}`, 'hex')).get('a')!);
const written = (value: Python) =>
  writeMsgpack(Dict.of([['a', value]]))
    .toString('hex')
    .slice(6);
const refused = (problem: RegExp) =>
  expect.objectContaining({
    code: 'SOJOURN_CORRUPT',
    details: expect.objectContaining({ problem: expect.stringMatching(problem) }),
  });

describe('reading', () => {
  test.each([
    ['00', 'int 0'],
    ['7f', 'int 127'],
    ['e0', 'int -32'],
    ['ff', 'int -1'],
    ['c0', 'None'],
    ['c2', 'False'],
    ['c3', 'True'],
    ['80', '{}'],
    ['8101c0', '{int 1: None}'],
    ['90', '[]'],
    ['92c0c3', '[None,True]'],
    ['a0', '""'],
    ['a3c3a941', '"éA"'],
    ['c400', 'bytes '],
    ['c40201ff', 'bytes 01ff'],
    ['c500020102', 'bytes 0102'],
    ['c600000002ff00', 'bytes ff00'],
    ['ca3fc00000', 'float 1.5'],
    ['cb3ff8000000000000', 'float 1.5'],
    ['cb7ff8000000000000', 'float NaN'],
    ['cc80', 'int 128'],
    ['cd0100', 'int 256'],
    ['ce00010000', 'int 65536'],
    ['ceffffffff', 'int 4294967295'],
    ['cf0000000100000000', 'int 4294967296'],
    ['cfffffffffffffffff', 'int 18446744073709551615'],
    ['d080', 'int -128'],
    ['d1ff00', 'int -256'],
    ['d2ffff0000', 'int -65536'],
    ['d38000000000000000', 'int -9223372036854775808'],
    ['d30020000000000001', 'int 9007199254740993'],
    ['d90141', '"A"'],
    ['da000141', '"A"'],
    ['db0000000141', '"A"'],
    ['dc0002c0c0', '[None,None]'],
    ['dd00000001c0', '[None]'],
    ['de000101c0', '{int 1: None}'],
    ['df0000000101c0', '{int 1: None}'],
    ['d6ff00000001', 'DateTime 1970-01-01T00:00:01+00:00'],
    ['d6ffffffffff', 'DateTime 2106-02-07T06:28:15+00:00'],
    ['d7ff00000fa000000001', 'DateTime 1970-01-01T00:00:01.000001+00:00'],
    ['d7ff00000fa3ffffffff', 'DateTime 2514-05-30T01:53:03.000001+00:00'],
    ['d7ff0000000100000000', 'DateTime 2106-02-07T06:28:16+00:00'],
    ['c704ff00000001', 'DateTime 1970-01-01T00:00:01+00:00'],
    ['c80004ff00000001', 'DateTime 1970-01-01T00:00:01+00:00'],
    ['c900000004ff00000001', 'DateTime 1970-01-01T00:00:01+00:00'],
    ['c70cff1dcd6500ffffffffffffffff', 'DateTime 1969-12-31T23:59:59.500000+00:00'],
    ['82a162c0a162c3', '{"b": True}'],
  ])('%s is %s', (hex, value) => {
    expect(read(hex)).toBe(value);
  });

  test.each<[string, RegExp]>([
    ['', /ends too early/],
    ['a2c3', /ends too early/],
    ['92c0', /ends too early/],
    ['8101', /ends too early/],
    ['cd01', /ends too early/],
    ['cb3ff80000', /ends too early/],
    ['c402ff', /ends too early/],
    ['ddffffffff', /ends too early/],
    ['dfffffffff', /ends too early/],
    ['c6ffffffff00', /ends too early/],
    ['d6ff0000', /ends too early/],
    ['c1', /a byte that means nothing/],
    ['a1ff', /no UTF-8/],
    ['a3eda080', /no UTF-8/],
    ['d40500', /an extension that Flask-Session does not write/],
    ['d60000000001', /an extension that Flask-Session does not write/],
    ['d4ff00', /a timestamp of no known length/],
    ['d5ff0000', /a timestamp of no known length/],
    ['d8ff00000000000000000000000000000000', /a timestamp of no known length/],
    ['c700ff', /a timestamp of no known length/],
    ['d7ffee6b280000000001', /a timestamp that is no date/],
    ['c70cff000000007fffffffffffffff', /a timestamp that is no date/],
    ['c70cff000000008000000000000000', /a timestamp that is no date/],
    ['818001', /has no hash/],
    ['c0c0', /more behind its msgpack/],
  ])('%s is refused, and it is said why', (hex, problem) => {
    expect(() => read(hex)).toThrow(refused(problem));
  });

  test.each(['c0', '90', '05', 'a0'])('%s alone is no dict', (hex) => {
    expect(() => readMsgpack(Buffer.from(hex, 'hex'))).toThrow(refused(/is no dict/));
  });

  test('bytes are a copy: who changes them changes no entry', () => {
    const entry = Buffer.from('81a161c40101', 'hex');
    const value = readMsgpack(entry).get('a') as Uint8Array;
    value[0] = 9;
    expect(entry.toString('hex')).toBe('81a161c40101');
  });
});

describe('writing', () => {
  const many = (head: string, each: string, count: number) => head + each.repeat(count);

  test.each<[Typed, string]>([
    [null, 'c0'],
    [true, 'c3'],
    [false, 'c2'],
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65_535, 'cdffff'],
    [65_536, 'ce00010000'],
    [2 ** 32 - 1, 'ceffffffff'],
    [2 ** 32, 'cf0000000100000000'],
    [{ $: 'int', v: '18446744073709551615' }, 'cfffffffffffffffff'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-128, 'd080'],
    [-129, 'd1ff7f'],
    [-32_768, 'd18000'],
    [-32_769, 'd2ffff7fff'],
    [-(2 ** 31), 'd280000000'],
    [-(2 ** 31) - 1, 'd3ffffffff7fffffff'],
    [{ $: 'int', v: '-9223372036854775808' }, 'd38000000000000000'],
    [{ $: 'float', v: '1.0' }, 'cb3ff0000000000000'],
    [{ $: 'float', v: '-0.0' }, 'cb8000000000000000'],
    ['', 'a0'],
    ['x'.repeat(31), many('bf', '78', 31)],
    ['x'.repeat(32), many('d920', '78', 32)],
    ['x'.repeat(255), many('d9ff', '78', 255)],
    ['x'.repeat(256), many('da0100', '78', 256)],
    ['x'.repeat(65_535), many('daffff', '78', 65_535)],
    ['x'.repeat(65_536), many('db00010000', '78', 65_536)],
    ['é', 'a2c3a9'],
    [{ $: 'bytes', v: '' }, 'c400'],
    [{ $: 'bytes', v: Buffer.alloc(255).toString('base64') }, many('c4ff', '00', 255)],
    [{ $: 'bytes', v: Buffer.alloc(256).toString('base64') }, many('c50100', '00', 256)],
    [{ $: 'bytes', v: Buffer.alloc(65_536).toString('base64') }, many('c600010000', '00', 65_536)],
    [{ $: 'bytearray', v: '/w==' }, 'c401ff'],
    [Array(15).fill(null), many('9f', 'c0', 15)],
    [Array(16).fill(null), many('dc0010', 'c0', 16)],
    [Array(65_535).fill(null), many('dcffff', 'c0', 65_535)],
    [Array(65_536).fill(null), many('dd00010000', 'c0', 65_536)],
    [{ $: 'tuple', v: [1, 2] }, '920102'],
    [{ $: 'set', v: [1] }, '9101'],
    [{ $: 'dict', v: [[{ $: 'tuple', v: [1] }, 2]] }, '81910102'],
    [
      { $: 'uuid', v: '00000000-0000-0000-0000-000000000001' },
      `d924${Buffer.from('00000000-0000-0000-0000-000000000001').toString('hex')}`,
    ],
    [{ $: 'decimal', v: '1.5' }, 'a3312e35'],
    [{ $: 'timedelta', v: [0, 5, 0] }, 'a450543553'],
    [{ $: 'datetime', v: '2020-01-01T00:00:00' }, `b3${Buffer.from('2020-01-01T00:00:00').toString('hex')}`],
    [{ $: 'datetime', v: '1970-01-01T00:00:01+00:00' }, 'd6ff00000001'],
    [{ $: 'datetime', v: '2106-02-07T06:28:15+00:00' }, 'd6ffffffffff'],
    [{ $: 'datetime', v: '2106-02-07T06:28:16+00:00' }, 'd7ff0000000100000000'],
    [{ $: 'datetime', v: '1970-01-01T00:00:01.000001+00:00' }, 'd7ff00000fa000000001'],
    [{ $: 'datetime', v: '2514-05-30T01:53:03+00:00' }, 'd7ff00000003ffffffff'],
    [{ $: 'datetime', v: '2514-05-30T01:53:04+00:00' }, 'c70cff000000000000000400000000'],
    [{ $: 'datetime', v: '1969-12-31T23:59:59.500000+00:00' }, 'c70cff1dcd6500ffffffffffffffff'],
    [{ $: 'datetime', v: '1970-01-01T01:00:01+01:00' }, 'd6ff00000001'],
  ])('value %#', (typed, hex) => {
    expect(written(python(typed))).toBe(hex);
  });

  test.each([
    [15, '8f'],
    [16, 'de0010'],
    [65_536, 'df00010000'],
  ])('a dict of %i', (size, head) => {
    const dict = Dict.of(Array.from({ length: size }, (_, i) => [i, null] as const));
    expect(writeMsgpack(dict).toString('hex').startsWith(head)).toBe(true);
    expect(readMsgpack(writeMsgpack(dict)).size).toBe(size);
  });

  test.each<[Typed, RegExp, string]>([
    [[{ $: 'markup', v: 'x' }], /msgspec.* has no form for it/, '.a[0]'],
    [{ b: { $: 'int', v: '18446744073709551616' } }, /more than 64 bits/, '.a.b'],
    [{ $: 'int', v: '-9223372036854775809' }, /more than 64 bits/, '.a'],
    [{ $: 'str16', v: [0xd800] }, /half of a surrogate pair/, '.a'],
  ])('refused, with its place and why (%#)', (typed, problem, path) => {
    expect(() => written(python(typed))).toThrow(
      expect.objectContaining({
        code: 'SOJOURN_VALUE',
        details: { path, problem: expect.stringMatching(problem) },
      }),
    );
  });

  test('an aware datetime comes back in UTC, the same moment', () => {
    const value = readMsgpack(
      writeMsgpack(Dict.of([['a', python({ $: 'datetime', v: '2020-01-01T00:00:00.000010-11:00' })]])),
    );
    expect(`${value.get('a')}`).toBe('2020-01-01T11:00:00.000010+00:00');
    expect(value.get('a')).toBeInstanceOf(DateTime);
  });
});

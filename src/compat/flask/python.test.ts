/**
 * The values of Python: as keys, as text, and that each type comes back from a pickle of ours as itself.
 */
import { describe, expect, test } from 'vitest';
import { readPickle } from './pickle-read.js';
import { writePickle } from './pickle-write.js';
import {
  ByteArray,
  CalendarDate,
  DateTime,
  Decimal,
  Dict,
  Float,
  Markup,
  NamedOffset,
  type Python,
  PythonSet,
  TimeDelta,
  Tuple,
  Unhashable,
  UTC,
  Uuid,
} from './python.js';
import { writeTagged } from './tagged-json.js';

const ID = '4d212aca1dea4b7f9798363fba454706';
const date = new CalendarDate(2026, 2, 28);
const noon = { hour: 12, minute: 0, second: 5, microsecond: 0, fold: false };
const set = (...items: Python[]) => new PythonSet(items, true);

describe('a dict', () => {
  test.each<[string, Python, Python]>([
    ['1 and 1.0', 1, new Float(1)],
    ['1 and True', 1, true],
    ['2**60 and its float', 2n ** 60n, new Float(2 ** 60)],
    ['text and Markup', 'a', new Markup('a')],
    ['text and Markup in a tuple', new Tuple(['a']), new Tuple([new Markup('a')])],
    ['frozensets in another order', set(1, 'a'), set('a', 1)],
    ['equal bytes', Buffer.of(1, 2), new Uint8Array([1, 2])],
  ])('holds %s to be one key', (_, first, second) => {
    const dict = Dict.of([
      [first, 'first'],
      [second, 'second'],
    ]);
    expect(dict.size).toBe(1);
    expect([...dict.entries()][0]![0]).toEqual(first);
    expect([dict.get(first), dict.has(second)]).toEqual(['second', true]);
    dict.delete(second);
    expect([dict.size, dict.has(first)]).toEqual([0, false]);
  });

  test('holds all of these to be keys of their own, also in a copy', () => {
    const keys: Python[] = [
      ...['a', 'b', '\0n', '\0sa', 'a\0', '1', 'None', 's1', ''],
      ...[null, 0, 1, 2n ** 60n, new Float(0.5), new Float(1.5)],
      ...[
        Buffer.of(1),
        Buffer.of(2),
        new Tuple([]),
        new Tuple([1]),
        new Tuple(['1']),
        set(),
        set(1),
        set(new Tuple([1])),
      ],
      ...[new Uuid(ID), new Uuid(ID.replace('4', '5')), new Decimal('1'), new Decimal('1.0')],
      ...[date, new CalendarDate(2026, 2, 27), new DateTime(date, noon, null), new DateTime(date, noon, UTC)],
      ...[new TimeDelta(1, 0, 0), new TimeDelta(0, 1, 0), new TimeDelta(0, 0, 1)],
    ];
    const dict = Dict.of(keys.map((key, n) => [key, n]));
    expect(dict.copy().size).toBe(keys.length);
    for (const [n, key] of keys.entries()) expect(dict.copy().get(key)).toBe(n);
  });

  test('takes no key that Python could not hash, and none that is absurdly long', () => {
    const tuple = (count: number) => new Tuple(Array.from({ length: count }, () => 1));
    const refused: Python[] = [
      ...[[], new Dict(), new PythonSet([], false), new ByteArray(Buffer.of(1)), new Tuple([[]])],
      ...['x'.repeat(4097), Buffer.alloc(4097), tuple(64), set(...Array.from({ length: 64 }, (_, n) => n))],
    ];
    for (const key of refused) expect(() => Dict.of([[key, 1]])).toThrow(Unhashable);
    for (const key of ['x'.repeat(4096), Buffer.alloc(4094), tuple(63)]) expect(Dict.of([[key, 1]]).size).toBe(1);
  });
});

describe('as text', () => {
  test.each<[string, { toString(): string }]>([
    ['4d212aca-1dea-4b7f-9798-363fba454706', new Uuid(ID)],
    ['2026-02-28', date],
    ['0099-02-28', new CalendarDate(99, 2, 28)],
    ['2026-02-28T12:00:05', new DateTime(date, noon, null)],
    ['2026-02-28T12:00:05.000007+00:00', new DateTime(date, { ...noon, microsecond: 7 }, UTC)],
    ['2026-02-28T12:00:05-05:30', new DateTime(date, noon, new TimeDelta(-1, 86_400 - 19_800, 0))],
    ['2026-02-28T12:00:05+00:00:09', new DateTime(date, noon, new TimeDelta(0, 9, 0))],
  ])('%s', (text, value) => {
    expect(`${value}`).toBe(text);
  });

  test('a moment of UTC', () => {
    const moment = DateTime.utc(1_772_280_005, 3);
    expect(`${moment}`).toBe('2026-02-28T12:00:05.000003+00:00');
    expect([moment.epochSeconds, moment.time.fold]).toEqual([1_772_280_005, false]);
  });
});

describe.each([0, 2, 4] as const)('a pickle of protocol %i', (protocol) => {
  const plus = new TimeDelta(0, 19_800, 0);
  test.each<[string, Python]>([
    ['Markup', new Markup('<b>é</b>')],
    ['a UUID', new Uuid(ID)],
    ['a UUID that begins with zeros', new Uuid('00000000000000000000000000000001')],
    ['a Decimal', new Decimal('1.10')],
    ['a date', date],
    ['a datetime', new DateTime(date, { ...noon, microsecond: 999_999 }, null)],
    ['a datetime of UTC', new DateTime(date, noon, UTC)],
    ['a datetime of an offset', new DateTime(date, noon, plus)],
    ['a datetime of a named offset', new DateTime(date, noon, new NamedOffset(plus, 'IST'))],
    ['a timedelta', new TimeDelta(-3, 5, 7)],
    ['a bytearray', new ByteArray(new Uint8Array([0, 127, 128, 255]))],
    ['bytes', Buffer.of(0, 127, 128, 255)],
    ['no bytes', Buffer.alloc(0)],
    ['a set', new PythonSet([1, 'a'], false)],
    ['a frozenset', set(1, 'a')],
    ['an empty text', ''],
    ['0', 0],
    ['-0x80000000', -0x80000000],
    ['floats', [new Float(-0.5), new Float(Number.NEGATIVE_INFINITY), new Float(1e300)]],
  ])('brings back %s', (_, value) => {
    const back = readPickle(writePickle(Dict.of([['a', value]]), protocol)).get('a')!;
    if (value instanceof Uint8Array) expect([...(back as Uint8Array)]).toEqual([...value]);
    else if (value instanceof PythonSet) expect([back, (back as PythonSet).items]).toEqual([value, value.items]);
    else expect(back).toEqual(value);
    expect(Object.getPrototypeOf(back) === Object.getPrototypeOf(value) || value instanceof Uint8Array).toBe(true);
  });
});

describe('tagged JSON', () => {
  test('sorts keys that are numbers by size, whatever kind of number they are', () => {
    const keys: Python[] = [10, 2n ** 64n, new Float(2.5), -1, true, -(2n ** 64n), 2n ** 64n + 1n];
    expect(writeTagged(Dict.of(keys.map((key) => [key, 0])))).toBe(
      '{"-18446744073709551616":0,"-1":0,"true":0,"2.5":0,"10":0,"18446744073709551616":0,"18446744073709551617":0}',
    );
  });
});

describe('a Decimal in a pickle', () => {
  const read = (text: string) => readPickle(writePickle(Dict.of([['a', new Decimal(text)]]), 4)).get('a');
  const good = '0 -0 +7 12.5 12. .25 -.125 1e5 1E+19 2.50e-6 NaN sNaN -NaN12 -sNaN Infinity -Infinity'.split(' ');
  test.each([...good, '9'.repeat(100)])('%s is what Python writes', (text) => {
    expect(read(text)).toEqual(new Decimal(text));
  });

  test.each([
    '',
    '.',
    '1.2.3',
    'x1',
    '1x',
    'NaN1x',
    'nan',
    '--1',
    '+NaN',
    '1e',
    '1e+',
    `1e${'1'.repeat(20)}`,
    ' 1',
    '1\n',
  ])('%j is not', (text) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'SOJOURN_CORRUPT' }));
  });
});

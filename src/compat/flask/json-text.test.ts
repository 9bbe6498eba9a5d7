/** JSON as Python has it, where it is not JSON: what is read, what is refused and why, and how numbers and keys are written. */
import { describe, expect, test } from 'vitest';
import { python, shown } from '../../../test/interop/typed.js';
import { readEntry, writeEntry } from './entry.js';
import {
  CalendarDate,
  DateTime,
  Decimal,
  Dict,
  Float,
  Markup,
  type Python,
  PythonSet,
  TimeDelta,
  Tuple,
} from './python.js';
import { floatText, int } from './python-numbers.js';
import { readTagged, readTaggedDict, writeTagged } from './tagged-json.js';

const refused = (code: string, problem: RegExp, path = /^/) =>
  expect.objectContaining({
    code,
    details: expect.objectContaining({
      problem: expect.stringMatching(problem),
      ...(code === 'SOJOURN_VALUE' && { path: expect.stringMatching(path) }),
    }),
  });

describe('reading', () => {
  test.each<[string, RegExp]>([
    ['', /is broken/],
    ['   ', /is broken/],
    ['nul', /is broken/],
    ['nan', /is broken/],
    ['-', /is broken/],
    ['-Infinit', /is broken/],
    ['.5', /is broken/],
    ['+1', /is broken/],
    ["'a'", /is broken/],
    ['[1 2]', /is broken/],
    ['[1,]', /is broken/],
    ['[1', /is broken/],
    ['{"a" 1}', /is broken/],
    ['{"a":1 "b":2}', /is broken/],
    ['{"a":1,}', /is broken/],
    ['{a:1}', /is broken/],
    ['{1:1}', /is broken/],
    ['{"a":1', /is broken/],
    ['01', /more behind its JSON/],
    ['1.', /more behind its JSON/],
    ['1e', /more behind its JSON/],
    ['{} {}', /more behind its JSON/],
    ['[]]', /more behind its JSON/],
    ['"abc', /string without end/],
    ['"a\nn"', /string without end/],
    ['"a\u0000n"', /string without end/],
    ['"a\\', /escape that there is not/],
    ['"\\x41"', /escape that there is not/],
    ['"\\\'"', /escape that there is not/],
    ['"\\U0041"', /escape that there is not/],
    ['"\\u12"', /half an escape/],
    ['"\\u12', /half an escape/],
    ['"\\uzz41"', /half an escape/],
    ['"\\u004z"', /half an escape/],
    ['"\\u 041"', /half an escape/],
  ])('%j is refused, and it is said why', (text, problem) => {
    expect(() => readTagged(text)).toThrow(refused('SOJOURN_CORRUPT', problem));
  });

  test.each<[string, string]>([
    ['"\\u00e9\\u00E9\\u004112"', '"ééA12"'],
    ['"\\"\\\\\\/\\b\\f\\n\\r\\t"', JSON.stringify('"\\/\b\f\n\r\t')],
    ['"\u007f\u2028"', JSON.stringify('\u007f\u2028')],
    [
      ' [ 1 , -2 , 3.5 , 1e2 , 1E+2 , 1e-2 , 0 , -0 ] ',
      '[int 1,int -2,float 3.5,float 100.0,float 100.0,float 0.01,int 0,int 0]',
    ],
    ['\t\r\n{ "a" : [ ] , "b" : { } }\n', '{"a": [],"b": {}}'],
    ['[NaN,Infinity,-Infinity,null,true,false]', '[float NaN,float Infinity,float -Infinity,None,True,False]'],
    ['{"a":1,"b":2,"a":3}', '{"a": int 3,"b": int 2}'],
    [
      '[999999999999999,9999999999999999,-9007199254740991,9007199254740993]',
      '[int 999999999999999,int 9999999999999999,int -9007199254740991,int 9007199254740993]',
    ],
    ['1e400', 'float Infinity'],
  ])('%j', (text, value) => {
    expect(shown(readTagged(text))).toBe(value);
  });

  test.each<[string, RegExp]>([
    ['{" t":1}', /something else/],
    ['{" di":1}', /something else/],
    ['{" di":{}}', /something else/],
    ['{" di":{" t__":1,"b__":2}}', /something else/],
    ['{" m":1}', /something else/],
    ['{" b":["QQ=="]}', /something else/],
    ['{" b":"QQ"}', /no base64/],
    ['{" b":"QR=="}', /no base64/],
    ['{" b":"Q Q=="}', /no base64/],
    [`{" u":"${'a'.repeat(31)}"}`, /no UUID/],
    [`{" u":"${'a'.repeat(33)}"}`, /no UUID/],
    [`{" u":"x${'a'.repeat(32)}"}`, /no UUID/],
    [`{" u":"${'A'.repeat(32)}"}`, /no UUID/],
    ['{" d":"tomorrow"}', /a date in another form/],
  ])('the tag %s is refused, and it is said why', (text, problem) => {
    expect(() => readTagged(text)).toThrow(refused('SOJOURN_CORRUPT', problem));
  });

  test('a session is a dict: not a list, not a tag', () => {
    for (const text of ['[]', '1', '{" t":[]}', 'null'])
      expect(() => readTaggedDict(text)).toThrow(refused('SOJOURN_CORRUPT', /it is no dict/));
    expect(shown(readTaggedDict('{" di":{" t__":[1]}}'))).toBe('{" t": [int 1]}');
    expect(shown(readTagged('{" di":{"a😀b":1}}'))).toBe('{"a": int 1}');
    expect(shown(readTagged('{" t":[1],"a":2}'))).toBe('{" t": [int 1],"a": int 2}');
  });
});

describe('writing', () => {
  test.each<[number, string]>([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-1.5, '-1.5'],
    [10, '10.0'],
    [0.5, '0.5'],
    [123456789.123, '123456789.123'],
    [0.0001, '0.0001'],
    [0.00012, '0.00012'],
    [0.00001, '1e-05'],
    [-0.000012, '-1.2e-05'],
    [1e15, '1000000000000000.0'],
    [9999999999999998, '9999999999999998.0'],
    [1e16, '1e+16'],
    [1.5e16, '1.5e+16'],
    [1e100, '1e+100'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
  ])('the float %d is %s', (value, text) => {
    expect(floatText(value)).toBe(text);
    expect(writeTagged(new Float(value))).toBe(text);
    expect(readTagged(text)).toEqual(new Float(value));
  });

  test('an int is a number up to 2^53, and exact beyond', () => {
    const most = Number.MAX_SAFE_INTEGER;
    for (const value of [most, -most]) expect(int(BigInt(value))).toBe(value);
    for (const value of [BigInt(most) + 1n, -BigInt(most) - 1n]) expect(int(value)).toBe(value);
    expect(writeTagged([2n ** 64n, -(2n ** 64n), most])).toBe(`[${2n ** 64n},-${2n ** 64n},${most}]`);
  });

  test.each<[string, readonly Python[], string]>([
    [
      'by size among numbers, true being 1',
      [10, new Float(2.5), true, 2n ** 60n, -3, 2],
      `-3 true 2 2.5 10 ${2n ** 60n}`,
    ],
    ['by code point among texts', ['\ue000', '😀', 'b', 'a', 'aa', ''], ' a aa b \ue000 😀'],
    [
      'words where there is no number',
      [new Float(Number.POSITIVE_INFINITY), new Float(1), new Float(Number.NEGATIVE_INFINITY)],
      '-Infinity 1.0 Infinity',
    ],
    ['one of None', [null], 'null'],
    ['one of False', [false], 'false'],
  ])('keys: %s', (_what, keys, order) => {
    for (const some of [keys, [...keys].reverse()]) {
      const written = JSON.parse(
        `[${writeTagged(Dict.of(some.map((key) => [key, 0])))
          .slice(1, -1)
          .replaceAll('":0', '"')}]`,
      ) as string[];
      expect(written.join(' ')).toBe(order);
    }
  });

  test.each<[Python, RegExp, RegExp]>([
    [
      Dict.of([
        ['a', 1],
        [1, 2],
      ]),
      /keys are of different types/,
      /^$/,
    ],
    [
      [
        Dict.of([
          [null, 1],
          [1, 2],
        ]),
      ],
      /keys are of different types/,
      /^\[0\]$/,
    ],
    [
      Dict.of([
        [null, 1],
        ['a', 2],
      ]),
      /keys are of different types/,
      /^$/,
    ],
    [Dict.of([['a', Dict.of([[new Tuple([1]), 1]])]]), /a key that JSON has no form for/, /^\.a$/],
    [Dict.of([[new Uint8Array(1), 1]]), /a key that JSON has no form for/, /^$/],
    [Dict.of([['a', [1, new PythonSet([], false)]]]), /JSON has no form for it/, /^\.a\[1\]$/],
    [new Tuple([new TimeDelta(1, 0, 0)]), /JSON has no form for it/, /\[0\]$/],
    [
      Dict.of([
        [
          'a',
          Dict.of([
            [' t', new Float(1)],
            [
              'b',
              new DateTime(
                new CalendarDate(9999, 12, 31),
                { hour: 23, minute: 0, second: 0, microsecond: 0, fold: false },
                new TimeDelta(-1, 68_400, 0),
              ),
            ],
          ]),
        ],
      ]),
      /years from 100 to 9999/,
      /^\.a\.b$/,
    ],
    [Dict.of([[' t', [new CalendarDate(99, 1, 1)]]]), /years from 100 to 9999/, /^\. t\[0\]$/],
  ])('refused, with its place and why (%#)', (value, problem, path) => {
    expect(() => writeTagged(value)).toThrow(refused('SOJOURN_VALUE', problem, path));
  });

  test('whatever is no printable ASCII is escaped, unit by unit', () => {
    expect(writeTagged('a"\\\b\f\n\r\t/<\u0001\u007f\u0080é\u2028😀\ud800 ~')).toBe(
      '"a\\"\\\\\\b\\f\\n\\r\\t/<\\u0001\\u007f\\u0080\\u00e9\\u2028\\ud83d\\ude00\\ud800 ~"',
    );
  });

  test('what only looks like a tag is wrapped, at any depth; two keys are no tag', () => {
    const nested = Dict.of([['a', Dict.of([[' t', [1]]])]]);
    expect(writeTagged(nested)).toBe('{"a":{" di":{" t__":[1]}}}');
    expect(
      writeTagged(
        Dict.of([
          [' t', 1],
          [' u', 2],
        ]),
      ),
    ).toBe('{" t":1," u":2}');
    for (const key of [' di', ' t', ' b', ' m', ' u', ' d']) {
      const one = Dict.of([[key, Dict.of([[key, new Tuple([])]])]]);
      expect(shown(readTagged(writeTagged(one)))).toBe(shown(one));
    }
  });

  test('a Decimal and a date are text there, as Flask writes them', () => {
    expect(writeTagged([new Decimal('1.50'), new CalendarDate(2018, 5, 2), new Markup('<b>')])).toBe(
      '["1.50","Wed, 02 May 2018 00:00:00 GMT",{" m":"<b>"}]',
    );
  });
});

describe("msgspec's JSON", () => {
  const write = (value: Python) => writeEntry(Dict.of([['a', value]]), 'json').toString();

  test.each<[Python, string]>([
    [null, 'null'],
    [[true, false], '[true,false]'],
    [[1, 2n ** 70n], `[1,${2n ** 70n}]`],
    ['é\n"', '"é\\n\\""'],
    [new Float(2), '2.0'],
    [Buffer.from('hi'), '"aGk="'],
    [new Tuple([1, new Tuple([])]), '[1,[]]'],
    [new PythonSet([1], false), '[1]'],
    [Dict.of([]), '{}'],
    [
      Dict.of([
        ['x', 1],
        ['y', 2],
      ]),
      '{"x":1,"y":2}',
    ],
    [python({ $: 'bytearray', v: 'aGk=' }), '"aGk="'],
    [python({ $: 'uuid', v: '4d212aca-1dea-4b7f-9798-363fba454706' }), '"4d212aca-1dea-4b7f-9798-363fba454706"'],
    [python({ $: 'datetime', v: '2020-01-01T00:00:00+00:00' }), '"2020-01-01T00:00:00Z"'],
    [python({ $: 'datetime', v: '2020-01-01T00:00:00+05:30' }), '"2020-01-01T00:00:00+05:30"'],
    [python({ $: 'datetime', v: '2020-01-01T00:00:00.000010' }), '"2020-01-01T00:00:00.000010"'],
    [new CalendarDate(33, 1, 2), '"0033-01-02"'],
    [new Decimal('1E+5'), '"1E+5"'],
  ])('value %#', (value, text) => {
    expect(write(value)).toBe(`{"a":${text}}`);
  });

  test.each<[Python, RegExp, RegExp]>([
    [[new Markup('x')], /no form for it/, /^\.a\[0\]$/],
    [new Float(Number.NaN), /msgspec would turn into null/, /^\.a$/],
    [new Tuple([new Float(Number.POSITIVE_INFINITY)]), /msgspec would turn into null/, /^\.a\[0\]$/],
    ['\ud800', /half of a surrogate pair/, /^\.a$/],
    [Dict.of([['\ud800', 1]]), /half of a surrogate pair/, /^\.a$/],
    [Dict.of([[new Float(Number.NaN), 1]]), /msgspec would turn into null/, /^\.a$/],
    [Dict.of([[new Tuple([]), 1]]), /a key that JSON has no form for/, /^\.a$/],
  ])('refused there, with its place and why (%#)', (value, problem, path) => {
    expect(() => write(value)).toThrow(refused('SOJOURN_VALUE', problem, path));
  });

  test.each<[Buffer, RegExp]>([
    [Buffer.from('{"a":NaN}'), /a number that is none/],
    [Buffer.from('{"a":"\\ud800"}'), /half a character/],
    [Buffer.from('{"a":1'), /is broken/],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), /no UTF-8/],
  ])('%j is no session, and it is said why', (bytes, problem) => {
    expect(() => readEntry(bytes)).toThrow(refused('SOJOURN_CORRUPT', problem));
  });

  test('tags are data there', () => {
    expect(shown(readEntry(Buffer.from('{" t":[1]}')))).toBe('{" t": [int 1]}');
  });
});

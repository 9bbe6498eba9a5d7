/**
 * Pickles byte by byte: every opcode that a session may be made of, alone, and what is refused of it; every name of the table, and the
 * arguments that it takes.
 */
import { describe, expect, test } from 'vitest';
import { python, shown, type Typed } from '../../../test/interop/typed.js';
import { readPickle } from './pickle-read.js';
import { writePickle } from './pickle-write.js';
import { type DateTime, Dict, type Python } from './python.js';

type Part = string | number | readonly number[] | Uint8Array;
type Parts = readonly Part[];
const bytes = (...parts: Parts) =>
  Buffer.concat(
    parts.map((part) => {
      if (typeof part === 'string') return Buffer.from(part, 'latin1');
      return typeof part === 'number' ? Buffer.of(part) : Buffer.from(part);
    }),
  );
const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24];
const u64 = (value: number) => [...u32(value), 0, 0, 0, 0];
/** A dict with one value, made by these opcodes. */
const one = (...parts: Parts) => shown(readPickle(bytes('}Va\n', ...parts, 's.')).get('a')!);
const whole = (...parts: Parts) => shown(readPickle(bytes(...parts)));
const refused = (problem: RegExp) =>
  expect.objectContaining({
    code: 'SOJOURN_CORRUPT',
    details: expect.objectContaining({ problem: expect.stringMatching(problem) }),
  });

describe('opcodes', () => {
  test.each<[string, Parts, string]>([
    ['None', ['N'], 'None'],
    ['True and False', [0x88, 0x89, 0x86], '(True,False)'],
    ['I', ['I-12\n'], 'int -12'],
    ['I, which was bool before protocol 2', ['I01\nI00\n', 0x86], '(True,False)'],
    ['I with one digit', ['I1\nI0\n', 0x86], '(int 1,int 0)'],
    ['I beyond 2^53', ['I9007199254740993\n'], 'int 9007199254740993'],
    ['L', ['L-12L\nL7\n', 0x86], '(int -12,int 7)'],
    ['J', ['J', u32(0xfffffffe), 'J', u32(5), 0x86], '(int -2,int 5)'],
    ['K', ['K', 255], 'int 255'],
    ['M', ['M', [1, 2]], 'int 513'],
    ['LONG1', [0x8a, 0, 0x8a, 1, 0xff, 0x8a, 2, [0xff, 0], 0x87], '(int 0,int -1,int 255)'],
    ['LONG4', [0x8b, u32(9), [0, 0, 0, 0, 0, 0, 0, 0, 1]], `int ${2n ** 64n}`],
    ['F', ['F-1.5e-07\nF3\nF2.\n', 0x87], '(float -1.5e-07,float 3.0,float 2.0)'],
    ['F, the words', ['Fnan\nFinf\nF-inf\n', 0x87], '(float NaN,float Infinity,float -Infinity)'],
    ['G', ['G', [0x3f, 0xf8, 0, 0, 0, 0, 0, 0]], 'float 1.5'],
    ['V', ['Vé\\u20ac\\U0001f600\\n\\\n'], '"é€😀\\\\n\\\\"'],
    ['SHORT_BINUNICODE', [0x8c, 2, 'hi'], '"hi"'],
    ['X', ['X', u32(2), [0xc3, 0xa9]], '"é"'],
    ['BINUNICODE8', [0x8d, u64(2), 'hi'], '"hi"'],
    ['half a pair', ['X', u32(5), 'a', [0xed, 0xa0, 0x80], 'b'], '"a\\ud800b"'],
    ['the other half', ['X', u32(4), [0xed, 0xbf, 0xbf], 'b'], '"\\udfffb"'],
    ['what is near the halves', ['X', u32(6), [0xed, 0x9f, 0xbf, 0xee, 0x80, 0x80]], '"\ud7ff\ue000"'],
    ['what is near the halves, beside one', ['X', u32(6), [0xed, 0x9f, 0xbf, 0xed, 0xa0, 0x80]], '"\ud7ff\\ud800"'],
    ['the first half twice', ['X', u32(6), [0xed, 0xa0, 0x80, 0xed, 0xa0, 0x80]], '"\\ud800\\ud800"'],
    ['an empty S', ["S''\n"], '""'],
    ['the last character there is', ['V\\U0010ffff\n'], '"\udbff\udfff"'],
    ['F of two digits, and with an exponent without a sign', ['F12.5\nF1e5\n', 0x86], '(float 12.5,float 100000.0)'],
    ['the halves in the wrong order', ['X', u32(6), [0xed, 0xb0, 0x80, 0xed, 0xa0, 0x80]], '"\\udc00\\ud800"'],
    ['S', ["S'a\\'\\x41\\101\\n\\\\\\q'\n"], '"a\'AA\\n\\\\\\\\q"'],
    ['S in double quotes, with all letters', ['S"\\a\\b\\f\\r\\t\\v\\""\n'], '"\\u0007\\b\\f\\r\\t\\u000b\\""'],
    ['S, one digit and no more than three', ["S'\\0\\1012'\n"], '"\\u0000A2"'],
    ['S that is no UTF-8', ["S'\\xff'\n"], 'bytes ff'],
    ['S with an octal beyond a byte', ["S'\\501'\n"], '"A"'],
    ['U', ['U', 2, 'hi', 'U', 1, 0xff, 0x86], '("hi",bytes ff)'],
    ['T', ['T', u32(2), 'hi'], '"hi"'],
    ['C', ['C', 2, 'hi'], 'bytes 6869'],
    ['B', ['B', u32(2), 'hi'], 'bytes 6869'],
    ['BINBYTES8', [0x8e, u64(2), 'hi'], 'bytes 6869'],
    ['BYTEARRAY8', [0x96, u64(2), 'hi'], 'bytearray 6869'],
    [']', [']'], '[]'],
    ['l', ['(NNl'], '[None,None]'],
    ['a and e', [']Na(NNe'], '[None,None,None]'],
    ['no tuple, and one of one', [')N', 0x85, 0x86], '((),(None))'],
    ['t', ['(NNNNt'], '(None,None,None,None)'],
    [
      'order in tuples of two and three',
      ['K', 1, 'K', 2, 0x86, 'K', 1, 'K', 2, 'K', 3, 0x87, 0x86],
      '((int 1,int 2),(int 1,int 2,int 3))',
    ],
    ['d', ['(K', 1, 'Nd'], '{int 1: None}'],
    ['s and u', ['}K', 1, 'Ns(K', 2, 'NK', 3, 'Nu'], '{int 1: None,int 2: None,int 3: None}'],
    ['a later value for the same key', ['}K', 1, 'NsK', 1, 'K', 5, 's'], '{int 1: int 5}'],
    ['sets', [0x8f, '(K', 1, 'K', 1, 'K', 2, 0x90], 'set {int 1,int 2}'],
    ['frozensets', ['(K', 1, 0x91], 'frozenset {int 1}'],
    ['0 drops a value, and a mark', ['NK', 7, '(0', '0', '0K', 8], 'int 8'],
    ['1 drops what is above a mark', ['K', 7, '(NNN1'], 'int 7'],
    ['2 puts the same once more', ['K', 7, '2', 0x86], '(int 7,int 7)'],
    ['p and g', ['K', 7, 'p12\n0g12\n'], 'int 7'],
    ['q and h', ['K', 7, 'q', 200, '0h', 200], 'int 7'],
    ['r and j', ['K', 7, 'r', u32(4_000_000_000), '0j', u32(4_000_000_000)], 'int 7'],
    ['MEMOIZE counts', ['K', 7, 0x94, 'K', 8, 0x94, '00h', 0, 'h', 1, 0x86], '(int 7,int 8)'],
  ])('%s', (_name, parts, value) => {
    expect(one(...parts)).toBe(value);
  });

  test('what is shared is one thing: whoever adds to it adds everywhere', () => {
    expect(whole('}Va\n]', 0x94, 'sVb\nh', 0, 'NasVc\nh', 0, 's.')).toBe('{"a": [None],"b": [None],"c": [None]}');
  });

  test('a frame says how much is in it, and must have it', () => {
    expect(whole(0x80, 4, 0x95, u64(2), '}.')).toBe('{}');
    expect(whole(0x80, 5, '}.')).toBe('{}');
    expect(() => whole(0x80, 4, 0x95, u64(3), '}.')).toThrow(refused(/is broken/));
    expect(() => whole(0x80, 6, '}.')).toThrow(refused(/is broken/));
  });

  test.each<[Parts, RegExp]>([
    [['}'], /ends too early/],
    [['}Va\nK'], /ends too early/],
    [['}Va\n', 'X', u32(3), 'ab'], /ends too early/],
    [['}Va\n', 'X', u32(0xffffffff), 'ab'], /ends too early/],
    [['}Va\n', 0x8d, [255, 255, 255, 255, 255, 255, 255, 255]], /ends too early/],
    [['}Va\n', 'Vno line feed'], /ends too early/],
    [['N.'], /is no dict/],
    [['].'], /is no dict/],
    [['N}.'], /more behind its pickle/],
    [['}..'], /more behind its pickle/],
    [['(}.'], /more behind its pickle/],
    [['.'], /is broken/],
    [['(.'], /is broken/],
    [['}0.'], /is broken/],
    [['0'], /is broken/],
    [['1'], /is broken/],
    [['2'], /is broken/],
    [['(2'], /is broken/],
    [['q', 0], /is broken/],
    [['(q', 0], /is broken/],
    [['h', 0], /what was never there/],
    [['g7\n'], /what was never there/],
    [['Ng-1\n'], /is broken/],
    [['Np1x\n'], /is broken/],
    [['Np12345678901\n'], /is broken/],
    [['Np\n'], /is broken/],
    [['NNa.'], /is broken/],
    [['}Na.'], /is broken/],
    [['](NNs.'], /is broken/],
    [['NNNs.'], /is broken/],
    [['}(Nu.'], /is broken/],
    [['(Nd.'], /is broken/],
    [['](Ne0}N', 0x90, '.'], /is broken/],
    [[']', '(N', 0x90, '.'], /is broken/],
    [['((K', 1, 0x91, '(N', 0x90, '.'], /is broken/],
    [['Ix\n'], /is broken/],
    [['I\n'], /is broken/],
    [['I+1\n'], /is broken/],
    [['I1 \n'], /is broken/],
    [['I0x10\n'], /is broken/],
    [['L1LL\n'], /is broken/],
    [['Fx\n'], /is broken/],
    [['F1.5x\n'], /is broken/],
    [['F 1\n'], /is broken/],
    [['F-nan\n'], /is broken/],
    [['F1e\n'], /is broken/],
    [['S\n'], /has no quotes/],
    [["S'\n"], /has no quotes/],
    [['S\'a"\n'], /has no quotes/],
    [["Sa'\n"], /has no quotes/],
    [['Sxax\n'], /has no quotes/],
    [['X', u32(6), [0xed, 0xa0, 0xbd, 0xed, 0xb0, 0x80]], /a character in two halves/],
    [['L1L2\n'], /is broken/],
    [['Vx\nN', 0x93], /is broken/],
    [["S'a\n"], /has no quotes/],
    [["S'\\x4'\n"], /half an escape/],
    [["S'\\xzz'\n"], /half an escape/],
    [['V\\u12\n'], /half an escape/],
    [['V\\U0001f60\n'], /half an escape/],
    [['V\\U00110000\n'], /half an escape/],
    [['X', u32(1), 0xff], /no UTF-8/],
    [['X', u32(3), 0xff, [0xed, 0xa0]], /no UTF-8/],
    [['X', u32(4), [0xed, 0xa0, 0x80, 0xff]], /no UTF-8/],
    [['X', u32(4), [0xff, 0xed, 0xa0, 0x80]], /no UTF-8/],
    [['X', u32(3), [0xed, 0xc0, 0x80]], /no UTF-8/],
    [['X', u32(3), [0xed, 0xa0, 0xc0]], /no UTF-8/],
    [['X', u32(3), [0xed, 0xa0, 0x7f]], /no UTF-8/],
    [['X', u32(6), [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]], /a character in two halves/],
    [['i__builtin__\nset\n'], /an opcode that no session needs/],
    [['P1\n'], /an opcode that no session needs/],
    [[0x92], /an opcode that no session needs/],
    [[0x97], /an opcode that no session needs/],
    [[0x82, 1], /an opcode that no session needs/],
    [['}]Ns.'], /has no hash/],
    [['(]Nd.'], /has no hash/],
    [[0x8f, '(]', 0x90, '.'], /has no hash/],
    [['(]', 0x91, '.'], /has no hash/],
    [['}K', 1, 'cuuid\nUUID\ns.'], /no data/],
    [['cuuid\nUUID\n.'], /is no dict/],
  ])('%#: refused, and it is said why', (parts, problem) => {
    expect(() => whole(...parts)).toThrow(refused(problem));
  });
});

describe('names', () => {
  const call = (name: string, args: string) => `c${name.replace(' ', '\n')}\n(${args}tR`;
  const latin1 = (text: string) => `c_codecs\nencode\n(V${text}\nVlatin1\ntR`;
  const NEW = 'cdatetime\ntimedelta\n';

  test.each<[string, string, string]>([
    ['set', call('__builtin__ set', '(K\u0001K\u0001l'), 'set {int 1}'],
    ['no set', call('builtins set', ''), 'set {}'],
    ['frozenset', call('builtins frozenset', '(K\u0001l'), 'frozenset {int 1}'],
    ['no frozenset', call('__builtin__ frozenset', ''), 'frozenset {}'],
    ['bytes', call('__builtin__ bytes', ''), 'bytes '],
    ['encode', latin1('h\\u0000é'), 'bytes 6800e9'],
    ['encode, spelled otherwise', call('_codecs encode', 'Vh\nVlatin-1\n'), 'bytes 68'],
    ['bytearray', call('builtins bytearray', 'C\u0001h'), 'bytearray 68'],
    ['no bytearray', call('builtins bytearray', ''), 'bytearray '],
    ['bytearray of Python 2', call('__builtin__ bytearray', 'Vh\nVlatin-1\n'), 'bytearray 68'],
    ['Decimal', call('decimal Decimal', 'V-1.50E+3\n'), 'Decimal -1.50E+3'],
    ['timedelta', call('datetime timedelta', 'I-1\nI86399\nI999999\n'), 'timedelta -1 86399 999999'],
    ['timedelta by default', call('datetime timedelta', ''), 'timedelta 0 0 0'],
    ['timedelta, the longest', call('datetime timedelta', 'I999999999\nI0\nI0\n'), 'timedelta 999999999 0 0'],
    ['timedelta, the most negative', call('datetime timedelta', 'I-999999999\n'), 'timedelta -999999999 0 0'],
    ['date', call('datetime date', 'C\u0004\u0007\u00e4\u0002\u001d'), 'CalendarDate 2020-02-29'],
    ['date, first', call('datetime date', 'C\u0004\u0000\u0001\u0001\u0001'), 'CalendarDate 0001-01-01'],
    ['date, last', call('datetime date', 'C\u0004\u0027\u000f\u000c\u001f'), 'CalendarDate 9999-12-31'],
    [
      'datetime',
      call('datetime datetime', 'C\n\u0007\u00e4\u000c\u001f\u0017\u003b\u003b\u000f\u0042\u003f'),
      'DateTime 2020-12-31T23:59:59.999999',
    ],
    [
      'datetime with an offset',
      call(
        'datetime datetime',
        `C\n\u0007\u00e4\u0001\u0001\0\0\0\0\0\0${call('datetime timezone', `${NEW}(I-1\nI1\nI0\ntR`)}`,
      ),
      'DateTime 2020-01-01T00:00:00-23:59:59',
    ],
    ['Markup', 'cmarkupsafe\nMarkup\n(Vx\nt\u0081', 'Markup "x"'],
    [
      'Markup of protocol 0',
      'ccopy_reg\n_reconstructor\n(cmarkupsafe\nMarkup\nc__builtin__\nunicode\nVx\ntR',
      'Markup "x"',
    ],
    ['Markup, all names new', 'ccopyreg\n_reconstructor\n(cmarkupsafe\nMarkup\ncbuiltins\nstr\nVx\ntR', 'Markup "x"'],
    ['UUID', 'cuuid\nUUID\n)\u0081}Vint\nI5\nsb', 'Uuid 00000000-0000-0000-0000-000000000005'],
    [
      'UUID, said to be safe',
      'cuuid\nUUID\n)\u0081(Vint\nI5\nVis_safe\nI-1\ndb',
      'Uuid 00000000-0000-0000-0000-000000000005',
    ],
    [
      'UUID, said to be of unknown safety',
      'cuuid\nUUID\n)\u0081(Vint\nI5\nVis_safe\nI0\ndb',
      'Uuid 00000000-0000-0000-0000-000000000005',
    ],
    [
      'UUID, the last',
      `cuuid\nUUID\n)\u0081(Vint\nL${2n ** 128n - 1n}L\ndb`,
      'Uuid ffffffff-ffff-ffff-ffff-ffffffffffff',
    ],
    [
      'UUID of protocol 0',
      'ccopy_reg\n_reconstructor\n(cuuid\nUUID\nc__builtin__\nobject\nNtR(Vint\nI5\ndb',
      'Uuid 00000000-0000-0000-0000-000000000005',
    ],
    [
      'UUID from the memo, before it was finished',
      '(cuuid\nUUID\n)\u0081q\u0007(Vint\nI5\ndbh\u0007t',
      '(Uuid 00000000-0000-0000-0000-000000000005,Uuid 00000000-0000-0000-0000-000000000005)',
    ],
    [
      'a name from the stack',
      '\u008c\u0004uuid\u008c\u0004UUID\u0093)\u0081(Vint\nI5\ndb',
      'Uuid 00000000-0000-0000-0000-000000000005',
    ],
  ])('%s', (_name, text, value) => {
    expect(one(text)).toBe(value);
  });

  const wrong = /calls something with the wrong arguments/;
  const at = (month: number, day: number, ...clock: readonly number[]) =>
    call('datetime datetime', `C\n${String.fromCharCode(7, 228, month, day, ...clock)}`);
  test.each<[string, string, RegExp]>([
    ['os.system', 'cposix\nsystem\n', /names something that is no data/],
    ['a name that is close', 'cdatetime\ntime\n', /names something that is no data/],
    ['a name in two parts elsewhere', 'cuuid UUID\n\n', /names something that is no data/],
    ['a name that is no text', 'NN\u0093', /is broken/],
    ['a module that is no text', 'NVx\n\u0093', /is broken/],
    ['a call of a text', 'Vx\n)R', /calls something that is no name/],
    ['a call of nothing', 'N)R', /calls something that is no name/],
    ['a call of a dict', '})R', /calls something that is no name/],
    ['a call with a list', 'cbuiltins\nset\n]R', /is broken/],
    ['state for a list', ']Nb', /builds something that is no data/],
    ['state for a name', 'cuuid\nUUID\nNb', /builds something that is no data/],
    ['an object of nothing', call('builtins object', ''), wrong],
    ['a str', call('builtins str', 'Vx\n'), wrong],
    ['a set of a text', call('builtins set', 'Vx\n'), wrong],
    ['a set of two', call('builtins set', ']]'), wrong],
    ['a frozenset of a text', call('builtins frozenset', 'Vx\n'), wrong],
    ['a set of lists', call('builtins set', ']]a'), /has no hash/],
    ['bytes of a number', call('builtins bytes', 'I5\n'), wrong],
    ['a bytearray of a number', call('builtins bytearray', 'I5\n'), wrong],
    ['a bytearray in another encoding', call('builtins bytearray', 'Vx\nVutf-8\n'), wrong],
    ['a bytearray of a number in Latin-1', call('builtins bytearray', 'I5\nVlatin-1\n'), wrong],
    ['a bytearray of three', call('builtins bytearray', 'Vx\nVlatin-1\nVstrict\n'), wrong],
    ['another encoding', call('_codecs encode', 'Vx\nVutf-8\n'), wrong],
    ['no encoding', call('_codecs encode', 'Vx\n'), wrong],
    ['a number in Latin-1', call('_codecs encode', 'I5\nVlatin1\n'), wrong],
    ['an encoding and more', call('_codecs encode', 'Vx\nVlatin1\nVstrict\n'), wrong],
    ['what Latin-1 has not', call('_codecs encode', 'V\\u0100\nVlatin1\n'), wrong],
    ['Decimal of a number', call('decimal Decimal', 'I5\n'), wrong],
    ['Decimal of two', call('decimal Decimal', 'V1\nV1\n'), wrong],
    ['Decimal of blanks', call('decimal Decimal', 'V 1\n'), wrong],
    ['Decimal of words', call('decimal Decimal', 'Vone\n'), wrong],
    ['Decimal that ends in more', call('decimal Decimal', 'V1x\n'), wrong],
    ['Decimal of a word and more', call('decimal Decimal', 'VNaNx\n'), wrong],
    ['Decimal of half a word', call('decimal Decimal', 'VxInfinity\n'), wrong],
    ['Decimal without digits', call('decimal Decimal', 'V.\n'), wrong],
    ['Decimal with half an exponent', call('decimal Decimal', 'V1E\n'), wrong],
    ['Decimal of thousands of digits', call('decimal Decimal', `V${'1'.repeat(4301)}\n`), wrong],
    ['a timedelta of texts', call('datetime timedelta', 'Vx\n'), wrong],
    ['a timedelta of four', call('datetime timedelta', 'I0\nI0\nI0\nI0\n'), wrong],
    ['a timedelta too long', call('datetime timedelta', 'I1000000000\n'), wrong],
    ['a timedelta too negative', call('datetime timedelta', 'I-1000000000\n'), wrong],
    ['a day of seconds', call('datetime timedelta', 'I0\nI86400\n'), wrong],
    ['a negative second', call('datetime timedelta', 'I0\nI-1\n'), wrong],
    ['a second of microseconds', call('datetime timedelta', 'I0\nI0\nI1000000\n'), wrong],
    ['a negative microsecond', call('datetime timedelta', 'I0\nI0\nI-1\n'), wrong],
    ['a timezone of nothing', call('datetime timezone', ''), wrong],
    ['a timezone of a number', call('datetime timezone', 'I0\n'), wrong],
    ['a timezone of a day', call('datetime timezone', `${NEW}(I1\ntR`), wrong],
    ['a timezone of a day back', call('datetime timezone', `${NEW}(I-1\ntR`), wrong],
    ['a timezone of two days back', call('datetime timezone', `${NEW}(I-2\nI5\ntR`), wrong],
    ['a timezone of a microsecond', call('datetime timezone', `${NEW}(I0\nI0\nI1\ntR`), wrong],
    ['a timezone alone', call('datetime timezone', `${NEW}(I0\ntR`), /holds something that is no data/],
    ['a timezone in a list', `]${call('datetime timezone', `${NEW}(I0\ntR`)}a`, /holds something that is no data/],
    ['a name in a dict', '}Vx\ncuuid\nUUID\ns', /holds something that is no data/],
    ['a name in a tuple', '(cuuid\nUUID\nt', /holds something that is no data/],
    ['a name in a tuple, after data', '(I1\ncuuid\nUUID\nt', /holds something that is no data/],
    ['a UUID that was never told', 'cuuid\nUUID\n)\u0081', /holds something that is no data/],
    ['a UUID that was told twice', 'cuuid\nUUID\n)\u0081q\u0007(Vint\nI5\ndb0h\u0007(Vint\nI6\ndb', /./],
    ['a UUID of arguments', 'cuuid\nUUID\n(Vx\nt\u0081', wrong],
    ['a UUID of a text', 'cuuid\nUUID\n)\u0081(Vint\nVx\ndb', wrong],
    ['a UUID of a list', 'cuuid\nUUID\n)\u0081]b', wrong],
    ['a UUID of nothing', 'cuuid\nUUID\n)\u0081}b', wrong],
    ['a negative UUID', 'cuuid\nUUID\n)\u0081(Vint\nI-1\ndb', wrong],
    ['a UUID too large', `cuuid\nUUID\n)\u0081(Vint\nL${2n ** 128n}L\ndb`, wrong],
    ['a UUID that knows more', 'cuuid\nUUID\n)\u0081(Vint\nI5\nVx\nI0\ndb', wrong],
    ['a UUID of another safety', 'cuuid\nUUID\n)\u0081(Vint\nI5\nVis_safe\nI1\ndb', wrong],
    ['Markup of bytes', 'cmarkupsafe\nMarkup\n(C\u0001xt\u0081', wrong],
    ['Markup of two', 'cmarkupsafe\nMarkup\n(Vx\nVx\nt\u0081', wrong],
    ['Markup on object', 'ccopy_reg\n_reconstructor\n(cmarkupsafe\nMarkup\nc_codecs\nencode\nVx\ntR', wrong],
    ['Markup of None', 'ccopy_reg\n_reconstructor\n(cmarkupsafe\nMarkup\nc__builtin__\nunicode\nNtR', wrong],
    ['Markup and more', 'ccopy_reg\n_reconstructor\n(cmarkupsafe\nMarkup\nc__builtin__\nunicode\nVx\nNtR', wrong],
    ['UUID of a state', 'ccopy_reg\n_reconstructor\n(cuuid\nUUID\nc__builtin__\nobject\nVx\ntR', wrong],
    ['UUID on a set', 'ccopy_reg\n_reconstructor\n(cuuid\nUUID\nc__builtin__\nset\nNtR', wrong],
    ['UUID and more', 'ccopy_reg\n_reconstructor\n(cuuid\nUUID\nc__builtin__\nobject\nNNtR', wrong],
    ['the set of something', 'ccopy_reg\n_reconstructor\n(c__builtin__\nset\nc__builtin__\nobject\nNtR', wrong],
    ['a date of two arguments', call('datetime date', 'C\u0004\u0007\u00e4\u0002\u001dN'), wrong],
    ['a date of five bytes', call('datetime date', 'C\u0005\u0007\u00e4\u0002\u001d\u0000'), wrong],
    ['a date of a number', call('datetime date', 'I5\n'), wrong],
    ['the 29th of February 2019', call('datetime date', 'C\u0004\u0007\u00e3\u0002\u001d'), wrong],
    ['the 31st of April', call('datetime date', 'C\u0004\u0007\u00e4\u0004\u001f'), wrong],
    ['the 0th', call('datetime date', 'C\u0004\u0007\u00e4\u0004\u0000'), wrong],
    ['month 0', call('datetime date', 'C\u0004\u0007\u00e4\u0000\u0001'), wrong],
    ['month 13', call('datetime date', 'C\u0004\u0007\u00e4\u000d\u0001'), wrong],
    ['year 0', call('datetime date', 'C\u0004\u0000\u0000\u0001\u0001'), wrong],
    ['year 10000', call('datetime date', 'C\u0004\u0027\u0010\u0001\u0001'), wrong],
    ['24 o’clock', at(1, 1, 24, 0, 0, 0, 0, 0), wrong],
    ['minute 60', at(1, 1, 0, 60, 0, 0, 0, 0), wrong],
    ['second 60', at(1, 1, 0, 0, 60, 0, 0, 0), wrong],
    ['a million microseconds', at(1, 1, 0, 0, 0, 0x0f, 0x42, 0x40), wrong],
    ['a datetime of month 13', at(13, 1, 0, 0, 0, 0, 0, 0), wrong],
    ['a datetime of nine bytes', call('datetime datetime', 'C\t\u0007\u00e4\u0001\u0001\0\0\0\0\0'), wrong],
    [
      'a datetime and what is no timezone',
      call('datetime datetime', 'C\n\u0007\u00e4\u0001\u0001\0\0\0\0\0\0N'),
      wrong,
    ],
    ['a datetime of nothing', call('datetime datetime', ''), wrong],
  ])('%s is refused, and it is said why', (_name, text, problem) => {
    expect(() => one(text)).toThrow(refused(problem));
  });

  test('a fold, which says that it is the second of two equal times', () => {
    const time = readPickle(
      bytes('}Va\n', call('datetime datetime', 'C\n\u0007\u00e4\u008a\u001f\u0002\0\0\0\0\0'), 's.'),
    ).get('a') as DateTime;
    expect(`${time}`).toBe('2020-10-31T02:00:00');
    expect(time.time.fold).toBe(true);
    for (const protocol of [0, 2, 4] as const)
      expect(readPickle(writePickle(Dict.of([['a', time]]), protocol)).get('a')).toEqual(time);
  });
});

describe('writing', () => {
  const hex = (value: Python, protocol: 0 | 2 | 4) => writePickle(Dict.of([['a', value]]), protocol).toString('latin1');

  test.each<[Typed, string]>([
    [0, 'K\0'],
    [255, 'K\xff'],
    [256, 'M\0\u0001'],
    [65_535, 'M\xff\xff'],
    [65_536, 'J\0\0\u0001\0'],
    [-1, 'J\xff\xff\xff\xff'],
    [2 ** 31 - 1, 'J\xff\xff\xff\x7f'],
    [2 ** 31, '\x8a\u0005\0\0\0\x80\0'],
    [-(2 ** 31), 'J\0\0\0\x80'],
    [-(2 ** 31) - 1, '\x8a\u0005\xff\xff\xff\x7f\xff'],
    [{ $: 'float', v: '1.5' }, 'G\x3f\xf8\0\0\0\0\0\0'],
    ['x'.repeat(255), `\x8c\xff${'x'.repeat(255)}`],
    ['x'.repeat(256), `X\0\u0001\0\0${'x'.repeat(256)}`],
    [{ $: 'bytes', v: Buffer.alloc(255).toString('base64') }, `C\xff${'\0'.repeat(255)}`],
    [{ $: 'bytes', v: Buffer.alloc(256).toString('base64') }, `B\0\u0001\0\0${'\0'.repeat(256)}`],
    [[], ']'],
    [[1], '](K\u0001e'],
    [{}, '}'],
    [{ $: 'tuple', v: [] }, ')'],
    [{ $: 'tuple', v: [1] }, 'K\u0001\x85'],
    [{ $: 'tuple', v: [1, 2, 3] }, 'K\u0001K\u0002K\u0003\x87'],
    [{ $: 'tuple', v: [1, 2, 3, 4] }, '(K\u0001K\u0002K\u0003K\u0004t'],
    [{ $: 'set', v: [] }, '\x8f'],
    [{ $: 'set', v: [1] }, '\x8f(K\u0001\x90'],
    [{ $: 'frozenset', v: [] }, '(\x91'],
    [true, '\x88'],
    [null, 'N'],
  ])('protocol 4: %j', (typed, text) => {
    expect(hex(python(typed), 4)).toBe(`\x80\u0004}(\x8c\u0001a${text}u.`);
  });

  test.each<[Typed, string]>([
    [true, 'I01\n'],
    [false, 'I00\n'],
    [2 ** 31 - 1, 'I2147483647\n'],
    [2 ** 31, 'L2147483648L\n'],
    [-(2 ** 31), 'I-2147483648\n'],
    [-(2 ** 31) - 1, 'L-2147483649L\n'],
    [{ $: 'float', v: '0.1' }, 'F0.1\n'],
    [{ $: 'float', v: 'nan' }, 'Fnan\n'],
    [{ $: 'float', v: 'inf' }, 'Finf\n'],
    [{ $: 'float', v: '-inf' }, 'F-inf\n'],
    ['a\\b\né€😀~', 'Va\\u005cb\\u000a\\u00e9\\u20ac\\U0001f600~\n'],
    [{ $: 'bytes', v: '/w==' }, 'c_codecs\nencode\n(V\\u00ff\nVlatin1\ntR'],
    [[1, 2], '(lI1\naI2\na'],
    [{ $: 'tuple', v: [1] }, '(I1\nt'],
    [{ $: 'set', v: [1] }, 'c__builtin__\nset\n((lI1\natR'],
    [{ $: 'frozenset', v: [] }, 'c__builtin__\nfrozenset\n((ltR'],
  ])('protocol 0: %j', (typed, text) => {
    expect(hex(python(typed), 0)).toBe(`(dVa\n${text}s.`);
  });

  test('protocol 2 has the names of Python 2, and no bytes', () => {
    expect(hex(python({ $: 'bytes', v: '/w==' }), 2)).toContain('c_codecs\nencode\nX');
    expect(hex(python({ $: 'bytearray', v: '/w==' }), 2)).toContain('c__builtin__\nbytearray\n');
    expect(hex(python({ $: 'frozenset', v: [] }), 2)).toContain('c__builtin__\nfrozenset\n');
    expect(hex('x', 2)).toBe('\x80\u0002}(X\u0001\0\0\0aX\u0001\0\0\0xu.');
    expect(hex(python({ $: 'bytearray', v: '/w==' }), 4)).toContain('\x8c\bbuiltins\x8c\tbytearray\x93');
  });

  test('halves of characters, as Python’s surrogatepass writes them', () => {
    const bytesOf = (text: string) => writePickle(Dict.of([['a', text]]), 4).subarray(7, -2);
    for (const text of ['x\ud800y', '\udfff', '\udbff!', '😀\udc00'])
      expect(readPickle(writePickle(Dict.of([['a', text]]), 4)).get('a')).toBe(text);
    expect(bytesOf('\ud800').toString('hex')).toBe('8c03eda080');
    expect(bytesOf('\udfff').toString('hex')).toBe('8c03edbfbf');
  });

  test('an int of more than 255 bytes', () => {
    for (const value of [1n << 2039n, -(1n << 2039n), (1n << 2040n) - 1n, 1n << 4000n])
      for (const protocol of [0, 2, 4] as const)
        expect(readPickle(writePickle(Dict.of([['a', value]]), protocol)).get('a')).toBe(value);
  });
});

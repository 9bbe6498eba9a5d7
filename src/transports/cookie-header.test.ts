/**
 * The scan for one cookie: against hostile headers by their case id, against a slow parser that is obviously right, against the
 * `cookie` package, and with every character it passes counted.
 */
import { randomBytes } from 'node:crypto';
import { parseCookie } from 'cookie';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rounds } from '../../test/support/exam.js';
import { join, newToken, split } from '../core/token.js';
import { cookieValues, MAX_CANDIDATES, NONE } from './cookie-header.js';

const NAME = '__Host-sid';
const values = (header: string | undefined): readonly string[] => cookieValues(header, NAME, MAX_CANDIDATES);
const fresh = (): string => {
  const { id, secret } = newToken(randomBytes);
  return join(id, secret);
};
const alice = fresh();
const mallory = fresh();
const latin1 = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1').replaceAll('{NAME}', NAME);

describe('an ordinary request', () => {
  test('the cookie is found wherever it stands', () => {
    for (const header of [
      `${NAME}=v`,
      `a=1; ${NAME}=v`,
      `${NAME}=v; b=2`,
      `a=1; ${NAME}=v; b=2`,
      `a=1;${NAME}=v;b=2`,
    ]) {
      expect(values(header)).toEqual(['v']);
    }
  });

  test('no header and no such cookie give the same shared, frozen nothing', () => {
    expect(values(undefined)).toBe(NONE);
    expect(values('')).toBe(NONE);
    expect(values('a=1; b=2')).toBe(NONE);
    expect(Object.isFrozen(NONE)).toBe(true);
  });

  test('an equals sign inside the value belongs to the value', () => {
    expect(values(`${NAME}=a=b==`)).toEqual(['a=b==']);
  });

  test('different values come in their order', () => {
    expect(values(`${NAME}=b; ${NAME}=a; x=y; ${NAME}=c`)).toEqual(['b', 'a', 'c']);
  });
});

describe('names that only look like ours', () => {
  test.each([
    ['a longer name', `${NAME}2=v`],
    ['a longer name in front', `x${NAME}=v`],
    ['our name as a value', `a=${NAME}`],
    ['our cookie as a value', `a=${NAME}=v`],
    ['our cookie as a value after a space', `a= ${NAME}=v`],
    ['our name after another word', `a ${NAME}=v`],
    ['our name before another word', `${NAME} a=v`],
    ['our name without a value', `${NAME}`],
    ['our name without a value, then another cookie', `${NAME}; a=v`],
    ['quotes around the name', `"${NAME}"=v`],
    ['another kind of space', `\u00a0${NAME}=v`],
    ['a line break for a space', `\n${NAME}=v`],
  ])('%s', (_, header) => {
    expect(values(header)).toBe(NONE);
  });

  test('a near miss does not hide the cookie behind it', () => {
    expect(values(`${NAME}2=a; x=${NAME}=b; ${NAME}; ${NAME}=v`)).toEqual(['v']);
  });
});

/** Every hostile cookie case, with the candidates it must yield and whom an engine would let in with them. */
const cases: readonly [id: string, header: string, candidates: readonly string[], who: readonly string[]][] = [
  ['C01 empty', `${NAME}=`, [''], []],
  ['C02 length', `${NAME}=${'A'.repeat(4096)}`, ['A'.repeat(4096)], []],
  ['C03 length', `${NAME}=${'A'.repeat(1_048_576)}`, ['A'.repeat(1_048_576)], []],
  ['C04 charset', latin1('e05BTUV9Pf/+/fw='), ['\u00ff\u00fe\u00fd\u00fc'], []],
  [
    'C05 charset',
    `${NAME}=${Buffer.from('😀😀😀😀').toString('latin1')}`,
    [Buffer.from('😀😀😀😀').toString('latin1')],
    [],
  ],
  ['C05 charset, not as latin1', `${NAME}=😀😀😀😀`, ['😀😀😀😀'], []],
  ['C06 control', latin1('e05BTUV9PWFiYwBkZWY='), ['abc\0def'], []],
  ['C07 control', latin1('e05BTUV9PWFiYw0KU2V0LUNvb2tpZTogeD0x'), ['abc\r\nSet-Cookie: x=1'], []],
  ['C08 quoting', `${NAME}="${alice}"`, [`"${alice}"`], []],
  ['C09 quadratic', `${NAME}="${'\\\\'.repeat(7000)}"`, [`"${'\\\\'.repeat(7000)}"`], []],
  ['C10 percent', `${NAME}=%E0%A4%A`, ['%E0%A4%A'], []],
  ['C11 percent', `${NAME}=%2e%2e%2f%2e%2e%2fetc%2fpasswd`, ['%2e%2e%2f%2e%2e%2fetc%2fpasswd'], []],
  ['C12 traversal', `${NAME}=../../../../etc/passwd`, ['../../../../etc/passwd'], []],
  ['C13 key-injection', `${NAME}=a\tb c`, ['a\tb c'], []],
  ['C14 key-injection', `${NAME}=*`, ['*'], []],
  ['C15 key-injection', `${NAME}=' OR '1'='1`, ["' OR '1'='1"], []],
  ['C16 key-injection', `${NAME}={"$gt":""}`, ['{"$gt":""}'], []],
  ['C17 nameless', `=${NAME}=${mallory}`, [], []],
  ['C18 prefix-case', `__HOST-sid=${mallory}; ${NAME}=${alice}`, [alice], [alice]],
  ['C19 name-space', ` ${NAME} = ${alice}`, [alice], [alice]],
  ['C20 duplicate', `${NAME}=${alice}; ${NAME}=${alice}`, [alice], [alice]],
  ['C21 duplicate', `${NAME}=${mallory}; ${NAME}=${alice}`, [mallory, alice], [mallory, alice]],
  ['C22 duplicate', `${`${NAME}=x; `.repeat(1000)}${NAME}=${alice}`, ['x'], []],
  ['C23 proto', `__proto__=${alice}; constructor=x; ${NAME}=${alice}`, [alice], [alice]],
  ['C24 separator', `${NAME}=${alice},${NAME}=${mallory}`, [`${alice},${NAME}=${mallory}`], []],
  ['C25 fixation', `${NAME}=${mallory}`, [mallory], [mallory]],
  ['C26 suffix', `${NAME}=${alice}x`, [`${alice}x`], []],
  ['C27 canonical', `${NAME}=${alice}=`, [`${alice}=`], []],
];

describe('hostile headers', () => {
  test.each(cases)('%s', (_, header, candidates, who) => {
    const found = values(header);
    expect(found).toEqual(candidates);
    expect(found.filter((candidate) => split(candidate) !== null)).toEqual(who);
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('equal and unusable cookies count as looked at', () => {
    expect(values(`${`${NAME}=${alice}; `.repeat(MAX_CANDIDATES)}${NAME}=${mallory}`)).toEqual([alice]);
    expect(values(`${`${NAME}=; `.repeat(MAX_CANDIDATES - 1)}${NAME}=${alice}`)).toEqual(['', alice]);
  });

  test('cookies of other names do not count', () => {
    expect(values(`${'a=1; '.repeat(1000)}${`x${NAME}=1; `.repeat(100)}${NAME}=${alice}`)).toEqual([alice]);
  });

  test('never more than the asked number of values', () => {
    const header = Array.from({ length: 20 }, (_, n) => `${NAME}=${n}`).join('; ');
    for (let max = 1; max <= 20; max++) expect(cookieValues(header, NAME, max)).toHaveLength(max);
  });
});

describe('against other parsers', () => {
  // Short names over a small alphabet, so that almost every header is a near miss. They overlap themselves and each other.
  const names = ['a', 'aa', 'aba', 'sid'] as const;
  const pieces = [
    ...[
      'a',
      'aa',
      'aba',
      'b',
      'sid',
      'SID',
      '=',
      '=',
      ';',
      '; ',
      ';',
      ' ',
      '\t',
      ',',
      '"',
      '%3D',
      '\\',
      '\u00ff',
      '__proto__',
    ],
    ...['a=', 'aa=', 'sid=', '; a=', ';aa =', ';\taba= ', '; sid=b', ' a\t=\tb', '=sid=', '; a=a=a'],
  ];
  const header = fc.array(fc.nat(pieces.length - 1), { maxLength: 14, size: 'max' });
  const name = fc.nat(names.length - 1);
  const built = (indexes: readonly number[]): string => indexes.map((index) => pieces[index]).join('');

  test('200,000 headers: the same values as a parser that takes the header apart, and the same first one as the cookie package', () => {
    const many = rounds(200_000);
    let runs = 0;
    let found = 0;
    let several = 0;
    fc.assert(
      fc.property(header, name, (indexes, which) => {
        const text = built(indexes);
        const wanted = names[which]!;
        const got = cookieValues(text, wanted, MAX_CANDIDATES);
        same(got, slowValues(text, wanted, MAX_CANDIDATES), text);
        // The package would decode percent signs, so its decoder is switched off; of duplicates it keeps the first.
        same([got[0]], [parseCookie(text, { decode: (value) => value })[wanted]], text);
        runs++;
        found += Number(got.length > 0);
        several += Number(got.length > 1);
      }),
      { numRuns: many },
    );
    // The comparison is worth something only if it is not of nothing with nothing.
    expect(runs).toBe(many);
    expect(found).toBeGreaterThan(many / 10);
    expect(several).toBeGreaterThan(many / 100);
  });

  test('headers as browsers write them: the same values as the cookie package with its own decoding', () => {
    const octets = [...'!#$&()*+-./0123456789:<=>?@ABCXYZ[]^_`abcxyz{|}~'];
    const value = fc.string({ unit: fc.constantFrom(...octets), maxLength: 20 });
    const pair = fc.tuple(fc.constantFrom('a', 'b', NAME, 'theme'), value);
    fc.assert(
      fc.property(fc.uniqueArray(pair, { selector: ([key]) => key }), (pairs) => {
        const text = pairs.map(([key, content]) => `${key}=${content}`).join('; ');
        expect(values(text)[0]).toBe(parseCookie(text)[NAME]);
      }),
      { numRuns: rounds(5_000) },
    );
  });
});

describe('work', () => {
  const KIB = 1024;
  const shapes: Record<string, (size: number) => string> = {
    'one long value': (size) => `${NAME}=${'A'.repeat(size)}`,
    'backslashes in quotes': (size) => `${NAME}="${'\\'.repeat(size)}"`,
    'our name over and over': (size) => NAME.repeat(size / NAME.length),
    'our name over and over, as cookies': (size) => `${NAME}; `.repeat(size / (NAME.length + 2)),
    'our cookie over and over': (size) => `${NAME}=x; `.repeat(size / (NAME.length + 4)),
    'nothing but spaces, then our name': (size) => `${' '.repeat(size)}${NAME}`,
    'our name, then nothing but spaces': (size) => `${NAME}${' '.repeat(size)}`,
    'our name between runs of spaces': (size) => `${NAME}${' '.repeat(54)}`.repeat(size / 64),
    'a value of nothing but spaces': (size) => `${NAME}=${' '.repeat(size)}`,
    semicolons: (size) => ';'.repeat(size),
    'equals signs': (size) => '='.repeat(size),
    'our cookie as a value, over and over': (size) => `a=${NAME}=x; `.repeat(size / (NAME.length + 6)),
  };

  test.each(Object.entries(shapes))('%s: every character is passed a fixed number of times', (_, shape) => {
    const text = shape(16 * KIB);
    const counting = new CountingText(text);
    const found = cookieValues(counting as unknown as string, NAME, MAX_CANDIDATES);
    expect(found).toEqual(slowValues(text, NAME, MAX_CANDIDATES));
    // Once looking for the name, once for the end of the pair, twice around the name and the value, and the cut itself.
    expect(counting.passed).toBeLessThanOrEqual(5 * text.length + 100);
    expect(counting.passed).toBeGreaterThan(0);
  });
});

/** A header that counts the characters which a search, a look or a cut passes. */
class CountingText {
  passed = 0;
  readonly length: number;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.length = text.length;
  }

  indexOf(wanted: string, from = 0): number {
    const at = this.#text.indexOf(wanted, from);
    this.passed += Math.max(0, (at === -1 ? this.length : at) - from) + wanted.length;
    return at;
  }

  charCodeAt(at: number): number {
    this.passed++;
    return this.#text.charCodeAt(at);
  }

  slice(from: number, to: number): string {
    this.passed += to - from;
    return this.#text.slice(from, to);
  }
}

/** RFC 6265bis 5.7 read backwards: cut at semicolons, cut at the first equals sign, trim, compare. */
function slowValues(header: string, name: string, max: number): string[] {
  const trim = (text: string): string => text.replace(/^[ \t]+/, '').replace(/(?<![ \t])[ \t]+$/, '');
  const pairs = header.split(';').filter((pair) => pair.includes('='));
  const ours = pairs.filter((pair) => trim(pair.slice(0, pair.indexOf('='))) === name);
  return [...new Set(ours.slice(0, max).map((pair) => trim(pair.slice(pair.indexOf('=') + 1))))];
}

/** `expect` costs a few microseconds; 400,000 of them would be most of the run. */
function same(got: readonly unknown[], wanted: readonly unknown[], header: string): void {
  if (got.length === wanted.length && got.every((value, at) => value === wanted[at])) return;
  expect({ header, values: got }).toEqual({ header, values: wanted });
}

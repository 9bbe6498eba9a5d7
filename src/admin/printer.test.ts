import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bar, lookOf, printed, type Style, table, widthOf, wrapped } from './printer.js';
import { visible, visibleJson } from './visible.js';

const STYLES: readonly Style[] = ['strong', 'dim', 'good', 'warn', 'bad'];
const anything = fc.string({ unit: 'binary', maxLength: 40 });
const nasty = fc.oneof(
  anything,
  fc.string({
    unit: fc.constantFrom(
      '\x1b',
      '[',
      '\x07',
      '\n',
      '\r',
      '\x9b',
      '\x7f',
      '\u202e',
      '\u2066',
      '\u2028',
      '\\',
      'x',
      ' ',
    ),
  }),
);
const ESCAPE = '\x1b';

describe('text from outside', () => {
  test('brings no control byte to a terminal, whatever it is and however it is styled', () => {
    fc.assert(
      fc.property(nasty, fc.constantFrom(...STYLES), (text, style) => {
        const plain = printed([text, [text, { text, style }]], { colours: false });
        const coloured = printed([[{ text, style }]], { colours: true });
        expect(plain).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
        expect(coloured.split(ESCAPE)).toHaveLength(3);
        expect(coloured.split(ESCAPE).join('')).toMatch(/^\[[0-9;]+m.*\[0m\n$/);
        expect(coloured).toContain(visible(text));
      }),
    );
  });

  test('is spelled so that no two texts look the same', () => {
    const spelled = ['\x1b', '\\x1b', '\\\\x1b', '\u009b', '\u{e0001}', '\u202e', '\ud800', '\u00a0', ' '].map(visible);
    expect(spelled).toEqual([
      '\\x1b',
      '\\\\x1b',
      '\\\\\\\\x1b',
      '\\x9b',
      '\\u{e0001}',
      '\\u{202e}',
      '\\u{d800}',
      '\\xa0',
      ' ',
    ]);
  });

  test('keeps the letters of every script', () => {
    expect(visible('Żółć 東京 שלום 🎬')).toBe('Żółć 東京 שלום 🎬');
  });

  test('is ASCII as JSON, and the same value', () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const json = visibleJson({ text });
        expect(json).not.toMatch(/[^\n -~]/);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

describe('colours', () => {
  const terminal = { isTTY: true, columns: 120 };

  test.each([
    ['a terminal', terminal, {}, true],
    ['a pipe', {}, {}, false],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR, which counts for nothing', terminal, { NO_COLOR: '' }, true],
    ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
  ])('%s', (_what, stream, environment, colours) => {
    expect(lookOf(stream, environment).colours).toBe(colours);
  });

  test('a terminal without a width is not taken for one without columns', () => {
    expect(lookOf({ isTTY: true, columns: 0 }, {}).columns).toBe(100);
    expect(lookOf({ isTTY: true, columns: 3 }, {}).columns).toBe(40);
  });
});

describe('tables and bars', () => {
  const plain = (lines: Parameters<typeof printed>[0]) => printed(lines, { colours: false });

  test('columns are aligned by what is shown, not by what was written', () => {
    const rows = [
      ['a\x1bb', '1'],
      ['c', '1000'],
    ];
    expect(plain(table([{ title: 'node' }, { title: 'slots', right: true }], rows))).toBe(
      ['node    slots', 'a\\x1bb      1', 'c        1000', ''].join('\n'),
    );
  });

  test('a bar ends at its mark, before it, or behind it', () => {
    const shown = [50, 20, 80, 0, 100].map((load) => plain([bar(load, 50, 100, 11)]).trimEnd());
    expect(shown).toEqual(['━━━━━┃─────', '━━───┃─────', '━━━━━┃━━━──', '─────┃─────', '━━━━━┃━━━━━']);
  });

  test('a bar of nothing at all is as wide as any other', () => {
    expect(widthOf(bar(0, 0, 0, 12))).toBe(12);
    expect(widthOf(bar(7, 3, 5, 12))).toBe(12);
  });

  test('long sentences break between words, and a word that is too long stays whole', () => {
    expect(wrapped('one two three four', 9, '  ')).toEqual(['one two', '  three', '  four']);
    expect(wrapped('x'.repeat(50), 9)).toEqual(['x'.repeat(50)]);
  });
});

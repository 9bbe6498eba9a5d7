/**
 * The one way from the tool to a terminal: lines made of spans go in, text comes out.
 *
 * A span is text and, perhaps, a style. Only here does a style become an escape sequence, and only here does text pass through
 * `visible`; so no name, id, path or message can bring a control byte along, whoever wrote the line. Widths are counted in what
 * is shown. Colours are for terminals alone, and not with NO_COLOR (no-color.org).
 *
 * Rejected: strings with escape sequences inside (they cannot be told from those of a stranger).
 */
import { visible } from './visible.js';

export type Style = 'strong' | 'dim' | 'good' | 'warn' | 'bad';
export type Span = string | { readonly text: string; readonly style: Style };
/** A line of output, without its end. */
export type Line = string | readonly Span[];

/** What the output goes to. */
export interface Look {
  readonly colours: boolean;
  readonly columns: number;
}

export interface Column {
  readonly title: string;
  /** Numbers stand right. Default left. */
  readonly right?: true;
}

const SEQUENCES = { strong: '1', dim: '2', good: '32', warn: '33', bad: '1;31' } as const satisfies Record<
  Style,
  string
>;
const GAP = '  ';
/** Where lines are no terminal's, and the most that reads well. */
const USUAL_COLUMNS = 100;
const LEAST_COLUMNS = 40;

/** How a stream wants to be written to. */
export function lookOf(
  stream: { readonly isTTY?: boolean; readonly columns?: number },
  environment: Readonly<Record<string, string | undefined>>,
): Look {
  const { NO_COLOR, TERM } = environment;
  const isTerminal = stream.isTTY === true;
  const columns = isTerminal && stream.columns ? stream.columns : USUAL_COLUMNS;
  return { colours: isTerminal && !NO_COLOR && TERM !== 'dumb', columns: Math.max(LEAST_COLUMNS, columns) };
}

/** The text of these lines. The only control bytes in it are ends of lines and, with colours, the sequences of our own styles. */
export function printed(lines: readonly Line[], { colours }: Pick<Look, 'colours'>): string {
  return lines.map((line) => `${spansOf(line).map(shown).join('').trimEnd()}\n`).join('');

  function shown(span: Span): string {
    if (typeof span === 'string') return visible(span);
    return colours ? `\x1b[${SEQUENCES[span.style]}m${visible(span.text)}\x1b[0m` : visible(span.text);
  }
}

/** Rows under their titles. A last column that stands left may be as long as it likes. */
export function table(columns: readonly Column[], rows: readonly (readonly Line[])[]): Line[] {
  const titles = columns.map(({ title }): Line => [{ text: title, style: 'dim' }]);
  const widths = columns.map((_, c) => Math.max(...[titles, ...rows].map((row) => widthOf(row[c] ?? ''))));
  return [titles, ...rows].map((row) =>
    columns.flatMap(({ right }, c): Span[] => {
      const cell = row[c] ?? '';
      const space = ' '.repeat(widths[c]! - widthOf(cell));
      return [c === 0 ? '' : GAP, ...(right ? [space, ...spansOf(cell)] : [...spansOf(cell), space])];
    }),
  );
}

/** A load as a line of `width` signs, of which `full` is all, with a mark where it should end. */
export function bar(load: number, ideal: number, full: number, width: number): Line {
  const at = (value: number): number => Math.min(width - 1, Math.max(0, Math.round((value / full) * (width - 1))));
  const [end, mark] = [full > 0 ? at(load) : 0, full > 0 ? at(ideal) : 0];
  const filled = (from: number, to: number, until: number): Span[] => {
    const heavy = Math.max(0, Math.min(to, until) - from);
    return [
      { text: '━'.repeat(heavy), style: styleOf(load, ideal) },
      { text: '─'.repeat(to - from - heavy), style: 'dim' },
    ];
  };
  return [...filled(0, mark, end), { text: '┃', style: 'strong' }, ...filled(mark + 1, width, end + 1)];
}

/** How far something is, as a line of `width` signs. */
export function progressBar(done: number, all: number, width: number): Line {
  const heavy = all === 0 ? width : Math.min(width, Math.floor((done / all) * width));
  return [
    { text: '━'.repeat(heavy), style: 'good' },
    { text: '─'.repeat(width - heavy), style: 'dim' },
  ];
}

/** A sentence on as many lines as it takes, the later ones indented. */
export function wrapped(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? `${lines.length === 0 ? '' : indent}${word}` : `${line} ${word}`;
    if (line !== '' && widthOf(longer) > columns) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line];
}

/** How many signs a line takes when it is shown. */
export function widthOf(line: Line): number {
  let width = 0;
  for (const span of spansOf(line)) width += [...visible(typeof span === 'string' ? span : span.text)].length;
  return width;
}

const WARN_ABOVE = 1.01;
const BAD_ABOVE = 1.1;

function styleOf(load: number, ideal: number): Style {
  if (load > ideal * BAD_ABOVE) return 'bad';
  return load > ideal * WARN_ABOVE ? 'warn' : 'good';
}

function spansOf(line: Line): readonly Span[] {
  return typeof line === 'string' ? [line] : line;
}

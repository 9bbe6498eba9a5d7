/**
 * The book of hostile cases: read as data, checked whole, and turned into inputs.
 *
 * A new case in cases.json runs without new code. What the book says in words that this file does not know (a target, an
 * encoding, a base, an op, a term in capitals) is an error of the run, never a case that is quietly left out. Inputs are
 * bytes until the last moment, because a placeholder may stand in the middle of what is no text at all.
 */
import { readFileSync } from 'node:fs';
import { runInThisContext } from 'node:vm';

export interface Case {
  readonly id: string;
  readonly target: Target;
  readonly encoding: string;
  readonly input: unknown;
  readonly outcome: string;
  readonly class: string;
}
export type Target = (typeof targets)[number];

/** What `{ID}` and its like stand for. */
export type Placeholders = Readonly<Record<string, string>>;

interface Book {
  readonly format: Readonly<Record<'targets' | 'encoding' | 'bases' | 'ops' | 'terms' | 'placeholders', object>>;
  readonly cases: readonly Case[];
}
interface Repeat {
  readonly prefix: string;
  readonly unit: string;
  readonly count: number;
  readonly suffix: string;
}
export interface Mutation {
  readonly base: string;
  readonly op: string;
  readonly [detail: string]: unknown;
}

const targets = ['cookie', 'signature', 'store-value', 'session-value', 'option', 'header'] as const;
/** Capitals that are words of the trade and no outcome. */
const TRADE_WORDS = new Set(['GHSA', 'HTTP', 'JSON', 'WRONGTYPE']);

const book = JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8')) as Book;

/** All cases of one target, in their order. */
export function casesFor(target: Target): readonly Case[] {
  return book.cases.filter((each) => each.target === target);
}

/** Everything in a book that its runner would not understand, one line each. */
export function unknownWords(cases: readonly Case[] = book.cases): string[] {
  const { format } = book;
  const known = (list: object, word: unknown): boolean => typeof word === 'string' && Object.hasOwn(list, word);
  return cases.flatMap(({ id, target, encoding, input, outcome }) => {
    const { base, op } = encoding === 'mutate' ? (input as Mutation) : { base: undefined, op: undefined };
    const strange = [
      known(format.targets, target) && targets.includes(target) ? '' : `target ${target}`,
      known(format.encoding, encoding) ? '' : `encoding ${encoding}`,
      base === undefined || known(format.bases, base) ? '' : `base ${base}`,
      op === undefined || known(format.ops, op) ? '' : `op ${op}`,
      ...capitals(outcome)
        .filter((word) => !known(format.terms, word) && !TRADE_WORDS.has(word))
        .map((word) => `term ${word}`),
    ];
    return strange.filter((word) => word !== '').map((word) => `${id}: ${word}`);
  });
}

/** The terms that an outcome uses: `ANON`, `THROW` ... */
export function termsOf({ outcome }: Case): ReadonlySet<string> {
  return new Set(capitals(outcome).filter((word) => Object.hasOwn(book.format.terms, word)));
}

/** True if the outcome asks for this. A case whose outcome asks for nothing that is known here is a hole in the runner. */
export function demands(each: Case, term: string): boolean {
  return termsOf(each).has(term);
}

/** The input as bytes, with the placeholders filled in. */
export function bytesOf(each: Case, placeholders: Placeholders): Buffer {
  return filled(rawBytes(each), placeholders);
}

/** The input of a `js` case: a fresh value at every call. The expressions are the book's own, and harmless. */
export function freshValue(each: Case): unknown {
  if (each.encoding !== 'js') throw new Error(`${each.id}: ${each.encoding} gives bytes, and a value is wanted here`);
  return runInThisContext(`(${String(each.input)})`) as unknown;
}

/** What a `mutate` case wants done; undefined for the others. */
export function mutationOf(each: Case): Mutation | undefined {
  return each.encoding === 'mutate' ? (each.input as Mutation) : undefined;
}

function capitals(text: string): string[] {
  return text.match(/(?<!U\+)\b[A-Z][A-Z0-9]{3,}\b/g) ?? [];
}

function rawBytes({ id, encoding, input }: Case): Buffer {
  switch (encoding) {
    case 'text':
      return Buffer.from(String(input), 'utf8');
    case 'base64':
      return Buffer.from(String(input), 'base64');
    case 'repeat': {
      const { prefix, unit, count, suffix } = input as Repeat;
      return Buffer.from(prefix + unit.repeat(count) + suffix, 'utf8');
    }
    default:
      throw new Error(`${id}: no bytes can be made of encoding ${encoding}`);
  }
}

/** In latin1 every byte is a character, so nothing is bent while placeholders are searched for. */
function filled(bytes: Buffer, placeholders: Placeholders): Buffer {
  let text = bytes.toString('latin1');
  for (const [name, value] of Object.entries(placeholders)) text = text.replaceAll(name, value);
  return Buffer.from(text, 'latin1');
}

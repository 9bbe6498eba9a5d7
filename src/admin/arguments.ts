/**
 * What was typed, taken apart by node:util parseArgs and checked against what a command knows.
 *
 * parseArgs runs in its lenient form and only hands over tokens: its own complaints talk about how to configure parseArgs, ours
 * name the option, say what is wrong, and which one was probably meant. An id may begin with a hyphen (one in 64 does), and is
 * still an id: nothing else that begins with one has its form.
 */
import { parseArgs } from 'node:util';
import { nearest } from '../core/options.js';
import { failure } from '../errors.js';
import { excerpt, quoted } from './visible.js';

/** What a command knows of one of its options. */
export interface OptionRule {
  /** What its value is, as the help calls it. An option without one is a switch. */
  readonly value?: string;
  /** May be given several times. */
  readonly many?: true;
  readonly says: string;
}

export type OptionRules = Readonly<Record<string, OptionRule>>;

/** What was given: the options by name without hyphens, and the words that belong to none. */
export interface Given {
  readonly words: readonly string[];
  has(option: string): boolean;
  one(option: string): string | undefined;
  all(option: string): readonly string[];
}

/** Or a whole token, by mistake. */
const DASHED_ID = /^-[A-Za-z0-9_-]{21}(?:\.[A-Za-z0-9_-]*)?$/;

/** The arguments of a command; SOJOURN_OPTION for any that it does not know. */
export function given(args: readonly string[], rules: OptionRules): Given {
  const options = Object.fromEntries(
    Object.entries(rules).map(([name, { value }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string' } as const,
    ]),
  );
  const ends = args.indexOf('--');
  const ids = args.filter((arg, i) => DASHED_ID.test(arg) && (ends < 0 || i < ends));
  const { tokens } = parseArgs({
    args: args.filter((arg) => !ids.includes(arg)),
    options: { ...options, help: { type: 'boolean', short: 'h' } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const rule = Object.hasOwn(rules, name) && rawName.startsWith('--') ? rules[name]! : unknown(rawName, rules);
    const before = values.get(name) ?? [];
    if (before.length > 0 && !rule.many) throw wrong(rawName, 'is there twice; give it once');
    values.set(name, [...before, valueGiven(rawName, rule, value, inlineValue === true)]);
  }
  return {
    words: [...ids, ...tokens.flatMap((token) => (token.kind === 'positional' ? token.value : []))],
    has: (option) => values.has(option),
    one: (option) => values.get(option)?.[0],
    all: (option) => values.get(option) ?? [],
  };
}

/** A whole number as people write it; SOJOURN_OPTION for anything else (`1e3`, `0x10`, `1.5`, twenty digits). */
export function wholeFrom(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw wrong(option, `must be a whole number from ${min} to ${max}`, text);
}

/** A complaint about what was typed. */
export function wrong(option: string, wanted: string, got?: string): Error {
  return failure('SOJOURN_OPTION', { option, wanted, ...(got === undefined ? {} : { got: quoted(got) }) });
}

function unknown(rawName: string, rules: OptionRules): never {
  const known = Object.keys(rules).map((name) => `--${name}`);
  const near = nearest(rawName, known);
  throw wrong(
    excerpt(rawName),
    `is not an option here; ${near ? `did you mean ${near}?` : `known are ${known.join(', ')}`}`,
  );
}

function valueGiven(rawName: string, rule: OptionRule, value: string | undefined, isInline: boolean): string {
  if (rule.value === undefined) {
    if (value === undefined) return '';
    throw wrong(rawName, 'takes no value', value);
  }
  // `--table --json`: somebody forgot the value. One that does begin with a hyphen can be given as --table=-odd.json.
  if (value === undefined || value === '' || (!isInline && value.startsWith('-')))
    throw wrong(rawName, `needs a value: ${rawName} ${rule.value}`);
  return value;
}

/**
 * JSON as Python's `json` module reads and writes it, which is not quite JSON.
 *
 * NaN, Infinity and -Infinity are words of it; ints have any size and are no floats; a later key wins over an equal one. What is
 * written is ASCII, without blanks, with the keys of every dict sorted by code point (JavaScript sorts by UTF-16 units, which puts
 * characters beyond U+FFFF elsewhere) before they become text. `JSON.parse` can do none of it, hence a parser: one pass, bounded depth.
 */
import { MAX_DEPTH, MAX_VALUES, unreadable, unreadableKey, unwritable } from './bounds.js';
import { Dict, Float, hashed, type Python } from './python.js';
import { floatText, intText, numberOf } from './python-numbers.js';

/** SOJOURN_CORRUPT for what Python would not read. `convert` sees every dict that was read, inner ones first. */
export function readJson(text: string, convert: (dict: Dict) => Python): Python {
  return new Reader(text, convert, false).whole();
}

/** JSON as everybody else reads it: no words for what is no number, none too large for a float, no half characters. */
export function readStrictJson(text: string): Python {
  return new Reader(text, (dict) => dict, true).whole();
}

const BLANK = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
// Up to the next quote, backslash or control character.
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 forbids just these in a string, and so does Python
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }),
);

class Reader {
  readonly #text: string;
  readonly #convert: (dict: Dict) => Python;
  readonly #isStrict: boolean;
  #at = 0;
  #values = 0;

  constructor(text: string, convert: (dict: Dict) => Python, isStrict: boolean) {
    this.#text = text;
    this.#convert = convert;
    this.#isStrict = isStrict;
  }

  whole(): Python {
    const value = this.#value(0);
    this.#skip(BLANK);
    if (this.#at !== this.#text.length) throw unreadable('there is more behind its JSON');
    return value;
  }

  #value(depth: number): Python {
    if (depth > MAX_DEPTH) throw unreadable(`it is nested more than ${MAX_DEPTH} deep`);
    if (++this.#values > MAX_VALUES) throw unreadable(`it has more than ${MAX_VALUES} values`);
    this.#skip(BLANK);
    const first = this.#text[this.#at];
    if (first === '{') return this.#dict(depth);
    if (first === '[') return this.#list(depth);
    if (first === '"') return this.#string();
    for (const [word, value] of WORDS) if (this.#took(word)) return this.#checked(value);
    return this.#checked(this.#number());
  }

  #dict(depth: number): Python {
    const dict = new Dict();
    this.#at++;
    if (!this.#next('}')) {
      do {
        this.#skip(BLANK);
        const key = this.#string();
        this.#demand(':');
        const value = this.#value(depth + 1);
        hashed(() => dict.set(key, value), unreadableKey);
      } while (this.#next(','));
      this.#demand('}');
    }
    return this.#convert(dict);
  }

  #list(depth: number): Python[] {
    const list: Python[] = [];
    this.#at++;
    if (this.#next(']')) return list;
    do list.push(this.#value(depth + 1));
    while (this.#next(','));
    this.#demand(']');
    return list;
  }

  #string(): string {
    if (!this.#took('"')) throw unreadable('its JSON is broken');
    let text = this.#skip(PLAIN);
    for (;;) {
      const end = this.#text[this.#at++];
      if (end === '"') return this.#whole(text);
      if (end !== '\\') throw unreadable('its JSON has a string without end');
      text += this.#escaped() + this.#skip(PLAIN);
    }
  }

  #escaped(): string {
    const letter = this.#text[this.#at++] ?? '';
    if (letter !== 'u') {
      const meant = ESCAPES.get(letter);
      if (meant === undefined) throw unreadable('its JSON has an escape that there is not');
      return meant;
    }
    const hex = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw unreadable('its JSON has half an escape');
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(hex, 16));
  }

  #number(): Python {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#text);
    if (match === null) throw unreadable('its JSON is broken');
    this.#at = NUMBER.lastIndex;
    return numberOf(match[0], match[1] !== undefined || match[2] !== undefined);
  }

  #checked(value: Python): Python {
    if (this.#isStrict && value instanceof Float && !Number.isFinite(value.value))
      throw unreadable('its JSON has a number that is none');
    return value;
  }

  #whole(text: string): string {
    if (this.#isStrict && !text.isWellFormed()) throw unreadable('its JSON has half a character');
    return text;
  }

  #next(mark: string): boolean {
    this.#skip(BLANK);
    return this.#took(mark);
  }

  #demand(mark: string): void {
    if (!this.#next(mark)) throw unreadable('its JSON is broken');
  }

  #took(mark: string): boolean {
    if (!this.#text.startsWith(mark, this.#at)) return false;
    this.#at += mark.length;
    return true;
  }

  #skip(what: RegExp): string {
    what.lastIndex = this.#at;
    const [skipped] = what.exec(this.#text) as RegExpExecArray;
    this.#at += skipped.length;
    return skipped;
  }
}

const WORDS: readonly (readonly [word: string, value: Python])[] = [
  ['null', null],
  ['true', true],
  ['false', false],
  ['NaN', new Float(Number.NaN)],
  ['Infinity', new Float(Number.POSITIVE_INFINITY)],
  ['-Infinity', new Float(Number.NEGATIVE_INFINITY)],
];

/** `json.dumps(value, separators=(',', ':'), sort_keys=True)`. SOJOURN_VALUE for what raises a TypeError there. */
export function writeJson(value: Python): string {
  return written(value, '', 0);
}

function written(value: Python, path: string, depth: number): string {
  if (depth > MAX_DEPTH) throw unwritable(path, `it is nested more than ${MAX_DEPTH} deep`);
  if (value === null) return 'null';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (typeof value === 'bigint') return intText(value, path);
  if (value instanceof Float) return jsonFloat(value.value);
  if (Array.isArray(value)) return `[${value.map((item, i) => written(item, `${path}[${i}]`, depth + 1)).join(',')}]`;
  if (!(value instanceof Dict)) throw unwritable(path, 'JSON has no form for it');
  const members = sorted([...value.entries()], path).map(
    ([key, item]) => `${quoted(keyText(key, path))}:${written(item, `${path}.${keyText(key, path)}`, depth + 1)}`,
  );
  return `{${members.join(',')}}`;
}

type Entry = readonly [key: Python, value: Python];

/** By code point among texts, by size among numbers; Python cannot compare one with the other. */
function sorted(entries: Entry[], path: string): Entry[] {
  if (entries.length < 2) return entries;
  if (entries.every(([key]) => typeof key === 'string'))
    return entries.sort(([a], [b]) => byCodePoint(a as string, b as string));
  if (entries.every(([key]) => isNumber(key))) return entries.sort(([a], [b]) => bySize(sizeOf(a), sizeOf(b)));
  throw unwritable(path, 'its keys are of different types, and Python cannot sort them');
}

function isNumber(key: Python): boolean {
  return typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean' || key instanceof Float;
}

function sizeOf(key: Python): number | bigint {
  if (key instanceof Float) return key.value;
  return typeof key === 'bigint' ? key : Number(key);
}

function bySize(a: number | bigint, b: number | bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** UTF-16 puts surrogates (the characters beyond U+FFFF) before U+E000 to U+FFFF; code points come the other way round. */
function byCodePoint(a: string, b: string): number {
  const others = b[Symbol.iterator]();
  for (const one of a) {
    const other = others.next().value;
    if (other === undefined) return 1;
    if (one !== other) return one.codePointAt(0)! - other.codePointAt(0)!;
  }
  return others.next().done ? 0 : -1;
}

function keyText(key: Python, path: string): string {
  if (typeof key === 'string') return key;
  if (key === null) return 'null';
  if (key instanceof Float) return jsonFloat(key.value);
  if (isNumber(key)) return String(key);
  throw unwritable(path, 'it has a key that JSON has no form for');
}

function jsonFloat(value: number): string {
  return Number.isFinite(value) ? floatText(value) : String(value);
}

const SHORT: ReadonlyMap<string, string> = new Map(
  Object.entries({ '"': '\\"', '\\': '\\\\', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t' }),
);

/** Whatever is not between a blank and a tilde is escaped, unit by unit; DEL too. */
function quoted(text: string): string {
  const escaped = text.replace(
    /[^ !#-[\]-~]/g,
    (unit) => SHORT.get(unit) ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `"${escaped}"`;
}

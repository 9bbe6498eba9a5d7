/**
 * The codec kit is tried on codecs that are wrong in one way each: it must catch every one, by the test that is meant for it.
 */
import { expect, test } from 'vitest';
import { json } from '../codecs/json.js';
import type { Codec } from '../contract.js';
import { failure } from '../errors.js';
import { codecKit } from './codec-kit.js';

const good = json();

test('a codec that keeps the contract passes', () => {
  expect(failedTests(good)).toEqual([]);
});

test('the group carries the name of the codec', () => {
  const names: string[] = [];
  codecKit({ describe: (name) => void names.push(name), test: () => {} }, good);
  expect(names).toEqual(['codec json']);
});

/** What is wrong, the codec that does it, a test that must fail because of it. */
const faults: readonly (readonly [what: string, codec: Codec, caughtBy: string])[] = [
  ['drops undefined', naive(), 'keeps undefined in an object exactly, or refuses'],
  ['turns a Date into a string', naive(), 'keeps a Date exactly, or refuses'],
  ['turns NaN into null', naive(), 'keeps NaN exactly, or refuses'],
  [
    'loses lone surrogates',
    { ...good, encode: (v) => Buffer.from(JSON.stringify(v).replace(/\\ud[\da-f]{3}/g, '\ufffd')) },
    'keeps a lone high surrogate exactly, or refuses',
  ],
  ['drops functions', naive(), 'refuses a function inside, naming the path'],
  ['lets a TypeError out for a cycle', naive(), 'refuses a cycle, naming the path'],
  ['lets a SyntaxError out', naive(), 'answers damaged bytes with a value or with SOJOURN_CORRUPT'],
  ['names no path', { ...good, encode: pathless }, 'refuses a symbol inside, naming the path'],
  ['shows the value', { ...good, encode: talkative }, 'never shows a value in a refusal'],
  ['drops the cause', { ...good, encode: pathless }, 'keeps the cause when reading a value throws'],
  ['has no tags but reads them', { ...good, encode: naive().encode }, 'keeps objects that look like tags'],
  ['gives one value to everybody', { ...good, decode: once(good.decode) }, 'gives a value of its own every time'],
  ['sorts keys', { ...good, decode: (b) => sorted(good.decode(b)) }, 'keeps the order of keys'],
  [
    'reads the whole buffer',
    { ...good, decode: (b) => good.decode(new Uint8Array(b.buffer)) },
    'reads bytes in the middle of a larger buffer',
  ],
  [
    'writes into the bytes',
    { ...good, decode: (b) => [good.decode(b), b.fill(0)][0] },
    'neither changes nor keeps the bytes that it reads',
  ],
  [
    'writes chance',
    { ...good, encode: (v) => Buffer.concat([good.encode(v), Buffer.alloc(Math.floor(Math.random() * 9), 32)]) },
    'gives equal bytes for equal values',
  ],
  [
    'takes nothing for something',
    { ...good, decode: (b) => (b.length === 0 ? null : good.decode(b)) },
    'calls no bytes at all corrupt',
  ],
  ['takes half for the whole', { ...good, decode: lenient }, 'calls an encoding that was cut short corrupt'],
  ['overflows the stack', { ...good, decode: recursive }, 'survives a hundred thousand opening brackets'],
];

test.each(faults)('a codec that %s is caught', (_what, codec, caughtBy) => {
  expect(failedTests(codec)).toContain(caughtBy);
});

/** Runs the kit at once, and tells which of its tests failed. */
function failedTests(codec: Codec): string[] {
  const failed: string[] = [];
  codecKit(
    {
      describe: (_name, body) => body(),
      test: (name, body) => {
        try {
          body();
        } catch {
          failed.push(name);
        }
      },
    },
    codec,
  );
  return failed;
}

function naive(): Codec {
  return {
    name: 'naive',
    encode: (value) => Buffer.from(JSON.stringify(value) ?? 'null'),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString()),
  };
}

function pathless(value: unknown): Uint8Array {
  try {
    return good.encode(value);
  } catch {
    throw failure('SOJOURN_VALUE', { path: '', problem: 'no' });
  }
}

function talkative(value: unknown): Uint8Array {
  try {
    return good.encode(value);
  } catch {
    throw failure('SOJOURN_VALUE', { path: '', problem: `not ${JSON.stringify(value)}` });
  }
}

/** The first answer for each encoding, again and again. */
function once(decode: Codec['decode']): Codec['decode'] {
  const answers = new Map<string, unknown>();
  return (bytes) => {
    const key = Buffer.from(bytes).toString('hex');
    if (!answers.has(key)) answers.set(key, decode(bytes));
    return answers.get(key);
  };
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function lenient(bytes: Uint8Array): unknown {
  try {
    return good.decode(bytes);
  } catch {
    return null;
  }
}

function recursive(bytes: Uint8Array): unknown {
  let at = 0;
  const descend = (): void => {
    if (bytes[at++] === 0x5b) descend();
  };
  descend();
  return good.decode(bytes);
}

/**
 * The attack from outside: every case of hostile/cases.json against what exists, by what its outcome says.
 *
 * One describe for each target, one test for each case and place it runs in, a line of figures at the end. What happens to bad
 * input is told to users in docs/hostile-input.md; where a case leaves a choice, that page and these tests say the same.
 */
import { describe, expect, test } from 'vitest';
import { casesFor, unknownWords } from './hostile/casebook.js';
import { cookieTarget } from './hostile/cookie-target.js';
import { headerTarget } from './hostile/header-target.js';
import { optionTarget } from './hostile/option-target.js';
import { sessionValueTarget } from './hostile/session-value-target.js';
import { signatureTarget } from './hostile/signature-target.js';
import { storeValueTarget } from './hostile/store-value-target.js';

describe('the book of cases', () => {
  test('uses no word that this runner does not know', () => {
    expect(unknownWords()).toEqual([]);
  });

  test.each([
    ['target', { target: 'teapot' }],
    ['encoding', { encoding: 'rot13' }],
    ['base', { encoding: 'mutate', input: { base: 'teapot', op: 'append' } }],
    ['op', { encoding: 'mutate', input: { base: 'stored-entry', op: 'melt' } }],
    ['term', { outcome: 'EXPLODE' }],
  ])('an unknown %s would fail the run', (word, change) => {
    const good = casesFor('cookie')[0]!;
    expect(unknownWords([{ ...good, ...change } as typeof good])).toEqual([
      expect.stringContaining(`${good.id}: ${word} `),
    ]);
  });
});

cookieTarget();
headerTarget();
optionTarget();
sessionValueTarget();
storeValueTarget();

signatureTarget();

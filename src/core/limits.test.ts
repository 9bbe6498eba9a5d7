/** How much one session may hold: refused at the line that goes too far, and getting smaller always works. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkFieldName, FieldBudget, limits, problemOfName } from './limits.js';

const bytes = (length: number) => new Uint8Array(length);
const tooMuch = (option: string) =>
  expect.objectContaining({ code: 'SOJOURN_LIMIT', details: expect.objectContaining({ option }) });

describe('settings', () => {
  test('one mebibyte, 1024 fields, 100 levels, unless told otherwise', () => {
    expect(limits(undefined)).toEqual({ bytes: 1_048_576, fields: 1024, depth: 100 });
    expect(limits({ bytes: 64, fields: 1, depth: 1 })).toEqual({ bytes: 64, fields: 1, depth: 1 });
    expect(limits({ bytes: 2 ** 30, fields: 65_535, depth: 500 })).toEqual({
      bytes: 2 ** 30,
      fields: 65_535,
      depth: 500,
    });
  });

  test.each([
    { bytes: 63 },
    { bytes: 2 ** 30 + 1 },
    { fields: 0 },
    { fields: 65_536 },
    { depth: 0 },
    { depth: 501 },
    { depth: 2.5 },
    { fieldz: 5 },
  ])('%j is refused', (options) => {
    expect(() => limits(options)).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringContaining(Object.keys(options)[0]!) }),
    );
  });
});

describe('names of fields', () => {
  test.each(['a', 'toString', 'constructor', ' ', 'ключ', '😀', 'x'.repeat(255), 'é'.repeat(127), '€'.repeat(85)])(
    '%s is a name',
    (name) => {
      expect(problemOfName(name)).toBeUndefined();
      expect(() => checkFieldName(name)).not.toThrow();
    },
  );

  test.each<[unknown, string]>([
    ['', 'empty'],
    ['__proto__', 'prototypes'],
    ['x'.repeat(256), '255 bytes'],
    ['é'.repeat(128), '255 bytes'],
    ['€'.repeat(86), '255 bytes'],
    ['a\ud800', 'surrogate'],
    ['\udc00b', 'surrogate'],
    [7, 'string'],
  ])('%# is none', (name, problem) => {
    expect(problemOfName(name as string)).toContain(problem);
    expect(() => checkFieldName(name as string)).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_VALUE', message: expect.stringContaining(problem) }),
    );
  });

  test('a long name is not repeated whole in the complaint', () => {
    expect(() => checkFieldName('x'.repeat(300))).toThrowError(
      expect.objectContaining({ details: expect.objectContaining({ path: `field "${'x'.repeat(30)}"` }) }),
    );
  });
});

describe('the budget of one session', () => {
  const small = limits({ bytes: 100, fields: 2 });

  test('counts names and values, to the last byte', () => {
    const budget = new FieldBudget(small, new Map([['name', bytes(46)]]));

    expect(() => budget.check('more', null, bytes(46))).not.toThrow();
    expect(() => budget.check('more', null, bytes(47))).toThrowError(tooMuch('limits.bytes'));
    expect(() => budget.check('né', null, bytes(47))).not.toThrow();
    expect(() => budget.check('né', null, bytes(48))).toThrowError(tooMuch('limits.bytes'));
  });

  test('a field that is there already costs only what it grows', () => {
    const budget = new FieldBudget(small, new Map([['name', bytes(90)]]));

    expect(() => budget.check('name', bytes(90), bytes(96))).not.toThrow();
    expect(() => budget.check('name', bytes(90), bytes(97))).toThrowError(tooMuch('limits.bytes'));
  });

  test('one field more than allowed is refused, a change of one of them is not', () => {
    const budget = new FieldBudget(
      small,
      new Map([
        ['a', bytes(1)],
        ['b', bytes(1)],
      ]),
    );

    expect(() => budget.check('c', null, bytes(1))).toThrowError(tooMuch('limits.fields'));
    expect(() => budget.check('a', bytes(1), bytes(2))).not.toThrow();
    budget.move('b', bytes(1), null);
    expect(() => budget.check('c', null, bytes(1))).not.toThrow();
  });

  test('what was stored under larger limits can still be made smaller', () => {
    const budget = new FieldBudget(small, new Map([['a', bytes(500)]]));

    expect(() => budget.check('a', bytes(500), bytes(500))).not.toThrow();
    expect(() => budget.check('a', bytes(500), bytes(400))).not.toThrow();
    expect(() => budget.check('a', bytes(500), bytes(501))).toThrowError(tooMuch('limits.bytes'));
  });

  test('after any changes it allows exactly what one that was counted afresh allows', () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('a', 'bb', 'é'), fc.option(fc.nat(60), { nil: null })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(steps, fc.constantFrom('a', 'bb', 'new'), fc.nat(100), (changes, field, size) => {
        const now = new Map<string, Uint8Array>();
        const budget = new FieldBudget(small, now);
        for (const [name, length] of changes) {
          const to = length === null ? null : bytes(length);
          budget.move(name, now.get(name) ?? null, to);
          if (to === null) now.delete(name);
          else now.set(name, to);
        }
        const allows = (each: FieldBudget) => {
          try {
            each.check(field, now.get(field) ?? null, bytes(size));
            return true;
          } catch {
            return false;
          }
        };
        expect(allows(budget)).toBe(allows(new FieldBudget(small, now)));
      }),
    );
  });
});

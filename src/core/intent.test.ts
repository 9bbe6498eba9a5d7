/** What several requests want of one field, and the one write that comes of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Stored, Write } from '../contract.js';
import { apply, sameBytes } from './delta.js';
import { type Bytes, bytesOf, type Course, follow, type Intent, soleWrite, start, writeOf } from './intent.js';

const b = (text: string): Bytes => Buffer.from(text);
const shown = (bytes: Bytes | undefined) => (bytes ? Buffer.from(bytes).toString() : bytes);
/** Appends to what is there. */
const append = (read: Bytes, text: string): Intent => {
  const rerun = (current: Bytes): Bytes => b(`${shown(current) ?? ''}${text}`);
  return { kind: 'update', read, value: rerun(read), rerun };
};
const quiet = () => {};

/** Folds intents that begin on `known`, and tells the conflicts on the way. */
function fold(intents: readonly Intent[], known?: Bytes) {
  const told: boolean[] = [];
  let course: Course = start(intents[0]!, known);
  for (const intent of intents) course = follow(course, 'f', intent, 'last-wins', (_, lost) => told.push(lost));
  return { write: writeOf(course), told };
}

/** What the store holds after a write, or 'conflict'. */
function landed(present: Bytes, write: Write): Bytes | 'conflict' {
  const stored: Stored = {
    head: { createdAt: 0, expiresAt: 10, version: 1, generation: 0 },
    fields: new Map(present === null ? [] : [['f', present]]),
  };
  const [outcome, next] = apply(stored, { generation: 0, head: { expiresAt: 10 }, fields: new Map([['f', write]]) }, 1);
  return outcome.status === 'conflict' ? 'conflict' : (next!.fields.get('f') ?? null);
}

describe('one request alone', () => {
  test('a blind set or delete does not look', () => {
    expect(soleWrite({ kind: 'set', value: b('1') })).toEqual({ op: 'set', value: b('1') });
    expect(soleWrite({ kind: 'set', value: null })).toEqual({ op: 'delete' });
  });

  test('everything that was read is compared', () => {
    expect(soleWrite({ kind: 'assign', read: b('1'), value: b('2') })).toEqual({
      op: 'swap',
      expect: b('1'),
      value: b('2'),
    });
    expect(soleWrite({ kind: 'assign', read: b('1'), value: null })).toEqual({
      op: 'swap',
      expect: b('1'),
      value: null,
    });
    expect(soleWrite(append(null, 'x'))).toEqual({ op: 'swap', expect: null, value: b('x') });
    expect(soleWrite({ kind: 'take', read: b('1') })).toEqual({ op: 'swap', expect: b('1'), value: null });
  });

  test('what a write leaves behind', () => {
    expect(bytesOf({ op: 'delete' })).toBeNull();
    expect(bytesOf({ op: 'set', value: b('1')! })).toEqual(b('1'));
    expect(bytesOf({ op: 'swap', expect: b('1'), value: null })).toBeNull();
  });
});

describe('a request that finds another value than it read', () => {
  test('an update runs again on it, and nothing is lost', () => {
    expect(fold([append(b('1'), 'x')], b('2'))).toEqual({
      write: { op: 'swap', expect: b('2'), value: b('2x') },
      told: [false],
    });
  });

  test('an assignment wins all the same, and what it overwrote is told', () => {
    expect(fold([{ kind: 'assign', read: b('1'), value: b('9') }], b('2'))).toEqual({
      write: { op: 'set', value: b('9') },
      told: [true],
    });
    expect(fold([{ kind: 'assign', read: b('1'), value: null }], b('2'))).toEqual({
      write: { op: 'delete' },
      told: [true],
    });
  });

  test("or, with mutations: 'reject', is refused by the field's name", () => {
    const intent: Intent = { kind: 'assign', read: b('1'), value: b('9') };

    expect(() => follow(start(intent, b('2')), 'views', intent, 'reject', quiet)).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_CONFLICT', details: { field: 'views' } }),
    );
    expect(() => follow(start(intent, b('1')), 'views', intent, 'reject', quiet)).not.toThrow();
  });

  test('a take leaves what is there now, and lets the store check that it is', () => {
    const { write, told } = fold([{ kind: 'take', read: b('1') }], b('2'));

    expect(told).toEqual([false]);
    expect(landed(b('2'), write)).toEqual(b('2'));
    expect(landed(b('1'), write)).toBe('conflict');
  });

  test('a take that was overtaken by another take has nothing to tell', () => {
    expect(fold([{ kind: 'take', read: b('1') }], null)).toMatchObject({ told: [] });
  });

  test('a blind set is nobody’s conflict', () => {
    expect(fold([{ kind: 'set', value: b('9') }], b('2'))).toEqual({ write: { op: 'set', value: b('9') }, told: [] });
  });
});

describe('several requests in one commit', () => {
  test('updates of one value add up, on what the first of them read', () => {
    const batch = ['a', 'b', 'c'].map((text) => append(b('-'), text));

    expect(fold(batch)).toEqual({ write: { op: 'swap', expect: b('-'), value: b('-abc') }, told: [false, false] });
  });

  test('what follows a blind set builds on that, whatever the store holds', () => {
    expect(fold([{ kind: 'set', value: b('1') }, append(b('7'), 'x')])).toMatchObject({
      write: { op: 'set', value: b('1x') },
    });
    expect(
      fold([
        { kind: 'set', value: b('1') },
        { kind: 'take', read: b('1') },
      ]),
    ).toMatchObject({ write: { op: 'delete' } });
    expect(
      fold([
        { kind: 'set', value: b('1') },
        { kind: 'take', read: b('7') },
      ]),
    ).toMatchObject({ write: { op: 'set', value: b('1') } });
  });

  test('an assignment that read what is known is compared, like everything that was read', () => {
    expect(fold([{ kind: 'assign', read: b('1'), value: b('9') }], b('1'))).toEqual({
      write: { op: 'swap', expect: b('1'), value: b('9') },
      told: [],
    });
  });

  test('where the value that is known has been overtaken, the store says so, whoever read what', () => {
    const reading = fc.constantFrom<Bytes>(null, b('1'), b('2'));
    const intent: fc.Arbitrary<Intent> = fc.oneof(
      reading.map((read) => append(read, 'x')),
      reading.map((read): Intent => ({ kind: 'take', read })),
    );
    fc.assert(
      fc.property(fc.array(intent, { minLength: 1, maxLength: 4 }), reading, reading, (intents, known, present) => {
        const result = landed(present, fold(intents, known).write);
        expect(result === 'conflict').toBe(!sameBytes(known, present));
      }),
    );
  });

  /** The whole point: one write for all of them does what they would have done one after another. */
  test('one write leaves what the requests would have left one after another', () => {
    const reading = fc.constantFrom<Bytes>(null, b('1'), b('2'));
    const value = fc.constantFrom<Bytes>(null, b('1'), b('2'), b('3'));
    const intent: fc.Arbitrary<Intent> = fc.oneof(
      value.map((v): Intent => ({ kind: 'set', value: v })),
      fc.tuple(reading, value).map(([read, v]): Intent => ({ kind: 'assign', read, value: v })),
      fc.tuple(reading, fc.constantFrom('x', 'y')).map(([read, text]) => append(read, text)),
      reading.map((read): Intent => ({ kind: 'take', read })),
    );
    fc.assert(
      fc.property(fc.array(intent, { minLength: 1, maxLength: 5 }), reading, (intents, present) => {
        let alone: Bytes = present;
        for (const each of intents) alone = onItsOwn(each, alone);
        const together = landed(present, fold(intents, present).write);

        expect(shown(together as Bytes)).toBe(shown(alone));
      }),
      { numRuns: 1000 },
    );
  });
});

/** A request alone on the store: it tries, and once more on what a conflict brought. */
function onItsOwn(intent: Intent, present: Bytes): Bytes {
  const first = landed(present, soleWrite(intent));
  if (first !== 'conflict') return first;
  const second = landed(present, writeOf(follow(start(intent, present), 'f', intent, 'last-wins', quiet)));
  expect(second).not.toBe('conflict');
  return second as Bytes;
}

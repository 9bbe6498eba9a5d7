/** The rule of `commit`, against a plain retelling of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delta, Head, Stored, Write } from '../contract.js';
import { apply, sameBytes } from './delta.js';

const b = (text: string) => Buffer.from(text);
const head: Head = { createdAt: 0, expiresAt: 100, version: 7, generation: 2, secret: b('present'), user: 'ann' };
const stored: Stored = {
  head,
  fields: new Map([
    ['a', b('1')],
    ['b', b('2')],
  ]),
};
const delta = (fields: Record<string, Write>, more: Partial<Delta> = {}): Delta => ({
  generation: 2,
  head: { expiresAt: 200 },
  fields: new Map(Object.entries(fields)),
  ...more,
});

describe('gone', () => {
  test.each<[string, Stored | null, Delta, number]>([
    ['there is no session', null, delta({}), 1],
    ['it ends at this very millisecond', stored, delta({}), 100],
    ['somebody has signed in since', stored, delta({}, { generation: 1 }), 1],
    ['the write comes from the future of another session', stored, delta({}, { generation: 3 }), 1],
    ['it would be a conflict as well', null, delta({ a: { op: 'swap', expect: b('9'), value: null } }), 1],
  ])('when %s', (_, session, change, now) => {
    expect(apply(session, change, now)).toEqual([{ status: 'gone' }, null]);
  });

  test('but not a millisecond before its end', () => {
    expect(apply(stored, delta({}), 99)[0]).toEqual({ status: 'ok', version: 8 });
  });
});

describe('conflict', () => {
  test('when one swap lost: nothing is written, and all swapped fields are told as they are', () => {
    const change = delta({
      a: { op: 'swap', expect: b('1'), value: b('9') },
      b: { op: 'swap', expect: b('old'), value: b('9') },
      none: { op: 'swap', expect: null, value: b('9') },
      c: { op: 'set', value: b('9') },
    });

    expect(apply(stored, change, 1)).toEqual([
      {
        status: 'conflict',
        fields: new Map([
          ['a', b('1')],
          ['b', b('2')],
          ['none', null],
        ]),
      },
      null,
    ]);
  });

  test('when another rotation came first, even if every swap would win', () => {
    const change = delta({ a: { op: 'swap', expect: b('1'), value: null } }, { replaces: b('older') });

    expect(apply(stored, change, 1)[0]).toEqual({ status: 'conflict', fields: new Map([['a', b('1')]]) });
    expect(apply(stored, { ...change, replaces: b('present') }, 1)[0]).toEqual({ status: 'ok', version: 8 });
  });

  test('when there is no secret to be replaced', () => {
    const { secret: _, ...open } = head;
    expect(apply({ ...stored, head: open }, delta({}, { replaces: b('present') }), 1)[0].status).toBe('conflict');
  });
});

describe('ok', () => {
  test('what the head names changes, the rest stays, the version grows by one', () => {
    const [, next] = apply(stored, delta({}, { head: { expiresAt: 200, user: 'bob', generation: 3 } }), 1);

    expect(next).toEqual({
      head: { ...head, expiresAt: 200, user: 'bob', generation: 3, version: 8 },
      fields: stored.fields,
    });
  });

  test('nothing that was passed in is changed', () => {
    const before = JSON.stringify([stored.head, ...stored.fields]);

    apply(stored, delta({ a: { op: 'delete' }, c: { op: 'set', value: b('3') } }), 1);

    expect(JSON.stringify([stored.head, ...stored.fields])).toBe(before);
  });

  test('fields end up as a plain map would have them', () => {
    const value = fc.constantFrom(b('1'), b('2'), b(''));
    const write: fc.Arbitrary<Write> = fc.oneof(
      fc.constant<Write>({ op: 'delete' }),
      value.map((v): Write => ({ op: 'set', value: v })),
      fc.tuple(fc.option(value), fc.option(value)).map(([expect, v]): Write => ({ op: 'swap', expect, value: v })),
    );
    const name = fc.constantFrom('a', 'b', 'c');
    fc.assert(
      fc.property(
        fc.dictionary(name, value, { noNullPrototype: true }),
        fc.dictionary(name, write, { noNullPrototype: true }),
        (fields, writes) => {
          const [outcome, next] = apply({ head, fields: new Map(Object.entries(fields)) }, delta(writes), 1);
          const model = new Map(Object.entries(fields).map(([field, v]) => [field, v.toString()]));
          const loses = Object.entries(writes).some(
            ([field, w]) =>
              w.op === 'swap' && (w.expect === null ? null : w.expect.toString()) !== (model.get(field) ?? null),
          );
          for (const [field, w] of Object.entries(writes)) {
            const to = w.op === 'delete' ? null : w.value;
            if (to === null) model.delete(field);
            else model.set(field, to.toString());
          }

          expect(outcome.status).toBe(loses ? 'conflict' : 'ok');
          if (next !== null)
            expect(new Map([...next.fields].map(([field, v]) => [field, v.toString()]))).toEqual(model);
        },
      ),
    );
  });
});

test.each<[Uint8Array | null | undefined, Uint8Array | null | undefined, boolean]>([
  [b('a'), new Uint8Array([97]), true],
  [b('a'), b('b'), false],
  [b('a'), b('aa'), false],
  [b(''), b(''), true],
  [null, undefined, true],
  [null, null, true],
  [null, b(''), false],
  [b(''), undefined, false],
])('the same bytes, and absence is absence (%#)', (x, y, same) => {
  expect([sameBytes(x, y), sameBytes(y, x)]).toEqual([same, same]);
});

test('a secret that opens nothing any more is forgotten with the next commit, and not a millisecond earlier', () => {
  const previous = { secret: b('before'), until: 50, opens: 'session' as const };
  const rotated: Stored = { ...stored, head: { ...head, previous } };

  expect(apply(rotated, delta({}), 49)[1]?.head.previous).toEqual(previous);
  expect(apply(rotated, delta({}), 50)[1]?.head).toEqual({ ...head, expiresAt: 200, version: 8 });
  const next = { secret: b('present'), until: 99, opens: 'nothing' as const };
  const login = delta({}, { head: { expiresAt: 200, previous: next } });
  expect(apply(rotated, login, 50)[1]?.head.previous).toEqual(next);
});

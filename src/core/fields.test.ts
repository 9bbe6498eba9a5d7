/** The fields during one request: decoded when read, checked when set, and nothing wished for that is not a change. */
import { describe, expect, test } from 'vitest';
import { json } from '../codecs/json.js';
import type { Codec, Write } from '../contract.js';
import { failure } from '../errors.js';
import { Fields } from './fields.js';
import type { Bytes, Intent } from './intent.js';
import { limits } from './limits.js';

const codec = json();
const enc = (value: unknown) => codec.encode(value);
const dec = (bytes: Bytes | undefined) => (bytes ? codec.decode(bytes) : bytes);

/** Fields of a stored session, with a codec that counts. */
function open(stored: Record<string, unknown> = {}, bounds: Parameters<typeof limits>[0] = {}) {
  const counts = { encode: 0, decode: 0 };
  const counting: Codec = {
    name: 'counting',
    encode: (value) => {
      counts.encode++;
      return codec.encode(value);
    },
    decode: (bytes) => {
      counts.decode++;
      return codec.decode(bytes);
    },
  };
  const corrupt: [string, string][] = [];
  const bytes = new Map(
    Object.entries(stored).map(([field, value]) => [field, value instanceof Uint8Array ? value : enc(value)]),
  );
  const fields = new Fields(bytes, counting, limits(bounds), (field, reason) => corrupt.push([field, reason]));
  return { fields, counts, corrupt };
}
const wishes = (fields: Fields) =>
  Object.fromEntries([...fields.intents()].map(([field, intent]) => [field, told(intent)]));
const told = (intent: Intent) =>
  intent.kind === 'set'
    ? ['set', dec(intent.value)]
    : intent.kind === 'take'
      ? ['take', dec(intent.read)]
      : [intent.kind, dec(intent.read), dec(intent.value)];

describe('reading', () => {
  test('decodes a field once, when it is first read, and wishes for nothing', () => {
    const { fields, counts } = open({ a: 1, b: 2, c: 3 });

    expect([fields.get('a'), fields.get('a'), fields.has('b'), [...fields.keys()], fields.get('none')]).toEqual([
      1,
      1,
      true,
      ['a', 'b', 'c'],
      undefined,
    ]);
    expect(counts).toEqual({ encode: 0, decode: 1 });
    expect(wishes(fields)).toEqual({});
  });

  test('an object is encoded once more at the end, and found unchanged', () => {
    const { fields, counts } = open({ cart: ['ticket'], n: 1 });
    fields.get('cart');

    fields.get('n');
    expect(wishes(fields)).toEqual({});
    expect(counts).toEqual({ encode: 1, decode: 2 });
  });

  test('keys are those that would be stored now, new ones last', () => {
    const { fields } = open({ a: 1, b: 2 });
    fields.set('new', 3);
    fields.delete('a');
    fields.get('none');
    fields.set('b', 4);

    expect([...fields.keys()]).toEqual(['b', 'new']);
    expect([fields.has('a'), fields.has('new')]).toEqual([false, true]);
  });

  test('a damaged field is told and thrown, each time, and can be replaced', () => {
    const { fields, corrupt } = open({ a: Buffer.from('{"half') });

    expect(() => fields.get('a')).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_CORRUPT', message: expect.stringContaining('Field "a"') }),
    );
    expect(() => fields.update('a', () => 1)).toThrowError(expect.objectContaining({ code: 'SOJOURN_CORRUPT' }));
    expect(corrupt.map(([field]) => field)).toEqual(['a', 'a']);
    for (const [, reason] of corrupt) expect(reason).toMatch(/^(?!the codec failed|undefined)./);
    expect(wishes(fields)).toEqual({});
    fields.set('a', 2);
    expect(fields.get('a')).toBe(2);
  });

  test.each([
    [failure('SOJOURN_CORRUPT', { what: 'A value', problem: 'cut off' }), 'cut off'],
    [
      failure('SOJOURN_NO_SESSION', undefined),
      'This request has no session. Put the session middleware before the code that asks for it.',
    ],
  ])('the reason is the one that the codec gives (%#)', (error, reason) => {
    const reasons: string[] = [];
    const broken: Codec = {
      name: 'broken',
      encode: enc,
      decode: () => {
        throw error;
      },
    };

    expect(() =>
      new Fields(new Map([['a', enc(1)]]), broken, limits({}), (_, told) => reasons.push(told)).get('a'),
    ).toThrow();
    expect(reasons).toEqual([reason]);
  });

  test('a codec that fails in a way of its own is damage too, without its words', () => {
    const reasons: string[] = [];
    const broken: Codec = {
      name: 'broken',
      encode: enc,
      decode: () => {
        throw new Error('secret');
      },
    };
    const fields = new Fields(new Map([['a', enc(1)]]), broken, limits({}), (_, reason) => reasons.push(reason));

    expect(() => fields.get('a')).toThrowError(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
    expect(reasons).toEqual(['the codec failed']);
  });
});

describe('names', () => {
  test('what cannot be a name is not there, and cannot be set, changed or deleted', () => {
    const { fields } = open();

    expect([fields.get('__proto__'), fields.has(''), fields.take('')]).toEqual([undefined, false, undefined]);
    for (const act of [() => fields.set('', 1), () => fields.update('', () => 1), () => fields.delete('')])
      expect(act).toThrowError(expect.objectContaining({ code: 'SOJOURN_VALUE' }));
  });

  test('but what is stored under one can be read and deleted, though not set', () => {
    const { fields } = open({ '': 1 });

    expect([fields.get(''), fields.has('')]).toEqual([1, true]);
    expect(() => fields.set('', 2)).toThrowError(expect.objectContaining({ code: 'SOJOURN_VALUE' }));
    fields.delete('');
    expect(wishes(fields)).toEqual({ '': ['assign', 1, null] });
  });
});

describe('what is wished for', () => {
  test.each<[string, (fields: Fields) => void, object]>([
    ['a set without a read is blind', (f) => f.set('a', 2), { a: ['set', 2] }],
    ['so is a delete', (f) => f.delete('a'), { a: ['set', null] }],
    [
      'a set after a get builds on what was read',
      (f) => f.set('a', (f.get('a') as number) + 1),
      { a: ['assign', 1, 2] },
    ],
    ['after has too', (f) => f.has('a') && f.delete('a'), { a: ['assign', 1, null] }],
    ['and after "not there"', (f) => !f.has('n') && f.set('n', 1), { n: ['assign', null, 1] }],
    ['a set to what is there is no wish', (f) => f.set('a', 1), {}],
    ['nor is deleting what is not there', (f) => f.delete('n'), {}],
    ['nor setting and deleting', (f) => [f.set('n', 1), f.delete('n')], {}],
    ['an update can be rerun', (f) => f.update('a', (n) => (n as number) + 1), { a: ['update', 1, 2] }],
    [
      'a read before an update changes nothing about that',
      (f) => [f.get('a'), f.update('a', () => 5)],
      { a: ['update', 1, 5] },
    ],
    ['an update that gives undefined deletes', (f) => f.update('a', () => undefined), { a: ['update', 1, null] }],
    [
      'an update after a blind set is part of it',
      (f) => [f.set('a', 5), f.update('a', (n) => (n as number) + 1)],
      { a: ['set', 6] },
    ],
    ['a set after an update takes its place', (f) => [f.update('a', () => 5), f.set('a', 7)], { a: ['set', 7] }],
    ['a take', (f) => f.take('a'), { a: ['take', 1] }],
    ['a take of nothing is no wish', (f) => f.take('n'), {}],
    ['a second take neither', (f) => [f.take('a'), f.take('a')], { a: ['take', 1] }],
    ['a set after a take builds on what was taken', (f) => [f.take('a'), f.set('a', 2)], { a: ['assign', 1, 2] }],
    [
      'an update after a take can be rerun on what the take would have left',
      (f) => [f.take('a'), f.update('a', () => 2)],
      { a: ['update', 1, 2] },
    ],
    ['a take after an update', (f) => [f.update('a', () => 2), f.take('a')], { a: ['take', 1] }],
    ['a take after a set', (f) => [f.set('a', 2), f.take('a')], { a: ['assign', 1, null] }],
    [
      'a change deep inside',
      (f) => (f.get('cart') as string[]).push('popcorn'),
      { cart: ['assign', ['ticket'], ['ticket', 'popcorn']] },
    ],
    [
      'one inside a value that was set',
      (f) => {
        const list = [1];
        f.set('n', list);
        list.push(2);
      },
      { n: ['assign', null, [1, 2]] },
    ],
    [
      'an update after a change deep inside',
      (f) => {
        (f.get('cart') as string[]).push('popcorn');
        f.update('cart', (cart) => [...(cart as string[]), 'cola']);
      },
      { cart: ['assign', ['ticket'], ['ticket', 'popcorn', 'cola']] },
    ],
    [
      'a change deep inside after an update',
      (f) => {
        f.update('cart', (cart) => [...(cart as string[]), 'cola']);
        (f.get('cart') as string[]).push('popcorn');
      },
      { cart: ['assign', ['ticket'], ['ticket', 'cola', 'popcorn']] },
    ],
    [
      'an update of an object that was only looked at',
      (f) => {
        f.get('cart');
        f.update('cart', () => []);
      },
      { cart: ['update', ['ticket'], []] },
    ],
    [
      'a change inside a value that took the place of another',
      (f) => {
        const list = ['new'];
        f.set('cart', list);
        list.push('er');
      },
      { cart: ['assign', ['ticket'], ['new', 'er']] },
    ],
    ['a change and its undoing', (f) => [(f.get('cart') as string[]).push('x'), (f.get('cart') as string[]).pop()], {}],
  ])('%s', (_, act, expected) => {
    const { fields } = open({ a: 1, cart: ['ticket'] });
    act(fields);

    expect(wishes(fields)).toEqual(expected);
  });

  test('an update runs once for the handler, and all of the chain again on another value', () => {
    const { fields } = open({ a: 1 });
    fields.update('a', (n) => (n as number) + 1);
    fields.update('a', (n) => (n as number) * 10);
    const intent = fields.intents().get('a');

    expect(fields.get('a')).toBe(20);
    if (intent?.kind !== 'update') throw new Error('not an update');
    expect([dec(intent.rerun(enc(5))), dec(intent.rerun(null))]).toEqual([60, Number.NaN]);
  });

  test('what was taken in between is not added again', () => {
    const { fields } = open({ a: [1] });
    const add = (n: number) => fields.update('a', (all) => [...((all as number[] | undefined) ?? []), n]);
    add(2);
    expect(fields.take('a')).toEqual([1, 2]);
    add(3);
    const intent = fields.intents().get('a');

    expect(intent?.kind === 'update' && [dec(intent.value), dec(intent.rerun(enc([1, 9])))]).toEqual([[3], [1, 9, 3]]);
  });

  test('a rerun that gives undefined deletes', () => {
    const { fields } = open({ a: 1 });
    fields.update('a', (n) => (n === 1 ? 2 : undefined));
    const intent = fields.intents().get('a');

    expect(intent?.kind === 'update' && intent.rerun(enc(9))).toBeNull();
  });

  test('an update that throws leaves the field as it was', () => {
    const { fields } = open({ a: 1 });

    expect(() =>
      fields.update('a', () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect([fields.get('a'), wishes(fields)]).toEqual([1, {}]);
  });

  test('a new session holds what was set, and nothing that was taken or deleted again', () => {
    const { fields } = open();
    fields.set('a', 1);
    fields.update('b', () => 2);
    fields.set('c', 3);
    fields.take('c');

    expect(Object.fromEntries([...fields.all(fields.intents())].map(([field, bytes]) => [field, dec(bytes)]))).toEqual({
      a: 1,
      b: 2,
    });
  });
});

describe('what cannot be kept', () => {
  test('is refused where it is set, by its path, and the field keeps its value', () => {
    const { fields } = open({ a: 1 });

    for (const act of [
      () => fields.set('a', { deep: [() => 1] }),
      () => fields.update('a', () => ({ deep: [() => 1] })),
    ])
      expect(act).toThrowError(
        expect.objectContaining({ code: 'SOJOURN_VALUE', message: expect.stringContaining('a.deep[0]') }),
      );
    expect([fields.get('a'), wishes(fields)]).toEqual([1, {}]);
  });

  test('or at the end, if it came in deep inside', () => {
    const { fields } = open({ cart: [] });
    (fields.get('cart') as unknown[]).push(Symbol('x'));

    expect(() => fields.intents()).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_VALUE', message: expect.stringContaining('cart[0]') }),
    );
  });

  test('limits hold for what grew deep inside as well', () => {
    const { fields } = open({ cart: [] }, { bytes: 100 });
    (fields.get('cart') as unknown[]).push('x'.repeat(200));

    expect(() => fields.intents()).toThrowError(expect.objectContaining({ code: 'SOJOURN_LIMIT' }));
  });

  test('and count it: what a change deep inside has used up is gone for others', () => {
    const { fields } = open({ cart: [] }, { bytes: 100 });
    (fields.get('cart') as unknown[]).push('x'.repeat(50));
    fields.intents();

    expect(() => fields.set('more', 'y'.repeat(50))).toThrowError(expect.objectContaining({ code: 'SOJOURN_LIMIT' }));
  });

  test('a field that was set and deleted gives its room back', () => {
    const { fields } = open({}, { bytes: 100 });
    for (let i = 0; i < 10; i++) {
      fields.set('a', 'x'.repeat(80));
      fields.delete('a');
    }

    expect(wishes(fields)).toEqual({});
  });

  test('a field that nobody looked at counts as what it is', () => {
    const { fields } = open({ a: 'x'.repeat(90) }, { bytes: 100 });

    fields.set('a', 'y'.repeat(90));
    expect(() => fields.set('b', 'y'.repeat(90))).toThrowError(expect.objectContaining({ code: 'SOJOURN_LIMIT' }));
  });

  test('a stored field that is longer than the limit is damage, one that just fits is read', () => {
    const { fields, corrupt } = open({ fits: 'x'.repeat(98), long: 'x'.repeat(99) }, { bytes: 100 });

    expect(fields.get('fits')).toHaveLength(98);
    expect(() => fields.get('long')).toThrowError(expect.objectContaining({ code: 'SOJOURN_CORRUPT' }));
    expect(corrupt).toEqual([['long', 'too-large: more than limits.bytes (100)']]);
  });

  test('an error of a codec that is not about a value passes as it is', () => {
    const broken: Codec = {
      name: 'broken',
      encode: () => {
        throw new RangeError('out of luck');
      },
      decode: dec,
    };

    expect(() => new Fields(undefined, broken, limits({}), () => {}).set('a', 1)).toThrow(RangeError);
  });
});

describe('after a commit in mid-request', () => {
  test('what was written is what is stored, and nothing is wished for any more', () => {
    const { fields } = open({ a: 1, b: 2 });
    fields.set('a', 5);
    fields.take('b');
    fields.settle(
      new Map([
        ['a', { op: 'set', value: enc(5) }],
        ['b', { op: 'swap', expect: enc(2), value: null }],
      ]),
    );

    expect(wishes(fields)).toEqual({});
    expect([fields.get('a'), fields.get('b'), [...fields.keys()]]).toEqual([5, undefined, ['a']]);
    fields.set('a', 1);
    expect(wishes(fields)).toEqual({ a: ['assign', 5, 1] });
  });

  test('a rerun that landed on another value is seen', () => {
    const { fields } = open({ n: 1 });
    fields.update('n', (n) => (n as number) + 1);
    fields.settle(new Map([['n', { op: 'swap', expect: enc(8), value: enc(9) }]]));

    expect(fields.get('n')).toBe(9);
    fields.update('n', (n) => (n as number) + 1);
    expect(wishes(fields)).toEqual({ n: ['update', 9, 10] });
  });

  test('a rerun that deleted is seen as absence', () => {
    const { fields, corrupt } = open({ n: 1 });
    fields.update('n', (n) => (n === 1 ? 2 : undefined));
    fields.settle(new Map([['n', { op: 'swap', expect: enc(8), value: null }]]));

    expect([fields.get('n'), fields.has('n'), [...fields.keys()], corrupt]).toEqual([undefined, false, [], []]);
  });

  test('what others deleted in the same commit is gone, and updates begin anew', () => {
    const { fields } = open({ n: 1, other: 1 });
    fields.update('n', (n) => (n as number) + 1);
    fields.settle(
      new Map<string, Write>([
        ['n', { op: 'swap', expect: enc(1), value: enc(2) }],
        ['other', { op: 'delete' }],
      ]),
    );
    fields.update('n', (n) => (n as number) * 10);
    const intent = fields.intents().get('n');

    expect([...fields.keys()]).toEqual(['n']);
    expect(intent?.kind === 'update' && dec(intent.rerun(enc(5)))).toBe(50);
  });

  test('an update after a set that was saved can be rerun', () => {
    const { fields } = open({ n: 1 });
    fields.set('n', 5);
    fields.settle(new Map([['n', { op: 'set', value: enc(5) }]]));
    fields.update('n', (n) => (n as number) + 1);

    expect(wishes(fields)).toEqual({ n: ['update', 5, 6] });
  });

  test('what others wrote in the same commit is seen, also by those who had looked before', () => {
    const { fields } = open({ cart: ['a'] });
    fields.get('cart');
    fields.settle(
      new Map([
        ['cart', { op: 'set', value: enc(['b']) }],
        ['new', { op: 'set', value: enc(1) }],
      ]),
    );

    expect([fields.get('cart'), fields.get('new')]).toEqual([['b'], 1]);
  });

  test('an object that was written goes on being watched', () => {
    const { fields } = open();
    const list = ['a'];
    fields.set('cart', list);
    fields.settle(new Map([['cart', { op: 'set', value: enc(['a']) }]]));
    list.push('b');

    expect(wishes(fields)).toEqual({ cart: ['assign', ['a'], ['a', 'b']] });
  });
});

/**
 * Typed JSON as users meet it: what their values look like in the store, and what they are told when one cannot be kept.
 */
import { describe, expect, test } from 'vitest';
import { isFailure, type SojournError } from '../errors.js';
import { codecKit } from '../testing/codec-kit.js';
import { json } from './json.js';

const codec = json();

codecKit({ describe, test }, codec);

describe('what a field looks like in the store', () => {
  test.each([
    ['plain data is plain JSON', { views: 1, cart: ['book', null, true] }, '{"views":1,"cart":["book",null,true]}'],
    ['a string', 'alice', '"alice"'],
    ['a Date', new Date('2026-01-02T03:04:05.678Z'), '{"$date":"2026-01-02T03:04:05.678Z"}'],
    [
      'a Map',
      new Map<unknown, unknown>([
        ['a', 1],
        [2, new Set([3])],
      ]),
      '{"$map":[["a",1],[2,{"$set":[3]}]]}',
    ],
    ['a Set', new Set(['a', 1]), '{"$set":["a",1]}'],
    ['a BigInt', -123n, '{"$bigint":"-123"}'],
    ['bytes', Uint8Array.of(1, 2, 255), '{"$bytes":"AQL/"}'],
    ['a Buffer', Buffer.from('hi'), '{"$buffer":"aGk="}'],
    ['odd numbers', [Number.NaN, -0], '[{"$number":"NaN"},{"$number":"-0"}]'],
    ['infinities', [1 / 0, -1 / 0], '[{"$number":"Infinity"},{"$number":"-Infinity"}]'],
    ['undefined', { a: undefined }, '{"a":{"$undefined":true}}'],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), '{"$bare":{"a":1}}'],
    ['a key of the user that looks like a tag', { $date: 1 }, '{"$$date":1}'],
    ['a key that looks like an escaped one', { $$date: 1 }, '{"$$$date":1}'],
    ['the key $ alone', { $: 1 }, '{"$$":1}'],
    ['two keys with $ are no tag', { $a: 1, $b: 2 }, '{"$a":1,"$b":2}'],
    ['a bare object that looks like a tag', Object.assign(Object.create(null), { $set: [] }), '{"$bare":{"$$set":[]}}'],
    ['a lone surrogate', 'a\ud800', '"a\\ud800"'],
    ['a lone surrogate beside a tag', ['\udc00', 1n], '["\\udc00",{"$bigint":"1"}]'],
  ])('%s', (_what, value, text) => {
    expect(Buffer.from(codec.encode(value)).toString()).toBe(text);
    expect(codec.decode(Buffer.from(text))).toStrictEqual(value);
  });

  test('a Buffer comes back as a Buffer, bytes as plain bytes with memory of their own', () => {
    const [buffer, bytes] = again([Buffer.from('hi'), Uint8Array.of(1)]) as [Buffer, Uint8Array];
    expect(buffer.toString('hex')).toBe('6869');
    expect(Object.getPrototypeOf(bytes)).toBe(Uint8Array.prototype);
    expect(bytes.buffer.byteLength).toBe(1);
  });

  test('a shared reference comes back as two copies', () => {
    const address = { city: 'Brno' };
    const back = again({ home: address, work: address }) as { home: object; work: object };
    expect(back).toStrictEqual({ home: address, work: address });
    expect(back.home).not.toBe(back.work);
  });

  test('a getter is kept as what it answers', () => {
    expect(
      again({
        get total(): number {
          return 3;
        },
      }),
    ).toStrictEqual({ total: 3 });
  });

  test('a proxy is kept as what it shows', () => {
    expect(again(new Proxy({ a: [1] }, {}))).toStrictEqual({ a: [1] });
  });

  test('the order of keys is kept, and makes different bytes', () => {
    expect(codec.encode({ a: 1, b: 2 })).not.toStrictEqual(codec.encode({ b: 2, a: 1 }));
  });
});

describe('what is refused', () => {
  class Cart {}
  const hole = sparse([1, 2, 3], 1);
  const named = Object.assign([1], { note: 'x' });
  const swapped = Object.assign(sparse([1, 2], 0), { note: 'x' });

  test.each([
    ['a function', { a: () => 1 }, '.a', 'a function is not data'],
    ['a symbol', [Symbol('x')], '[0]', 'a symbol is not data'],
    ['a symbol as key', { a: { [Symbol('x')]: 1 } }, '.a', 'it has properties that are symbols or not enumerable'],
    [
      'a hidden property',
      Object.defineProperty({}, 'x', { value: 1 }),
      '',
      'it has properties that are symbols or not enumerable',
    ],
    [
      'a class instance',
      { cart: new Cart() },
      '.cart',
      'it is of class Cart, a class instance; keep its plain data instead',
    ],
    [
      'a subclass of a kind that is kept',
      [new (class Days extends Date {})()],
      '[0]',
      'it is of class Days, a class instance; keep its plain data instead',
    ],
    [
      'an object that inherits',
      Object.create({ a: 1 }),
      '',
      'it is of class Object, a class instance; keep its plain data instead',
    ],
    [
      'a Date by prototype only',
      Object.create(Date.prototype),
      '',
      'it is of class Date, a class instance; keep its plain data instead',
    ],
    [
      'an object of an unnamed class',
      new (class {})(),
      '',
      'it is of an unnamed class, a class instance; keep its plain data instead',
    ],
    ['a promise', { a: Promise.resolve(1) }, '.a', 'it is a promise; await it first'],
    ['a boxed number', [Object(1)], '[0]', 'it is of class Number, an object; keep the primitive value'],
    [
      'other typed arrays',
      { a: new Float32Array(1) },
      '.a',
      'it is of class Float32Array; of bytes, Uint8Array and Buffer are kept',
    ],
    ['an ArrayBuffer', new ArrayBuffer(1), '', 'it is of class ArrayBuffer; of bytes, Uint8Array and Buffer are kept'],
    ['an invalid Date', { at: new Date(Number.NaN) }, '.at', 'it is an invalid Date'],
    ['a hole', { list: hole }, '.list', 'it has a hole at index 1; write null instead'],
    ['properties on an array', [named], '[0]', 'it is an array with properties besides its elements'],
    ['a hole behind a property', swapped, '', 'it has a hole at index 0; write null instead'],
    [
      'a symbol on an array',
      Object.assign([1], { [Symbol('x')]: 1 }),
      '',
      'it has properties that are symbols or not enumerable',
    ],
    ['properties on a Map', Object.assign(new Map(), { a: 1 }), '', 'it is a Map with properties of its own'],
    ['properties on a Set', [Object.assign(new Set(), { a: 1 })], '[0]', 'it is a Set with properties of its own'],
    ['properties on a Date', Object.assign(new Date(0), { a: 1 }), '', 'it is a Date with properties of its own'],
    [
      'a key named __proto__',
      JSON.parse('{"a":{"__proto__":{"isAdmin":true}}}'),
      '.a',
      'a key named __proto__ could change a prototype',
    ],
    [
      'something in a Map',
      {
        m: new Map([
          ['a', 1],
          ['b', () => 1],
        ] as [string, unknown][]),
      },
      '.m.values()[1]',
      'a function is not data',
    ],
    ['a key of a Map', new Map([[() => 1, 1]]), '.keys()[0]', 'a function is not data'],
    ['something in a Set', new Set([1, Symbol('x')]), '.values()[1]', 'a symbol is not data'],
    ['a BigInt beyond all bounds', [10n ** 10_000n], '[0]', 'it is a BigInt of more than 10000 digits'],
  ])('%s', (_what, value, path, problem) => {
    expect(refusal(value).details).toEqual({ path, problem });
  });

  test('the message says value where the engine will say the name of the field', () => {
    expect(refusal({ a: [() => 1] }).message).toBe('Cannot keep value.a[0] in the session: a function is not data.');
    expect(refusal(() => 1).message).toBe('Cannot keep value in the session: a function is not data.');
  });

  test('a cycle through a Map', () => {
    const map = new Map<string, unknown>();
    map.set('me', [map]);
    expect(refusal({ map }).details).toEqual({ path: '.map.values()[0][0]', problem: 'it contains itself' });
  });

  test.each([
    ['price', '.price'],
    ['$price', '.$price'],
    ['_1', '._1'],
    ['größe', '.größe'],
    ['1st', '["1st"]'],
    ['unit-price', '["unit-price"]'],
    ['', '[""]'],
    ['say "hi"', '["say \\"hi\\""]'],
  ])('the path to %j is as JavaScript would write it', (name, path) => {
    expect(refusal({ [name]: () => 1 }).details.path).toBe(path);
  });

  test('a name of 40 letters and a path of 160 are shown whole, longer ones are cut', () => {
    const pathTo = (...names: string[]): unknown =>
      refusal(
        names.reduceRight<unknown>(
          (value, name) => ({ [name]: value }),
          () => 1,
        ),
      ).details.path;
    const name = 'x'.repeat(40);
    expect(pathTo(name)).toBe(`.${name}`);
    expect(pathTo(`${name}y`)).toBe(`.${name}...`);
    expect(pathTo(`${name} y`)).toBe(`["${name}..."]`);
    const long = 'x'.repeat(39);
    expect(pathTo(long, long, long, long)).toBe(`.${long}`.repeat(4));
    expect(pathTo(long, long, long, long, 'y')).toBe(`${`.${long}`.repeat(4)}...`);
  });

  test.each([
    [
      'a long name is cut',
      new (class Abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz {})(),
      'of class Abcdefghijklmnopqrstuvwxyzabcdefghijklmn,',
    ],
    ['no class at all', Object.create(Object.create(null)), 'of an unnamed class,'],
    ['a name that is no text', new (Object.defineProperty(class {}, 'name', { value: 7 }))(), 'of an unnamed class,'],
    ['shared memory', new SharedArrayBuffer(1), 'of class SharedArrayBuffer; of bytes,'],
    ['a view', new DataView(new ArrayBuffer(1)), 'of class DataView; of bytes,'],
    ['a Buffer of another class', new (class Own extends Uint8Array {})(1), 'of class Own; of bytes,'],
  ])('what a stranger is called: %s', (_, value, name) => {
    expect(refusal(value).details.problem).toContain(name);
  });

  test.each([Array, Map, Set, Date, Uint8Array, Buffer])(
    'a subclass of %o, or what only pretends to be one, would come back as something else',
    (kind) => {
      const Own = class Own extends (kind as unknown as new (...args: unknown[]) => object) {};
      const own = kind === Buffer ? Object.setPrototypeOf(Buffer.from('x'), Own.prototype) : new Own();
      expect(refusal([own]).details).toMatchObject({ path: '[0]', problem: expect.stringContaining('of class Own') });
      const fake = Object.create(kind.prototype as object);
      expect(refusal([fake]).details).toMatchObject({
        path: '[0]',
        problem: expect.stringContaining(`of class ${kind.name}`),
      });
    },
  );

  test('ten thousand digits of a BigInt are kept, with either sign', () => {
    const most = 10n ** 10_000n - 1n;
    for (const value of [most, -most]) expect(again(value)).toBe(value);
    for (const value of [most + 1n, -most - 1n])
      expect(refusal(value).details.problem).toBe('it is a BigInt of more than 10000 digits');
  });

  test('odd names are quoted, long ones and long paths are cut', () => {
    expect(refusal({ 'unit price': () => 1 }).details.path).toBe('["unit price"]');
    expect(String(refusal({ ['x'.repeat(1000)]: () => 1 }).details.path)).toHaveLength(44);
    expect(String(refusal(nested(200)).details.path)).toHaveLength(163);
  });

  test('one long text in five places is written five times, and that is too much', () => {
    const text = 'x'.repeat(2 ** 20);
    const problem = 'it takes more than 4 MiB; references to one object are written each time';
    for (const value of [[text, text, text, text, text], { a: text, b: { c: [text, text], d: text, e: text } }])
      expect(refusal(value).details.problem).toBe(problem);
    expect(refusal(new Map([[1, [new Uint8Array(2 ** 22)]]])).details).toMatchObject({
      path: '.values()[0][0]',
      problem,
    });
    expect(refusal({ ['k'.repeat(2 ** 22)]: 1n }).details.problem).toBe(problem);
  });

  test('exactly 4 MiB are kept', () => {
    const longest = 'x'.repeat(2 ** 22 - 2);
    expect(codec.encode(longest)).toHaveLength(2 ** 22);
    expect(again(longest)).toBe(longest);
    expect(refusal(`${longest}x`).details).toEqual({ path: '', problem: 'it takes more than 4 MiB' });
  });

  test('a string over 4 MiB, in characters or in bytes', () => {
    expect(refusal('x'.repeat(2 ** 22 + 1)).details.problem).toMatch(/^it takes more than 4 MiB/);
    expect(refusal('€'.repeat(2 ** 21)).details.problem).toBe('it takes more than 4 MiB');
  });

  test('a toJSON that somebody put on Object.prototype is not asked', () => {
    Object.defineProperty(Object.prototype, 'toJSON', { value: () => 'bent', configurable: true });
    try {
      expect(Buffer.from(codec.encode({ a: [1] })).toString()).toBe('{"a":[1]}');
    } finally {
      Reflect.deleteProperty(Object.prototype, 'toJSON');
    }
  });
});

describe('depth', () => {
  test.each([1, 100, 500])('%i levels are kept, one more is refused, in writing and in reading', (maxDepth) => {
    const shallow = json({ maxDepth });
    for (const wrap of [
      (v: unknown) => [v],
      (v: unknown) => ({ a: v }),
      (v: unknown) => new Map([[1, v]]),
      (v: unknown) => new Set([v]),
    ]) {
      const full = nested(maxDepth, wrap);
      expect(shallow.decode(shallow.encode(full))).toStrictEqual(full);
      const problem = `it is nested more than ${maxDepth} levels deep`;
      expect(refusal(nested(maxDepth + 1, wrap), shallow).details.problem).toBe(problem);
      if (maxDepth === 500) continue;
      const deeper = json({ maxDepth: maxDepth + 1 }).encode(nested(maxDepth + 1, wrap));
      expect(() => shallow.decode(deeper)).toThrow('it is nested too deep');
    }
  });

  test.each([0, 501, 1.5, '10', Number.NaN])('maxDepth %s is not an option', (maxDepth) => {
    expect(() => json({ maxDepth: maxDepth as number })).toThrow(
      'Option maxDepth of json: must be a whole number from 1 to 500',
    );
  });

  test('a misspelt option is told', () => {
    expect(() => json({ maxdepth: 5 } as object)).toThrow(/maxdepth of json.*did you mean maxDepth\?/);
  });
});

function again(value: unknown): unknown {
  return codec.decode(codec.encode(value));
}

function sparse(list: number[], hole: number): number[] {
  delete list[hole];
  return list;
}

function nested(levels: number, wrap: (value: unknown) => unknown = (v) => [v]): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = wrap(value);
  return value;
}

function refusal(value: unknown, by = codec): SojournError {
  try {
    by.encode(value);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_VALUE')) return error;
    throw error;
  }
  throw new Error('was not refused');
}

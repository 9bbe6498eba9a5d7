/** The packed record: what goes in comes out, damage is refused, and the packed rule of `commit` is the plain one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Delta, Head, Stored, Write } from '../contract.js';
import { isFailure } from '../errors.js';
import { apply } from './delta.js';
import { applyPacked, headOf, pack, unpack } from './record.js';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const time = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 45 }),
  fc.constantFrom(0, 0.5, -1, ...[-1, 0, 0.5, 2 ** 40 - 2, 2 ** 40 - 1].map((ms) => Date.UTC(2024) + ms), 1e300),
);
const name = fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => Buffer.byteLength(text) <= 255);
const value = fc.uint8Array({ maxLength: 200 });

const head: fc.Arbitrary<Head> = fc.record(
  {
    createdAt: time,
    expiresAt: time,
    version: fc.oneof(fc.nat(), fc.constantFrom(127, 128, 2 ** 32, Number.MAX_SAFE_INTEGER - 1)),
    generation: fc.nat(3),
    secret: hash,
    previous: fc.record({ secret: hash, until: time, opens: fc.constantFrom('session' as const, 'nothing' as const) }),
    user: fc.string({ unit: 'grapheme' }),
    signedInAt: time,
    remember: fc.boolean(),
  },
  { requiredKeys: ['createdAt', 'expiresAt', 'version', 'generation'] },
);
const session: fc.Arbitrary<Stored> = fc.record({
  head,
  fields: fc.array(fc.tuple(name, value), { maxLength: 12 }).map((entries) => new Map(entries)),
});

const sample: Stored = {
  head: { createdAt: 1, expiresAt: 2, version: 3, generation: 0, secret: new Uint8Array(32).fill(7), user: 'ada' },
  fields: new Map([
    ['views', Buffer.from('41')],
    ['größe', Buffer.from('"XL"')],
  ]),
};

describe('a session that is packed', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(session, (stored) => {
        expect(plain(unpack(pack(stored)))).toEqual(plain(stored));
      }),
    );
  });

  test('shows its head without the fields', () => {
    fc.assert(
      fc.property(session, (stored) => {
        expect(headOf(pack(stored))).toEqual(unpack(pack(stored)).head);
      }),
    );
  });

  test('answers every question that a Map would', () => {
    fc.assert(
      fc.property(session, name, ({ head, fields }, stranger) => {
        const packed = unpack(pack({ head, fields })).fields;
        expect([...packed.keys()]).toEqual([...fields.keys()]);
        expect([...packed.values()].map(text)).toEqual([...fields.values()].map(text));
        for (const asked of [...fields.keys(), stranger]) {
          expect(packed.has(asked)).toBe(fields.has(asked));
          expect(text(packed.get(asked))).toBe(text(fields.get(asked)));
        }
        const visited: string[] = [];
        packed.forEach((bytes, key, map) => {
          expect(map).toBe(packed);
          visited.push(`${key}=${text(bytes)}`);
        });
        expect(visited).toEqual([...fields].map(([key, bytes]) => `${key}=${text(bytes)}`));
        expect(packed.size).toBe(fields.size);
      }),
    );
  });

  test('keeps no hold on the bytes it was made of', () => {
    const mine = new Uint8Array([1, 2, 3]);
    const record = pack({ head: sample.head, fields: new Map([['cart', mine]]) });
    mine.fill(9);
    expect(text(unpack(record).fields.get('cart'))).toBe('010203');
  });

  test('tells apart names whose bytes look alike', () => {
    // U+00C3 U+00A9 has the character codes of the two bytes that spell U+00E9 in UTF-8.
    const fields = unpack(pack({ head: sample.head, fields: new Map([['\u00e9', Buffer.from('x')]]) })).fields;
    expect(fields.get('\u00c3\u00a9')).toBeUndefined();
    expect(text(fields.get('\u00e9'))).toBe('78');
  });

  test.each([
    ['a name of 256 bytes', 'x'.repeat(256)],
    ['a name of 128 two-byte letters', 'ä'.repeat(128)],
    ['half a surrogate pair', '\ud83d'],
  ])('refuses %s', (_, field) => {
    const fields = new Map([[field, Buffer.from('1')]]);
    expect(codeOf(() => pack({ head: sample.head, fields }))).toBe('SOJOURN_VALUE');
  });
});

test.each([
  ['a deadline that is no number', { expiresAt: Number.NaN }],
  ['an endless deadline', { expiresAt: Number.POSITIVE_INFINITY }],
  ['half a version', { version: 1.5 }],
  ['a version below zero', { version: -1 }],
])('a session with %s is refused', (_, part) => {
  expect(codeOf(() => pack({ ...sample, head: { ...sample.head, ...part } }))).toBe('SOJOURN_VALUE');
});

test('a value may be as long as it likes, and the length says so', () => {
  for (const length of [0, 127, 128, 16_383, 16_384, 2 ** 21]) {
    const fields = new Map([
      ['long', Buffer.alloc(length, 1)],
      ['next', Buffer.from('2')],
    ]);
    const packed = unpack(pack({ head: sample.head, fields })).fields;
    expect([packed.get('long')?.length, text(packed.get('next'))]).toEqual([length, '32']);
    expect(packed.contentBytes).toBe(length + 1 + 8);
  }
});

describe('a damaged record', () => {
  test('is refused when it was cut anywhere, or has one byte more', () => {
    fc.assert(
      fc.property(session, fc.nat(255), (stored, extra) => {
        const record = pack(stored);
        for (let length = 0; length < record.length; length++) {
          expect(codeOf(() => unpack(record.subarray(0, length)))).toBe('SOJOURN_CORRUPT');
        }
        expect(codeOf(() => unpack(Buffer.concat([record, Buffer.of(extra)])))).toBe('SOJOURN_CORRUPT');
      }),
      { numRuns: 50 },
    );
  });

  test('never does worse than SOJOURN_CORRUPT, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, begunWell) => {
        if (begunWell && bytes.length > 1) bytes.set([1, bytes[1]! & 127]);
        const code = codeOf(() => plain(unpack(bytes)));
        expect([null, 'SOJOURN_CORRUPT']).toContain(code);
      }),
      { numRuns: 2000 },
    );
  });

  test('of one flipped byte is refused, or read with the damage inside that one place', () => {
    const record = pack(sample);
    for (let at = 0; at < record.length; at++) {
      const damaged = Buffer.from(record);
      damaged[at] = damaged[at]! ^ 0xff;
      expect([null, 'SOJOURN_CORRUPT']).toContain(codeOf(() => plain(unpack(damaged))));
    }
  });

  test('of another format says which', () => {
    const record = pack(sample);
    record[0] = 2;
    expect(() => unpack(record, 'abc')).toThrow('Session abc cannot be read back: its format is 2');
  });

  test('with a deadline that is no number is refused, for it would never come', () => {
    const record = Buffer.from(pack(sample));
    record.fill(0xff, 2, 2 + 5 + 8);
    expect(codeOf(() => headOf(record))).toBe('SOJOURN_CORRUPT');
  });
});

describe('a delta on a packed session', () => {
  const few = fc.constantFrom('a', 'b', 'c', 'ä');
  const short = fc.uint8Array({ maxLength: 2 });
  const write: fc.Arbitrary<Write> = fc.oneof(
    fc.record({ op: fc.constant('set' as const), value: short }),
    fc.record({ op: fc.constant('delete' as const) }),
    fc.record({ op: fc.constant('swap' as const), expect: fc.option(short), value: fc.option(short) }),
  );
  const delta: fc.Arbitrary<Delta> = fc.record({
    generation: fc.constantFrom(0, 0, 0, 1),
    head: fc.record({ expiresAt: time, user: fc.string() }, { requiredKeys: ['expiresAt'] }),
    fields: fc.array(fc.tuple(few, write), { maxLength: 4 }).map((entries) => new Map(entries)),
  });
  const stored: fc.Arbitrary<Stored> = fc.record({
    head: head.map((h) => ({ ...h, generation: 0, expiresAt: 1000 })),
    fields: fc.array(fc.tuple(few, short)).map((entries) => new Map(entries)),
  });

  test('does what it does on a plain one', () => {
    fc.assert(
      fc.property(stored, delta, fc.constantFrom(0, 1000), (before, change, now) => {
        const [outcome, next] = apply(before, change, now);
        const [packedOutcome, packedHead, record] = applyPacked(unpack(pack(before)), change, now);
        expect(shown(packedOutcome)).toEqual(shown(outcome));
        expect(record && sorted(unpack(record))).toEqual(next && sorted(next));
        expect(packedHead && headOf(pack({ head: packedHead, fields: new Map() }))).toEqual(record && headOf(record));
      }),
    );
  });
});

/** Bytes as text, so that a Buffer equals the Uint8Array it was made of. */
function text(bytes: Uint8Array | null | undefined): string | null | undefined {
  return bytes && Buffer.from(bytes).toString('hex');
}

function plain({ head, fields }: Stored): unknown {
  return JSON.parse(JSON.stringify({ head, fields: [...fields] }, asText));
}

function sorted(stored: Stored): unknown {
  return plain({ head: stored.head, fields: new Map([...stored.fields].sort(([a], [b]) => (a < b ? -1 : 1))) });
}

function shown(outcome: object): unknown {
  return JSON.parse(JSON.stringify(outcome, (key, item) => asText(key, item instanceof Map ? [...item] : item)));
}

function asText(_: string, item: unknown): unknown {
  if (item instanceof Uint8Array) return text(item);
  // Buffer.toJSON runs before this does.
  return (item as { type?: string } | null)?.type === 'Buffer' ? text(Buffer.from(item as never)) : item;
}

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}

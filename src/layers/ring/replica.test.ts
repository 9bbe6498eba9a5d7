/** What a node keeps: small, read back as it was, and refused when a bit of it is not right. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../test/support/exam.js';
import { live, replica } from '../../../test/support/replicas.js';
import type { Stored, Write } from '../../contract.js';
import { pack } from '../../core/record.js';
import { isFailure } from '../../errors.js';
import { applyTo } from './apply.js';
import { merge, plansOf } from './merge.js';
import { created, ended, holds, keepUntil, newestOf, type Replica, storedOf } from './replica.js';
import { readReplica } from './replica-read.js';
import { writeEnded, writeField, writeLive } from './replica-write.js';
import { stampOf } from './stamp.js';

const b = (text: string) => Buffer.from(text);
const NOW = Date.UTC(2026, 5);
const stamp = (counter: number) => stampOf(NOW, counter, 7);
const session: Stored = {
  head: { createdAt: NOW, expiresAt: NOW + 1000, version: 1, generation: 0, secret: Buffer.alloc(32, 1) },
  fields: new Map([
    ['views', b('1')],
    ['cart', b('book')],
    ['größe', b('M')],
    ['', b('')],
  ]),
};
const fresh = created(session, stamp(0));

/** The same replica, written down again from its parts. */
function again(one: Replica): Replica {
  if (one.kind === 'ended') return writeEnded(one.stamp, one.until);
  return writeLive(one.head, one.stamps, one.lineage, plansOf(one));
}

/** Null when it is refused as damaged; otherwise it must be a replica like any other. */
function readOrRefused(bytes: Uint8Array): Replica | null {
  try {
    return readReplica(bytes);
  } catch (error) {
    if (isFailure(error, 'SOJOURN_CORRUPT')) return null;
    throw error;
  }
}

describe('a session that was just created', () => {
  test('is what the engine gets back', () => {
    const stored = storedOf(readReplica(fresh.bytes))!;
    expect(stored.head).toEqual(session.head);
    expect(new Map(stored.fields)).toEqual(session.fields);
    expect(stored.fields.size).toBe(4);
    expect([...stored.fields.keys()].sort()).toEqual(['', 'cart', 'größe', 'views']);
    expect([...stored.fields.values()].map(String).sort()).toEqual(['', '1', 'M', 'book']);
    expect([stored.fields.get('größe'), stored.fields.get('nothing')]).toEqual([b('M'), undefined]);
    expect([stored.fields.has('views'), stored.fields.has('view')]).toEqual([true, false]);
  });

  test('takes 18 bytes more than its record, however many fields it has', () => {
    expect(fresh.bytes.length).toBe(pack(session).length + 18);
  });

  test('is read without copying its values', () => {
    const cell = Buffer.from(fresh.bytes);
    const value = storedOf(readReplica(cell))!.fields.get('cart')!;
    expect(value.buffer).toBe(cell.buffer);
  });

  test('keeps nothing of what it was made of', () => {
    const given = {
      head: { ...session.head, secret: Buffer.alloc(32, 1) },
      fields: new Map([['a', Buffer.from('1')]]),
    };
    const one = created(given, stamp(0));
    given.head.secret.fill(9);
    given.fields.get('a')!.fill(9);
    expect([one.head.secret, storedOf(one)!.fields.get('a')]).toEqual([Buffer.alloc(32, 1), b('1')]);
  });
});

describe('what later commits add', () => {
  const commit = (one: Replica, counter: number, fields: Record<string, string | null>) => {
    const writes = new Map<string, Write>();
    for (const [name, value] of Object.entries(fields)) {
      writes.set(name, value === null ? { op: 'delete' } : { op: 'set', value: b(value) });
    }
    return applyTo(one, { generation: 0, head: { expiresAt: NOW + 1000 }, fields: writes }, stamp(counter), NOW)[1]!;
  };

  test('is 13 bytes for the fields of one commit, and four for the commit', () => {
    const after = commit(fresh, 1, { views: '2', cart: 'bike' });
    expect(after.bytes.length).toBe(fresh.bytes.length + 17);
    expect(commit(after, 2, { views: '3', cart: 'boat' }).bytes.length).toBe(after.bytes.length + 4);
  });

  test('is a tombstone where a field was, and the engine does not see it', () => {
    const after = commit(fresh, 1, { cart: null });
    expect(storedOf(after)!.fields.has('cart')).toBe(false);
    expect([...storedOf(after)!.fields.keys()]).toEqual(['', 'größe', 'views'].sort());
    expect(after.bytes.length).toBe(fresh.bytes.length + 17 - 'book'.length);
  });

  test('is four bytes for a touch, fifty-six at most', () => {
    let one = fresh;
    for (let i = 1; i <= 40; i++) one = commit(one, i, {});
    expect(one.bytes.length).toBe(fresh.bytes.length + 56);
    expect(one.head.version).toBe(41);
  });

  test('can be recognised by its stamp', () => {
    const after = commit(fresh, 3, { cart: null });
    expect([holds(after, stamp(3)), holds(after, stamp(2)), holds(fresh, stamp(0))]).toEqual([true, false, true]);
    expect(newestOf(after)).toEqual(stamp(3));
  });
});

describe('the end of a session', () => {
  test('takes 19 bytes, and is kept until no copy can come back', () => {
    const end = ended(fresh, stamp(5), NOW);
    expect(end.bytes.length).toBe(19);
    expect(keepUntil(end)).toBe(NOW + 86_400_000);
    const remembered = created({ ...session, head: { ...session.head, expiresAt: NOW + 9e9 } }, stamp(0));
    expect(keepUntil(ended(remembered, stamp(5), NOW))).toBe(NOW + 9e9);
    expect(keepUntil(ended(null, stamp(5), NOW))).toBe(NOW + 86_400_000);
    expect(keepUntil(remembered)).toBe(NOW + 9e9);
    expect([storedOf(end), newestOf(end)]).toEqual([null, stamp(5)]);
  });

  test('happens once', () => {
    const end = ended(fresh, stamp(5), NOW);
    expect(ended(end, stamp(6), NOW + 1)).toBe(end);
    expect(holds(end, stamp(5))).toBe(true);
  });
});

describe('the bytes of a replica', () => {
  test('are written in one way only', () => {
    fc.assert(
      fc.property(replica, (one) => {
        expect(again(readReplica(one.bytes)).bytes.equals(one.bytes)).toBe(true);
      }),
    );
  });

  test('are refused when they were cut anywhere, or have one more', () => {
    fc.assert(
      fc.property(replica, fc.nat(255), (one, extra) => {
        for (let length = 0; length < one.bytes.length; length++) {
          if (readOrRefused(one.bytes.subarray(0, length)) !== null) expect.fail(`cut at ${length}`);
        }
        expect(readOrRefused(Buffer.concat([one.bytes, Buffer.of(extra)]))).toBeNull();
      }),
      { numRuns: runs(60, 1000) },
    );
  });

  test('of which a bit was flipped are refused, or are a replica like any other', () => {
    fc.assert(
      fc.property(replica, live, (one, other) => {
        for (let bit = 0; bit < one.bytes.length * 8; bit++) {
          const damaged = Buffer.from(one.bytes);
          damaged[bit >> 3]! ^= 1 << (bit & 7);
          const read = readOrRefused(damaged);
          if (read === null) continue;
          if (!again(read).bytes.equals(damaged)) expect.fail(`bit ${bit} is kept in another way`);
          const both = merge(read, other).replica.bytes;
          if (!both.equals(merge(other, read).replica.bytes)) expect.fail(`bit ${bit} does not merge`);
          if (new Map(storedOf(read)?.fields).size !== (storedOf(read)?.fields.size ?? 0)) expect.fail(`bit ${bit}`);
        }
      }),
      { numRuns: runs(20, 150) },
    );
  });

  test('are refused with nothing worse than SOJOURN_CORRUPT, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(0x41, 0x42, 0x41, 0), (bytes, first) => {
        if (bytes.length > 0 && first !== 0) bytes[0] = first;
        const read = readOrRefused(bytes);
        if (read !== null) expect(again(read).bytes.equals(bytes)).toBe(true);
      }),
      { numRuns: runs(2000, 100_000) },
    );
  });

  test('are refused when their fields do not stand as they should', () => {
    const { head, stamps } = fresh;
    const group = (counter: number, ...fields: [name: string, value: string | null][]) => {
      const written = fields.map(([name, value]) => writeField(name, value === null ? null : b(value)));
      return { stampBytes: stamp(counter), stampAt: 0, runs: written, count: fields.length, dead: 0 };
    };
    const many = Array.from({ length: 30 }, (_, i): [string, string] => [`f${i + 10}`, '1']);
    const refused = (...plans: ReturnType<typeof group>[]) => {
      const { bytes } = writeLive(head, { ...stamps, floor: stamp(9) }, new Uint8Array(0), plans);
      return () => readReplica(bytes);
    };
    expect(refused(group(0, ['a', '1'], ['b', '1']), group(1, ['c', '1']), group(2, ['d', null]))).not.toThrow();
    expect(refused(group(0, ['a', '1'], ['a', '2']))).toThrow('its fields are out of order');
    expect(refused(group(0, ['a', '1']), group(1, ['a', '2']))).toThrow('a field stands in it twice');
    expect(refused(group(0, ...many), group(1, ['f39', '2']))).toThrow('a field stands in it twice');
    expect(refused(group(0), group(2, ['a', '1']), group(1, ['b', '1']))).toThrow('its groups are out of order');
    expect(refused(group(0), group(1, ['a', '1']), group(1, ['b', '1']))).toThrow('its groups are out of order');
    expect(refused(group(0), group(1))).toThrow('its groups are out of order');
    expect(refused(group(0, ['a', null]))).toThrow('a field was deleted before it began');
    expect(refused(group(0), group(9, ['a', null]))).toThrow('it keeps a tombstone that its floor stands for');
  });

  test('say what is wrong with them, and of which session they are', () => {
    const damaged = (from: number, ...by: number[]) => {
      const bytes = Buffer.from(fresh.bytes);
      bytes.set(by, from);
      return bytes;
    };
    const refusal = (bytes: Buffer) => () => readReplica(bytes, 'abc');
    expect(refusal(b(''))).toThrow('A copy of session abc cannot be read back: it is empty.');
    expect(refusal(damaged(0, 1))).toThrow('its format is 1, which this version does not know');
    expect(refusal(fresh.bytes.subarray(0, 40))).toThrow('it ends too early');
    expect(refusal(damaged(2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toThrow(
      'a stamp in it leaves no room for a later one',
    );
    expect(refusal(damaged(fresh.bytes.indexOf('größe') + 2, 0xff))).toThrow('a name in it is not text');
    expect(refusal(damaged(fresh.bytes.indexOf('cart'), 0x7a))).toThrow('its fields are out of order');
    expect(() => readReplica(b(''))).toThrow('A copy cannot be read back: it is empty.');
  });
});

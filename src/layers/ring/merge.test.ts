/** Merging: the laws that make copies converge, and then what they mean for people. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../test/support/exam.js';
import { live, replica } from '../../../test/support/replicas.js';
import { merge, reconcile } from './merge.js';
import type { Replica } from './replica.js';
import { readReplica } from './replica-read.js';

const hex = ({ bytes }: Replica) => bytes.toString('hex');
const joined = (a: Replica, b: Replica) => merge(a, b).replica;
const many = { numRuns: runs(600, 10_000) };

describe('merge', () => {
  test('of a replica with itself is that replica', () => {
    fc.assert(
      fc.property(replica, (a) => {
        expect(joined(a, a)).toBe(a);
        expect(joined(a, readReplica(Buffer.from(a.bytes)))).toBe(a);
      }),
      many,
    );
  });

  test('does not care which one comes first', () => {
    fc.assert(
      fc.property(replica, replica, (a, b) => {
        const [ab, ba] = [merge(a, b), merge(b, a)];
        expect(hex(ab.replica)).toBe(hex(ba.replica));
        expect(ab.lost).toEqual(ba.lost);
      }),
      many,
    );
  });

  test('does not care which two come first', () => {
    fc.assert(
      fc.property(replica, replica, replica, (a, b, c) => {
        expect(hex(joined(joined(a, b), c))).toBe(hex(joined(a, joined(b, c))));
      }),
      many,
    );
  });

  test('knows all that either one knew: merging one of them again changes nothing', () => {
    fc.assert(
      fc.property(replica, replica, (a, b) => {
        const ab = joined(a, b);
        expect(hex(joined(ab, a))).toBe(hex(ab));
        expect(hex(joined(b, ab))).toBe(hex(ab));
      }),
      many,
    );
  });

  test('makes what can be read back, and is the same then', () => {
    fc.assert(
      fc.property(live, live, live, (a, b, c) => {
        const ab = joined(a, b);
        const again = readReplica(ab.bytes);
        expect(plain(again)).toEqual(plain(ab));
        expect(hex(joined(again, c))).toBe(hex(joined(ab, c)));
      }),
      many,
    );
  });

  test('in any order, in any number, of the same replicas gives the same bytes', () => {
    const deliveries = fc
      .array(replica, { minLength: 2, maxLength: 5 })
      .chain((all) =>
        fc.tuple(
          fc.constant(all),
          fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
          fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 }),
        ),
      );
    fc.assert(
      fc.property(deliveries, ([all, one, other]) => {
        const end = hex(all.reduce(joined));
        expect(hex(one.reduce(joined))).toBe(end);
        expect(hex(other.reduceRight(joined))).toBe(end);
      }),
      many,
    );
  });

  test('never brings back what has ended', () => {
    fc.assert(
      fc.property(fc.array(replica, { minLength: 1, maxLength: 6 }), (all) => {
        const isEnded = all.some(({ kind }) => kind === 'ended');
        expect(all.reduce(joined).kind).toBe(isEnded ? 'ended' : 'live');
        expect(all.reduce((a, b) => reconcile(a, b).replica).kind).toBe(isEnded ? 'ended' : 'live');
      }),
      many,
    );
  });
});

describe('reconcile', () => {
  const versionOf = (one: Replica) => (one.kind === 'ended' ? Number.POSITIVE_INFINITY : one.head.version);

  test('says what merge says, under a version that nobody has who says something else', () => {
    fc.assert(
      fc.property(live, live, (a, b) => {
        const { replica: ab } = reconcile(a, b);
        expect(hex(joined(joined(a, b), ab))).toBe(hex(ab));
        for (const one of [a, b]) {
          if (hex(one) === hex(ab)) continue;
          const isNewSession = one.kind === 'live' && ab.kind === 'live' && one.head.createdAt !== ab.head.createdAt;
          if (!isNewSession) expect(versionOf(ab)).toBeGreaterThan(versionOf(one));
        }
      }),
      many,
    );
  });

  test('makes any number of copies equal, whoever meets whom', () => {
    const meetings = fc.infiniteStream(fc.tuple(fc.nat(3), fc.nat(3)));
    fc.assert(
      fc.property(fc.tuple(replica, replica, replica, replica), meetings, (start, pairs) => {
        const copies = [...start];
        for (let met = 0; new Set(copies.map(hex)).size > 1; met++) {
          expect(met).toBeLessThan(500);
          const [i, j] = pairs.next().value!;
          copies[i] = copies[j] = reconcile(copies[i]!, copies[j]!).replica;
        }
      }),
      many,
    );
  });
});

function plain(one: Replica): unknown {
  if (one.kind === 'ended') return { ...one, bytes: hex(one), stamp: Buffer.from(one.stamp).toString('hex') };
  const { kind, head, stamps, lineage, groups } = one;
  return JSON.parse(JSON.stringify({ kind, bytes: hex(one), head, stamps, lineage: [...lineage], groups }));
}

/**
 * Replicas of all kinds for tests: any that a node could hand over, also such as no sequence of commits would lead to.
 *
 * Few stamps, few names, few values: so that two of them have much in common, and every tie is met.
 */
import fc from 'fast-check';
import type { Head } from '../../src/contract.js';
import { plansFrom } from '../../src/layers/ring/merge.js';
import type { Replica } from '../../src/layers/ring/replica.js';
import type { Entry } from '../../src/layers/ring/replica-fields.js';
import { writeEnded, writeField, writeLive } from '../../src/layers/ring/replica-write.js';
import { compareStamps, type Stamp, stampOf } from '../../src/layers/ring/stamp.js';

const BEGUN = [stampOf(100, 0, 1), stampOf(100, 0, 2)];
const LATER = [0, 1, 2, 3].map((counter) => stampOf(200, counter, 7));

const hash = fc.constantFrom(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
const begun = fc.constantFrom(...BEGUN);
const later = fc.constantFrom(...LATER);
const time = fc.constantFrom(0, 1000, 1001, Date.UTC(2026, 1));

const head: fc.Arbitrary<Head> = fc.record(
  {
    createdAt: fc.constantFrom(0, 0, 0, 1),
    expiresAt: time,
    version: fc.integer({ min: 1, max: 4 }),
    generation: fc.constantFrom(0, 1, 1, 1),
    secret: hash,
    previous: fc.record({ secret: hash, until: time, opens: fc.constantFrom('session' as const, 'nothing' as const) }),
    user: fc.constantFrom('ann', 'bob', 'ö'),
    signedInAt: time,
    remember: fc.boolean(),
  },
  { requiredKeys: ['createdAt', 'expiresAt', 'version', 'generation'] },
);

interface Field {
  readonly name: string;
  /** -1: of the beginning. */
  readonly at: number;
  readonly value: Uint8Array | null;
}

const field: fc.Arbitrary<Field> = fc.record({
  name: fc.constantFrom('a', 'b', 'bb', 'ä'),
  at: fc.integer({ min: -1, max: LATER.length - 1 }),
  value: fc.option(fc.uint8Array({ maxLength: 2 })),
});

export const live: fc.Arbitrary<Replica> = fc
  .record({
    head,
    begun,
    proof: fc.option(later),
    lifetime: fc.option(later),
    floor: fc.option(later),
    lineage: fc
      .array(fc.nat({ max: 1 }), { maxLength: 4 })
      .map((traces) => Uint8Array.from(traces.flatMap((trace) => [0, 0, 0, trace]))),
    fields: fc.uniqueArray(field, { selector: ({ name }) => name, maxLength: 4 }),
  })
  .map((given) => {
    const stamps = {
      begun: given.begun,
      proof: given.proof ?? given.begun,
      lifetime: given.lifetime ?? given.begun,
      floor: given.floor ?? undefined,
    };
    const entries = given.fields.map((one) => entry(one, given.begun)).filter((one) => !stands(one, stamps.floor));
    return writeLive(given.head, stamps, given.lineage, plansFrom(entries, given.begun));
  });

export const replica: fc.Arbitrary<Replica> = fc.oneof(
  { weight: 9, arbitrary: live },
  { weight: 1, arbitrary: fc.tuple(later, time).map(([stamp, until]) => writeEnded(stamp, until)) },
);

function entry({ name, at, value }: Field, from: Stamp): Entry {
  const run = writeField(name, at === -1 ? (value ?? new Uint8Array(1)) : value);
  const stamp = at === -1 ? from : LATER[at]!;
  return { ...run, stamp, valueAt: 2 + run.name.length };
}

/** A tombstone that the floor stands for. */
function stands({ isDead, stamp }: Entry, floor: Stamp | undefined): boolean {
  return isDead && floor !== undefined && compareStamps(stamp, floor) === 0;
}

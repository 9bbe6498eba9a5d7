/** Stamps sort as their bytes do, and a clock never gives one twice. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newWriter, stampClock } from './clock.js';
import { compareStamps, counterOf, LAST_COUNTER, LAST_MS, msOf, type Stamp, stampOf, traceOf } from './stamp.js';

const parts = fc.tuple(
  fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: LAST_MS })),
  fc.oneof(fc.nat({ max: 3 }), fc.nat({ max: LAST_COUNTER })),
  fc.oneof(fc.nat({ max: 3 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
);

describe('a stamp', () => {
  test('tells its time and its counter', () => {
    fc.assert(
      fc.property(parts, ([ms, counter, writer]) => {
        const stamp = stampOf(ms, counter, writer);
        expect([stamp.length, msOf(stamp), counterOf(stamp)]).toEqual([12, ms, counter]);
      }),
    );
  });

  test('is later by time, then by counter, then by writer: and so are its bytes', () => {
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const at = a.findIndex((part, i) => part !== b[i]);
        const expected = at === -1 ? 0 : Math.sign(a[at]! - b[at]!);
        const [stampA, stampB] = [stampOf(...a), stampOf(...b)];
        expect(Math.sign(compareStamps(stampA, stampB))).toBe(expected);
        expect(Buffer.compare(stampA, stampB)).toBe(expected);
      }),
    );
  });
});

describe('a clock', () => {
  test('gives later and later stamps, also when the time stands still or goes back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2 }), (times) => {
        let i = 0;
        const clock = stampClock(() => times[i]! * 1000, 1);
        let last: Stamp | undefined;
        for (; i < times.length; i++) {
          const stamp = clock.stamp();
          if (last) expect(compareStamps(stamp, last)).toBeGreaterThan(0);
          last = stamp;
        }
      }),
    );
  });

  test('shows the time as long as it goes on', () => {
    let now = 5000.7;
    const clock = stampClock(() => now, 1);
    expect(msOf(clock.stamp())).toBe(5000);
    now = 6000;
    expect([msOf(clock.stamp()), counterOf(clock.stamp())]).toEqual([6000, 1]);
  });

  test('has room for more writes in a millisecond than a counter can count', () => {
    const clock = stampClock(() => 5, 1);
    clock.witness(stampOf(5, LAST_COUNTER - 1, 1));
    expect([clock.stamp(), clock.stamp(), clock.stamp()]).toEqual([
      stampOf(5, LAST_COUNTER, 1),
      stampOf(6, 0, 1),
      stampOf(6, 1, 1),
    ]);
  });

  test('is past every stamp that it has seen, whoever wrote it', () => {
    fc.assert(
      fc.property(fc.nat({ max: 70_000 }), fc.nat({ max: LAST_COUNTER }), fc.nat({ max: 3 }), (ms, counter, writer) => {
        const clock = stampClock(() => 10_000, 1);
        const seen = stampOf(ms, counter, writer);
        expect(clock.witness(seen)).toBe(true);
        expect(compareStamps(clock.stamp(), seen)).toBeGreaterThan(0);
      }),
    );
  });

  test('refuses one that is more than a minute ahead, and stays where it is', () => {
    const clock = stampClock(() => 10_000, 1);
    expect(clock.witness(stampOf(70_001, 0, 9))).toBe(false);
    expect(msOf(clock.stamp())).toBe(10_000);
    expect(clock.witness(stampOf(70_000, 0, 9))).toBe(true);
    expect(msOf(clock.stamp())).toBe(70_000);
  });

  test('accepts one that it has been past itself, also after the time has stepped back', () => {
    let now = 100_000;
    const clock = stampClock(() => now, 1);
    clock.stamp();
    now = 10_000;
    expect(clock.witness(stampOf(90_000, 0, 9))).toBe(true);
    expect(compareStamps(clock.after(stampOf(90_000, 0, 9)), stampOf(100_000, 0, 1))).toBeGreaterThan(0);
    expect(clock.witness(stampOf(100_001, 0, 9))).toBe(false);
  });

  test('can write on top of what it refuses, without going along', () => {
    const clock = stampClock(() => 10_000, 1);
    const ahead = stampOf(900_000, LAST_COUNTER, 9);
    expect(compareStamps(clock.after(ahead), ahead)).toBeGreaterThan(0);
    expect(msOf(clock.stamp())).toBe(10_000);
    const near = stampOf(10_500, 3, 9);
    expect(clock.after(near)).toEqual(stampOf(10_500, 4, 1));
  });

  test('gives no stamp twice, whatever it has seen and however its time jumps', () => {
    const step = fc.record({
      now: fc.integer({ min: 0, max: 200_000 }),
      seen: fc.option(fc.integer({ min: 0, max: 3 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 60 }), fc.nat({ max: 2 ** 32 - 1 }), (steps, writer) => {
        let now = 0;
        const clock = stampClock(() => now, writer);
        // All of these are met ahead of the time, and again when it has come.
        const held = [0, 1, 2, 3].map((i) => stampOf(100_000 + i, i, 7));
        const given = new Set<string>();
        for (const each of steps) {
          now = each.now;
          const stamp = each.seen === undefined ? clock.stamp() : clock.after(held[each.seen]!);
          if (each.seen !== undefined) expect(compareStamps(stamp, held[each.seen]!)).toBeGreaterThan(0);
          const text = Buffer.from(stamp).toString('hex');
          expect(given.has(text)).toBe(false);
          given.add(text);
        }
      }),
    );
  });

  test('leaves traces by which rivals can be told from each other: of 200,000 pairs none has one', () => {
    const trace = (writer: number): number => traceOf(stampOf(100_000, 0, writer));
    let alike = 0;
    for (let writer = 0; writer < 200_000; writer++) if (trace(writer) === trace(0xffff_ffff - writer)) alike++;
    expect(alike).toBe(0);
  });

  test('gives none that nobody could write after: the very last one stays', () => {
    const last = stampOf(LAST_MS, LAST_COUNTER, 0xffffffff);
    expect(msOf(stampClock(() => 0, 1).after(last))).toBe(LAST_MS);
  });

  test('has a writer of 32 bits', () => {
    expect(newWriter(() => Buffer.of(0xff, 0xfe, 0xfd, 0xfc))).toBe(0xfffefdfc);
    expect(newWriter(() => Buffer.of(0, 0, 0, 7))).toBe(7);
  });
});

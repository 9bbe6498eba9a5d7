/** How long sessions live: never longer than either timeout says, and reading is cheap. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { deadline, hasExpired, isTouchDue, type Lifetime, lifetimeOf, lifetimes } from './expiry.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const lives: fc.Arbitrary<Lifetime> = fc
  .tuple(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 0, max: 1e9 }))
  .map(([idleMs, more]) => ({ idleMs, absoluteMs: idleMs + more }));
const headUntil = (createdAt: number, expiresAt: number) => ({ createdAt, expiresAt, version: 1, generation: 0 });

describe('settings', () => {
  test('half an hour idle and twelve hours at most; a month and half a year for those who are remembered', () => {
    expect(lifetimes({})).toEqual({
      ordinary: { idleMs: 30 * MINUTE, absoluteMs: 12 * HOUR },
      remembered: { idleMs: 720 * HOUR, absoluteMs: 4320 * HOUR },
    });
  });

  test('each can be set', () => {
    expect(lifetimes({ idle: '1m', absolute: '2m', remember: { idle: '3m', absolute: '4m' } })).toEqual({
      ordinary: { idleMs: MINUTE, absoluteMs: 2 * MINUTE },
      remembered: { idleMs: 3 * MINUTE, absoluteMs: 4 * MINUTE },
    });
  });

  test('idle may be as long as absolute, but not longer, and the complaint names the option', () => {
    expect(lifetimes({ idle: '12h' }).ordinary.idleMs).toBe(12 * HOUR);
    for (const [options, option] of [
      [{ idle: '13h' }, 'idle'],
      [{ remember: { idle: '181d' } }, 'remember.idle'],
    ] as const)
      expect(() => lifetimes(options)).toThrowError(
        expect.objectContaining({ code: 'SOJOURN_OPTION', details: expect.objectContaining({ option }) }),
      );
  });

  test('a misspelt lifetime of those who are remembered is refused', () => {
    expect(() => lifetimes({ remember: { idel: '1m' } as object })).toThrowError(
      expect.objectContaining({ message: expect.stringContaining('did you mean idle?') }),
    );
  });

  test('the longer lifetime is for sessions that say so', () => {
    const all = lifetimes({});
    expect([{ remember: true }, { remember: false }, {}].map((head) => lifetimeOf(head, all))).toEqual([
      all.remembered,
      all.ordinary,
      all.ordinary,
    ]);
  });
});

test('a session never outlives either timeout, however often it is used', () => {
  fc.assert(
    fc.property(lives, fc.array(fc.integer({ min: 0, max: 1e9 }), { maxLength: 10 }), (life, pauses) => {
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        expect(deadline(0, now, life)).toBeLessThanOrEqual(life.absoluteMs);
        expect(deadline(0, now, life)).toBeLessThanOrEqual(now + life.idleMs);
      }
    }),
  );
});

test('it ends at the boundary millisecond of whichever comes first', () => {
  const life = { idleMs: 100, absoluteMs: 1000 };
  expect([199, 200].map((now) => hasExpired(headUntil(0, 200), now, life))).toEqual([false, true]);
  expect([999, 1000].map((now) => hasExpired(headUntil(0, 5000), now, life))).toEqual([false, true]);
});

describe('when a read is worth a write', () => {
  const life = { idleMs: 1000, absoluteMs: 10_000 };

  test('at 5 % of the idle window, not before', () => {
    expect([49, 50].map((now) => isTouchDue(headUntil(0, 1000), now, life))).toEqual([false, true]);
  });

  test('not when the absolute timeout would not let the deadline move', () => {
    expect(isTouchDue(headUntil(0, 10_000), 9_900, life)).toBe(false);
    expect(isTouchDue(headUntil(0, 9_990), 9_900, life)).toBe(false);
  });

  test('a busy reader costs at most twenty writes per idle window, and is idle for at least 95 % of it before the end', () => {
    fc.assert(
      fc.property(lives, fc.array(fc.nat(200), { maxLength: 200 }), (life, steps) => {
        let head = headUntil(0, deadline(0, 0, life));
        let now = 0;
        let touches = 0;
        for (const step of steps) {
          now += Math.floor((life.idleMs * step) / 1000);
          if (hasExpired(head, now, life)) break;
          if (isTouchDue(head, now, life)) {
            touches++;
            head = headUntil(0, deadline(0, now, life));
          }
          const left = head.expiresAt - now;
          expect(left > life.idleMs * 0.95 || left > life.absoluteMs - now - life.idleMs * 0.05).toBe(true);
        }
        expect(touches).toBeLessThanOrEqual((now / life.idleMs) * 20);
      }),
    );
  });
});

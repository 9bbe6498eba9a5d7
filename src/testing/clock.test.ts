import { expect, test } from 'vitest';
import { isFailure } from '../errors.js';
import { controllableClock } from './clock.js';

test('time stands still until it is moved', () => {
  const clock = controllableClock(1000);
  expect([clock.now(), clock.now()]).toEqual([1000, 1000]);
  clock.advance('31m');
  expect(clock.now()).toBe(1000 + 31 * 60_000);
  clock.advance(1);
  expect(clock.now()).toBe(1000 + 31 * 60_000 + 1);
});

test('intervals run in the order in which they are due, each at its own moment', () => {
  const clock = controllableClock(0);
  const ran: string[] = [];
  clock.every(30, () => ran.push(`slow at ${clock.now()}`));
  clock.every(20, () => ran.push(`fast at ${clock.now()}`));
  clock.advance(60);
  // Both are due at 60: the one that was started first goes first.
  expect(ran).toEqual(['fast at 20', 'slow at 30', 'fast at 40', 'slow at 60', 'fast at 60']);
  expect(clock.now()).toBe(60);
});

test('an interval that was stopped runs no more, also when it stops itself', () => {
  const clock = controllableClock(0);
  let runs = 0;
  const stop = clock.every(10, () => {
    if (++runs === 2) stop();
  });
  clock.advance(100);
  expect(runs).toBe(2);
});

test('an interval started by an interval is due from then on', () => {
  const clock = controllableClock(0);
  const ran: number[] = [];
  const stop = clock.every(10, () => {
    stop();
    clock.every(5, () => ran.push(clock.now()));
  });
  clock.advance(22);
  expect(ran).toEqual([15, 20]);
});

test('the same seed gives the same bytes, no seed gives others every time', () => {
  const [one, two, other] = [1, 1, 2].map((seed) => controllableClock(0, { seed }));
  const bytes = [one, two, other].map((clock) => Buffer.from(clock!.random(100)).toString('hex'));
  expect(bytes[0]).toHaveLength(200);
  expect(bytes[1]).toBe(bytes[0]);
  expect(bytes[2]).not.toBe(bytes[0]);
  const strong = [controllableClock(), controllableClock()].map((clock) =>
    Buffer.from(clock.random(32)).toString('hex'),
  );
  expect(strong[0]).not.toBe(strong[1]);
});

test('a jump that would run an interval for ever is refused', () => {
  const clock = controllableClock();
  clock.every(1, () => {});
  expect(() => clock.advance('365d')).toThrow(expect.toSatisfy((error) => isFailure(error, 'SOJOURN_OPTION')));
  expect(() => clock.advance(-1)).toThrow(/positive duration/);
  expect(() => clock.every(0, () => {})).toThrow(/intervalMs/);
});

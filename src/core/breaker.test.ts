/** When a backend is not worth asking any more. */
import { expect, test } from 'vitest';
import { controllableClock } from '../testing/clock.js';
import { Breaker } from './breaker.js';

function breaker() {
  const clock = controllableClock();
  const it = new Breaker(clock.now);
  /** '.' succeeds, 'x' fails; what comes back says where it opened. */
  const play = (answers: string): string => {
    let opened = '';
    for (const [i, answer] of [...answers].entries()) {
      if (answer === '.') it.succeeded();
      else if (it.failed()) opened += `at ${i + 1}`;
    }
    return opened;
  };
  return { it, clock, play };
}

test('five failures in a row open it, once', () => {
  expect(breaker().play('xxxx')).toBe('');
  expect(breaker().play('xxxxxxxx')).toBe('at 5');
});

test('a success in between begins the row anew', () => {
  expect(breaker().play('xxxx.xxxx')).toBe('');
  expect(breaker().play('xxxx.xxxxx')).toBe('at 10');
});

test('half of twenty answers within a second open it', () => {
  expect(breaker().play('x.'.repeat(10))).toBe('');
  expect(breaker().play(`${'x.'.repeat(10)}x`)).toBe('at 21');
  expect(breaker().play(`${'x..'.repeat(100)}`)).toBe('');
});

test('failures that are further apart do not add up', () => {
  const { clock, play } = breaker();
  for (let i = 0; i < 50; i++) {
    expect(play('x.')).toBe('');
    clock.advance(100);
  }
  expect(play('x'.repeat(4))).toBe('');
});

test('a clock that was set back begins a new second', () => {
  let now = 1_000_000;
  const it = new Breaker(() => now);
  for (let i = 0; i < 9; i++) {
    it.failed();
    it.succeeded();
  }
  now -= 3_600_000;
  for (let i = 0; i < 9; i++) {
    expect(it.failed()).toBe(false);
    it.succeeded();
  }
});

test('it says how long it was open, also over a clock that was set back, and begins afresh', () => {
  let now = 1_000_000;
  const it = new Breaker(() => now);
  const open = () => Array.from({ length: 5 }, () => it.failed());
  expect(open().at(-1)).toBe(true);
  expect([it.isOpen, it.isWary]).toEqual([true, true]);
  now += 700;
  expect(it.close()).toBe(700);
  expect([it.isOpen, it.isWary]).toEqual([false, false]);
  expect(open()).toEqual([false, false, false, false, true]);
  now -= 5000;
  expect(it.close()).toBe(0);
});

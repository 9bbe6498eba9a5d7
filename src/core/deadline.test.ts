/** The wheel of deadlines, on a clock that is moved by hand. */
import { describe, expect, test } from 'vitest';
import { controllableClock } from '../testing/clock.js';
import { Deadlines } from './deadline.js';

function wheel(deadlineMs = 500) {
  const clock = controllableClock(0);
  const running = new Set<number>();
  let started = 0;
  const every = (ms: number, run: () => void) => {
    const name = ++started;
    running.add(name);
    const stop = clock.every(ms, run);
    return () => {
      running.delete(name);
      stop();
    };
  };
  const late: string[] = [];
  const deadlines = new Deadlines({ every }, deadlineMs);
  const begin = (name: string, allowance = { spent: 0 }) =>
    deadlines.begin(allowance, () => late.push(`${name} at ${clock.now()}`));
  return { clock, deadlines, begin, late, running, started: () => started };
}

describe('one call', () => {
  test('is given up when its time is up, and not a step before', () => {
    const { clock, begin, late } = wheel();
    begin('a');

    clock.advance(499);
    expect(late).toEqual([]);
    clock.advance(1);
    expect(late).toEqual(['a at 500']);
  });

  test('that is answered is not given up, and its end counts once', () => {
    const { clock, deadlines, begin, late } = wheel();
    const wait = begin('a');
    clock.advance(300);

    expect([deadlines.end(wait), deadlines.end(wait)]).toEqual([true, false]);
    clock.advance('5s');
    expect(late).toEqual([]);
  });

  test('that was given up cannot be answered any more', () => {
    const { clock, deadlines, begin } = wheel();
    const wait = begin('a');
    clock.advance(500);

    expect(deadlines.end(wait)).toBe(false);
  });

  test.each([
    [10, 10],
    [33, 33],
    [500, 500],
    [60_000, 60_000],
  ])('of %i ms: at most a twentieth early, never late', (deadlineMs, atMost) => {
    const { clock, begin, late } = wheel(deadlineMs);
    begin('the wheel turns already');
    clock.advance(Math.ceil(deadlineMs / 40));
    const begun = clock.now();
    begin('a');
    clock.advance(deadlineMs * 2);

    const took = Number(late[1]!.split(' at ')[1]) - begun;
    expect(took).toBeLessThanOrEqual(atMost);
    expect(took).toBeGreaterThanOrEqual(deadlineMs - Math.max(1, Math.floor(deadlineMs / 20)) - 2);
  });
});

describe('many calls', () => {
  test('are given up in the order in which they came, each at its own time, by one timer', () => {
    const { clock, begin, late, started } = wheel();
    for (let i = 0; i < 5; i++) {
      begin(`${i}`);
      clock.advance(100);
    }
    clock.advance('1s');

    expect(late).toEqual(['0 at 500', '1 at 600', '2 at 700', '3 at 800', '4 at 900']);
    expect(started()).toBe(1);
  });

  test('leave no timer behind when all are answered', () => {
    const { clock, deadlines, begin, running } = wheel();
    const waits = Array.from({ length: 1000 }, () => begin('x'));
    expect(running.size).toBe(1);
    for (const wait of waits) deadlines.end(wait);
    clock.advance('1s');

    expect(running.size).toBe(0);
  });

  test('one that begins while others are given up has its whole time', () => {
    const { clock, deadlines, late } = wheel();
    deadlines.begin({ spent: 0 }, () => {
      deadlines.begin({ spent: 0 }, () => late.push(`second at ${clock.now()}`));
    });
    clock.advance('2s');

    expect(late).toEqual(['second at 1000']);
  });
});

describe('one request', () => {
  test('has two fifths more time for all its calls than for one', () => {
    const { clock, deadlines, begin, late } = wheel();
    const request = { spent: 0 };
    const first = begin('first', request);
    clock.advance(400);
    deadlines.end(first);
    begin('second', request);
    clock.advance('1s');

    expect(late).toEqual(['second at 700']);
    expect(deadlines.isSpent(request)).toBe(true);
  });

  test('spends nothing on calls that are answered quickly, however many', () => {
    const { clock, deadlines, begin } = wheel();
    const request = { spent: 0 };
    begin('somebody else keeps the wheel turning');
    for (let i = 0; i < 400; i++) {
      deadlines.end(begin(`${i}`, request));
      clock.advance(1);
    }

    expect(request.spent).toBe(0);
  });

  test('waits its turn for as long as it has time at all', () => {
    const { clock, deadlines, late } = wheel();
    deadlines.beginLong({ spent: 0 }, () => late.push(`at ${clock.now()}`));
    clock.advance('1s');

    expect(late).toEqual(['at 700']);
  });
});

test('closing stops the wheel', () => {
  const { clock, deadlines, begin, late, running } = wheel();
  begin('a');
  deadlines.close();
  clock.advance('1s');

  expect([late, running.size]).toEqual([[], 0]);
});

/** How fast the background is, on a clock of the test's own. */
import { expect, test } from 'vitest';
import { controllableClock } from '../../testing/index.js';
import { Pace } from './pace.js';

/** Steps that so many workers take within so many seconds. */
async function taken(most: number, workers: number, seconds: number, slowMs: () => number = () => 1): Promise<number> {
  const clock = controllableClock();
  const pace = new Pace(clock, most, slowMs);
  let steps = 0;
  let isOver = false;
  for (let i = 0; i < workers; i++) {
    void (async () => {
      while (!isOver) {
        await pace.step();
        if (isOver) return;
        steps++;
        pace.done();
        await new Promise(setImmediate);
      }
    })();
  }
  for (let ms = 0; ms < seconds * 1000; ms += 50) {
    clock.advance(50);
    for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate);
  }
  isOver = true;
  clock.advance(60_000);
  return steps;
}

test.each([
  [40, 1],
  [40, 16],
  [40, 64],
  [5, 16],
])('%i a second is kept, by %i workers', async (most, workers) => {
  const steps = await taken(most, workers, 20);
  // The first batch goes at once.
  expect(steps).toBeGreaterThanOrEqual(most * 20 - 32);
  expect(steps).toBeLessThanOrEqual(most * 20 + 32);
});

test('it goes slower while nodes are slow', async () => {
  let slowMs = 1;
  const steps = await taken(400, 4, 10, () => slowMs++ * 10);
  expect(steps).toBeLessThan(60 * 10);
});

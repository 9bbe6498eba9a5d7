/** What other processes do is heard here, where the store can tell. */
import { describe, expect, test } from 'vitest';
import { letPass, settled } from '../../test/support/trouble.js';
import type { Ended, Events } from '../contract.js';
import { memory, sessions } from '../index.js';
import { controllableClock } from '../testing/clock.js';

type Tell = (id: string, how: Ended) => void;

/** A memory store that can be listened to. `fails`: how many attempts fail. */
function listened(fails = 0, on?: { destroyed?: (event: Events['destroyed']) => void }) {
  const clock = controllableClock();
  const attempts: number[] = [];
  const ears = new Set<Tell>();
  const store = Object.assign(memory({ now: clock.now }), {
    async listen(ended: Tell) {
      attempts.push(clock.now());
      await null;
      if (attempts.length <= fails) throw new Error('no link');
      ears.add(ended);
      return () => void ears.delete(ended);
    },
  });
  const errors: Events['storeError'][] = [];
  const s = sessions({
    store,
    environment: clock,
    sweep: false,
    on: { storeError: (event) => errors.push(event), ...on },
  });
  const tell: Tell = (id, how) => {
    for (const ear of ears) ear(id, how);
  };
  return { s, clock, attempts, ears, tell, errors };
}

describe('events of other processes', () => {
  test('are heard by who listens, each as what it is', async () => {
    const { s, tell } = listened();
    const heard: unknown[] = [];
    s.on('destroyed', (event) => heard.push(event));
    s.on('expired', (event) => heard.push(event));
    await settled();
    tell('a', 'destroyed');
    tell('b', 'expired');

    expect(heard).toEqual([{ id: 'a', reason: 'elsewhere' }, { id: 'b' }]);
  });

  test('are not asked for unless somebody listens', async () => {
    const { s, attempts } = listened();
    s.on('created', () => {});
    await settled();
    expect(attempts).toEqual([]);
  });

  test('are asked for once, also by a listener from the start', async () => {
    const heard: unknown[] = [];
    const { s, attempts, tell } = listened(0, { destroyed: (event) => heard.push(event) });
    s.on('destroyed', () => {});
    s.on('expired', () => {});
    await settled();
    tell('a', 'destroyed');
    expect([attempts.length, heard]).toEqual([1, [{ id: 'a', reason: 'elsewhere' }]]);
  });

  test('that cannot be heard now are tried for again, more and more slowly, and each failure is told', async () => {
    const { s, clock, attempts, ears, errors } = listened(8);
    s.on('expired', () => {});
    await letPass(clock, 200_000);

    const waits = attempts.slice(1).map((at, i) => at - attempts[i]!);
    expect(waits).toHaveLength(8);
    const step = 50; // of letPass: a failure in the middle of a step is noticed at its end
    expect(waits[0]).toBeLessThanOrEqual(1000 + step);
    expect(waits[3]).toBeGreaterThan(waits[0]!);
    for (const wait of waits) expect(wait).toBeLessThanOrEqual(30_000 + step);
    expect([ears.size, errors.length, errors[0]!.operation]).toEqual([1, 8, 'listen']);
  });

  test('end with close()', async () => {
    const { s, ears } = listened();
    s.on('destroyed', () => {});
    await settled();
    expect(ears.size).toBe(1);
    await s.close();
    expect(ears.size).toBe(0);
  });

  test('end with close(), also if the link comes after it, or was still tried for', async () => {
    const early = listened();
    early.s.on('destroyed', () => {});
    await early.s.close();
    await settled();
    expect(early.ears.size).toBe(0);

    const failing = listened(100);
    failing.s.on('destroyed', () => {});
    await settled();
    await failing.s.close();
    await letPass(failing.clock, 60_000);
    expect(failing.attempts.length).toBe(1);
  });

  test('are no trouble for a store that cannot tell', async () => {
    const s = sessions({ store: memory() });
    s.on('destroyed', () => {});
    await s.close();
  });
});

/** Whether a server should get requests. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { letPass, outcome, settled, shopInTrouble, stranger } from '../../test/support/trouble.js';
import { failure } from '../errors.js';

afterEach(() => void vi.restoreAllMocks());

function checked(check: () => Promise<readonly string[]>) {
  let checks = 0;
  const counted = () => {
    checks++;
    return check();
  };
  const withCheck = <S extends object>(store: S): S =>
    new Proxy(store, { get: (target, name) => (name === 'check' ? counted : Reflect.get(target, name)) });
  const world = shopInTrouble({}, withCheck);
  return { ...world, checks: () => checks };
}

describe('a store that can check itself', () => {
  test('is checked once, and then only has to answer', async () => {
    const { s, checks, verbs } = checked(async () => []);
    expect([await s.ready(), await s.ready(), await s.ready()]).toEqual([true, true, true]);
    expect([checks(), verbs()]).toEqual([1, ['load', 'load', 'load']]);
  });

  test('is checked again for as long as it does not pass, and each time is told', async () => {
    let missing = true;
    const refusal = failure('SOJOURN_STORE', { store: 'toy', operation: 'check', problem: 'EVALSHA is not allowed' });
    const { s, checks, ofKind } = checked(async () => {
      if (missing) throw refusal;
      return [];
    });
    expect([await s.ready(), await s.ready()]).toEqual([false, false]);
    expect(ofKind('storeError')).toEqual(Array(2).fill({ store: 'memory', operation: 'check', error: refusal }));
    missing = false;
    expect([await s.ready(), checks()]).toEqual([true, 3]);
  });

  test('says its warnings once each', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    let fails = true;
    const { s } = checked(async () => {
      if (fails) throw new Error('not yet');
      return ['it evicts sessions', 'it keeps nothing on disk', 'it evicts sessions'];
    });
    await s.ready();
    fails = false;
    await s.ready();
    await s.ready();
    expect(warned.mock.calls).toEqual([
      ['it evicts sessions', 'SojournWarning'],
      ['it keeps nothing on disk', 'SojournWarning'],
    ]);
  });

  test('is not waited for longer than for any request, and found when it is done', async () => {
    let pass = (_: readonly string[]) => {};
    const { s, clock, checks } = checked(() => new Promise((resolve) => (pass = resolve)));
    const first = s.ready();
    await settled();
    clock.advance(750);
    expect(await first).toBe(false);
    pass([]);
    expect([await s.ready(), checks()]).toEqual([true, 1]);
  });
});

describe('any store', () => {
  test('that is down is not ready, and is not asked; afterwards it is', async () => {
    const { s, plan, clock, verbs } = shopInTrouble();
    expect(await s.ready()).toBe(true);
    plan.fail({ verbs: ['load'] });
    for (let i = 0; i < 3; i++) await outcome(stranger(s).visit((session) => session.user));
    const asked = verbs().length;
    expect(await s.ready()).toBe(false);
    expect(verbs().length).toBe(asked);

    plan.heal();
    await letPass(clock, 1000);
    expect(await s.ready()).toBe(true);
  });

  test('that nobody has asked yet shows by its answer that it is down', async () => {
    const { s, plan } = shopInTrouble();
    plan.fail({ verbs: ['load'] });
    expect(await s.ready()).toBe(false);
  });

  test('that hangs is not ready after half a second', async () => {
    const { s, plan, clock } = shopInTrouble();
    const gate = plan.hold('load');
    const asked = s.ready();
    await gate.arrived;
    clock.advance(500);
    expect(await asked).toBe(false);
    gate.release();
  });
});

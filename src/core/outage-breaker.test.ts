/** A store that fails again and again is not asked for a while; when it is back, so is everybody. */
import { describe, expect, test } from 'vitest';
import { DOWN, letPass, outcome, settled, shopInTrouble, signedIn, stranger } from '../../test/support/trouble.js';
import { visitor } from '../../test/support/visitor.js';
import type { Store, Stored } from '../contract.js';
import { failure } from '../errors.js';
import { controllableClock } from '../testing/clock.js';
import { emitter } from './events.js';
import { MAX_IN_FLIGHT } from './gate.js';
import { guard, NO_SUCH_ID } from './guard.js';
import { split } from './token.js';

type World = ReturnType<typeof shopInTrouble>;
async function readsFail({ s, plan }: World, times: number) {
  plan.fail({ verbs: ['load'] });
  for (let i = 0; i < times; i++) await outcome(stranger(s).visit((session) => session.user));
}
async function writesFail({ s, plan }: World, times: number) {
  plan.fail({ verbs: ['create', 'commit', 'destroy'] });
  for (let i = 0; i < times; i++) await outcome(visitor(s).visit((session) => session.set('name', 'x')));
}

describe('a store that fails', () => {
  test('is not asked any more, and everybody is answered at once; no cookie is touched', async () => {
    const world = shopInTrouble();
    const { s, verbs, ofKind } = world;
    const ann = await signedIn(s);
    const cookie = ann.header;
    // Each request asks twice: a load whose link broke is tried once more.
    await readsFail(world, 3);
    const asked = verbs().length;

    for (let i = 0; i < 100; i++) expect(await outcome(ann.visit((session) => session.user))).toEqual(DOWN);

    expect(verbs().length).toBe(asked);
    expect(ofKind('storeDown')).toEqual([{ store: 'memory', calls: 'reads' }]);
    expect(ofKind('storeError')).toHaveLength(3);
    expect(ann.header).toBe(cookie);
  });

  test('is asked in the background, and serves with the original cookies within a second of being back', async () => {
    const world = shopInTrouble();
    const { s, plan, clock, ofKind } = world;
    const ann = await signedIn(s);
    await readsFail(world, 3);
    await letPass(clock, 11_000);
    expect(ofKind('storeUp')).toEqual([]);

    plan.heal();
    await letPass(clock, 1000);

    expect(ofKind('storeUp')).toEqual([{ store: 'memory', calls: 'reads', downMs: expect.any(Number) }]);
    expect(ofKind('storeUp')[0]!.downMs).toBeGreaterThan(10_000);
    expect(ofKind('storeDown')).toHaveLength(1);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('asks for an id that no session can have, and writes nothing', async () => {
    const world = shopInTrouble();
    const { s, plan, clock, kept } = world;
    await signedIn(s);
    const sessions = async () => {
      const ids: string[] = [];
      for await (const [id] of kept.list()) ids.push(id);
      return ids;
    };
    const before = await sessions();
    await readsFail(world, 3);
    await writesFail(world, 5);
    plan.heal();
    const asked = plan.calls.length;
    await letPass(clock, 1000);

    expect(
      plan.calls
        .slice(asked)
        .map(({ verb, id }) => [verb, id])
        .sort(),
    ).toEqual([
      ['commit', NO_SUCH_ID],
      ['load', NO_SUCH_ID],
    ]);
    expect(await sessions()).toEqual(before);
    expect([NO_SUCH_ID.length, split(`${NO_SUCH_ID}.${'b'.repeat(42)}A`)]).toEqual([22, null]);
  });

  test('that reads and cannot write still tells who is signed in', async () => {
    const world = shopInTrouble();
    const { s, plan, clock, ofKind } = world;
    const ann = await signedIn(s);
    await writesFail(world, 5);
    const asked = plan.calls.length;

    expect(await outcome(ann.visit((session) => session.set('name', 'Anna')))).toEqual(DOWN);
    expect(await ann.visit((session) => session.user)).toBe('ann');
    expect(plan.calls.slice(asked).map(({ verb }) => verb)).toEqual(['load', 'load']);
    expect(ofKind('storeDown')).toEqual([{ store: 'memory', calls: 'writes' }]);

    plan.heal();
    await letPass(clock, 1000);
    await ann.visit((session) => session.set('name', 'Anna'));
    expect(await ann.visit((session) => session.get('name'))).toBe('Anna');
  });

  test('only here and there stays in use', async () => {
    const { s, plan, ofKind } = shopInTrouble();
    const ann = await signedIn(s);
    for (let i = 0; i < 100; i++) {
      // Twice, so that the second attempt of the load fails as well.
      if (i % 4 === 0) plan.failAt(1, { verbs: ['load'] });
      if (i % 4 === 0) plan.failAt(2, { verbs: ['load'] });
      await outcome(ann.visit((session) => session.user));
    }
    expect(ofKind('storeError')).toHaveLength(25);
    expect(ofKind('storeDown')).toEqual([]);
  });

  test('probes that are not answered are given up, and the next one may be', async () => {
    const world = shopInTrouble();
    const { s, plan, clock, ofKind } = world;
    const ann = await signedIn(s);
    await readsFail(world, 3);
    plan.heal();
    const gate = plan.hold('load');
    await letPass(clock, 1000);
    await gate.arrived;
    expect(ofKind('storeUp')).toEqual([]);
    await letPass(clock, 1500);

    expect(ofKind('storeUp')).toHaveLength(1);
    expect(await ann.visit((session) => session.user)).toBe('ann');
    gate.release();
    await settled();
    expect(ofKind('storeUp')).toHaveLength(1);
  });

  test('an answer to a probe that comes too late is reason to ask again at once', async () => {
    const world = shopInTrouble();
    const { s, plan, clock, ofKind } = world;
    const ann = await signedIn(s);
    await readsFail(world, 3);
    plan.heal();
    let found = () => {};
    const server = new Promise<void>((resolve) => {
      found = resolve;
    });
    plan.delay(() => server, { verbs: ['load'] }); // a driver that keeps what it cannot send
    await letPass(clock, 5000);
    const before = plan.calls.length;
    while (plan.calls.length === before) await letPass(clock, 50);
    await letPass(clock, 550); // that one is late now as well, and the next one not yet due
    expect(ofKind('storeUp')).toEqual([]);
    const asked = plan.calls.length;

    plan.heal();
    found();
    await settled();

    expect(ofKind('storeUp')).toHaveLength(1);
    expect(plan.calls.length).toBe(asked + 1);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('is not probed any more after close()', async () => {
    const world = shopInTrouble();
    await readsFail(world, 3);
    await world.s.close();
    const asked = world.plan.calls.length;
    world.clock.advance('1h');
    await settled();

    expect(world.plan.calls.length).toBe(asked);
  });
});

describe('a store that does not answer at all', () => {
  const nobody: Stored = { head: { createdAt: 0, expiresAt: 1, version: 1, generation: 0 }, fields: new Map() };

  /** A driver whose connection is half open: what is sent on it has no answer, until it is made anew on a network that works. */
  function halfOpen(renewed: () => void = () => {}) {
    const clock = controllableClock();
    const began = clock.now();
    const renewals: number[] = [];
    let answers: 'never' | 'at once' | 'with a refusal' = 'never';
    const ask = async <A>(answer: A): Promise<A> => {
      if (answers === 'never') return new Promise<A>(() => {});
      if (answers === 'with a refusal') throw new Error('refused');
      return answer;
    };
    const store: Store = {
      name: 'far',
      load: () => ask<Stored | null>(nobody),
      create: () => ask('ok' as const),
      commit: () => ask({ status: 'gone' as const }),
      destroy: () => ask(undefined),
      renew() {
        renewals.push(clock.now() - began);
        renewed();
      },
    };
    const guarded = guard({ store, deadlineMs: 500, environment: clock, events: emitter() });
    const tryFive = async (call: () => unknown) => {
      const calls = Array.from({ length: 5 }, () => outcome((async () => call())()));
      await letPass(clock, 500);
      return Promise.all(calls);
    };
    return {
      ...{ clock, renewals, guarded, tryFive },
      answer: (how: typeof answers) => {
        answers = how;
      },
    };
  }

  test('is told so after three seconds, and every second from then on, once for reads and writes together', async () => {
    const { clock, renewals, guarded, tryFive } = halfOpen();
    await tryFive(() => guarded.load('id'));
    await tryFive(() => guarded.destroy('id'));
    await letPass(clock, 10_000);

    // The fifth failure at 500 ms, a probe 200 to 1000 ms later, three seconds without an answer to it.
    expect(renewals[0]).toBeGreaterThanOrEqual(3700);
    expect(renewals[0]).toBeLessThanOrEqual(4600);
    const pauses = renewals.slice(1).map((at, i) => at - renewals[i]!);
    expect(pauses.length).toBeGreaterThan(4);
    for (const pause of pauses) expect(pause).toBe(1000);
  });

  test('serves again as soon as a new connection does, and is left in peace from then on', async () => {
    let answer = (_how: 'at once'): void => {};
    const far = halfOpen(() => answer('at once'));
    answer = far.answer;
    await far.tryFive(() => far.guarded.load('id'));
    expect(far.guarded.isDown).toBe(true);
    await letPass(far.clock, 6000);

    // Once; or twice, where the probe that finds out comes a whole second after the first time.
    const times = far.renewals.length;
    expect([1, 2]).toContain(times);
    expect(far.guarded.isDown).toBe(false);
    expect(await far.guarded.load('id')).toBe(nobody);
    await letPass(far.clock, 10_000);
    expect(far.renewals).toHaveLength(times);
  });

  test('is not told when it refuses: somebody is there', async () => {
    const far = halfOpen();
    far.answer('with a refusal');
    await far.tryFive(() => far.guarded.load('id'));
    await letPass(far.clock, 20_000);
    expect([far.guarded.isDown, far.renewals]).toEqual([true, []]);
  });

  test('that fails to help does no harm; and after close() nobody asks', async () => {
    const far = halfOpen(() => {
      throw new Error('no way');
    });
    await far.tryFive(() => far.guarded.load('id'));
    await letPass(far.clock, 7000);
    const told = far.renewals.length;
    expect(told).toBeGreaterThan(1);
    far.guarded.close();
    await letPass(far.clock, 7000);
    expect(far.renewals).toHaveLength(told);
  });
});

describe('one more try', () => {
  test('a load whose link broke is asked once more, and nobody notices', async () => {
    const { s, plan, ofKind } = shopInTrouble();
    const ann = await signedIn(s);
    plan.failAt(1, { verbs: ['load'] });

    expect(await ann.visit((session) => session.user)).toBe('ann');
    expect(ofKind('storeError')).toEqual([]);
  });

  test('not a second time, not after a deadline, and no write', async () => {
    const { s, plan, clock, ofKind, verbs } = shopInTrouble();
    const ann = await signedIn(s);
    plan.failAt(1, { verbs: ['load'] });
    plan.failAt(2, { verbs: ['load'] });
    expect(await outcome(ann.visit((session) => session.user))).toEqual(DOWN);
    expect(ofKind('storeError')).toHaveLength(1);

    plan.failAt(1, { verbs: ['commit'] });
    expect(await outcome(ann.visit((session) => session.set('name', 'x')))).toEqual(DOWN);

    const asked = verbs().length;
    const gate = plan.hold('load');
    const late = outcome(ann.visit((session) => session.user));
    await gate.arrived;
    clock.advance(500);
    expect(await late).toEqual(DOWN);
    expect(verbs().length).toBe(asked + 1);
  });
});

/** A store whose loads are answered by hand. */
function byHand() {
  const clock = controllableClock();
  const told: string[] = [];
  const waiting: { answer(stored: Stored | null): void; fail(error: unknown): void }[] = [];
  const store = {
    name: 'toy',
    load: () => new Promise<Stored | null>((answer, fail) => waiting.push({ answer, fail })),
    create: () => 'ok',
    commit: () => ({ status: 'gone' }),
    destroy() {},
  } as Store;
  const on = (event: string) => () => void told.push(event);
  const events = emitter({
    storeError: on('storeError'),
    storeDown: on('storeDown'),
    storeUp: on('storeUp'),
  });
  return { guarded: guard({ store, deadlineMs: 500, environment: clock, events }), clock, waiting, told };
}

describe('calls under way', () => {
  test('are bounded: one more is refused at once, and the next answer makes room', async () => {
    const { guarded, waiting } = byHand();
    const asked = Array.from({ length: MAX_IN_FLIGHT }, () => guarded.load('a'));
    expect(() => guarded.load('a')).toThrow(/1024 calls are waiting/);

    waiting[0]!.answer(null);
    expect(await asked[0]).toBeNull();
    const next = guarded.load('a');
    expect(waiting).toHaveLength(MAX_IN_FLIGHT + 1);
    for (const { answer } of waiting) answer(null);
    expect(await next).toBeNull();
  });

  test('count until their answers come, though nobody waits for them any more', async () => {
    const { guarded, waiting, clock, told } = byHand();
    const asked = Array.from({ length: MAX_IN_FLIGHT }, () => outcome(Promise.resolve(guarded.load('a'))));
    clock.advance(500);
    expect(await Promise.all(asked)).toContainEqual(DOWN);
    expect(told.filter((event) => event === 'storeDown')).toHaveLength(1);

    // The probe gets through, but the way is still full.
    while (waiting.length === MAX_IN_FLIGHT) await letPass(clock, 50);
    waiting.at(-1)!.answer(null);
    await settled();
    expect(told.at(-1)).toBe('storeUp');
    expect(() => guarded.load('a')).toThrow(/1024 calls/);

    waiting[0]!.fail(new Error('late'));
    await settled();
    expect(guarded.load('a')).toBeInstanceOf(Promise);
  });

  test('of another kind go on: a backend whose writes hang is read', async () => {
    const { guarded } = byHand();
    for (let i = 0; i < MAX_IN_FLIGHT; i++) guarded.load('a');

    expect(guarded.create('a', {} as Stored)).toBe('ok');
    expect(guarded.commit('a', {} as never)).toEqual({ status: 'gone' });
  });
});

test('copies that answer at once do not speak for the backend below: the breaker opens in spite of them', async () => {
  const told: string[] = [];
  const store = {
    name: 'toy',
    stalenessMs: 2000,
    stale: () => null,
    load: (id: string) => (id === 'hot' ? null : Promise.reject(new Error('down'))),
    create: () => 'ok',
    commit: () => ({ status: 'gone' }),
    destroy() {},
  } as Store;
  const events = emitter({ storeDown: () => told.push('storeDown') });
  const guarded = guard({ store, deadlineMs: 500, environment: controllableClock(), events });
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j < 100; j++) guarded.load('hot');
    await outcome(Promise.resolve(guarded.load('cold')));
  }
  expect(told).toEqual(['storeDown']);
});

test.each([
  failure('SOJOURN_CORRUPT', { what: 'Session x', problem: 'cut off' }),
  failure('SOJOURN_STORE_FULL', { store: 'toy', limit: '1 byte' }),
  failure('SOJOURN_CONTENDED', { attempts: 100 }),
  failure('SOJOURN_VALUE', { path: 'a field', problem: 'too long' }),
])('$code is no outage: the breaker stays closed', async (error) => {
  const { guarded, waiting, told } = byHand();
  for (let i = 0; i < 50; i++) {
    const asked = outcome(Promise.resolve(guarded.load('a')));
    waiting[i]!.fail(error);
    expect(await asked).toEqual([error.code, error.status]);
  }
  expect(told).not.toContain('storeDown');
});

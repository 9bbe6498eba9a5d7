import { describe, expect, test } from 'vitest';
import { toyStore } from '../../test/support/toy-store.js';
import type { Indexed, Store } from '../contract.js';
import { isFailure } from '../errors.js';
import { memory } from '../stores/memory.js';
import { controllableClock } from '../testing/clock.js';
import { storeKit } from '../testing/store-kit.js';
import { FaultPlan, faulty } from './faulty.js';

storeKit({ describe, test }, ({ now, inner }) => faulty(inner(memory({ now })), new FaultPlan()), {
  name: 'a faulty layer without faults',
  mustHave: ['byUser', 'list', 'sweep'],
  races: 50,
});

const clock = controllableClock();
const HOUR_MS = 3_600_000;
const session = {
  head: { createdAt: 0, expiresAt: clock.now() + HOUR_MS, version: 1, generation: 0 },
  fields: new Map(),
};
const touch = { generation: 0, head: { expiresAt: clock.now() + HOUR_MS }, fields: new Map() };

function stage() {
  const inner = memory({ now: clock.now });
  const plan = new FaultPlan();
  return { inner, plan, store: faulty(inner, plan) };
}

test('the n-th call fails, before the store has heard of it', async () => {
  const { inner, plan, store } = stage();
  plan.failAt(2);
  expect(await store.load('a')).toBe(null);
  expect(codeOf(() => store.create('a', session))).toBe('SOJOURN_STORE');
  expect(inner.load('a')).toBe(null);
  expect(store.create('a', session)).toBe('ok');
  expect(plan.pending).toBe(false);
});

test('a call whose answer is lost has happened', () => {
  const { inner, plan, store } = stage();
  plan.failAt(1, { side: 'after' });
  expect(codeOf(() => store.create('a', session))).toBe('SOJOURN_STORE');
  expect(inner.load('a')).not.toBe(null);
});

test('an outage may concern some verbs only, and lasts until it is healed', () => {
  const { plan, store } = stage();
  plan.fail({ verbs: ['create', 'commit'] });
  for (let i = 0; i < 3; i++) expect(codeOf(() => store.create('a', session))).toBe('SOJOURN_STORE');
  expect(store.load('a')).toBe(null);
  plan.heal();
  expect(store.create('a', session)).toBe('ok');
});

test('a held call waits on the side that the test chose', async () => {
  const { inner, plan, store } = stage();
  inner.create('a', session);
  const before = plan.hold('destroy');
  const destroyed = store.destroy('a');
  await before.arrived;
  expect(inner.load('a')).not.toBe(null);
  before.release();
  await destroyed;

  const after = plan.hold('create', 'after');
  const created = store.create('b', session);
  await after.arrived;
  expect(inner.load('b')).not.toBe(null);
  after.release();
  expect(await created).toBe('ok');
});

test('a delay is told which call it delays', async () => {
  const { plan, store } = stage();
  const waited: string[] = [];
  plan.delay(async ({ verb, id }) => void waited.push(`${verb} ${id}`), { verbs: ['load'] });
  await store.load('a');
  store.destroy('a');
  await store.load('b');
  expect(waited).toEqual(['load a', 'load b']);
});

test('calls are recorded by verb and id, never with what they carry', async () => {
  const { plan, store } = stage();
  store.create('a', session);
  store.commit('a', touch);
  await read(store);
  store.sweep(5);
  expect(plan.calls).toEqual([
    { verb: 'create', id: 'a' },
    { verb: 'commit', id: 'a' },
    { verb: 'byUser', id: 'alice' },
    { verb: 'sweep', id: undefined },
  ]);
});

test('a store that answers at once still does, a slow one stays slow', () => {
  const { store } = stage();
  expect(store.load('a')).toBe(null);
  expect(faulty(toyStore(clock), new FaultPlan()).load('a')).toBeInstanceOf(Promise);
});

test('abilities fail like everything else, and those of a frozen or private store work', async () => {
  const plan = new FaultPlan();
  const store = faulty(Object.freeze(memory({ now: clock.now })), plan);
  plan.fail({ verbs: ['byUser'] });
  await expect(read(store)).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
  plan.heal();
  expect(await read(store)).toBe(0);
  class Private implements Store {
    readonly name = 'private';
    readonly #loaded: string[] = [];
    load(id: string) {
      this.#loaded.push(id);
      return null;
    }
    create = () => 'ok' as const;
    commit = () => ({ status: 'gone' }) as const;
    destroy() {}
    loads() {
      return this.#loaded.length;
    }
  }
  const typed = faulty(new Private(), plan);
  typed.load('a');
  expect(typed.loads()).toBe(1);
  expect('byUser' in typed).toBe(false);
});

async function read(store: Indexed): Promise<number> {
  let seen = 0;
  for await (const _ of store.byUser('alice')) seen++;
  return seen;
}

function codeOf(call: () => unknown): string | undefined {
  try {
    call();
  } catch (error) {
    return isFailure(error) ? error.code : 'other';
  }
  return undefined;
}

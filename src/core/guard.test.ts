/** Trouble with a store: one kind of error, one event, and never a password in a message. */
import { describe, expect, test } from 'vitest';
import type { Delta, Events, Store, Stored } from '../contract.js';
import { failure } from '../errors.js';
import { controllableClock } from '../testing/clock.js';
import { type Emitter, emitter } from './events.js';
import { type Guarded, guard } from './guard.js';

const session: Stored = { head: { createdAt: 0, expiresAt: 1, version: 1, generation: 0 }, fields: new Map() };
const delta: Delta = { generation: 0, head: { expiresAt: 1 }, fields: new Map() };
const calls: [string, (store: Guarded) => unknown][] = [
  ['load', (store) => store.load('id')],
  ['create', (store) => store.create('id', session)],
  ['commit', (store) => store.commit('id', delta)],
  ['destroy', (store) => store.destroy('id')],
];

const guarding = (store: Store, events: Emitter) =>
  guard({ store, events, deadlineMs: 500, environment: controllableClock() });

/** A store whose every verb does the same. */
function guarded(verb: (...args: unknown[]) => never) {
  const told: Events['storeError'][] = [];
  const store: Store = { name: 'toy', load: verb, create: verb, commit: verb, destroy: verb };
  return { told, store: guarding(store, emitter({ storeError: (event) => told.push(event) })) };
}
const throwing = (error: unknown) => () => {
  throw error;
};
const rejecting = (error: unknown) => () => Promise.reject(error) as never;

describe.each([
  ['at once', throwing],
  ['later', rejecting],
])('a store that fails %s', (_, failing) => {
  const attempt = async (error: unknown, call: (store: Guarded) => unknown) => {
    const { store, told } = guarded(failing(error));
    const thrown = await (async () => call(store))().then(
      () => undefined,
      (e: unknown) => e,
    );
    return { thrown, told };
  };

  test.each(calls)('%s: an outage names the verb and keeps the driver’s words for itself', async (operation, call) => {
    const cause = Object.assign(new Error('redis://:password@host refused'), { code: 'ECONNREFUSED' });

    const { thrown, told } = await attempt(cause, call);

    expect(thrown).toMatchObject({
      code: 'SOJOURN_STORE',
      message: `Session store toy could not ${operation}: its driver failed with ECONNREFUSED.`,
      cause,
    });
    expect(told).toEqual([{ store: 'toy', operation, error: thrown }]);
  });

  test.each([undefined, null, 'text', { code: 'a code with spaces' }, { code: 'x'.repeat(41) }, { code: 7 }])(
    'whatever it throws (%j), the message stays plain',
    async (error) => {
      const { thrown } = await attempt(error, calls[0]![1]);

      expect(thrown).toMatchObject({ message: 'Session store toy could not load: its driver failed (see cause).' });
    },
  );

  test('a store that says itself what is wrong is believed, and heard', async () => {
    const full = failure('SOJOURN_STORE_FULL', { store: 'toy', limit: 'maxBytes 1' });

    const { thrown, told } = await attempt(full, calls[1]![1]);

    expect(thrown).toBe(full);
    expect(told).toEqual([{ store: 'toy', operation: 'create', error: full }]);
  });

  test.each([
    failure('SOJOURN_CORRUPT', { what: 'Session x', problem: 'cut off' }),
    failure('SOJOURN_VALUE', { path: 'a field', problem: 'too long' }),
    failure('SOJOURN_CONFLICT', { field: 'views' }),
  ])('damage and misuse are no outage: $code passes through', async (error) => {
    const { thrown, told } = await attempt(error, calls[0]![1]);

    expect(thrown).toBe(error);
    expect(told).toEqual([]);
  });
});

test('answers pass through as they are, at once or later', async () => {
  const seen: unknown[] = [];
  const store: Store = {
    name: 'toy',
    load: (id) => {
      seen.push(id);
      return session;
    },
    create: async (id, s): Promise<'exists'> => {
      seen.push([id, s]);
      return 'exists';
    },
    commit: (id, d) => {
      seen.push([id, d]);
      return { status: 'gone' };
    },
    destroy: (id) => void seen.push(id),
  };
  const { name, load, create, commit, destroy } = guarding(store, emitter());

  expect(name).toBe('toy');
  expect(load('a')).toBe(session);
  expect(await create('b', session)).toBe('exists');
  expect(commit('c', delta)).toEqual({ status: 'gone' });
  expect(destroy('d')).toBeUndefined();
  expect(seen).toEqual(['a', ['b', session], ['c', delta], 'd']);
});

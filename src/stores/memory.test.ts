/** The memory store: the promises of every store, and its own: two bounds, and nobody thrown out to keep them. */
import { describe, expect, test } from 'vitest';
import type { Cell, Delta, Indexed, Stored } from '../contract.js';
import { isFailure } from '../errors.js';
import { storeKit } from '../testing/store-kit.js';
import { memory } from './memory.js';

storeKit({ describe, test }, ({ now }) => memory({ now }), {
  name: 'memory',
  mustHave: ['byUser', 'list', 'sweep', 'cells'],
});

const HOUR_MS = 3_600_000;

describe('cells in memory', () => {
  const cell = (mark: number, bytes: number, keepUntil = HOUR_MS): Cell => ({
    mark: new Uint8Array(8).fill(mark),
    bytes: new Uint8Array(bytes),
    keepUntil,
  });

  test('share the bounds of the store with the sessions', () => {
    const store = memory({ maxSessions: 2, now: () => 0 });
    store.create('a', session(HOUR_MS));
    store.cells.replace('a', null, cell(1, 10));

    expect(codeOf(() => store.create('b', session(HOUR_MS)))).toBe('SOJOURN_STORE_FULL');
    expect(codeOf(() => store.cells.replace('b', null, cell(1, 10)))).toBe('SOJOURN_STORE_FULL');

    expect(store.cells.remove('a', cell(1, 0).mark)).toBe(true);
    expect(store.create('b', session(HOUR_MS))).toBe('ok');
  });

  test('take no room that they do not need: who ends a session is never refused', () => {
    const store = memory({ maxBytes: 2000, now: () => 0 });
    store.cells.replace('a', null, cell(1, 1400));

    expect(codeOf(() => store.cells.replace('a', cell(1, 0).mark, cell(2, 2000)))).toBe('SOJOURN_STORE_FULL');
    expect(store.cells.read('a')).toEqual({ ...cell(1, 1400), mark: Buffer.alloc(8, 1), bytes: Buffer.alloc(1400) });
    expect(store.cells.replace('a', cell(1, 0).mark, cell(2, 20))).toEqual({ status: 'ok' });
  });

  test('count the same after a thousand have come, grown, gone and run out', () => {
    let now = 0;
    const store = memory({ maxBytes: 3000, now: () => now });
    for (let i = 0; i < 1000; i++) {
      store.cells.replace('a', null, cell(1, 100, now + 10));
      store.cells.replace('a', cell(1, 0).mark, cell(2, 500, now + 10));
      if (i % 2) store.cells.remove('a', cell(2, 0).mark);
      store.cells.replace('b', null, cell(3, 100, now + 10));
      now += 10;
    }
    expect(store.sweep(10)).toBe(1);
    const around = 420 + 19;
    expect(store.cells.replace('c', null, cell(1, 3000 - around, now + 1))).toEqual({ status: 'ok' });
    expect(codeOf(() => store.cells.replace('d', null, cell(1, 0, now + 1)))).toBe('SOJOURN_STORE_FULL');
  });
});

describe('a full memory store', () => {
  test('refuses the next visitor and keeps the ones it has', () => {
    const store = memory({ maxSessions: 2, now: () => 0 });
    store.create('a', session(HOUR_MS));
    store.create('b', session(HOUR_MS));

    expect(codeOf(() => store.create('c', session(HOUR_MS)))).toBe('SOJOURN_STORE_FULL');

    expect([store.load('a'), store.load('b'), store.load('c')].map((s) => s !== null)).toEqual([true, true, false]);
    expect(store.commit('a', touch(2 * HOUR_MS))).toEqual({ status: 'ok', version: 2 });
  });

  test('makes room by sweeping what has expired', () => {
    let now = 0;
    const store = memory({ maxSessions: 2, now: () => now });
    store.create('a', session(1000));
    store.create('b', session(HOUR_MS));
    now = 1000;

    expect(store.create('c', session(HOUR_MS))).toBe('ok');
    expect(store.load('b')).not.toBeNull();
  });

  test('takes a new visitor after a logout', () => {
    const store = memory({ maxSessions: 1, now: () => 0 });
    store.create('a', session(HOUR_MS));
    store.destroy('a');
    expect(store.create('b', session(HOUR_MS))).toBe('ok');
  });

  test('refuses a commit that grows, lets one pass that does not, and loses nothing by refusing', () => {
    const store = memory({ maxBytes: 1800, now: () => 0 });
    store.create('a', session(HOUR_MS, 1000));

    expect(codeOf(() => store.commit('a', write(1500)))).toBe('SOJOURN_STORE_FULL');
    expect(fieldBytes(store.load('a'))).toBe(1000);

    expect(store.commit('a', write(500))).toMatchObject({ status: 'ok' });
    expect(store.commit('a', write(1000))).toMatchObject({ status: 'ok' });
    expect(fieldBytes(store.load('a'))).toBe(1000);
  });

  test('counts the same after a thousand sessions have come and gone', () => {
    const store = memory({ maxBytes: 2000, now: () => 0 });
    for (let i = 0; i < 1000; i++) {
      expect(store.create('a', session(HOUR_MS, 100))).toBe('ok');
      store.commit('a', write(i));
      store.commit('a', write(10));
      store.destroy('a');
    }
    expect(store.create('a', session(HOUR_MS, 1500))).toBe('ok');
  });
});

describe('sweeping', () => {
  test('goes on where it stopped, and reaches everything although sessions come and go', async () => {
    let now = 0;
    const store = memory({ now: () => now });
    for (let i = 0; i < 1000; i++) store.create(`live ${i}`, session(HOUR_MS));
    for (let i = 0; i < 1000; i++) store.create(`ended ${i}`, session(1000));
    now = 1000;

    let removed = 0;
    for (let call = 0; call < 1000 && removed < 1000; call++) {
      removed += Number(await store.sweep(4));
      store.create(`late ${call}`, session(HOUR_MS));
    }

    expect(removed).toBe(1000);
    expect(store.load('live 0')).not.toBeNull();
  });

  test('of an empty store is nothing', () => {
    expect(memory().sweep(10)).toBe(0);
  });
});

test('an id may be used again once its session has expired, and nothing of the old one shows', async () => {
  let now = 0;
  const store = memory({ now: () => now });
  store.create('a', session(1000, 7));
  store.commit('a', { generation: 0, head: { expiresAt: 1000, user: 'ada' }, fields: new Map() });
  now = 1000;

  expect(store.create('a', session(HOUR_MS))).toBe('ok');

  expect(fieldBytes(store.load('a'))).toBeUndefined();
  expect(await found(store)).toEqual([]);
});

test('a misspelt option is told', () => {
  expect(() => memory({ maxSession: 5 } as never)).toThrow('did you mean maxSessions?');
  expect(codeOf(() => memory({ maxSessions: 0 }))).toBe('SOJOURN_OPTION');
});

function session(expiresAt: number, bytes?: number): Stored {
  const fields = new Map(bytes === undefined ? [] : [['cart', new Uint8Array(bytes)]]);
  return { head: { createdAt: 0, expiresAt, version: 1, generation: 0 }, fields };
}

function touch(expiresAt: number): Delta {
  return { generation: 0, head: { expiresAt }, fields: new Map() };
}

function write(bytes: number): Delta {
  return { ...touch(HOUR_MS), fields: new Map([['cart', { op: 'set', value: new Uint8Array(bytes) }]]) };
}

function fieldBytes(stored: unknown): number | undefined {
  return (stored as Stored | null)?.fields.get('cart')?.length;
}

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}

async function found(store: Indexed): Promise<string[]> {
  const ids: string[] = [];
  for await (const [id] of store.byUser('ada')) ids.push(id);
  return ids;
}

/** What every layer keeps of the store below: its abilities in type and in fact, and the calls about the store as a whole. */
import { randomBytes } from 'node:crypto';
import { type Caching, type Indexed, type Listable, memory, type Store, type Sweepable, type Watchable } from 'sojourn';
import type { cached } from 'sojourn/cached';
import type { memcached } from 'sojourn/memcached';
import type { redis } from 'sojourn/redis';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { encryptedFields } from './encrypted-fields.js';
import { migrating } from './migrating.js';
import { prefixed } from './prefixed.js';
import { traced } from './traced.js';

const keys = [randomBytes(32)];
const layers: Record<string, (store: Store) => Store> = {
  prefixed: (store) => prefixed(store, 'shop'),
  encryptedFields: (store) => encryptedFields(store, { keys }),
  traced: (store) => traced(store),
  'migrating from it': (store) => migrating({ from: store, to: memory(), phase: 'moving' }),
  'migrating to it': (store) => migrating({ from: memory(), to: store, phase: 'from' }),
};

/** A store with the four verbs and whatever is given. */
function bare(more: Partial<Store> & Partial<Indexed & Listable> = {}): Store {
  const { load, create, commit, destroy } = memory();
  const store = memory();
  return {
    name: 'bare',
    load: load.bind(store),
    create: create.bind(store),
    commit: commit.bind(store),
    destroy: destroy.bind(store),
    ...more,
  };
}

describe.each(Object.entries(layers))('%s', (_, layer) => {
  test('check, renew and close reach the store', async () => {
    const calls: string[] = [];
    const store = layer(
      bare({
        async check() {
          calls.push('check');
          return ['it is small'];
        },
        renew: () => void calls.push('renew'),
        close: () => void calls.push('close'),
      }),
    );
    expect(await store.check!()).toEqual(['it is small']);
    store.renew!();
    await store.close!();
    expect(calls).toEqual(['check', 'renew', 'close']);
  });

  test('what the store cannot do, the layer does not pretend to', async () => {
    const store = layer(bare());
    for (const ability of ['byUser', 'list', 'watch', 'listen', 'cells', 'stale'])
      expect((store as unknown as Record<string, unknown>)[ability], ability).toBeUndefined();
    store.renew?.();
    await store.close?.();
  });
});

test('a trouble of the one store does not keep the other from being closed', async () => {
  let isClosed = false;
  const failing = bare({ close: () => Promise.reject(new Error('no')) });
  const closing = bare({
    close() {
      isClosed = true;
    },
  });
  await expect(async () => migrating({ from: failing, to: closing, phase: 'from' }).close!()).rejects.toThrow('no');
  expect(isClosed).toBe(true);
});

test('the types say which abilities are left', () => {
  type Memory = ReturnType<typeof memory>;
  type Redis = ReturnType<typeof redis>;
  type Memcached = ReturnType<typeof memcached>;
  type Cached = ReturnType<typeof cached<Redis>>;
  expectTypeOf<ReturnType<typeof prefixed<Memory>>>().toExtend<Store & Indexed & Listable & Sweepable>();
  expectTypeOf<ReturnType<typeof prefixed<Redis>>>().toExtend<Indexed & Listable & Watchable>();
  expectTypeOf<ReturnType<typeof prefixed<Memcached>>>().not.toExtend<Indexed>();
  expectTypeOf<ReturnType<typeof encryptedFields<Cached>>>().toExtend<Indexed & Watchable & Caching>();
  expectTypeOf<ReturnType<typeof traced<Cached>>>().toEqualTypeOf<Cached>();
  expectTypeOf<ReturnType<typeof migrating<Memory, Redis>>>().toExtend<Indexed & Listable & Sweepable>();
  expectTypeOf<ReturnType<typeof migrating<Memory, Redis>>>().not.toExtend<Watchable>();
  expectTypeOf<ReturnType<typeof migrating<Redis, Memcached>>>().not.toExtend<Indexed>();
});

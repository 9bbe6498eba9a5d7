/**
 * The kit is worth what it finds: stores with one well-known bug each, and the sentences that must be reported broken.
 *
 * Every bug is one that a session store in the field has or had. The control comes first: the store without a bug passes
 * everything, so whatever fails below fails because of the bug.
 */
import { describe, expect, test } from 'vitest';
import type { Cells, Delta, Ended, Outcome, Store, Stored, Watcher } from '../src/contract.js';
import { apply } from '../src/core/delta.js';
import { type MakeStore, type StoreKitOptions, storeKit } from '../src/testing/index.js';
import { collect, type Report } from './support/collect.js';
import { isSame, type ToyCells } from './support/toy-cells.js';
import { copied, type ToyStore, toyStore } from './support/toy-store.js';

interface Bug {
  /** What the author of the store did. */
  readonly bug: string;
  readonly store: (toy: ToyStore) => Store;
  /** A test whose failure must tell of it. */
  readonly breaks: string;
}

const bugs: readonly Bug[] = [
  {
    bug: 'commit is an upsert',
    store: (toy) => ({
      ...toy,
      commit: (id, delta) => {
        const head = {
          createdAt: toy.now(),
          expiresAt: delta.head.expiresAt,
          version: 0,
          generation: delta.generation,
        };
        if (!toy.live(id)) toy.sessions.set(id, { head, fields: new Map() });
        return toy.commit(id, delta);
      },
    }),
    breaks: 'a session that was destroyed stays destroyed',
  },
  {
    bug: 'load leaves expiry to somebody else',
    store: (toy) => ({ ...toy, load: async (id) => toy.sessions.get(id) ?? null }),
    breaks: 'an expired session is never returned',
  },
  {
    bug: 'the last millisecond is served twice',
    store: (toy) => ({
      ...toy,
      load: async (id) => (toy.sessions.get(id)?.head.expiresAt === toy.now() ? toy.sessions.get(id)! : toy.load(id)),
    }),
    breaks: 'a session lives until the last millisecond and is gone at its deadline',
  },
  {
    bug: 'commit reads, awaits and writes back',
    store: (toy) => ({ ...toy, commit: readThenWrite(toy) }),
    breaks: 'two commits with disjoint fields both survive',
  },
  {
    bug: 'commit reads, awaits and writes back: counters',
    store: (toy) => ({ ...toy, commit: readThenWrite(toy) }),
    breaks: '100 parallel increments of one field by swap lose none',
  },
  {
    bug: 'commit reads, awaits and writes back: logout',
    store: (toy) => ({ ...toy, commit: readThenWrite(toy) }),
    breaks: 'destroy against commits: the session never comes back',
  },
  {
    bug: 'a touch does not raise the version',
    store: (toy) =>
      changing(toy, (before, next, delta) => {
        return delta.fields.size > 0 ? next : { ...next, head: { ...next.head, version: before.head.version } };
      }),
    breaks: 'version grows by one with every commit',
  },
  {
    bug: 'writes land before the swap that loses',
    store: (toy) => ({ ...toy, commit: oneByOne(toy) }),
    breaks: 'a swap that lost (one beside other writes) writes nothing',
  },
  {
    bug: 'the index entry follows the login a little later',
    store: (toy) => {
      const entries = new Map<string, string>();
      return {
        ...toy,
        async commit(id, delta) {
          const outcome = await toy.commit(id, delta);
          if (delta.head.user !== undefined) setImmediate(() => entries.set(id, delta.head.user!));
          return outcome;
        },
        async *byUser(user: string) {
          for await (const entry of toy.byUser(user)) if (entries.has(entry[0])) yield entry;
        },
      } as Store;
    },
    breaks: 'a session is found when the commit that binds it has resolved',
  },
  {
    bug: 'an index entry of an absent session is dropped at once, also when the login is only on its way',
    store: (toy) => ({ ...toy, ...eagerIndex(toy) }),
    breaks: 'never one too few while logins, destroys and looks run in parallel',
  },
  {
    bug: 'the index is believed without looking',
    store: (toy) => ({
      ...toy,
      async *byUser(user: string) {
        for (const [id, { head }] of toy.sessions) if (head.user === user) yield [id, head] as const;
      },
    }),
    breaks: 'an expired session is not found',
  },
  {
    bug: 'generation is ignored',
    store: (toy) => ({
      ...toy,
      commit: (id, delta) => toy.commit(id, { ...delta, generation: toy.live(id)?.head.generation ?? 0 }),
    }),
    breaks: 'writes that were begun before a login do not land after it',
  },
  {
    bug: '`replaces` is ignored',
    store: (toy) => ({ ...toy, commit: (id, { replaces: _, ...delta }) => toy.commit(id, delta) }),
    breaks: 'of parallel rotations exactly one wins',
  },
  {
    bug: 'buffers of the caller are kept',
    store: (toy) => ({
      ...toy,
      create: async (id, session) => (toy.sessions.has(id) ? 'exists' : keep(toy, id, session)),
    }),
    breaks: 'what the caller passed to create or commit may change afterwards without changing the store',
  },
  {
    bug: 'buffers of the store are handed out',
    store: (toy) => ({ ...toy, load: async (id) => toy.live(id) }),
    breaks: 'what the caller was handed may change afterwards without changing the store',
  },
  {
    bug: 'sessions are edited in place',
    store: (toy) => ({
      ...toy,
      load: async (id) => toy.live(id),
      async commit(id, delta) {
        const [outcome, next] = apply(toy.live(id), structuredClone(delta), toy.now());
        if (next) Object.assign(toy.live(id)!.head, next.head);
        const fields = toy.live(id)?.fields as Map<string, Uint8Array>;
        if (next) fields.clear();
        for (const [field, value] of next?.fields ?? []) fields.set(field, value);
        return outcome;
      },
    }),
    breaks: 'what the caller was handed is never changed afterwards',
  },
  {
    bug: 'a conflict tells no values',
    store: (toy) => ({
      ...toy,
      async commit(id, delta) {
        const outcome = await toy.commit(id, delta);
        return outcome.status === 'conflict' ? { status: 'conflict', fields: new Map() } : outcome;
      },
    }),
    breaks: 'a swap that lost (the first of several) writes nothing and hands back the present values',
  },
  {
    bug: 'a conflict tells only the field that lost',
    store: (toy) => ({
      ...toy,
      async commit(id, delta) {
        const outcome = await toy.commit(id, delta);
        if (outcome.status !== 'conflict') return outcome;
        return { status: 'conflict', fields: new Map([...outcome.fields].slice(0, 1)) };
      },
    }),
    breaks: 'the store agrees with the rule of commit after every step of a random walk',
  },
  {
    bug: 'create replaces what is there',
    store: (toy) => ({ ...toy, create: async (id, session) => keep(toy, id, copied(session)) }),
    breaks: "'exists' leaves the old one untouched",
  },
  {
    bug: 'create looks, awaits and writes',
    store: (toy) => ({
      ...toy,
      async create(id, session) {
        if ((await toy.load(id)) !== null) return 'exists';
        return keep(toy, id, copied(session));
      },
    }),
    breaks: "of parallel creates under one id exactly one is 'ok'",
  },
  {
    bug: 'the head is replaced, not merged',
    store: (toy) =>
      changing(toy, (before, next, delta) => {
        const { createdAt } = before.head;
        const head = { createdAt, generation: delta.generation, ...delta.head, version: next.head.version };
        return { ...next, head };
      }),
    breaks: 'named head properties change and the rest stays',
  },
  {
    bug: 'values pass through text',
    store: (toy) =>
      changing(toy, (_, next) => {
        const text = (value: Uint8Array): Uint8Array => Buffer.from(Buffer.from(value).toString('utf8'), 'utf8');
        return { ...next, fields: new Map([...next.fields].map(([field, value]) => [field, text(value)])) };
      }),
    breaks: 'a value survives byte-exact: every byte value',
  },
  {
    bug: 'fields live in a plain object',
    store: (toy) =>
      changing(toy, (_, next) => {
        const plain: Record<string, Uint8Array> = {};
        for (const [field, value] of next.fields) plain[field] = value;
        return { ...next, fields: new Map(Object.entries(plain)) };
      }),
    breaks: 'fields with odd names live beside each other',
  },
  {
    bug: 'ids are folded in case',
    store: (toy) => ({
      ...toy,
      load: (id) => toy.load(id.toLowerCase()),
      create: (id, session) => toy.create(id.toLowerCase(), session),
      commit: (id, delta) => toy.commit(id.toLowerCase(), delta),
      destroy: (id) => toy.destroy(id.toLowerCase()),
    }),
    breaks: 'what happens to one session leaves all others alone',
  },
  {
    bug: 'an unknown id is an error',
    store: (toy) => ({
      ...toy,
      async destroy(id) {
        if (!toy.live(id)) throw new Error(`no such session: ${id}`);
        return toy.destroy(id);
      },
    }),
    breaks: 'unknown ids are not errors',
  },
  {
    bug: 'a touch is only written to memory of the TTL',
    store: (toy) =>
      changing(toy, (before, next, delta) =>
        delta.fields.size > 0 ? next : { ...next, head: { ...next.head, expiresAt: before.head.expiresAt } },
      ),
    breaks: 'a touch-only delta moves the deadline and nothing else',
  },
  {
    bug: 'list shows the expired',
    store: (toy) => ({
      ...toy,
      async *list() {
        for (const [id, { head }] of toy.sessions) yield [id, head] as const;
      },
    }),
    breaks: 'list walks all live sessions',
  },
  {
    bug: 'sweep forgets its limit',
    store: (toy) => ({ ...toy, sweep: () => toy.sweep(1e9) }),
    breaks: 'sweep removes at most `limit` expired sessions',
  },
  {
    bug: 'sweep takes whatever comes first',
    store: (toy) => ({
      ...toy,
      async sweep(limit: number) {
        const some = [...toy.sessions.keys()].slice(0, limit);
        for (const id of some) toy.sessions.delete(id);
        return some.length;
      },
    }),
    breaks: 'sweeping beside commits costs no live session',
  },
  {
    bug: 'a destroy is not told',
    store: (toy) => ({ ...toy, destroy: async (id) => void toy.sessions.delete(id) }),
    breaks: 'a commit, a touch, a destroy',
  },
  {
    bug: 'a touch is not told',
    store: (toy) =>
      ({
        ...toy,
        async commit(id, delta) {
          const [outcome, next] = apply(toy.live(id), structuredClone(delta), toy.now());
          if (next === null || delta.fields.size > 0) return toy.commit(id, delta);
          toy.sessions.set(id, next);
          return outcome;
        },
      }) as Store,
    breaks: 'a commit, a touch, a destroy',
  },
  {
    bug: 'the key is not read once more after a commit of our own',
    store: (toy) => ({ ...toy, commit: (id, delta) => forgetting(toy, id, toy.commit(id, delta)) }),
    breaks: 'what create and commit left behind here is watched',
  },
  {
    bug: 'a created session is not watched',
    store: (toy) => ({ ...toy, create: (id, session) => forgetting(toy, id, toy.create(id, session)) }),
    breaks: 'what create and commit left behind here is watched',
  },
  {
    bug: 'heard runs ahead of the messages',
    store: (toy) => watchedBy(toy, (watcher) => ({ ...watcher, heard: () => watcher.heard(performance.now()) })),
    breaks: 'everything that was acknowledged before asOf has been told',
  },
  {
    bug: 'asOf is a time of the day',
    store: (toy) => watchedBy(toy, (watcher) => ({ ...watcher, heard: () => watcher.heard(Date.now()) })),
    breaks: 'heard comes once watching has begun',
  },
  {
    bug: 'heard comes once and never again',
    store: (toy) =>
      watchedBy(toy, (watcher) => {
        let times = 0;
        return { ...watcher, heard: (asOf) => (times++ > 0 ? undefined : watcher.heard(asOf)) };
      }),
    breaks: 'heard comes once watching has begun',
  },
  {
    bug: 'watching begins when the answer of a load is there',
    store: (toy) => ({
      ...toy,
      async load(id) {
        const stored = toy.live(id);
        await new Promise(setImmediate);
        toy.tracked.add(id);
        return stored && copied(stored);
      },
    }),
    breaks: 'a change is told about a load that is under way',
  },
  {
    bug: 'stopping stops nothing',
    store: (toy) => ({
      ...toy,
      watch: (watcher: Watcher, everyMs: number) => {
        toy.watch(watcher, everyMs);
        return () => {};
      },
    }),
    breaks: 'who has stopped watching hears nothing more',
  },
  {
    bug: 'the heartbeat goes on after stopping',
    store: (toy) => ({
      ...toy,
      watch: (watcher: Watcher, everyMs: number) => {
        toy.watch({ ...watcher, changed: () => {} }, everyMs);
        return toy.watch({ ...watcher, heard: () => {} }, everyMs);
      },
    }),
    breaks: 'who has stopped watching hears nothing more',
  },
  {
    bug: 'a lost link is not told',
    store: (toy) => watchedBy(toy, (watcher) => ({ ...watcher, deaf: () => {} })),
    breaks: 'when changes may be missed deaf is told',
  },
  {
    bug: 'after a new connection nothing is watched any more',
    store: (toy) => {
      let isCut = false;
      const watching = watchedBy(toy, (watcher) => ({
        ...watcher,
        deaf: () => {
          isCut = true;
          watcher.deaf();
        },
      }));
      return { ...watching, load: (id) => (isCut ? forgetting(toy, id, toy.load(id)) : toy.load(id)) };
    },
    breaks: 'when changes may be missed deaf is told',
  },
  {
    bug: 'own destroys are told like those of others',
    store: (toy) => {
      const listeners: Heard[] = [];
      return {
        ...toy,
        listen: (ended: Heard) => {
          listeners.push(ended);
          return toy.listen(ended);
        },
        async destroy(id: string) {
          await toy.destroy(id);
          for (const ended of listeners) ended(id, 'destroyed');
        },
      };
    },
    breaks: 'a session that another process destroyed is told, once; own destroys are not',
  },
  {
    bug: 'the end of a session is told twice',
    store: (toy) =>
      listenedBy(toy, (ended) => (id, how) => {
        ended(id, how);
        ended(id, how);
      }),
    breaks: 'a session that another process destroyed is told, once; own destroys are not',
  },
  {
    bug: 'nothing is told to listeners',
    store: (toy) => listenedBy(toy, () => () => {}),
    breaks: 'a session that another process destroyed is told, once; own destroys are not',
  },
  {
    bug: 'whatever ends was destroyed',
    store: (toy) => listenedBy(toy, (ended) => (id) => ended(id, 'destroyed')),
    breaks: 'a session that expired is told as expired if at all',
  },
  {
    bug: 'a listener cannot be taken away',
    store: (toy) => ({
      ...toy,
      listen: (ended: Heard) => {
        toy.listen(ended);
        return () => {};
      },
    }),
    breaks: 'who has stopped listening hears nothing more',
  },
  {
    bug: 'a cell is compared, and written a moment later',
    store: (toy) =>
      withCells(toy, ({ read, kept }) => ({
        async replace(id, expect, next) {
          const present = await read(id);
          if (!isSame(present?.mark, expect)) return { status: 'other', cell: present };
          kept.set(id, next);
          return { status: 'ok' };
        },
      })),
    breaks: 'of several that expect the same cell, exactly one wins',
  },
  {
    bug: 'cells are compared under a lock that other processes do not know',
    store: (toy) => {
      let turn: Promise<unknown> = Promise.resolve();
      return withCells(toy, (cells) => ({
        replace(id, expect, next) {
          const replaced = turn.then(async () => {
            const present = await cells.read(id);
            if (!isSame(present?.mark, expect)) return { status: 'other', cell: present } as const;
            return cells.replace(id, cells.live(id)?.mark ?? null, next);
          });
          turn = replaced;
          return replaced;
        },
      }));
    },
    breaks: 'of two handles that expect the same cell, exactly one wins',
  },
  {
    bug: 'a replace that is sent again loses against itself',
    store: (toy) =>
      withCells(toy, (cells) => ({
        async replace(id, expect, next, fence) {
          const present = await cells.read(id);
          if (present && !isSame(present.mark, expect)) return { status: 'other', cell: present };
          return cells.replace(id, expect, next, fence);
        },
      })),
    breaks: 'a call that was sent twice is done once',
  },
  {
    bug: 'who expects nothing overwrites what is there',
    store: (toy) =>
      withCells(toy, (cells) => ({
        replace: (id, expect, next, fence) => cells.replace(id, expect ?? cells.live(id)?.mark ?? null, next, fence),
      })),
    breaks: 'a cell is replaced by who knows its mark, and by nobody else',
  },
  {
    bug: 'the fence is looked up before the write, not with it',
    store: (toy) =>
      withCells(toy, (cells) => ({
        async replace(id, expect, next, fence) {
          const epoch = cells.epochs.get(fence?.slot ?? -1) ?? 0;
          if (fence && fence.epoch < epoch) return { status: 'fenced', epoch };
          await new Promise(setImmediate);
          return cells.replace(id, expect, next);
        },
      })),
    breaks: 'after a fence has resolved nothing older is written',
  },
  {
    bug: 'an older fence opens what a newer one has closed',
    store: (toy) =>
      withCells(toy, (cells) => ({
        async fence(slots, epoch) {
          for (const slot of slots) cells.epochs.set(slot, epoch);
        },
      })),
    breaks: "a slot's epoch only grows",
  },
  {
    bug: 'fences are kept in the process',
    store: (toy) => {
      const epochs = new Map<number, number>();
      return withCells(toy, (cells) => ({
        async fence(slots, epoch) {
          for (const slot of slots) epochs.set(slot, epoch);
        },
        async replace(id, expect, next, fence) {
          const epoch = epochs.get(fence?.slot ?? -1) ?? 0;
          return fence && fence.epoch < epoch ? { status: 'fenced', epoch } : cells.replace(id, expect, next);
        },
      }));
    },
    breaks: 'a fence holds for every handle, and is kept as long as cells are',
  },
  {
    bug: 'a cell whose time is over is still there for those who replace it',
    store: (toy) =>
      withCells(toy, (cells) => ({
        async replace(id, expect, next, fence) {
          const present = cells.kept.get(id);
          if (present && !isSame(present.mark, expect)) return { status: 'other', cell: present };
          return cells.replace(id, cells.live(id) && expect, next, fence);
        },
      })),
    breaks: 'a cell whose time is over is nothing',
  },
  {
    bug: 'the mark of a cell is kept as a number',
    store: (toy) =>
      withCells(toy, (cells) => {
        const numbered = (mark: Uint8Array): Buffer => {
          const bytes = Buffer.alloc(8);
          bytes.writeDoubleBE(Number(Buffer.from(mark).readBigUInt64BE()));
          return bytes;
        };
        return {
          replace: (id, expect, next, fence) =>
            cells.replace(id, expect && numbered(expect), { ...next, mark: numbered(next.mark) }, fence),
        };
      }),
    breaks: 'marks are bytes, too',
  },
  {
    bug: 'the index of cells follows the write a little later',
    store: (toy) =>
      withCells(toy, (cells) => {
        const filed = new Set<string>();
        return {
          async replace(id, expect, next, fence) {
            const answer = await cells.replace(id, expect, next, fence);
            setTimeout(() => filed.add(id), 1);
            return answer;
          },
          async *byUser(user) {
            for await (const id of cells.byUser(user)) if (filed.has(id)) yield id;
          },
        };
      }),
    breaks: 'a cell is found under its new user',
  },
  {
    bug: 'buffers of cells are handed out',
    store: (toy) => withCells(toy, (cells) => ({ read: async (id) => cells.live(id) })),
    breaks: 'what was passed in or handed out may change afterwards without changing the cell',
  },
  {
    bug: 'cells are sessions of the same name',
    store: (toy) =>
      withCells(toy, (cells) => ({
        async replace(id, expect, next, fence) {
          const head = { createdAt: 0, expiresAt: next.keepUntil, version: 1, generation: 0 };
          if (!toy.sessions.has(id)) toy.sessions.set(id, { head, fields: new Map() });
          return cells.replace(id, expect, next, fence);
        },
      })),
    breaks: 'cells and sessions of one id do not see each other',
  },
  {
    bug: 'nobody is told of cells',
    store: (toy) =>
      withCells(toy, (cells) => ({
        read: (id) => forgetting(toy, id, Promise.resolve(cells.read(id))),
        replace: (id, expect, next, fence) =>
          forgetting(toy, id, Promise.resolve(cells.replace(id, expect, next, fence))),
      })),
    breaks: 'a cell that read handed over or replace left behind is watched, and told under its id',
  },
];

describe('the store kit', () => {
  test('passes a store that keeps every promise', async () => {
    // A good store is never waited for so long; a loaded machine may be.
    const { passed, failed } = await onToy((toy) => toy, { patienceMs: 20_000 });
    expect([...failed]).toEqual([]);
    expect(passed.length).toBeGreaterThan(90);
  });

  test.each(bugs.map((bug) => [bug.bug, bug] as const))('finds: %s', async (_, { store, breaks }) => {
    const { failed } = await onToy(store, {}, breaks);
    const [error] = failed.values();
    expect(error, `the kit did not notice (${breaks})`).toBeDefined();
    expect(error?.message).toMatch(/^Broken promise: .+\n[\s\S]+\nLook at: .+\.$/);
    expect(error?.message).toContain(breaks);
  });

  test('finds the cache that keeps an entry whose commit it did not hear the end of', async () => {
    const healthy = await run(({ now, inner }) => caching(inner(toyStore({ now })), true), {}, 'inner store');
    expect([...healthy.failed]).toEqual([]);
    const { failed } = await run(({ now, inner }) => caching(inner(toyStore({ now })), false), {}, 'inner store');
    expect([...failed.keys()]).toEqual([expect.stringContaining('any one call to an inner store fails (after)')]);
  });

  test('notices that a layer has lost an ability', async () => {
    const bare: MakeStore = ({ now }) => {
      const { load, create, commit, destroy } = toyStore({ now });
      return { name: 'bare', load, create, commit, destroy };
    };
    const { failed } = await run(bare, { mustHave: ['byUser'] });
    expect([...failed.keys()]).toEqual(['the abilities that the store must have are there']);
  });

  test('closes every store that it opens, also after a failure', async () => {
    let open = 0;
    const counted: MakeStore = ({ now }) => {
      open++;
      return { ...toyStore({ now }), load: async () => null, close: () => void open-- };
    };
    const { failed } = await run(counted);
    expect(failed.size).toBeGreaterThan(20);
    expect(open).toBe(0);
  });

  test('works with a store that has a clock of its own, in a few real seconds', async () => {
    const own = { clock: 'own', patienceMs: 1600, races: 20 } as const;
    const { failed, passed } = await run(() => toyStore({ now: Date.now }), own, 'expir');
    expect([...failed]).toEqual([]);
    expect(passed.length).toBeGreaterThan(5);
    const forgetful: MakeStore = () => {
      const toy = toyStore({ now: Date.now });
      return { ...toy, load: async (id) => toy.sessions.get(id) ?? null };
    };
    expect((await run(forgetful, own, 'is never returned')).failed.size).toBe(2);
  });
});

function run(makeStore: MakeStore, options: StoreKitOptions = {}, only = ''): Promise<Report> {
  return collect((runner) => storeKit(runner, makeStore, { races: 60, patienceMs: 400, ...options }), only);
}

/** The kit over handles onto one toy place, whose messages are a little late. */
function onToy(variant: (toy: ToyStore) => Store, options: StoreKitOptions = {}, only = ''): Promise<Report> {
  let last: ToyStore;
  const makeStore: MakeStore = ({ now, every }) => {
    last = toyStore({ now, every, pace: () => new Promise((later) => setTimeout(later, 2)) });
    return variant(last);
  };
  const another: MakeStore = () => variant(last.another());
  const cutLinks = (): void => {
    last.link.cut();
    setTimeout(last.link.restore, 10);
  };
  return run(makeStore, { another, cutLinks, ...options }, only);
}

async function forgetting<A>(toy: ToyStore, id: string, answer: Promise<A>): Promise<A> {
  const given = await answer;
  toy.tracked.delete(id);
  return given;
}

function watchedBy(toy: ToyStore, change: (watcher: Watcher) => Watcher): ToyStore {
  return { ...toy, watch: (watcher, everyMs) => toy.watch(change(watcher), everyMs) };
}

function withCells(toy: ToyStore, change: (cells: ToyCells) => Partial<Cells>): Store {
  return { ...toy, cells: { ...toy.cells, ...change(toy.cells) } } as Store;
}

type Heard = (id: string, how: Ended) => void;
function listenedBy(toy: ToyStore, change: (ended: Heard) => Heard): ToyStore {
  return { ...toy, listen: (ended) => toy.listen(change(ended)) };
}

function keep(toy: ToyStore, id: string, session: Stored): 'ok' {
  toy.sessions.set(id, session);
  return 'ok';
}

function readThenWrite(toy: ToyStore): (id: string, delta: Delta) => Promise<Outcome> {
  return async (id, delta) => {
    const [outcome, next] = apply(await toy.load(id), delta, toy.now());
    await null;
    if (next) toy.sessions.set(id, next);
    return outcome;
  };
}

function oneByOne(toy: ToyStore): (id: string, delta: Delta) => Promise<Outcome> {
  return async (id, delta) => {
    const before = toy.live(id);
    if (!before || before.head.generation !== delta.generation) return { status: 'gone' };
    const plain = [...delta.fields].filter(([, write]) => write.op !== 'swap');
    await toy.commit(id, { ...delta, fields: new Map(plain) });
    return toy.commit(id, { ...delta, fields: new Map([...delta.fields].filter(([, write]) => write.op === 'swap')) });
  };
}

/** The toy, whose commit writes down something else than it should. */
function changing(toy: ToyStore, change: (before: Stored, next: Stored, delta: Delta) => Stored): Store {
  return {
    ...toy,
    async commit(id, delta) {
      const before = toy.live(id);
      const outcome = await toy.commit(id, delta);
      if (outcome.status === 'ok') toy.sessions.set(id, change(before!, toy.live(id)!, delta));
      return outcome;
    },
  };
}

/** Entry first, as it should be; but a look in between finds an anonymous session and drops the entry. */
function eagerIndex(toy: ToyStore): Pick<ToyStore, 'byUser' | 'commit'> {
  const entries = new Map<string, Set<string>>();
  return {
    async commit(id, delta) {
      const { user } = delta.head;
      if (user !== undefined) entries.set(user, (entries.get(user) ?? new Set()).add(id));
      await null;
      return toy.commit(id, delta);
    },
    async *byUser(user) {
      for (const id of [...(entries.get(user) ?? [])]) {
        const stored = await toy.load(id);
        if (stored?.head.user === user) yield [id, stored.head] as const;
        else entries.get(user)?.delete(id);
      }
    },
  };
}

/** A near cache without any invalidation but its own; `careful` drops an entry before a write, not after it. */
function caching(inner: Store, careful: boolean): Store {
  const cache = new Map<string, Stored>();
  return {
    name: 'caching',
    async load(id) {
      const stored = cache.get(id) ?? (await inner.load(id));
      if (stored) cache.set(id, stored);
      return stored;
    },
    create: (id, session) => inner.create(id, session),
    async commit(id, delta) {
      if (careful) cache.delete(id);
      const outcome = await inner.commit(id, delta);
      cache.delete(id);
      return outcome;
    },
    async destroy(id) {
      if (careful) cache.delete(id);
      await inner.destroy(id);
      cache.delete(id);
    },
  };
}

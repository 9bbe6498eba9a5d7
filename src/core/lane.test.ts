/** Lanes: many requests of one process on one session, seen from the store's side. */
import { describe, expect, test } from 'vitest';
import type { Delta, Outcome, Stored } from '../contract.js';
import { apply } from './delta.js';
import type { Bytes, Intent } from './intent.js';
import { type Change, type Landed, lanes } from './lane.js';

const number = (bytes: Bytes): number => (bytes === null ? 0 : Number(Buffer.from(bytes).toString()));
const bytes = (n: number): Bytes => Buffer.from(String(n));

/** A store of one session whose commits take a turn of the event loop, and that others can change. */
function slowStore() {
  let stored: Stored | null = { head: { createdAt: 0, expiresAt: 1e15, version: 1, generation: 0 }, fields: new Map() };
  const deltas: Delta[] = [];
  let fail: Error | undefined;
  return {
    deltas,
    value: (field: string) => number(stored?.fields.get(field) ?? null),
    end: () => {
      stored = null;
    },
    failNext: (error: Error) => {
      fail = error;
    },
    /** What another process does, at once. */
    other: (field: string, value: Bytes) => {
      const fields = new Map(stored!.fields);
      if (value !== null) fields.set(field, value);
      stored = { head: stored!.head, fields };
    },
    store: {
      async commit(_id: string, delta: Delta): Promise<Outcome> {
        deltas.push(delta);
        await new Promise(setImmediate);
        if (fail !== undefined) {
          const error = fail;
          fail = undefined;
          throw error;
        }
        const [outcome, next] = apply(stored, delta, 1);
        if (next !== null) stored = next;
        return outcome;
      },
    },
  };
}

const change = (intents: Record<string, Intent>, more: Partial<Change> = {}): Change => ({
  generation: 0,
  head: { expiresAt: 1e15 },
  intents: new Map(Object.entries(intents)),
  alone: false,
  ...more,
});
const plusOne = (read: Bytes): Intent => ({
  kind: 'update',
  read,
  value: bytes(number(read) + 1),
  rerun: (current) => bytes(number(current) + 1),
});
const settings = (slow: ReturnType<typeof slowStore>) => ({
  store: slow.store,
  mutations: 'last-wins' as const,
  onConflict: () => {},
});

test('50 updates of one counter that wait on one process need two commits', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));

  await Promise.all(Array.from({ length: 50 }, () => commit('a', change({ n: plusOne(null) }))));

  expect(slow.value('n')).toBe(50);
  expect(slow.deltas).toHaveLength(2);
});

test('waiting changes meet what another process wrote meanwhile, without another read', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));

  const first = commit('a', change({ n: plusOne(null) }));
  const rest = Array.from({ length: 10 }, () => commit('a', change({ n: plusOne(null) })));
  await first;
  slow.other('n', bytes(100));
  await Promise.all(rest);

  expect(slow.value('n')).toBe(110);
});

test('a change that fails by itself takes nobody with it', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));
  const picky: Intent = {
    kind: 'update',
    read: null,
    value: bytes(1),
    rerun: () => {
      throw new Error('not on top of that');
    },
  };

  const results = await Promise.allSettled(
    [plusOne(null), plusOne(null), picky, plusOne(null)].map((n) => commit('a', change({ n }))),
  );

  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(slow.value('n')).toBe(3);
});

test('when the store fails, those who were in that commit hear of it, and the next one goes through', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));
  slow.failNext(new Error('down'));

  const results = await Promise.allSettled([plusOne(null), plusOne(null)].map((n) => commit('a', change({ n }))));

  expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  expect(slow.value('n')).toBe(1);
});

test('what waits for a session that has ended is gone, all of it', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));

  const waiting = [1, 2, 3].map((value) => commit('a', change({ n: { kind: 'set', value: bytes(value) } })));
  slow.end();

  expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(['gone', 'gone', 'gone']);
});

test('a change that replaces the secret goes alone, and those behind it go on', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));
  const login = change({}, { alone: true, head: { expiresAt: 1e15, generation: 1, user: 'ann' } });

  const results = await Promise.all([
    commit('a', change({ n: plusOne(null) })),
    commit('a', change({ n: plusOne(null) })),
    commit('a', login),
    commit('a', change({ n: plusOne(null) })),
    commit('a', change({ m: plusOne(null) }, { generation: 1 })),
  ]);

  expect(results.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'gone', 'ok']);
  expect([slow.value('n'), slow.value('m')]).toEqual([2, 1]);
});

test('a blind set is never skipped because an older value looked the same', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));

  const first = commit('a', change({ n: { kind: 'set', value: bytes(5) } }));
  const second = first;
  const queued = commit('a', change({ m: plusOne(null) }));
  await second;
  slow.other('n', bytes(9));
  const again = commit('a', change({ n: { kind: 'set', value: bytes(5) } }));
  await Promise.all([queued, again]);

  expect(slow.value('n')).toBe(5);
});

test('a store that answers conflict for ever is given up on', async () => {
  const stubborn = { commit: (): Outcome => ({ status: 'conflict', fields: new Map([['n', bytes(Math.random())]]) }) };
  const commit = lanes({ store: stubborn, mutations: 'last-wins', onConflict: () => {} });

  const attempt = async (): Promise<Landed> => commit('a', change({ n: plusOne(null) }));

  await expect(attempt()).rejects.toMatchObject({ code: 'SOJOURN_CONTENDED', status: 503 });
});

test('when the store fails those who waited together, each hears of it, and the next ones go through', async () => {
  const slow = slowStore();
  const commit = lanes(settings(slow));

  const first = commit('a', change({ n: plusOne(null) }));
  const waiting = [1, 2].map(() => commit('a', change({ n: plusOne(null) })));
  await first;
  slow.failNext(new Error('down'));
  const results = await Promise.allSettled(waiting);

  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await commit('a', change({ n: plusOne(null) }));
  expect(slow.value('n')).toBe(2);
});

test('after so many rounds it is given up, and the number is told', async () => {
  let commits = 0;
  const stubborn = {
    commit(): Outcome {
      commits++;
      return { status: 'conflict', fields: new Map([['n', bytes(commits)]]) };
    },
  };
  const commit = lanes({ store: stubborn, mutations: 'last-wins', onConflict: () => {} });

  await expect((async () => commit('a', change({ n: plusOne(null) })))()).rejects.toMatchObject({
    details: { attempts: 100 },
  });
  expect(commits).toBe(101);
});

describe('a change that fails among others', () => {
  const picky: Intent = {
    kind: 'update',
    read: null,
    value: bytes(1),
    rerun: (current) => {
      if (number(current) < 50) throw new Error('too small');
      return bytes(number(current) + 1);
    },
  };

  test.each([
    ['lands in no part', null, 2],
    ['is not tried again with them, even if it would succeed then', 100, 101],
  ])('%s', async (_, meanwhile, expected) => {
    const slow = slowStore();
    const commit = lanes(settings(slow));

    const first = commit('a', change({ n: plusOne(null) }));
    const rest = [change({ n: plusOne(null) }), change({ m: plusOne(null), n: picky })].map((each) =>
      commit('a', each),
    );
    await first;
    if (meanwhile !== null) slow.other('n', bytes(meanwhile));
    const results = await Promise.allSettled(rest);

    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect([slow.value('n'), slow.value('m')]).toEqual([expected, 0]);
  });
});

test('heads of one commit become one: what either sets, and the later deadline', async () => {
  for (const order of [0, 1]) {
    const slow = slowStore();
    const commit = lanes(settings(slow));
    const heads = [{ expiresAt: 2e15, remember: true }, { expiresAt: 1e15 }];

    const first = commit('a', change({}));
    await Promise.all([first, ...[heads[order]!, heads[1 - order]!].map((head) => commit('a', change({}, { head })))]);

    expect(slow.deltas).toHaveLength(2);
    expect(slow.deltas[1]?.head).toEqual({ expiresAt: 2e15, remember: true });
  }
});

test('a conflict of somebody who is gone is not told', async () => {
  const slow = slowStore();
  const told: string[] = [];
  const commit = lanes({ ...settings(slow), onConflict: (_, field) => told.push(field) });

  const first = commit('a', change({ n: plusOne(null) }));
  const second = commit('a', change({ n: plusOne(null) }));
  await first;
  slow.end();

  expect((await second).status).toBe('gone');
  expect(told).toEqual([]);
});

describe('a change that hangs on the present secret', () => {
  const [old, newer, ours] = [bytes(1)!, bytes(2)!, bytes(3)!];
  const rotation = (n: Intent) =>
    change(
      { n },
      {
        replaces: old,
        alone: true,
        head: { expiresAt: 1e15, secret: ours, previous: { secret: old, until: 9, opens: 'session' } },
      },
    );

  /** A store of one session, at once, that others may change before each commit. */
  function store(before: (round: number, stored: Stored) => Stored) {
    let stored: Stored = {
      head: { createdAt: 0, expiresAt: 1e15, version: 1, generation: 0, secret: old },
      fields: new Map(),
    };
    const deltas: Delta[] = [];
    return {
      deltas,
      now: () => stored,
      commit(_: string, delta: Delta): Outcome {
        stored = before(deltas.length, stored);
        deltas.push(delta);
        const [outcome, next] = apply(stored, delta, 1);
        if (next !== null) stored = next;
        return outcome;
      },
    };
  }
  const withSecret = (stored: Stored) => ({ ...stored, head: { ...stored.head, secret: newer } });
  const withField = (stored: Stored, n: number) => ({ ...stored, fields: new Map([['n', bytes(n)!]]) });
  const landed = async (world: ReturnType<typeof store>) =>
    lanes({ store: world, mutations: 'last-wins', onConflict: () => {} })('a', rotation(plusOne(null)));

  test('lands when it is the first', async () => {
    const world = store((_, stored) => stored);

    expect(await landed(world)).toMatchObject({ status: 'ok', overtaken: false });
    expect(world.now().head.secret).toEqual(ours);
  });

  test('lands as well when only a field has changed', async () => {
    const world = store((round, stored) => (round === 0 ? withField(stored, 7) : stored));

    expect(await landed(world)).toMatchObject({ status: 'ok', overtaken: false });
    expect([world.now().head.secret, number(world.now().fields.get('n') ?? null)]).toEqual([ours, 8]);
  });

  test('leaves the secret alone when somebody rotated first, keeps its fields, and says so', async () => {
    const world = store((round, stored) => (round === 0 ? withSecret(stored) : stored));

    expect(await landed(world)).toMatchObject({ status: 'ok', overtaken: true });
    expect([world.now().head.secret, number(world.now().fields.get('n') ?? null)]).toEqual([newer, 1]);
    expect(world.now().head).not.toHaveProperty('previous');
  });

  test('once overtaken it stays so, whatever else changes on the way', async () => {
    const world = store((round, stored) =>
      round === 0 ? withSecret(stored) : round < 3 ? withField(stored, round * 10) : stored,
    );

    expect(await landed(world)).toMatchObject({ status: 'ok', overtaken: true });
    expect(number(world.now().fields.get('n') ?? null)).toBe(21);
    expect(world.deltas).toHaveLength(4);
  });
});

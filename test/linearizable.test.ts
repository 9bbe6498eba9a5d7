/**
 * Every store answers as if calls came one at a time, in an order that agrees with when they were made and answered.
 *
 * Eight callers at once on each session; every call waits for a few turns of the event loop before and after it reaches the
 * store, and some answers are lost on the way, so that nobody knows what they were. What the callers saw then goes to the checker.
 */
import { randomBytes } from 'node:crypto';
import type { Delta, Store, Stored, Write } from 'sojourn';
import { failure, isFailure, memory } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { type FaultCall, FaultPlan, faulty } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { History } from './support/linearizable-history.js';
import { tempFolder } from './support/temp.js';

const SESSIONS = runs(40, 1000);
const OPERATIONS = 100;
const CALLERS = 8;
const EXPIRES_AT = Date.now() + 3_600_000;
const FIELDS = ['a', 'b', 'c'];

const stores: [string, () => Store][] = [
  ['memory', () => memory()],
  ['LMDB', () => lmdb(tempFolder())],
];

describe.each(stores)('%s', (_, open) => {
  test(`${SESSIONS} sessions x ${OPERATIONS} calls by ${CALLERS} callers, answers late or lost: linearizable`, async () => {
    const { history, store } = stage(open());
    await Promise.all(Array.from({ length: SESSIONS }, (_, n) => life(store, `session${n}`)));

    expect(history.refute()).toEqual([]);
    expect(history.operations.length).toBeGreaterThanOrEqual(SESSIONS * OPERATIONS);
    expect(history.unknown).toBeGreaterThan(SESSIONS);
  });
});

test('a store that reads, waits and then writes is found out', async () => {
  const inner = memory();
  const { history, store } = stage({
    name: 'careless',
    load: (id) => inner.load(id),
    create: (id, session) => inner.create(id, session),
    destroy: (id) => inner.destroy(id),
    async commit(id, delta) {
      const seen = await inner.load(id);
      await turns(3);
      const now = await inner.load(id);
      if (!seen || !now) return { status: 'gone' };
      const fields = new Map<string, Write>([...seen.fields].map(([name, value]) => [name, { op: 'set', value }]));
      return inner.commit(id, {
        ...delta,
        generation: now.head.generation,
        fields: new Map([...fields, ...delta.fields]),
      });
    },
  });
  await Promise.all(Array.from({ length: 10 }, (_, n) => life(store, `session${n}`)));
  expect(history.refute().length).toBeGreaterThan(5);
});

/** The store under delays and losses, and a history of what its callers see. */
function stage(inner: Store): { history: History; store: Pick<Store, 'load' | 'create' | 'commit' | 'destroy'> } {
  const plan = new FaultPlan();
  const history = new History();
  for (const side of ['before', 'after'] as const) {
    plan.delay(() => turns(Math.floor(Math.random() * 6)), { side });
    plan.delay(lost, { side });
  }
  return { history, store: history.observed(faulty(inner, plan)) };
}

/** One call of thirty, with nobody knowing whether it has happened. */
async function lost({ verb }: FaultCall): Promise<void> {
  if (Math.random() < 1 / 30) throw failure('SOJOURN_STORE', { store: 'ours', operation: verb, problem: 'lost' });
}

/** A session, from its creation to what is left when its callers are done with it. */
async function life(store: Pick<Store, 'load' | 'create' | 'commit' | 'destroy'>, id: string): Promise<void> {
  await quietly(() => store.create(id, born));
  let left = OPERATIONS;
  const caller = async (): Promise<void> => {
    let seen: Stored = born;
    while (left-- > 0) {
      const dice = Math.random();
      if (dice < 0.4) seen = (await quietly(() => store.load(id))) ?? seen;
      else if (dice < 0.41) await quietly(() => store.destroy(id));
      else await quietly(() => store.commit(id, delta(seen, dice)));
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  await quietly(() => store.load(id));
}

const born: Stored = {
  head: { createdAt: Date.now(), expiresAt: EXPIRES_AT, version: 1, generation: 0, secret: randomBytes(32) },
  fields: new Map([['a', Buffer.from('0')]]),
};

/** A change that builds on what this caller saw last. */
function delta({ head, fields }: Stored, dice: number): Delta {
  const field = FIELDS[Math.floor(Math.random() * FIELDS.length)] as string;
  const value = randomBytes(4);
  const { generation } = head;
  const change = (write: Write, more: Partial<Delta['head']> = {}): Delta => ({
    generation,
    head: { expiresAt: EXPIRES_AT, ...more },
    fields: new Map([[field, write]]),
  });
  if (dice < 0.5) return change({ op: 'delete' });
  if (dice < 0.52) return change({ op: 'set', value }, { secret: randomBytes(32), generation: generation + 1 });
  if (dice < 0.6) {
    const rotation = change({ op: 'set', value }, { secret: randomBytes(32) });
    return head.secret ? { ...rotation, replaces: head.secret } : rotation;
  }
  return change(dice < 0.8 ? { op: 'set', value } : { op: 'swap', expect: fields.get(field) ?? null, value });
}

async function quietly<R>(run: () => R): Promise<Awaited<R> | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_STORE')) throw error;
    return undefined;
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

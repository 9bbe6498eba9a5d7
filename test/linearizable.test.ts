/**
 * Every store answers as if calls came one at a time, in an order that agrees with when they were made and answered.
 *
 * Eight callers at once on each session; every call waits for a few turns of the event loop before and after it reaches the
 * store, and some answers are lost on the way, so that nobody knows what they were. What the callers saw then goes to the checker.
 */
import type { Store, Write } from 'sojourn';
import { failure, memory } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { type FaultCall, FaultPlan, faulty } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { History } from './support/linearizable-history.js';
import { life } from './support/lives.js';
import { tempFolder } from './support/temp.js';

const SESSIONS = runs(40, 1000);
const OPERATIONS = 100;
const CALLERS = 8;
const LIFE = { operations: OPERATIONS, callers: CALLERS };

const stores: [string, () => Store][] = [
  ['memory', () => memory()],
  ['LMDB', () => lmdb(tempFolder())],
];

describe.each(stores)('%s', (_, open) => {
  test(`${SESSIONS} sessions x ${OPERATIONS} calls by ${CALLERS} callers, answers late or lost: linearizable`, async () => {
    const { history, store } = stage(open());
    await Promise.all(Array.from({ length: SESSIONS }, (_, n) => life([store], `session${n}`, LIFE)));

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
  await Promise.all(Array.from({ length: 10 }, (_, n) => life([store], `session${n}`, LIFE)));
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

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

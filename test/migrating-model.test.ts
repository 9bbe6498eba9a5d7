/**
 * A session that moves, against a plain map: several servers of both phases write, read, sign in, end and move it, each of their calls
 * to either store waits as fast-check's scheduler says, and servers die between any two of these calls.
 *
 * The map knows what was acknowledged: so many increments at least (and at most those that were tried besides), and whether it has ended.
 * Whoever reads must see a session for as long as nobody has begun to end it, with no fewer increments than were acknowledged
 * before he asked; and never one whose end was acknowledged before he asked.
 */
import fc from 'fast-check';
import {
  type Delta,
  type Indexed,
  type Listable,
  type MaybePromise,
  memory,
  type Outcome,
  type Store,
  type Stored,
  type Write,
} from 'sojourn';
import { type Migration, migrating } from 'sojourn/migrating';
import { expect, test } from 'vitest';
import { runs } from './support/exam.js';

const RUNS = runs(1000, 10_000);
const ID = 'a-session-on-its-way-0';
/** More than a whole move: a server that is to die after so many steps lives, and one that waits for so many of others is overtaken. */
const LONG = 60;

type Act = 'add' | 'set' | 'read' | 'find' | 'list' | 'login' | 'move' | 'end';
interface Server {
  readonly phase: 'from' | 'moving';
  /** After so many calls it never makes another, and hears no answer. */
  readonly diesAfter: number;
  /** Before this one of its calls it stands still, for so long that others can do all they want. */
  readonly stopsAt: number;
  readonly acts: readonly Act[];
}

const acts = fc.constantFrom<Act>(
  'add',
  'add',
  'add',
  'read',
  'read',
  'set',
  'find',
  'list',
  'login',
  'move',
  'move',
  'end',
);
const server: fc.Arbitrary<Server> = fc.record({
  phase: fc.constantFrom<Server['phase']>('from', 'moving', 'moving'),
  diesAfter: fc.oneof(fc.constant(LONG), fc.constant(LONG), fc.nat(20)),
  stopsAt: fc.nat(24),
  acts: fc.array(acts, { minLength: 1, maxLength: 4 }),
});
const servers = fc.array(server, { minLength: 2, maxLength: 4 });

/** What was acknowledged, and what was tried. */
class Known {
  added = 0;
  tried = 0;
  /** Somebody has begun to end it; somebody was told that it has ended. */
  isEnding = false;
  hasEnded = false;
}

test(`a session that moves is one session, in ${RUNS} runs`, async () => {
  const property = fc.asyncProperty(fc.scheduler(), servers, run);
  await fc.assert(property, { numRuns: RUNS });
}, 1_800_000);

type Memory = ReturnType<typeof memory>;
type House = Store & Indexed & Listable & Migration;

const SECRET = Buffer.alloc(32, 7);
const CREATED_AT = Date.now();
const EXPIRES_AT = CREATED_AT + 3_600_000;
const born: Stored = {
  head: { createdAt: CREATED_AT, expiresAt: EXPIRES_AT, version: 1, generation: 0, secret: SECRET },
  fields: new Map([['n', Buffer.from('0')]]),
};

async function run(scheduler: fc.Scheduler, all: readonly Server[]): Promise<void> {
  const [from, to] = [memory({ name: 'old' }), memory({ name: 'new' })];
  await from.create(ID, born);
  await from.commit(ID, delta(0, [], { user: 'ann', generation: 1 }));
  const known = new Known();
  await scheduler.waitFor(Promise.all(all.map((one) => life(one, known, scheduler, from, to))));

  // Everybody is dead or done. Whoever comes now finds what the map says, and can end the move.
  for (const phase of ['from', 'moving'] as const) await visit(migrating({ from, to, phase }), known);
  const last = migrating({ from, to, phase: 'moving' });
  expect(await last.move({ pace: 1_000_000 }).done).toMatchObject({ state: 'done' });
  expect(await last.cutOver()).toEqual({ left: 0, ids: [] });
  await visit(last, known);
  const bare = await to.load(ID);
  // Of one that has ended a place may be left for a while. Nobody has a token for it.
  if (known.hasEnded) expect(bare?.head.secret).toBeUndefined();
  if (known.isEnding) return;
  expect(bare?.head).toMatchObject({ user: 'ann', expiresAt: EXPIRES_AT, createdAt: CREATED_AT });
  expect(Buffer.from(bare!.head.secret!)).toEqual(SECRET);
}

/** What a server has left to do before it dies. */
interface Body {
  steps: number;
  untilStop: number;
  die(): void;
}

async function life(one: Server, known: Known, scheduler: fc.Scheduler, from: Memory, to: Memory): Promise<void> {
  let die = (): void => {};
  const death = new Promise<'dead'>((resolve) => {
    die = () => resolve('dead');
  });
  const body = { steps: one.diesAfter, untilStop: one.stopsAt, die };
  const [old, next] = [mortal(from, body, scheduler), mortal(to, body, scheduler)];
  const store = migrating({ from: old, to: next, phase: one.phase });
  for (const act of one.acts) {
    if (act === 'move' && one.phase === 'from') continue;
    if ((await Promise.race([does[act](store, known), death])) === 'dead') return;
  }
}

/** A store whose every call waits on the way there and back, and never goes on when its server has died meanwhile. */
function mortal(store: Memory, body: Body, scheduler: fc.Scheduler): Memory {
  const step = async (what: string): Promise<void> => {
    if (body.steps-- <= 0) {
      body.die();
      await new Promise(() => {});
    }
    for (let turn = body.untilStop-- === 0 ? LONG : 1; turn > 0; turn--)
      await scheduler.schedule(Promise.resolve(), what);
  };
  const slow = async <R>(verb: string, call: () => MaybePromise<R>): Promise<R> => {
    await step(`${store.name}.${verb} sets out`);
    const answer = await call();
    await step(`${store.name}.${verb} comes back`);
    return answer;
  };
  async function* slowly<R>(walk: () => AsyncIterable<R>): AsyncIterable<R> {
    await step(`${store.name} is walked`);
    for await (const item of walk()) {
      yield item;
      await step(`${store.name} is walked on`);
    }
  }
  return {
    name: store.name,
    cells: store.cells,
    load: (id) => slow('load', () => store.load(id)),
    create: (id, session) => slow('create', () => store.create(id, session)),
    commit: (id, change) => slow('commit', () => store.commit(id, change)),
    destroy: (id) => slow('destroy', () => store.destroy(id)),
    byUser: (user) => slowly(() => store.byUser(user)),
    list: () => slowly(() => store.list()),
    sweep: (limit) => store.sweep(limit),
  };
}

const does: Record<Act, (store: House, known: Known) => Promise<unknown>> = {
  read: (store, known) => visit(store, known),
  async add(store, known) {
    known.tried++;
    for (;;) {
      const seen = await visit(store, known);
      if (seen === null) return;
      const value = Buffer.from(String(count(seen) + 1));
      const outcome = await commit(store, known, seen, [['n', { op: 'swap', expect: seen.fields.get('n')!, value }]]);
      if (outcome.status === 'conflict') expect(outcome.fields.size, 'fields of a conflict').toBe(1);
      if (outcome.status === 'ok') return void known.added++;
    }
  },
  async set(store, known) {
    const seen = await visit(store, known);
    if (seen !== null) await commit(store, known, seen, [['text', { op: 'set', value: Buffer.from('x') }]]);
  },
  async login(store, known) {
    const seen = await visit(store, known);
    if (seen !== null) await commit(store, known, seen, [], { user: 'ann', generation: seen.head.generation + 1 });
  },
  find: (store, known) => found(() => store.byUser('ann'), known),
  list: (store, known) => found(() => store.list(), known),
  async move(store) {
    expect(await store.move({ pace: 1_000_000 }).done).toMatchObject({ state: 'done', failed: 0 });
  },
  async end(store, known) {
    known.isEnding = true;
    await store.destroy(ID);
    known.hasEnded = true;
  },
};

/** Reads, and compares with what is known. */
async function visit(store: House, known: Known): Promise<Stored | null> {
  const { added, hasEnded } = known;
  const seen = await store.load(ID);
  if (seen === null) {
    expect(known.isEnding, 'a session that nobody ends is not there').toBe(true);
    return null;
  }
  expect(hasEnded, 'a session that has ended is there').toBe(false);
  expect(count(seen), 'acknowledged increments').toBeGreaterThanOrEqual(added);
  expect(count(seen)).toBeLessThanOrEqual(known.tried);
  expect([...seen.fields.keys()].filter((name) => name !== 'text')).toEqual(['n']);
  return seen;
}

async function commit(
  store: House,
  known: Known,
  seen: Stored,
  writes: readonly (readonly [string, Write])[],
  more: Partial<Delta['head']> = {},
): Promise<Outcome> {
  const { hasEnded } = known;
  const outcome = await store.commit(ID, delta(seen.head.generation, writes, more));
  if (hasEnded) expect(outcome).toEqual({ status: 'gone' });
  if (outcome.status === 'gone') {
    const now = await visit(store, known);
    expect(now?.head.generation, 'of a session that had no room for a write').not.toBe(seen.head.generation);
  }
  return outcome;
}

async function found(walk: () => AsyncIterable<readonly [string, unknown]>, known: Known): Promise<void> {
  const { hasEnded } = known;
  const ids: string[] = [];
  for await (const [id] of walk()) ids.push(id);
  if (!known.isEnding) expect(ids, 'of a session that nobody ends').toContain(ID);
  if (hasEnded) expect(ids).toEqual([]);
}

function delta(
  generation: number,
  writes: readonly (readonly [string, Write])[],
  more: Partial<Delta['head']> = {},
): Delta {
  return { generation, head: { expiresAt: EXPIRES_AT, ...more }, fields: new Map(writes) };
}

function count({ fields }: Stored): number {
  return Number(Buffer.from(fields.get('n')!).toString());
}

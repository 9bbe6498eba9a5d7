/**
 * `list` and `sweep`: walking all sessions, removing the expired.
 *
 * What may vary between stores is left open: the order of a walk, and whether a session that changes meanwhile is seen. What may
 * not: a live session that nobody touches is never missed by a walk, and never removed by a sweep.
 */
import type { Head, Listable, Store } from '../../contract.js';
import { abilityPromise, isAble } from './abilities.js';
import { expired } from './expiry.js';
import { bound, collect } from './indexed.js';
import { delta, freshId, holds, same, session, set } from './samples.js';
import type { Kit, Scene } from './scene.js';

/** Enough to need more than one page of any store's cursor that pages early, few enough for slow stores. */
const MANY = 60;
const SWEEP_LIMIT = 7;

export function listed(kit: Kit): void {
  kit.group('list', () => lists(kit));
  kit.group('sweep', () => sweeps(kit));
}

function lists(kit: Kit): void {
  abilityPromise(
    kit,
    'list',
    'list walks all live sessions',
    'expired and destroyed ones; keys that are no sessions',
    async (scene) => {
      const { store, now } = scene;
      await expired(scene);
      const ids = await many(store, now());
      await store.destroy(ids.pop()!);
      ids.push(await bound(store, now(), 'alice'));
      const found = await walk(store);
      same([...found.keys()].sort(), [...ids].sort(), 'the ids');
      for (const [id, head] of found) same(head, (await store.load(id))?.head, 'the head of a listed session');
    },
  );

  abilityPromise(
    kit,
    'list',
    'a session that nobody touches is seen while others come and go',
    'cursors',
    async ({ store, now }) => {
      const [kept, ended] = [await many(store, now()), await many(store, now())];
      const seen = new Set<string>();
      for await (const [id] of store.list()) {
        seen.add(id);
        const next = ended.pop();
        if (next) await store.destroy(next);
        if (next) await store.create(freshId(), session(now()));
      }
      const missed = kept.filter((id) => !seen.has(id));
      same(missed.length, 0, 'the number of sessions that were missed');
    },
  );

  abilityPromise(
    kit,
    'list',
    'a walk may be left early',
    'resources held by an iterator that is not read to its end',
    async ({ store, now }) => {
      await many(store, now());
      for await (const _ of store.list()) break;
      same((await walk(store)).size, MANY, 'the number of sessions in the next walk');
    },
  );
}

function sweeps(kit: Kit): void {
  abilityPromise(
    kit,
    'sweep',
    'sweep removes at most `limit` expired sessions and returns how many; live ones stay',
    'the count, the limit, and the comparison with the clock in the same step that removes',
    async (scene) => {
      const { store, now, settings } = scene;
      const ended = await many(store, now(), scene.soon());
      ended.push(await bound(store, now(), 'alice'));
      const deadline = scene.soon();
      await store.commit(ended.at(-1)!, delta(now(), {}, { generation: 1, head: { expiresAt: deadline } }));
      await scene.pass(deadline, async () => (await store.load(ended.at(-1)!)) === null);
      const live = await many(store, now());
      const removed = await sweepAll(scene, store);
      holds(removed <= ended.length, `Sweeping removed ${removed} sessions, but only ${ended.length} had expired.`);
      // A store with a clock of its own may have refused what expired while the test was still creating it.
      const least = settings.clock === 'own' ? 1 : ended.length;
      holds(removed >= least, `Sweeping removed ${removed} of ${ended.length} expired sessions.`);
      for (const id of ended) same(await store.load(id), null, 'a session that was swept');
      for (const id of live) same((await store.load(id))?.fields.size, 1, 'the number of fields of a live session');
      if (isAble(store, 'byUser'))
        same((await collect(store, 'alice')).size, 0, 'the number of sessions of a swept user');
    },
  );

  abilityPromise(
    kit,
    'sweep',
    'sweeping beside commits costs no live session',
    'look again before removing',
    async (scene) => {
      const { store, now, settings } = scene;
      const ids = await many(store, now());
      for (let round = 0; round < Math.min(settings.races, 20); round++) {
        const outcomes = await Promise.all([
          ...ids.map(async (id) => store.commit(id, delta(now(), { views: set(String(round)) }))),
          Promise.resolve(store.sweep(SWEEP_LIMIT)).then(() => ({ status: 'ok' })),
        ]);
        holds(
          outcomes.every(({ status }) => status === 'ok'),
          `Round ${round}: a commit to a live session was not ok.`,
        );
      }
      for (const id of ids) holds((await store.load(id)) !== null, 'A live session was swept.');
    },
  );
}

async function many(store: Store, nowMs: number, expiresAt?: number): Promise<string[]> {
  const ids = Array.from({ length: MANY }, freshId);
  const head = expiresAt === undefined ? {} : { expiresAt };
  for (const id of ids) same(await store.create(id, session(nowMs, { cart: 'book' }, head)), 'ok', 'create');
  return ids;
}

async function walk(store: Listable): Promise<Map<string, Head>> {
  const found = new Map<string, Head>();
  for await (const [id, head] of store.list()) found.set(id, head);
  return found;
}

/** Sweeps until nothing is left to remove; fails when one call removes more than it may. */
async function sweepAll(
  { settings }: Scene,
  store: Store & { sweep(limit: number): number | Promise<number> },
): Promise<number> {
  let total = 0;
  for (let idle = 0, calls = 0; idle < 2; calls++) {
    const removed = await store.sweep(SWEEP_LIMIT);
    holds(
      Number.isInteger(removed) && removed >= 0 && removed <= SWEEP_LIMIT,
      `sweep(${SWEEP_LIMIT}) answered ${removed}.`,
    );
    holds(calls < MANY * 3, `${settings.name}: sweep never came to an end.`);
    total += removed;
    idle = removed === 0 ? idle + 1 : 0;
  }
  return total;
}

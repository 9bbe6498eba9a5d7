/**
 * `watch`: what a store tells of changes that others make.
 *
 * A near cache serves what it holds until it is told; so a change that is not told is an old session served for ever, and a
 * `heard` that comes too early is one served beyond its bound. All of it is seen from two handles at one place: this one
 * watches, the other (option `another`) changes. Left open is what may vary: how soon, how often more than promised, and
 * whether more sessions are named than were changed.
 */
import { performance } from 'node:perf_hooks';
import type { MaybePromise, Store, Watchable, Watcher } from '../../contract.js';
import { abilityPromise } from './abilities.js';
import { delta, freshId, holds, same, session, set } from './samples.js';
import { eventually, type Kit, type Scene, turns } from './scene.js';

/** What the kit asks for as `everyMs`. */
const EVERY_MS = 50;
/** Sessions that are changed together, so that some of the messages are still on their way when the first has come. */
const TOGETHER = 20;

export function watched(kit: Kit): void {
  kit.group('watch', () => {
    beats(kit);
    changes(kit);
    races(kit);
    endings(kit);
  });
}

function beats(kit: Kit): void {
  abilityPromise(
    kit,
    'watch',
    'heard comes once watching has begun, and again and again; asOf is a time of performance.now() that has been',
    'the heartbeat; the clock that asOf is read from, and the moment at which it is read: before asking, not after',
    async (scene) => {
      const began = performance.now();
      const log = await watching(scene, scene.store);
      for (let times = 1; times <= 3; times++) await heardSince(scene, log, performance.now());
      for (const { asOf, at } of log.heards()) {
        holds(asOf <= at, `heard(${asOf}) came at ${at} ms of performance.now(): asOf is in the future.`);
        holds(asOf > began - EVERY_MS, `heard(${asOf}) came, but watching began at ${began} ms of performance.now().`);
      }
      await log.stop();
    },
  );
}

function changes(kit: Kit): void {
  watchPromise(
    kit,
    'from heard on, a change of a session that load handed over is told: a commit, a touch, a destroy',
    'every verb must tell, also one that changes no field; a session is told about again after the next load',
    async (scene, other, log) => {
      const { store, now } = scene;
      const id = freshId();
      await store.create(id, session(now(), { cart: 'book' }));
      const steps = {
        'a commit': () => other.commit(id, delta(now(), { cart: set('pen') })),
        'a second commit': () => other.commit(id, delta(now(), { cart: set('ink') })),
        'a touch': () => other.commit(id, delta(now(), {})),
        'a destroy': () => other.destroy(id),
      };
      for (const [name, change] of Object.entries(steps)) {
        await store.load(id);
        const mark = log.mark();
        await change();
        await told(scene, log, mark, [id], `${name} of a session that was loaded before`);
      }
    },
  );

  watchPromise(
    kit,
    'what create and commit left behind here is watched like what was loaded',
    'writing may end the watching of a key: read it once more, or tell `changed` of it yourself',
    async (scene, other, log) => {
      const { store, now } = scene;
      const [created, committed] = [freshId(), freshId()];
      let mark = log.mark();
      await store.create(created, session(now()));
      await other.commit(created, delta(now(), { cart: set('pen') }));
      await told(scene, log, mark, [created], 'a commit to a session that was created here and never loaded');
      await store.create(committed, session(now()));
      await store.load(committed);
      mark = log.mark();
      await store.commit(committed, delta(now(), { cart: set('book') }));
      await other.commit(committed, delta(now(), { cart: set('pen') }));
      await told(scene, log, mark, [committed], 'a commit that followed one of this handle');
    },
  );

  watchPromise(
    kit,
    'everything that was acknowledged before asOf has been told when heard comes',
    'ask on the connection that tells, so that the answer stands in line behind the messages; with several, wait for all',
    async (scene, other, log) => {
      const { store, now } = scene;
      for (let round = 0; round < 5; round++) {
        const ids = await here(store, now(), TOGETHER);
        const mark = log.mark();
        const change = (id: string) => other.commit(id, delta(now(), { cart: set('pen') }));
        await Promise.all(ids.slice(TOGETHER / 2).map(change));
        // A beat that is under way when the rest is acknowledged: its answer must not speak for that.
        await scene.pass(now() + EVERY_MS, () => true);
        await Promise.all(ids.slice(0, TOGETHER / 2).map(change));
        await told(scene, log, mark, ids, 'changes that were made together');
      }
    },
  );
}

function races(kit: Kit): void {
  watchPromise(
    kit,
    'a change is told about a load that is under way: its answer must not be kept',
    'begin to watch before reading; a session whose load is under way counts as handed over',
    async (scene, other, log) => {
      const { store, now, settings } = scene;
      const mark = log.mark();
      // Created by the other: nothing of them is watched here before the load.
      const ids = Array.from({ length: settings.races }, freshId);
      for (const id of ids) await other.create(id, session(now(), { cart: 'book' }));
      const loads = await Promise.all(
        ids.map(async (id, round) => {
          const [stored, outcome] = await Promise.all([
            turns(round % 7).then(() => store.load(id)),
            turns(round % 11).then(() => other.commit(id, delta(now(), { cart: set('pen') }))),
          ]);
          const version = outcome.status === 'ok' ? outcome.version : 0;
          return { id, isOld: stored === null || stored.head.version < version };
        }),
      );
      const old = loads.filter(({ isOld }) => isOld).map(({ id }) => id);
      await told(scene, log, mark, old, 'a commit that a load under way did not see');
    },
  );
}

function endings(kit: Kit): void {
  watchPromise(
    kit,
    'who has stopped watching hears nothing more',
    'the function that watch returns; the heartbeat',
    async (scene, other, log) => {
      const { store, now } = scene;
      const [id] = await here(store, now(), 1);
      const stopped = await watching(scene, store);
      await stopped.stop();
      const [mark, silence] = [log.mark(), stopped.mark()];
      await store.load(id!);
      await other.commit(id!, delta(now(), { cart: set('pen') }));
      await told(scene, log, mark, [id!], 'a change, by a watcher beside one that has stopped,');
      same(stopped.since(silence), [], 'what the stopped watcher heard');
    },
  );

  watchPromise(
    kit,
    'when changes may be missed deaf is told, and after the next heard changes are told again',
    'a connection that is lost, or made anew by a client library without a word; what was watched on it is not any more',
    async (scene, other, log) => {
      const { store, now, settings } = scene;
      if (settings.cutLinks === undefined) {
        console.log(`${settings.name}: deaf not checked, because the kit was given no \`cutLinks\`.`);
        return;
      }
      const [id] = await here(store, now(), 1);
      let mark = log.mark();
      await settings.cutLinks();
      const isDeaf = await eventually(settings.patienceMs, () => log.since(mark).some(({ what }) => what === 'deaf'));
      holds(isDeaf, `Within ${settings.patienceMs} ms after the link was cut nobody was told deaf.`);
      await other.commit(id!, delta(now(), { cart: set('pen') }));
      await heardSince(scene, log, performance.now());
      // Whoever hands over what he may not hear of says so before: that is not kept, and nobody has to tell of it again.
      const isWatched = await eventually(settings.patienceMs, async () => {
        mark = log.mark();
        same((await store.load(id!))?.head.version, 2, 'the version of a session that was changed while deaf');
        return log.since(mark).every(({ what }) => what === 'heard');
      });
      holds(isWatched, `Within ${settings.patienceMs} ms after the link was there again nothing could be kept.`);
      mark = log.mark();
      await other.commit(id!, delta(now(), { cart: set('ink') }));
      await told(scene, log, mark, [id!], 'a commit after the link was there again');
    },
  );
}

/** One thing that a watcher was told. */
interface Told {
  readonly what: 'changed' | 'deaf' | 'heard';
  readonly id?: string;
  readonly asOf: number;
  /** When it was told, by performance.now(). */
  readonly at: number;
}

/** All that a watcher was told, in order. */
export interface Log {
  /** A place in the log: what comes later is `since` it. */
  mark(): number;
  since(mark: number): readonly Told[];
  heards(): readonly Told[];
  stop(): MaybePromise<void>;
}

/** Registers the test of a sentence that needs a watcher here and a change there. */
function watchPromise(
  kit: Kit,
  sentence: string,
  lookAt: string,
  body: (scene: Scene, other: Store, log: Log) => Promise<void>,
): void {
  abilityPromise(kit, 'watch', sentence, lookAt, (scene) =>
    withAnother(scene, async (other) => {
      const log = await watching(scene, scene.store);
      await body(scene, other, log);
      await log.stop();
    }),
  );
}

/** Runs what needs a second handle onto the same place; without one there is nothing to see. */
export async function withAnother({ settings, context }: Scene, body: (other: Store) => Promise<void>): Promise<void> {
  if (settings.another === undefined) return;
  const other = await settings.another(context);
  try {
    await body(other);
  } finally {
    await other.close?.();
  }
}

/** Begins to watch, and returns when the store was heard for the first time. */
export async function watching(scene: Scene, store: Store): Promise<Log> {
  const log: Told[] = [];
  const note = (what: Told['what'], more: Partial<Told> = {}): void => {
    log.push({ what, asOf: Number.NEGATIVE_INFINITY, ...more, at: performance.now() });
  };
  const watcher: Watcher = {
    changed: (id) => note('changed', { id }),
    deaf: () => note('deaf'),
    heard: (asOf) => note('heard', { asOf }),
  };
  const stop = await (store as Store & Watchable).watch(watcher, EVERY_MS);
  const since = (mark: number): readonly Told[] => log.slice(mark);
  const heards = (): readonly Told[] => log.filter(({ what }) => what === 'heard');
  const all: Log = { mark: () => log.length, since, heards, stop };
  await heardSince(scene, all, Number.NEGATIVE_INFINITY);
  return all;
}

/** Returns when the store was heard with an asOf of at least that; beats may run by the clock of the test. */
async function heardSince(scene: Scene, log: Log, sinceMs: number): Promise<void> {
  const { patienceMs } = scene.settings;
  const isHeard = await eventually(patienceMs, async () => {
    if (log.heards().some(({ asOf }) => asOf >= sinceMs)) return true;
    await scene.pass(scene.now() + EVERY_MS, () => true);
    return false;
  });
  holds(
    isHeard,
    `Within ${patienceMs} ms heard(asOf) did not come with an asOf of now, though everyMs is ${EVERY_MS}.`,
  );
}

/** Fails unless all these ids are told of before the store is heard as of now. */
export async function told(scene: Scene, log: Log, mark: number, ids: readonly string[], what: string): Promise<void> {
  const acknowledgedAt = performance.now();
  await heardSince(scene, log, acknowledgedAt);
  const missing = new Set(ids);
  for (const { what: kind, id, asOf } of log.since(mark)) {
    if (kind === 'changed') missing.delete(id!);
    if (kind === 'deaf') return;
    if (kind === 'heard' && asOf >= acknowledgedAt) break;
  }
  const count = `${missing.size} of ${ids.length}`;
  holds(
    missing.size === 0,
    `Of ${what}: ${count} not told when the store was heard as of a time after their acknowledgement.`,
  );
}

/** New sessions, created and loaded by this handle. */
export async function here(store: Store, nowMs: number, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, freshId);
  await Promise.all(ids.map((id) => store.create(id, session(nowMs, { cart: 'book' }))));
  await Promise.all(ids.map((id) => store.load(id)));
  return ids;
}

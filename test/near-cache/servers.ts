/**
 * Two servers with a near cache each, over one place: a random script plays on them, and whatever a load hands out is held
 * against what the place really held, and against what had been acknowledged to whom when the load was called.
 *
 * Time moves only when the script says so ('live': everything goes its way meanwhile; 'stop': nothing does), and fast-check's scheduler decides in which order everything that waits goes on: calls on
 * their way there and back, and each message of a link. So an invariant is an exact comparison, never a tolerance.
 */
import fc from 'fast-check';
import type { Outcome, Stored } from 'sojourn';
import { type Cached, cached } from 'sojourn/cached';
import { controllableClock } from '../../src/testing/clock.js';
import { bytes, delta, readable, session, set, swap } from '../../src/testing/store/samples.js';
import { type ToyStore, toyStore } from '../support/toy-store.js';

export const STALENESS_MS = 2000;
const LIFETIME_MS = 30_000;
const TURN_MS = 250;
const STALE_MS = 6000;

type Server = 0 | 1;
type Id = (typeof ids)[number];
const ids = ['ann', 'bob'] as const;

export type Step =
  | { readonly do: 'load'; readonly on: Server; readonly id: Id; readonly atLeast: 'any' | 'seen' | 'forged' }
  | { readonly do: 'commit'; readonly on: Server; readonly id: Id; readonly what: 'set' | 'touch' | 'swap' | 'login' }
  | { readonly do: 'stale'; readonly on: Server; readonly id: Id }
  | { readonly do: 'destroy'; readonly on: Server; readonly id: Id }
  | { readonly do: 'beat' | 'cut' | 'swallow' | 'restore'; readonly on: Server }
  | { readonly do: 'live'; readonly ms: number }
  | { readonly do: 'stop'; readonly ms: number }
  | { readonly do: 'go on'; readonly waits: number };

const on = fc.constantFrom<Server>(0, 1);
const id = fc.constantFrom(...ids);
const load = fc.record({
  do: fc.constant('load' as const),
  on,
  id,
  atLeast: fc.constantFrom('any' as const, 'any' as const, 'any' as const, 'seen' as const, 'forged' as const),
});
const what = fc.constantFrom('set' as const, 'set' as const, 'touch' as const, 'swap' as const, 'login' as const);
const link = fc.constantFrom('cut' as const, 'swallow' as const, 'restore' as const, 'beat' as const);
const goOn = fc.record({ do: fc.constant('go on' as const), waits: fc.integer({ min: 1, max: 12 }) });

/** Loads most of all; a destroy now and then, because it ends the story of a session. */
export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 24, arbitrary: load },
    { weight: 16, arbitrary: goOn },
    { weight: 10, arbitrary: fc.record({ do: fc.constant('commit' as const), on, id, what }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), on, id }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('stale' as const), on, id }) },
    { weight: 3, arbitrary: fc.record({ do: link, on }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('live' as const), ms: fc.constantFrom(500, 1000, 2500, 3500) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('stop' as const), ms: fc.constantFrom(1, 2000, 2001, 7000) }) },
  ),
  { minLength: 20, maxLength: 80 },
);

/** What somebody was told has happened, and when: to whom else it must be known is worked out from it. */
interface Acknowledged {
  readonly on: Server;
  readonly id: Id;
  /** Infinity: the end. */
  readonly version: number;
  readonly at: number;
}

/** What all runs together have seen: a model that never meets a hit, or a dead session, shows nothing. */
export interface Tally {
  hits: number;
  misses: number;
  nulls: number;
  interruptions: number;
  stale: number;
}

/** Plays one script. Throws at the first load that hands out what it must not. */
export async function play(scheduler: fc.Scheduler, script: readonly Step[], tally: Tally): Promise<void> {
  const clock = controllableClock();
  const { now, every } = clock;
  const startMs = now();
  const monotonic = (): number => now() - startMs;
  const waits = (label: string) => scheduler.schedule(Promise.resolve(), label);
  const first = toyStore({ now, monotonic, every, slow: waits, pace: () => waits('message') });
  const toys = [first, first.another()] as const;
  const servers = toys.map((toy) => cached(toy, { staleness: STALENESS_MS, now, monotonic }));
  const history = recorded(first);
  const acknowledged: Acknowledged[] = [];
  /** The newest version that each server has handed to somebody. */
  const handed: Record<Id, number>[] = [
    { ann: 0, bob: 0 },
    { ann: 0, bob: 0 },
  ];
  const calls: Promise<unknown>[] = [];

  const serverOf = (at: Server): Cached<ToyStore> => servers[at]!;
  const newest = (about: Id, among: (each: Acknowledged) => boolean): number =>
    Math.max(0, ...acknowledged.filter((each) => each.id === about && among(each)).map(({ version }) => version));
  const tell = (at: Server, about: Id, version: number): void => {
    acknowledged.push({ on: at, id: about, version, at: monotonic() });
  };

  /** The version that a load called now must at least show; Infinity: the session must be absent. */
  function least(at: Server, about: Id): number {
    const own = newest(about, (each) => each.on === at);
    const old = newest(about, (each) => each.at < monotonic() - STALENESS_MS);
    return Math.max(own, old, handed[at]![about]);
  }

  function check(what: string, about: Id, least: number, stored: Stored | null): void {
    const truth = history.get(about)!;
    if (stored === null) {
      const isDead = first.live(about) === null;
      if (!isDead) throw new Error(`${what}: ${about} is alive, but was not found`);
      tally.nulls++;
      return;
    }
    const { version, expiresAt } = stored.head;
    if (version < least) throw new Error(`${what}: ${about} has version ${version}, at least ${least} must be seen`);
    if (expiresAt <= now()) throw new Error(`${what}: ${about} has expired`);
    const [is, was] = [JSON.stringify(readable(stored)), truth.get(version)];
    if (is !== was) throw new Error(`${what}: version ${version} of ${about} is ${is}, but was ${was}`);
  }

  async function loads({ on: at, id: about, atLeast }: Step & { readonly do: 'load' }): Promise<void> {
    const seen = newest(about, ({ version }) => version < Number.POSITIVE_INFINITY);
    const floor = Math.max(least(at, about), atLeast === 'seen' ? seen : 0);
    const wanted = { any: undefined, seen, forged: 1e12 }[atLeast];
    const answer = serverOf(at).load(about, wanted);
    const stored = await answer;
    check(`load on ${at}`, about, floor, stored);
    if (stored) handed[at]![about] = Math.max(handed[at]![about], stored.head.version);
  }

  async function commits({ on: at, id: about, what: kind }: Step & { readonly do: 'commit' }): Promise<void> {
    const { generation = 0 } = first.live(about)?.head ?? {};
    const writes = {
      set: { [`by ${at}`]: set(`${acknowledged.length}`) },
      swap: { n: swap('0', '1'), other: set('beside') },
      touch: {},
      login: { user: set('ann') },
    }[kind];
    const later = kind === 'login' ? { user: 'ann', generation: generation + 1, secret: bytes('new') } : {};
    const change = delta(now(), writes, { generation, head: { expiresAt: now() + LIFETIME_MS, ...later } });
    const outcome: Outcome = await serverOf(at).commit(about, change);
    if (outcome.status !== 'ok') return;
    tell(at, about, outcome.version);
  }

  async function destroys(at: Server, about: Id): Promise<void> {
    await serverOf(at).destroy(about);
    tell(at, about, Number.POSITIVE_INFINITY);
  }

  function looksAtStale(at: Server, about: Id): void {
    const stored = serverOf(at).stale(about, STALE_MS);
    if (stored === null) return;
    tally.stale++;
    const isEnded = newest(about, (each) => each.on === at) === Number.POSITIVE_INFINITY;
    if (isEnded) throw new Error(`stale on ${at}: ${about} was destroyed here`);
    check(
      `stale on ${at}`,
      about,
      newest(about, (each) => each.at < monotonic() - STALE_MS),
      stored,
    );
  }

  /** A violation is thrown when all is over. */
  function begin(call: Promise<void>): void {
    call.catch(() => {});
    calls.push(call);
  }

  /** Time in which everything goes its way: links beat, and nothing waits for long. */
  async function live(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += TURN_MS) {
      clock.advance(TURN_MS);
      await scheduler.waitIdle();
    }
  }

  async function run(step: Step): Promise<void> {
    if (step.do === 'load') begin(loads(step));
    else if (step.do === 'commit') begin(commits(step));
    else if (step.do === 'destroy') begin(destroys(step.on, step.id));
    else if (step.do === 'stale') looksAtStale(step.on, step.id);
    else if (step.do === 'live') await live(step.ms);
    else if (step.do === 'stop') clock.advance(step.ms);
    else if (step.do === 'go on')
      for (let i = 0; i < step.waits && scheduler.count() > 0; i++) await scheduler.waitOne();
    else toys[step.on].link[step.do]();
  }

  for (const about of ids) {
    const creating = serverOf(0).create(about, session(now(), { n: '0' }, { expiresAt: now() + LIFETIME_MS }));
    await scheduler.waitFor(Promise.resolve(creating));
    tell(0, about, 1);
  }
  for (const at of [0, 1] as const) {
    // Both begin to watch, and are heard for the first time.
    await serverOf(at).check();
    await scheduler.waitIdle();
  }
  for (const step of script) {
    await run(step);
  }
  await scheduler.waitFor(Promise.all(calls));

  for (const toy of toys) toy.link.restore();
  await scheduler.waitIdle();
  for (const at of [0, 1] as const) {
    for (const about of ids) {
      const loaded = serverOf(at).load(about);
      const stored = await scheduler.waitFor(Promise.resolve(loaded));
      const truth = first.live(about);
      if (stored?.head.version !== truth?.head.version) throw new Error(`${about} on ${at}: not what is stored`);
    }
    const { hits, misses, interruptions } = serverOf(at).figures;
    tally.hits += hits;
    tally.misses += misses;
    tally.interruptions += interruptions;
  }
}

/** Every version that the place ever held, in readable form. */
function recorded({ sessions }: ToyStore): ReadonlyMap<string, ReadonlyMap<number, string>> {
  const history = new Map<string, Map<number, string>>();
  const keep = sessions.set.bind(sessions);
  sessions.set = (about, stored) => {
    const versions = history.get(about) ?? new Map<number, string>();
    history.set(about, versions.set(stored.head.version, JSON.stringify(readable(stored))));
    return keep(about, stored);
  };
  return history;
}

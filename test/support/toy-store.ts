/**
 * A small, correct, slow store with every ability: the known good one that the kit's own tests break on purpose, and that a
 * near cache can stand on without a server.
 *
 * Several handles may share one place (`another`), as the servers of an application do. Each verb waits a little before its one
 * synchronous step, so that calls overlap as they do over a network. A handle hears of the others over its `link`, like over one
 * TCP connection: in order, after a delay, until it is cut; a session is told about once, and again after the next load. Its
 * parts are open (`sessions`, `tracked`, `link`), because a broken variant must be able to reach in.
 */
import { performance } from 'node:perf_hooks';
import type {
  Delta,
  Ended,
  Environment,
  Head,
  Indexed,
  Listable,
  Outcome,
  Store,
  Stored,
  Sweepable,
  Watchable,
  Watcher,
} from '../../src/contract.js';
import { apply } from '../../src/core/delta.js';
import { environment } from '../../src/core/environment.js';
import { type ToyCellPlace, type ToyCells, toyCells } from './toy-cells.js';

export interface ToyStore extends Store, Indexed, Listable, Sweepable, Watchable {
  readonly sessions: Map<string, Stored>;
  readonly cells: ToyCells;
  readonly now: () => number;
  readonly link: ToyLink;
  /** The ids whose next change this handle is told. */
  readonly tracked: Set<string>;
  live(id: string): Stored | null;
  /** Another handle onto the same place. */
  another(options?: ToyOptions): ToyStore;
  load(id: string): Promise<Stored | null>;
  create(id: string, session: Stored): Promise<'ok' | 'exists'>;
  commit(id: string, delta: Delta): Promise<Outcome>;
  destroy(id: string): Promise<void>;
  sweep(limit: number): Promise<number>;
  watch(watcher: Watcher, everyMs: number): () => void;
  listen(ended: (id: string, how: Ended) => void): () => void;
}

export interface ToyOptions {
  readonly now?: () => number;
  /** For the beats. Default: real timers. `() => () => {}` leaves them to `link.beat`. */
  readonly every?: Environment['every'];
  readonly monotonic?: () => number;
  /** What a call waits for, before its step (`sets out`) and after it (`comes back`). */
  readonly slow?: (leg: string) => Promise<unknown> | undefined;
  /** What a message waits for before it is delivered; those behind it wait as well. */
  readonly pace?: () => Promise<unknown> | undefined;
}

/** How a handle hears of the others. */
export interface ToyLink {
  /** The connection is closed, and this side notices. What was on its way is lost. */
  cut(): void;
  /** Half open: from now on everything is lost, and nobody notices. */
  swallow(): void;
  /** A new connection. */
  restore(): void;
  /** Asks whether all was heard; the answer comes behind all messages that are on their way. */
  beat(): void;
  /** Sends something over the link. */
  send(message: () => void): void;
}

interface Place extends ToyCellPlace {
  readonly sessions: Map<string, Stored>;
  readonly handles: Set<Handle>;
}
interface Handle {
  changed(id: string): void;
  ended(id: string, how: Ended): void;
}

export function toyStore(options: ToyOptions): ToyStore {
  return open({ sessions: new Map(), cells: new Map(), epochs: new Map(), handles: new Set() }, options);
}

function open(place: Place, options: ToyOptions): ToyStore {
  const { now = Date.now, every = environment.every, monotonic = () => performance.now(), slow, pace } = options;
  const { sessions } = place;
  const tracked = new Set<string>();
  const watchers = new Set<Watcher>();
  const listeners = new Set<(id: string, how: Ended) => void>();
  let state: 'up' | 'down' | 'swallowing' = 'up';
  let epoch = 0;
  let tail: Promise<unknown> = Promise.resolve();

  const link: ToyLink = {
    cut() {
      if (state === 'down') return;
      state = 'down';
      epoch++;
      tracked.clear();
      for (const watcher of watchers) watcher.deaf();
    },
    swallow() {
      if (state === 'up') state = 'swallowing';
    },
    restore() {
      link.cut();
      state = 'up';
      link.beat();
    },
    beat() {
      const asOf = monotonic();
      link.send(() => {
        for (const watcher of watchers) watcher.heard(asOf);
      });
    },
    send(message) {
      if (state !== 'up') return;
      const sentIn = epoch;
      tail = tail.then(pace).then(() => {
        if (state === 'up' && epoch === sentIn) message();
      });
    },
  };
  const self: Handle = {
    changed(id) {
      if (!tracked.delete(id)) return;
      link.send(() => {
        for (const watcher of watchers) watcher.changed(id);
      });
    },
    ended(id, how) {
      link.send(() => {
        for (const listener of listeners) listener(id, how);
      });
    },
  };
  place.handles.add(self);

  const live = (id: string): Stored | null => {
    const stored = sessions.get(id);
    return stored && stored.head.expiresAt > now() ? stored : null;
  };
  const tellOthers = (tell: (other: Handle) => void): void => {
    for (const handle of place.handles) if (handle !== self) tell(handle);
  };
  /** Runs the step of a call that hands over or leaves behind a session or cell: from then on it is told about. */
  async function call<A>(verb: string, id: string, step: () => A): Promise<A> {
    await slow?.(`${verb} sets out`);
    await null;
    const answer = step();
    const trackedIn = epoch;
    if (state !== 'down' && (sessions.has(id) || place.cells.has(id))) tracked.add(id);
    await slow?.(`${verb} comes back`);
    // The link that would have told has gone meanwhile.
    if (epoch !== trackedIn && state === 'up') for (const watcher of watchers) watcher.changed(id);
    return answer;
  }
  async function* walk(wanted: (head: Head) => boolean): AsyncGenerator<readonly [string, Head]> {
    for (const id of [...sessions.keys()]) {
      const stored = live(id);
      if (stored && wanted(stored.head)) yield [id, copied(stored).head];
      await null;
    }
  }
  return {
    name: 'toy',
    sessions,
    cells: toyCells(place, now, call, (id) => tellOthers((other) => other.changed(id))),
    now,
    link,
    tracked,
    live,
    another: (more) => open(place, { ...options, ...more }),
    load: (id) =>
      call('load', id, () => {
        const stored = live(id);
        return stored && copied(stored);
      }),
    create(id, session) {
      const given = copied(session);
      return call('create', id, () => {
        if (sessions.has(id)) return 'exists';
        sessions.set(id, given);
        return 'ok';
      });
    },
    commit(id, delta) {
      const given = structuredClone(delta);
      return call('commit', id, () => {
        const [outcome, next] = apply(sessions.get(id) ?? null, given, now());
        if (next) sessions.set(id, next);
        if (next) tellOthers((other) => other.changed(id));
        return structuredClone(outcome);
      });
    },
    destroy: (id) =>
      call('destroy', id, () => {
        const was = live(id);
        sessions.delete(id);
        tellOthers((other) => other.changed(id));
        if (was) tellOthers((other) => other.ended(id, 'destroyed'));
      }),
    byUser: (user) => walk((head) => head.user === user),
    list: () => walk(() => true),
    async sweep(limit) {
      await null;
      const expired = [...sessions.keys()].filter((id) => !live(id)).slice(0, limit);
      for (const id of expired) sessions.delete(id);
      for (const id of expired) for (const handle of place.handles) handle.ended(id, 'expired');
      const over = [...place.cells].filter(([, { keepUntil }]) => keepUntil <= now()).slice(0, limit - expired.length);
      for (const [id] of over) place.cells.delete(id);
      return expired.length + over.length;
    },
    watch(watcher, everyMs) {
      const own = { ...watcher };
      watchers.add(own);
      if (state === 'up') link.beat();
      const stopBeats = every(everyMs, link.beat);
      return () => {
        watchers.delete(own);
        stopBeats();
      };
    },
    listen(ended) {
      const own = (id: string, how: Ended): void => ended(id, how);
      listeners.add(own);
      return () => void listeners.delete(own);
    },
  };
}

export function copied(stored: Stored): Stored {
  return structuredClone(stored);
}

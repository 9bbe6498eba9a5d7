/**
 * A small, correct, slow store with every ability: the known good one that the kit's own tests break on purpose.
 *
 * Each verb awaits a little before its one synchronous step, so that calls overlap as they do over a network. Its parts are
 * open (`sessions`, `index`), because a broken variant must be able to reach in.
 */
import type { Delta, Head, Indexed, Listable, Store, Stored, Sweepable, Watchable } from '../../src/contract.js';
import { apply } from '../../src/core/delta.js';

export interface ToyStore extends Store, Indexed, Listable, Sweepable, Watchable {
  readonly sessions: Map<string, Stored>;
  readonly now: () => number;
  live(id: string): Stored | null;
  announce(id: string | null): void;
  load(id: string): Promise<Stored | null>;
  create(id: string, session: Stored): Promise<'ok' | 'exists'>;
  commit(id: string, delta: Delta): ReturnType<ToyCommit>;
  destroy(id: string): Promise<void>;
  sweep(limit: number): Promise<number>;
}

type ToyCommit = (id: string, delta: Delta) => Promise<Awaited<ReturnType<Store['commit']>>>;

export function toyStore({ now }: { now(): number }): ToyStore {
  const sessions = new Map<string, Stored>();
  const watchers = new Set<(id: string | null) => void>();
  const live = (id: string): Stored | null => {
    const stored = sessions.get(id);
    return stored && stored.head.expiresAt > now() ? stored : null;
  };
  const announce = (id: string | null): void => {
    for (const watcher of watchers) watcher(id);
  };
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
    now,
    live,
    announce,
    async load(id) {
      await null;
      const stored = live(id);
      return stored && copied(stored);
    },
    async create(id, session) {
      const given = copied(session);
      await null;
      if (sessions.has(id)) return 'exists';
      sessions.set(id, given);
      return 'ok';
    },
    async commit(id, delta) {
      const given = structuredClone(delta);
      await null;
      const [outcome, next] = apply(sessions.get(id) ?? null, given, now());
      if (next) sessions.set(id, next);
      if (next) announce(id);
      return structuredClone(outcome);
    },
    async destroy(id) {
      await null;
      sessions.delete(id);
      announce(id);
    },
    byUser: (user) => walk((head) => head.user === user),
    list: () => walk(() => true),
    async sweep(limit) {
      await null;
      const expired = [...sessions.keys()].filter((id) => !live(id)).slice(0, limit);
      for (const id of expired) sessions.delete(id);
      return expired.length;
    },
    watch(changed) {
      watchers.add(changed);
      return () => void watchers.delete(changed);
    },
  };
}

export function copied(stored: Stored): Stored {
  return structuredClone(stored);
}

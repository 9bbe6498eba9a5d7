/**
 * Hearing of changes from two stores between which sessions move: what either tells is told, and both must be heard.
 *
 * To move a session is to destroy it in the old store, which the old store tells: that is a change, but no end. So an end is told only
 * of a session that the other store does not have either. Each end is told once, also when both stores tell it.
 */
import type { Ended, Store, Watchable, Watcher } from '../../contract.js';
import { listenToAll, watchAll } from '../ring/watch.js';
import { arrived } from './move.js';

/** Ends that are remembered, so that they are told once. */
const REMEMBERED = 1000;

export interface Hearing {
  readonly watchable: Watchable;
  /** An answer that is under way must not be kept. */
  doubt(id: string): void;
}

export function hearingBoth(from: Store & Partial<Watchable>, to: Store & Partial<Watchable>): Hearing {
  const stores = [from, to] as readonly (Store & Watchable)[];
  const watchers = new Set<Watcher>();
  return {
    doubt(id) {
      for (const watcher of watchers) watcher.changed(id);
    },
    watchable: {
      async watch(watcher, everyMs) {
        watchers.add(watcher);
        const stop = await watchAll(stores, watcher, everyMs).catch((error) => {
          watchers.delete(watcher);
          throw error;
        });
        return () => {
          watchers.delete(watcher);
          return stop();
        };
      },
      listen(ended) {
        const told = new Set<string>();
        const tell = async (id: string, how: Ended): Promise<void> => {
          if (told.has(id) || (await livesIn(from, to, id))) return;
          if (told.size >= REMEMBERED) told.delete(told.values().next().value!);
          if (!told.has(id)) ended(id, how);
          told.add(id);
        };
        // Nobody knows whether it lives while a store does not answer: then nothing is told.
        return listenToAll(stores, (id, how) => void tell(id, how).catch(() => {}));
      },
    },
  };
}

/** Old store first, as sessions move. */
async function livesIn(from: Store, to: Store, id: string): Promise<boolean> {
  return (await from.load(id)) !== null || arrived(await to.load(id)) !== null;
}

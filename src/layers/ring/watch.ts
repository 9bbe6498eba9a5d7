/**
 * Hearing of changes from all nodes as from one: what any of them tells is told.
 *
 * A change of a session reaches every owner that is up, so whoever was handed a copy by one of them hears of it there. When a node is not
 * heard any more everything goes, for nobody knows which copies were its own. From then on the others are enough: the sessions of
 * a deaf node are not kept (watchers.ts). A ring of plain stores does not know whose sessions are whose here, and keeps nothing
 * while one of them is deaf.
 */
import type { Ended, MaybePromise, Watchable, Watcher } from '../../contract.js';
import { isControl } from './control.js';

type Stop = () => MaybePromise<void>;

/** `deafTo`: the stores that are not heard, kept up to date; then the others are enough. */
export async function watchAll(
  stores: readonly Pick<Watchable, 'watch'>[],
  watcher: Watcher,
  everyMs: number,
  deafTo?: Set<object>,
): Promise<Stop> {
  const heardAt: (number | undefined)[] = stores.map(() => undefined);
  for (const store of stores) deafTo?.add(store);
  let toldAt = Number.NEGATIVE_INFINITY;
  return fromAll(stores, (store, i) =>
    store.watch(
      {
        changed(id) {
          if (!isControl(id)) watcher.changed(id);
        },
        deaf() {
          heardAt[i] = undefined;
          deafTo?.add(store);
          watcher.deaf();
        },
        heard(asOf) {
          heardAt[i] = asOf;
          deafTo?.delete(store);
          const heard = heardAt.filter((at) => at !== undefined);
          if (deafTo === undefined && heard.length < stores.length) return;
          const all = Math.min(...heard);
          if (all < toldAt) return;
          toldAt = all;
          watcher.heard(all);
        },
      },
      everyMs,
    ),
  );
}

export function listenToAll(
  stores: readonly Pick<Watchable, 'listen'>[],
  ended: (id: string, how: Ended) => void,
): Promise<Stop> {
  return fromAll(stores, (store) => store.listen(ended));
}

/** Begins on all, or on none. */
async function fromAll<S>(stores: readonly S[], begin: (store: S, i: number) => MaybePromise<Stop>): Promise<Stop> {
  const begun = await Promise.allSettled(stores.map(async (store, i) => begin(store, i)));
  const stops = begun.filter((one) => one.status === 'fulfilled').map(({ value }) => value);
  const stop = async (): Promise<void> => {
    await Promise.all(stops.map((one) => one()));
  };
  const failed = begun.find((one) => one.status === 'rejected');
  if (failed === undefined) return stop;
  await stop();
  throw failed.reason;
}

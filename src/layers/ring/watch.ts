/**
 * Hearing of changes from all nodes as from one: what any of them tells is told, and all of them must be heard.
 *
 * A change of a session reaches every owner that is up, so whoever was handed a copy by one of them hears of it there. While one
 * node is not heard nothing is kept, for nobody knows which of its sessions others are changing.
 */
import type { Ended, MaybePromise, Watchable, Watcher } from '../../contract.js';
import { isControl } from './control.js';

type Stop = () => MaybePromise<void>;

export async function watchAll(
  stores: readonly Pick<Watchable, 'watch'>[],
  watcher: Watcher,
  everyMs: number,
): Promise<Stop> {
  const heardAt: (number | undefined)[] = stores.map(() => undefined);
  let toldAt = Number.NEGATIVE_INFINITY;
  return fromAll(stores, (store, i) =>
    store.watch(
      {
        changed(id) {
          if (!isControl(id)) watcher.changed(id);
        },
        deaf() {
          heardAt[i] = undefined;
          watcher.deaf();
        },
        heard(asOf) {
          heardAt[i] = asOf;
          const all = heardAt.reduce((a, b) => (a === undefined || b === undefined ? undefined : Math.min(a, b)));
          if (all === undefined || all < toldAt) return;
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

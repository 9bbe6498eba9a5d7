/**
 * Several applications in one store: `prefixed(store, 'shop')` keeps its sessions under ids that begin with `shop:`.
 *
 * Every application sees its own sessions only, whatever it asks: by id, by user, in lists, in what is told of others. Users keep
 * their names, so an index below has the sessions of both applications' ann in one place, and those of the other are passed over.
 * A prefix has no colon, and ids of sojourn have none: so no application's sessions look like another's.
 *
 * Cells are not passed on: fences count by slot, and two rings on one node would close each other's. Put the layer around the ring.
 * `sweep` clears away what has expired of all applications: it is nobody's any more.
 */
import type { Head, Indexed, Listable, Store, Watchable } from '../contract.js';
import { show } from '../core/options.js';
import { failure } from '../errors.js';
import { type Able, type Below, checkedStore, passedOn } from './able.js';

/** A store of one application among several: with all that the store below can do, but cells. */
export type Prefixed<S extends Store> = Store & Able<S>;

/** Short: some stores have room for keys of 250 bytes. */
const PREFIX = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * `store`, for one application of several. `prefix`: 1 to 64 letters, digits, dots, dashes or underscores; a colon is added.
 * SOJOURN_OPTION for anything else.
 * @example
 * const shop = sessions({ store: prefixed(redis(client), 'shop') });
 * const blog = sessions({ store: prefixed(redis(client), 'blog') });
 */
export function prefixed<S extends Store>(store: S, prefix: string): Prefixed<S> {
  const below: Below = checkedStore('store of prefixed', store);
  if (typeof prefix !== 'string' || !PREFIX.test(prefix)) {
    throw failure('SOJOURN_OPTION', {
      option: 'prefix of prefixed',
      wanted: 'must have 1 to 64 letters, digits, dots, dashes or underscores',
      got: show(prefix),
    });
  }
  const start = `${prefix}:`;
  const layer: Below = {
    name: below.name,
    load: (id, atLeast) => below.load(start + id, atLeast),
    create: (id, session) => below.create(start + id, session),
    commit: (id, delta) => below.commit(start + id, delta),
    destroy: (id) => below.destroy(start + id),
    ...passedOn(below),
    ...(below.byUser && { byUser: (user: string) => own(below.byUser!(user), start) }),
    ...(below.list && { list: () => own(below.list!(), start) }),
    ...(below.watch && below.listen && hearing(below as Store & Watchable, start)),
    ...(below.stale && {
      get stalenessMs() {
        return below.stalenessMs!;
      },
      stale: (id: string, maxAgeMs: number) => below.stale!(start + id, maxAgeMs),
    }),
  };
  return layer as Prefixed<S>;
}

/** Of a listing what is ours, under the ids that we know. */
async function* own(all: ReturnType<Listable['list'] & Indexed['byUser']>, start: string): AsyncIterable<Entry> {
  for await (const [id, head] of all) if (id.startsWith(start)) yield [id.slice(start.length), head];
}

type Entry = readonly [id: string, head: Head];

function hearing(below: Watchable, start: string): Watchable {
  return {
    watch: (watcher, everyMs) =>
      below.watch(
        {
          changed(id) {
            if (id.startsWith(start)) watcher.changed(id.slice(start.length));
          },
          deaf: () => watcher.deaf(),
          heard: (asOf) => watcher.heard(asOf),
        },
        everyMs,
      ),
    listen: (ended) =>
      below.listen((id, how) => {
        if (id.startsWith(start)) ended(id.slice(start.length), how);
      }),
  };
}

/**
 * The near cache: `cached(store)` keeps copies of sessions in this process, so that a hot read costs no hop.
 *
 * The store below tells of changes (`Watchable`), a copy that was told about is dropped, and one that was not heard of for
 * longer than `staleness` is not served: a change made elsewhere is seen after a link's delay, and after the bound at the latest,
 * whatever happens to the link. Own changes are seen at once. Parts: near-cache.ts decides what is kept and served,
 * watching.ts hears, entries.ts bounds, kept.ts copies, ended.ts remembers.
 *
 * The four verbs are the layer's own properties; everything else that the store has is found behind them (in-front-of.ts).
 */
import { performance } from 'node:perf_hooks';
import type { Caching, Duration, Store, Watchable } from '../contract.js';
import { environment } from '../core/environment.js';
import { checked, durationMs, show, wholeNumber } from '../core/options.js';
import { failure } from '../errors.js';
import { type CacheFigures, NearCache } from './cached/near-cache.js';
import { inFrontOf } from './in-front-of.js';

export type { CacheFigures } from './cached/near-cache.js';

export interface CachedOptions {
  /** How much memory the copies may take, in bytes. Default 64 MiB. */
  readonly max?: number;
  /** The longest that a change made elsewhere can stay unseen here, also on a link that is dead without a sign. 100 ms to 10 min; default 2 s. */
  readonly staleness?: Duration;
  /** The clock, epoch milliseconds. */
  readonly now?: () => number;
  /** The clock for ages, which never jumps: milliseconds of `performance.now()`. */
  readonly monotonic?: () => number;
}

/** A store with a near cache in front: all that the store can do, answers that may come at once, and figures. */
export type Cached<S extends Store> = Omit<S, keyof Store | keyof Caching | 'figures'> &
  Store &
  Required<Pick<Store, 'check' | 'close'>> &
  Caching & { readonly figures: CacheFigures };

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
const DEFAULT_STALENESS = '2s';
const LEAST_STALENESS_MS = 100;
const MOST_STALENESS_MS = 600_000;

/**
 * `store` with a near cache: `sessions({ store: cached(redis(client)) })`. Only over a store that can tell of changes, like
 * `sojourn/redis`; memory and LMDB are in this process anyway.
 */
export function cached<S extends Store & Watchable>(store: S, options?: CachedOptions): Cached<S> {
  const own = checked('cached', options, ['max', 'staleness', 'now', 'monotonic']);
  const maxBytes = wholeNumber('max of cached', own.max ?? DEFAULT_MAX_BYTES, 1, Number.MAX_SAFE_INTEGER);
  const stalenessMs = bounded(own.staleness ?? DEFAULT_STALENESS);
  const now = own.now ?? environment.now;
  const monotonic = own.monotonic ?? (() => performance.now());
  refuseUnwatchable(store);
  const near = new NearCache({ store, maxBytes, stalenessMs, now, monotonic });
  return inFrontOf(store, verbs(store, near, stalenessMs)) as Cached<S>;
}

type Own = Omit<Store, 'name'> & Caching & { readonly figures: CacheFigures };

function verbs(store: Store, near: NearCache, stalenessMs: number): Own {
  return {
    load: (id, atLeast) => near.load(id, atLeast),
    create: (id, session) => near.create(id, session),
    commit: (id, delta) => near.commit(id, delta),
    destroy: (id) => near.destroy(id),
    stalenessMs,
    stale: (id, maxAgeMs) => near.stale(id, maxAgeMs),
    get figures() {
      return near.figures;
    },
    async check() {
      near.watching.start();
      const sentences = (await store.check?.()) ?? [];
      const problem = await near.watching.problem();
      return problem === undefined ? sentences : [...sentences, problem];
    },
    async close() {
      near.close();
      try {
        await near.watching.close();
      } finally {
        await store.close?.();
      }
    },
  };
}

function bounded(staleness: Duration): number {
  const ms = durationMs('staleness of cached', staleness);
  if (ms >= LEAST_STALENESS_MS && ms <= MOST_STALENESS_MS) return ms;
  throw failure('SOJOURN_OPTION', {
    option: 'staleness of cached',
    wanted: "must be between '100ms' and '10m'",
    got: show(staleness),
  });
}

/** The compiler says so as well; this is for those who have none. */
function refuseUnwatchable(store: Partial<Store & Watchable> | undefined): void {
  if (typeof store?.load === 'function' && typeof store.watch === 'function') return;
  throw failure('SOJOURN_OPTION', {
    option: 'store of cached',
    wanted:
      'must be a store that can watch, for example redis(client): without it, old copies would be served for ever',
    got: show(store?.name ?? store),
  });
}

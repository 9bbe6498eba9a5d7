/** A near cache keeps what its store can do, and stands only on a store that can tell of changes. */
import type { Duration, Head, Indexed, Listable, Store, Stored, Sweepable, Watchable } from 'sojourn';
import { memory, sessions } from 'sojourn';
import { type CacheFigures, cached } from 'sojourn/cached';
import { lmdb } from 'sojourn/lmdb';
import { same } from './same.js';

declare const full: Store & Indexed & Listable & Sweepable & Watchable & { readonly prefix: string };
declare const bare: Store & Watchable;

// All abilities, and whatever else the store has.
const near = cached(full, { max: 1024, staleness: '1s' });
same<typeof near.byUser, Indexed['byUser']>(true);
same<typeof near.list, Listable['list']>(true);
same<typeof near.sweep, Sweepable['sweep']>(true);
same<typeof near.listen, Watchable['listen']>(true);
same<typeof near.prefix, string>(true);
same<typeof near.figures, CacheFigures>(true);
same<typeof near.stalenessMs, number>(true);
same<ReturnType<typeof near.stale>, Stored | null>(true);
same<typeof near.load, Store['load']>(true);
same<Awaited<ReturnType<typeof near.check>>, readonly string[]>(true);

// So sessions can do over it what they could without.
const s = sessions({ store: near });
same<typeof s.of, (user: string) => AsyncIterable<readonly [id: string, head: Head]>>(true);
same<typeof s.revoke, (user: string, options?: { readonly except?: string }) => Promise<number>>(true);

// And no more.
const plain = sessions({ store: cached(bare) });
same<typeof plain.of, never>(true);
// @ts-expect-error
cached(bare).byUser('ann');

// Without being told of changes, a copy would be old for ever.
// @ts-expect-error
cached(memory());
// @ts-expect-error
cached(lmdb('./sessions'));

const staleness: Duration = '5s';
cached(bare, { staleness });
// @ts-expect-error
cached(bare, { staleness: 'soon' });
// @ts-expect-error
cached(bare, { max: '64MiB' });

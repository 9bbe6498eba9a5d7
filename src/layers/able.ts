/**
 * What a layer can do because the store below it can: the type of that, and the calls that mean the same above and below.
 *
 * A layer that changes ids or values must know each ability to keep it true, so these layers list what they pass on; an ability that
 * nobody has thought of is absent above, and the compiler says so. `cached` and `traced` change nothing, and pass on whatever is there.
 */
import type { Caching, Indexed, Listable, Store, Sweepable, Watchable } from '../contract.js';
import { show } from '../core/options.js';
import { failure } from '../errors.js';

/** Of the abilities in the contract those that `S` has. Cells are not among them: see the layers. */
export type Able<S> = (S extends Indexed ? Indexed : unknown) &
  (S extends Listable ? Listable : unknown) &
  (S extends Sweepable ? Sweepable : unknown) &
  (S extends Watchable ? Watchable : unknown) &
  (S extends Caching ? Caching : unknown);

/** A store that may have any of them, as a layer sees it. */
export type Below = Store & Partial<Indexed & Listable & Sweepable & Watchable & Caching>;

type PassedOn = Pick<Store, 'check' | 'renew' | 'close'> & Partial<Sweepable>;

/** The calls about the store as a whole. */
export function passedOn(store: Below): PassedOn {
  return {
    ...(store.sweep && { sweep: (limit: number) => store.sweep!(limit) }),
    ...(store.check && { check: () => store.check!() }),
    ...(store.renew && { renew: () => store.renew!() }),
    ...(store.close && { close: () => store.close!() }),
  };
}

/** `store` itself. SOJOURN_OPTION for what is none: the compiler says so as well, this is for those who have none. */
export function checkedStore<S extends Store>(option: string, store: S): S {
  if (typeof store?.load === 'function' && typeof store.commit === 'function') return store;
  throw failure('SOJOURN_OPTION', {
    option,
    wanted: 'must be a store, for example memory() or redis(client)',
    got: show(store),
  });
}

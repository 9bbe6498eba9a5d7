/** The promises of every store, kept by rings of one, two and three copies, and by one over stores that keep no cells. */
import { describe, test } from 'vitest';
import { runs } from '../../test/support/exam.js';
import type { Store } from '../contract.js';
import { memory } from '../stores/memory.js';
import { type StoreContext, storeKit } from '../testing/store-kit.js';
import { ring } from './ring.js';

const NAMES = ['a', 'b', 'c'] as const;
const races = { races: runs(20, 200), parallel: 40, mustHave: ['byUser', 'list', 'sweep'] as const };

for (const copies of [1, 2, 3]) {
  storeKit(
    { describe, test },
    ({ inner, ...environment }) => {
      const nodes = NAMES.map((name) => ({ name, store: inner(memory({ name, now: environment.now })) }));
      return ring(nodes, { copies, environment });
    },
    { ...races, name: `a ring of memory, copies: ${copies}` },
  );
}

storeKit(
  { describe, test },
  ({ inner, ...environment }: StoreContext) => {
    const nodes = NAMES.map((name) => ({ name, store: inner(withoutCells(memory({ name, now: environment.now }))) }));
    return ring(nodes, { environment });
  },
  { ...races, name: 'a ring of stores without cells' },
);

function withoutCells<S extends Store>(store: S): S {
  return new Proxy(store, {
    has: (target, name) => name !== 'cells' && name in target,
    get(target, name) {
      if (name === 'cells') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

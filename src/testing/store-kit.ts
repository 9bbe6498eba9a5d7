/**
 * The conformance kit for stores: every promise of the contract as a test, for any store, with any test runner.
 *
 * The kit is the contract in executable form. What it needs of a store is a function that opens a fresh, empty one; which
 * abilities there are it finds out by looking. Two processes at one place are checked by `twoProcessKit`.
 */
import { checked, oneOf, wholeNumber } from '../core/options.js';
import type { Runner } from './runner.js';
import { abilities } from './store/abilities.js';
import { bytesAndNames } from './store/bytes.js';
import { cells } from './store/cells.js';
import { concurrency } from './store/concurrency.js';
import { expiry } from './store/expiry.js';
import { faults } from './store/faults.js';
import { indexed } from './store/indexed.js';
import { listed } from './store/listed.js';
import { listened } from './store/listened.js';
import { model } from './store/model.js';
import { promises } from './store/promises.js';
import { type MakeStore, makeKit, type Settings, type StoreKitOptions } from './store/scene.js';
import { verbs } from './store/verbs.js';
import { watched } from './store/watched.js';
import { writes } from './store/writes.js';

export type { Ability, MakeStore, StoreContext, StoreKitOptions } from './store/scene.js';

const groups = [
  promises,
  verbs,
  writes,
  model,
  expiry,
  concurrency,
  bytesAndNames,
  abilities,
  indexed,
  listed,
  watched,
  listened,
  cells,
  faults,
];

/**
 * Registers the tests that every store must pass. `makeStore` opens a store that is fresh and empty for each test; the kit
 * closes it. SOJOURN_OPTION for options it does not know.
 * @example
 * import { describe, test } from 'node:test';
 * storeKit({ describe, test }, ({ now }) => memory({ now }));
 * // A layer passes what it stands on through `inner`, so that the kit can make it fail:
 * storeKit({ describe, test }, ({ now, inner }) => faulty(inner(memory({ now })), new FaultPlan()));
 */
export function storeKit(runner: Runner, makeStore: MakeStore, options?: StoreKitOptions): void {
  const settings = settled(options);
  const kit = makeKit(runner, makeStore, settings);
  kit.group(settings.name, () => {
    for (const group of groups) group(kit);
  });
}

const known = [
  'name',
  'clock',
  'races',
  'parallel',
  'largestValueBytes',
  'patienceMs',
  'mustHave',
  'another',
  'cutLinks',
] as const;

function settled(options: StoreKitOptions | undefined): Settings {
  const own = checked('storeKit', options, known);
  return {
    name: own.name ?? 'a sojourn store',
    clock: oneOf('clock of storeKit', own.clock ?? 'given', ['given', 'own']),
    races: wholeNumber('races of storeKit', own.races ?? 200, 1, 100_000),
    parallel: wholeNumber('parallel of storeKit', own.parallel ?? 100, 2, 1000),
    largestValueBytes: wholeNumber('largestValueBytes of storeKit', own.largestValueBytes ?? 1_048_576, 1, 2 ** 30),
    patienceMs: wholeNumber('patienceMs of storeKit', own.patienceMs ?? 4000, 1, 600_000),
    mustHave: own.mustHave ?? [],
    ...(own.another && { another: own.another }),
    ...(own.cutLinks && { cutLinks: own.cutLinks }),
  };
}

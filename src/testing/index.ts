/**
 * sojourn/testing: what authors of stores, codecs and seals, and everybody's own tests, need.
 *
 * The kits take the runner as an argument and assert with node:assert: they work with vitest, node:test, jest and others.
 * An own runner, or a dependency on one, was rejected: the author of a store has one already.
 */
export {
  type FaultCall,
  type FaultOptions,
  FaultPlan,
  type FaultSide,
  type FaultVerb,
  faulty,
  type Gate,
} from '../layers/faulty.js';
export { type ClockOptions, type ControllableClock, controllableClock } from './clock.js';
export { codecKit } from './codec-kit.js';
export type { Runner } from './runner.js';
export { type MakeSealer, sealerKit } from './sealer-kit.js';
export { type Streams, serveStore } from './serve-store.js';
export { type Ability, type MakeStore, type StoreContext, type StoreKitOptions, storeKit } from './store-kit.js';
export { type TwoProcessOptions, twoProcessKit } from './two-process-kit.js';

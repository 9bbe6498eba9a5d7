/**
 * The stage on which every store test plays: a fresh store, a clock, and what to say when a promise is broken.
 *
 * One sentence of the contract is one test with the same words. Next to the sentence stands a hint for the author of the
 * store: where such a promise is usually lost. Both are in the message of a failure, so nobody has to read this kit to use it.
 */
import { AssertionError } from 'node:assert';
import { setTimeout as wait } from 'node:timers/promises';
import type { Environment, MaybePromise, Store } from '../../contract.js';
import { environment } from '../../core/environment.js';
import { controllableClock } from '../clock.js';
import type { Runner } from '../runner.js';
import { HOUR_MS } from './samples.js';

export type Ability = 'byUser' | 'list' | 'sweep' | 'watch' | 'listen' | 'cells';

/** What `makeStore` is given: a clock and dice to hand on, and `inner` for layers. */
export interface StoreContext extends Environment {
  /** Layers pass the stores they are made of through here; the fault tests make them fail. Elsewhere it changes nothing. */
  inner<S extends Store>(store: S): S;
}

/** Opens a store that is empty and shares nothing with the ones made before it. The kit closes it. */
export type MakeStore = (context: StoreContext) => MaybePromise<Store>;

export interface StoreKitOptions {
  /** Title of the group of tests. */
  readonly name?: string;
  /** 'given' (default): the store asks the `now` it was given. 'own': it has a clock of its own, for example a server's. */
  readonly clock?: 'given' | 'own';
  /** Rounds of each race, 1 to 100000; default 200. */
  readonly races?: number;
  /** How many commits of one session run at the same time, 2 to 1000; default 100. Swaps of one field cost its square. */
  readonly parallel?: number;
  /** Size of the largest value tried, in bytes; default 1 MiB. Lower it for stores that limit values. */
  readonly largestValueBytes?: number;
  /** How long to wait for what the store does in its own time: an announcement, an expiry by its own clock. Default 4000. */
  readonly patienceMs?: number;
  /** Abilities without which the kit fails. Others are checked when the store has them, and named when it has not. */
  readonly mustHave?: readonly Ability[];
  /** A second handle onto the place of the store that was made last, as another process would have it: whose changes `watch` and `listen` tell, and which competes for `cells`. Without it that is not checked. */
  readonly another?: MakeStore;
  /** Cuts the connections over which the store that was made last hears of changes. Without it `deaf` is not checked. */
  readonly cutLinks?: () => MaybePromise<void>;
}

type Hooks = 'another' | 'cutLinks';
export type Settings = Required<Omit<StoreKitOptions, Hooks>> & Pick<StoreKitOptions, Hooks>;

/** One test's stage. */
export interface Scene {
  readonly store: Store;
  readonly context: StoreContext;
  readonly settings: Settings;
  now(): number;
  /** Opens one more fresh store, with `inner` for what it stands on. The test closes it. */
  open(inner: StoreContext['inner']): Promise<Store>;
  /** A deadline that a test can wait for. */
  soon(): number;
  /** Returns when `deadlineMs` has passed and `gone` holds; with the kit's own clock `gone` is asked only by the test itself. */
  pass(deadlineMs: number, gone: () => MaybePromise<boolean>): Promise<void>;
}

export interface Kit {
  readonly settings: Settings;
  group(name: string, body: () => void): void;
  /** Registers the test of one sentence. `lookAt`: where a store usually loses this promise. */
  promise(sentence: string, lookAt: string, body: (scene: Scene) => MaybePromise<void>): void;
}

export function makeKit(runner: Runner, makeStore: MakeStore, settings: Settings): Kit {
  return {
    settings,
    group: (name, body) => runner.describe(name, body),
    promise(sentence, lookAt, body) {
      runner.test(sentence, async () => {
        const scene = await makeScene(makeStore, settings).catch((error) =>
          broken('the store opens', 'makeStore', error),
        );
        try {
          await body(scene);
        } catch (error) {
          await quietly(() => scene.store.close?.());
          broken(sentence, lookAt, error);
        }
        await scene.store.close?.();
      });
    },
  };
}

/** Throws `error` again, with the promise that it breaks and where to look. */
export function broken(sentence: string, lookAt: string, error: unknown): never {
  const said = error instanceof AssertionError ? error.message : `The store threw: ${String(error)}`;
  const message = `Broken promise: ${sentence}.\n${said}\nLook at: ${lookAt}.`;
  if (!(error instanceof AssertionError)) throw new Error(message, { cause: error });
  const { actual, expected } = error;
  throw Object.assign(new AssertionError({ message, actual, expected, operator: 'promise' }), { cause: error });
}

/** Gives other work `steps` chances to go first: zero is none, and steps of every size are somewhere in a store's own pace. */
export async function turns(steps: number): Promise<void> {
  for (let step = 0; step < steps % 8; step++) await null;
  for (let step = 0; step < Math.floor(steps / 8); step++) await new Promise(setImmediate);
}

/** Asks again and again until the answer is yes, at most `patienceMs`. Tells whether it became yes. */
export async function eventually(patienceMs: number, yes: () => MaybePromise<boolean>): Promise<boolean> {
  const givenUpAt = Date.now() + patienceMs;
  while (!(await yes())) {
    if (Date.now() >= givenUpAt) return false;
    await wait(20);
  }
  return true;
}

async function makeScene(makeStore: MakeStore, settings: Settings): Promise<Scene> {
  const clock = controllableClock();
  const own = settings.clock === 'own';
  const context: StoreContext = { ...(own ? environment : clock), inner: (store) => store };
  return {
    store: await makeStore(context),
    context,
    settings,
    now: context.now,
    open: async (inner) => makeStore({ ...context, inner }),
    soon: () => context.now() + (own ? Math.ceil(settings.patienceMs / 8) : HOUR_MS),
    async pass(deadlineMs, gone) {
      if (!own) return clock.advance(deadlineMs - clock.now());
      await eventually(settings.patienceMs, gone);
    },
  };
}

async function quietly(close: () => MaybePromise<void> | undefined): Promise<void> {
  try {
    await close();
  } catch {
    // The test has failed already, and its reason is the one to tell.
  }
}

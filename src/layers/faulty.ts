/**
 * A layer for tests: it fails, delays or holds the calls of the store below, as a `FaultPlan` says.
 *
 * SQLite's habit is the idea: make the fault injectable, then loop it over every call. A plan is a list of interruptions;
 * each waits or throws on one side of a call: before the store was asked (nothing has happened), or after it answered (it
 * has happened, and the answer is lost). A store that answers at once still does: nothing is awaited that need not be.
 * What is recorded of a call is verb and id, never a value.
 *
 * It is a Proxy, so that whatever else a store has (abilities, figures) is there with its own type. Listing the abilities one
 * by one was rejected: the layer would lose the next one in silence.
 */
import type { MaybePromise, Store } from '../contract.js';
import { chain } from '../core/maybe.js';
import { failure } from '../errors.js';

/** Older calls are forgotten. */
const MAX_RECORDED = 10_000;

const verbs = [
  'load',
  'create',
  'commit',
  'destroy',
  'byUser',
  'list',
  'sweep',
  'watch',
  'listen',
  'cells.read',
  'cells.replace',
  'cells.remove',
  'cells.fence',
  'cells.byUser',
  'cells.ids',
] as const;

/** Those that hand over an iterable. */
const walks: readonly FaultVerb[] = ['byUser', 'list', 'cells.byUser', 'cells.ids'];

export type FaultVerb = (typeof verbs)[number];

/** 'before' the store was asked, or 'after' it answered: the outcome is then unknown to the caller. */
export type FaultSide = 'before' | 'after';

export interface FaultCall {
  readonly verb: FaultVerb;
  /** What the call was about: an id, a user, or nothing. */
  readonly id: string | undefined;
}

export interface FaultOptions {
  /** Default 'before'. For walks (`byUser`, `list`, `cells.ids`) both mean before the first item. */
  readonly side?: FaultSide;
  /** Only calls of these verbs count; default all. */
  readonly verbs?: readonly FaultVerb[];
}

/** A call that is held: `arrived` resolves when it comes, and it goes on after `release`. */
export interface Gate {
  readonly arrived: Promise<void>;
  release(): void;
}

/** What shall happen to the calls of one or more `faulty` stores. */
export class FaultPlan {
  readonly #calls: FaultCall[] = [];
  #interruptions: Interruption[] = [];

  /** The calls so far, oldest first, at most the last 10000. */
  get calls(): readonly FaultCall[] {
    return this.#calls;
  }

  /** The `n`-th call from now on throws SOJOURN_STORE; 1 is the next. */
  failAt(n: number, options?: FaultOptions): void {
    this.#interrupt(n, 1, options, refuse);
  }

  /** Every call throws SOJOURN_STORE, until `heal`. */
  fail(options?: FaultOptions): void {
    this.#interrupt(1, Number.POSITIVE_INFINITY, options, refuse);
  }

  /** Every call waits for the promise that `wait` gives, until `heal`. */
  delay(wait: (call: FaultCall) => Promise<void>, options?: FaultOptions): void {
    this.#interrupt(1, Number.POSITIVE_INFINITY, options, wait);
  }

  /** Holds the next call of `verb` until it is released. */
  hold(verb: FaultVerb, side: FaultSide = 'before'): Gate {
    const arrived = signal();
    const released = signal();
    this.#interrupt(1, 1, { side, verbs: [verb] }, () => {
      arrived.give();
      return released.given;
    });
    return { arrived: arrived.given, release: released.give };
  }

  /** No more faults for calls to come. Calls that are held stay held until they are released. */
  heal(): void {
    this.#interruptions = [];
  }

  /** True while a fault that was asked for has not come yet, or comes again and again. */
  get pending(): boolean {
    return this.#interruptions.length > 0;
  }

  /** Records a call and says what is to happen on either side of it. For `faulty`.
   * @internal */
  begin(call: FaultCall): Record<FaultSide, Interrupt[]> {
    this.#calls.push(call);
    if (this.#calls.length > MAX_RECORDED) this.#calls.shift();
    const due: Record<FaultSide, Interrupt[]> = { before: [], after: [] };
    for (const interruption of this.#interruptions) {
      if (!interruption.verbs.includes(call.verb) || --interruption.skip > 0) continue;
      interruption.times--;
      due[interruption.side].push(interruption.act);
    }
    this.#interruptions = this.#interruptions.filter(({ times }) => times > 0);
    return due;
  }

  #interrupt(
    nth: number,
    times: number,
    { side = 'before', verbs: only = verbs }: FaultOptions = {},
    act: Interrupt,
  ): void {
    this.#interruptions.push({ skip: nth, times, side, verbs: only, act });
  }
}

/** `store`, whose calls meet what `plan` has for them, those of its cells included. Several stores may share one plan. */
export function faulty<S extends Store>(store: S, plan: FaultPlan): S {
  const interrupted = (verb: FaultVerb, call: (...args: unknown[]) => unknown) => {
    return (...args: unknown[]): unknown => {
      const about: FaultCall = { verb, id: typeof args[0] === 'string' ? args[0] : undefined };
      const run = (inner: () => unknown): MaybePromise<unknown> => between(plan.begin(about), about, store.name, inner);
      return walks.includes(verb) ? late(run, () => call(...args)) : run(() => call(...args));
    };
  };
  /** The target is an empty object: a Proxy over a frozen store could not answer with anything but the store's own methods. */
  const shaky = <T extends object>(inner: T, prefix: '' | 'cells.'): T =>
    new Proxy({} as T, {
      has: (_, name) => name in inner,
      get(_, name) {
        const own: unknown = Reflect.get(inner, name, inner);
        if (prefix === '' && name === 'cells' && typeof own === 'object' && own !== null) return shaky(own, 'cells.');
        if (typeof own !== 'function') return own;
        const bound = own.bind(inner);
        const verb = typeof name === 'string' ? prefix + name : name;
        return isVerb(verb) ? interrupted(verb, bound) : bound;
      },
    });
  return shaky(store, '');
}

type Interrupt = (call: FaultCall, store: string) => MaybePromise<void>;

interface Interruption {
  /** Calls that still go by, the one that is met included. */
  skip: number;
  times: number;
  readonly side: FaultSide;
  readonly verbs: readonly FaultVerb[];
  readonly act: Interrupt;
}

function isVerb(name: string | symbol): name is FaultVerb {
  return (verbs as readonly (string | symbol)[]).includes(name);
}

function refuse({ verb }: FaultCall, store: string): never {
  throw failure('SOJOURN_STORE', { store, operation: verb, problem: 'the test wanted this call to fail' });
}

function between(
  due: Record<FaultSide, Interrupt[]>,
  call: FaultCall,
  store: string,
  inner: () => unknown,
): MaybePromise<unknown> {
  const all = (acts: readonly Interrupt[]): MaybePromise<void> =>
    acts.reduce<MaybePromise<void>>((before, act) => chain(before, () => act(call, store)), undefined);
  return chain(all(due.before), () => chain(inner(), (answer) => chain(all(due.after), () => answer)));
}

/** An iterable does its work when it is read: its call is recorded, and its faults come, with the first item. */
async function* late(
  run: (inner: () => unknown) => MaybePromise<unknown>,
  inner: () => unknown,
): AsyncIterable<unknown> {
  yield* (await run(inner)) as AsyncIterable<unknown>;
}

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => {};
  const given = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { given, give };
}

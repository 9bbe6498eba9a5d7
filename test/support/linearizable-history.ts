/**
 * What was asked of a store and when, and what it answered: a history for the linearizability checker.
 *
 * `observed(store)` writes down every call on the way. Calls and returns get ticks of one counter, since clocks are too coarse
 * to say which of two came first. A call that throws SOJOURN_STORE has an unknown outcome; that is the point of testing it.
 */
import type { Delta, MaybePromise, Outcome, Store, Stored } from '../../src/contract.js';
import { chain, isPromise } from '../../src/core/maybe.js';
import { isFailure } from '../../src/errors.js';
import { type Answer, type Asked, type Operation, type Refutation, refute, type Seen } from './linearizable.js';

type Mutable = { -readonly [K in keyof Operation]: Operation[K] };

export class History {
  readonly #operations: Mutable[] = [];
  #tick = 0;

  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** How many calls have an outcome that nobody knows. */
  get unknown(): number {
    return this.#operations.filter(({ returned }) => returned === undefined).length;
  }

  /** Sessions whose answers no order explains. */
  refute(): Refutation[] {
    return refute(this.#operations);
  }

  /** The four verbs of `store`, written down. Several stores may share a history, as several servers share a backend. */
  observed(store: Store): Pick<Store, 'name' | 'load' | 'create' | 'commit' | 'destroy'> {
    return {
      name: store.name,
      load: (id) => this.#observe(id, { verb: 'load' }, () => store.load(id), seen),
      create: (id, session) =>
        this.#observe(
          id,
          { verb: 'create', session: seen(session) as Seen },
          () => store.create(id, session),
          (said) => said,
        ),
      commit: (id, delta) => this.#observe(id, asked(delta), () => store.commit(id, delta), outcome),
      destroy: (id) =>
        this.#observe(
          id,
          { verb: 'destroy' },
          () => store.destroy(id),
          () => 'ok',
        ),
    };
  }

  #observe<R>(session: string, what: Asked, run: () => MaybePromise<R>, said: (result: R) => Answer): MaybePromise<R> {
    const operation: Mutable = { session, asked: what, called: ++this.#tick };
    this.#operations.push(operation);
    const failed = (error: unknown): never => {
      if (!isFailure(error, 'SOJOURN_STORE')) {
        operation.answer = 'never'; // what no order explains: trouble of another kind is no answer
        operation.returned = ++this.#tick;
      }
      throw error;
    };
    try {
      const result = chain(run(), (answer) => {
        operation.answer = said(answer);
        operation.returned = ++this.#tick;
        return answer;
      });
      return isPromise(result) ? result.catch(failed) : result;
    } catch (error) {
      return failed(error);
    }
  }
}

function seen(stored: Stored | null): Seen | null {
  if (stored === null) return null;
  const { version, generation, secret } = stored.head;
  const fields = Object.fromEntries([...stored.fields].map(([name, value]) => [name, latin(value) as string]));
  return { fields, secret: latin(secret) ?? '', generation, version };
}

function asked({ generation, replaces, head, fields }: Delta): Asked {
  const set: Record<string, string | null> = {};
  const swap: Record<string, readonly [string | null, string | null]> = {};
  for (const [name, write] of fields) {
    if (write.op === 'swap') swap[name] = [latin(write.expect), latin(write.value)];
    else set[name] = write.op === 'set' ? latin(write.value) : null;
  }
  return {
    verb: 'commit',
    generation,
    set,
    swap,
    ...(replaces === undefined ? {} : { replaces: latin(replaces) as string }),
    ...(head.secret === undefined ? {} : { secret: latin(head.secret) as string }),
    ...(head.generation === undefined ? {} : { nextGeneration: head.generation }),
  };
}

function outcome(result: Outcome): Answer {
  if (result.status === 'gone') return 'gone';
  if (result.status === 'ok') return { version: result.version };
  return { conflict: Object.fromEntries([...result.fields].map(([name, value]) => [name, latin(value)])) };
}

function latin(value: Uint8Array | null | undefined): string | null {
  return value ? Buffer.from(value).toString('latin1') : null;
}

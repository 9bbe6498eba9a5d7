/**
 * Two copies as one would write them in an afternoon: write to both, read from the first that answers, the last writer wins.
 *
 * There are no stamps, no tombstones, no memory of who missed what. It is here to be convicted: a simulation that lets it pass
 * would let anything pass.
 */
import type { MaybePromise, Store } from '../../../src/contract.js';
import { failure } from '../../../src/errors.js';
import type { Layer } from './play.js';
import type { Keeps } from './server.js';

const DEADLINE_MS = 50;

export const naiveCopies: Layer = { name: 'naive copies', open: ({ nodes, environment }) => open(nodes, environment) };

function open(nodes: readonly Keeps[], { every }: Parameters<Layer['open']>[0]['environment']): Store {
  const [first, second] = nodes as [Keeps, Keeps];

  return {
    name: 'naive copies',
    load: (id) => firstOf((node) => node.load(id)),
    create: (id, session) => both((node) => node.create(id, session)),
    commit: (id, delta) => both((node) => node.commit(id, delta)),
    destroy: (id) => both((node) => node.destroy(id)),
  };

  async function firstOf<T>(ask: (node: Keeps) => MaybePromise<T>): Promise<T> {
    try {
      return await timely(ask(first));
    } catch {
      return timely(ask(second));
    }
  }

  /** One that took it is enough; the first one's word counts. */
  async function both<T>(ask: (node: Keeps) => MaybePromise<T>): Promise<T> {
    const [one, other] = await Promise.allSettled([timely(ask(first)), timely(ask(second))]);
    if (one.status === 'fulfilled') return one.value;
    if (other.status === 'fulfilled') return other.value;
    throw one.reason;
  }

  function timely<T>(answer: MaybePromise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const stop = every(DEADLINE_MS, () => {
        stop();
        reject(failure('SOJOURN_STORE', { store: 'naive copies', operation: 'ask a node', problem: 'no answer' }));
      });
      Promise.resolve(answer).then(resolve, reject).finally(stop);
    });
  }
}

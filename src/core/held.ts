/**
 * Sessions held by a store: the token names one and proves whose it is.
 *
 * Here the engine's parts that know of a store are put together: the guard around it, the lanes in front of it, what is found,
 * kept and ended in it, and what only some stores can do.
 */
import type { Duration, Head, Indexed, Shared, Store } from '../contract.js';
import { failure } from '../errors.js';
import { answerLines } from './answer-lines.js';
import type { Custody, CustodySettings } from './custody.js';
import { elsewhere } from './elsewhere.js';
import { endings } from './ending.js';
import { finder } from './find.js';
import { guard } from './guard.js';
import { health } from './health.js';
import { keeper } from './keep.js';
import { lanes } from './lane.js';
import { durationMs } from './options.js';
import { isCaching, type PolicyOptions, policies, readPolicy } from './policies.js';
import { revoking } from './revoke.js';
import { startSweeping } from './sweeping.js';

export interface HeldOptions extends PolicyOptions {
  readonly sweep?: Duration | false;
}

export function held(store: Store, options: HeldOptions, settings: CustodySettings): Custody {
  const { transport, lifetimes, mutations, environment, events } = settings;
  const policy = policies(options, store);
  const guarded = guard({ store, deadlineMs: policy.deadlineMs, environment, events });
  const { onDestroyError, onWriteError } = policy;
  const ends = endings({ store: guarded, onDestroyError, environment, events });
  const others = elsewhere({ store, environment, events });
  const caching = isCaching(store) ? store : undefined;
  const shared = isShared(store) ? store : undefined;
  const commit = lanes({
    store: guarded,
    patience: guarded.patience,
    mutations,
    onConflict: (id, field, lost) => events.emit('conflict', { id, field, lost }),
  });
  const lines = answerLines(transport, caching);
  const found = finder({ store: guarded, isCaching: caching !== undefined, shared, lifetimes, environment, events });
  const keep = keeper({
    store: guarded,
    commit,
    endings: ends,
    onWriteError,
    isShared: shared !== undefined && shared.leaving !== 'moving',
    clear: lines.cleared,
    lifetimes,
    environment,
    events,
  });
  /** Only copies can be older than what a client has seen. */
  const readsVersions = caching !== undefined && transport.readVersion !== undefined;
  const sweepMs = options.sweep === false || !('sweep' in store) ? 0 : durationMs('sweep', options.sweep ?? '1m');
  const stopSweeping = sweepMs > 0 ? startSweeping(store, sweepMs, environment, events) : undefined;

  return {
    isSealed: false,
    find(tokens, arrival, choice) {
      const onReadError =
        choice?.onReadError === undefined ? policy.onReadError : readPolicy(choice.onReadError, store);
      const atLeast = readsVersions && arrival.presented ? transport.readVersion!(arrival.request) : undefined;
      return found(tokens, arrival, onReadError, atLeast);
    },
    keep,
    lines: lines.of,
    destroy: async (id) => void (await ends.end(id, 'revoked')),
    of,
    revoke: revoking(store.name, of, ends),
    ready: health(store, guarded, events),
    hear: others.start,
    describe() {
      const abilities = ['byUser', 'list', 'sweep', 'watch', 'listen'].filter((ability) => ability in store);
      const { kind, staleMs } = policy.onReadError;
      return {
        store: { name: store.name, abilities },
        outage: {
          deadlineMs: policy.deadlineMs,
          onReadError: kind === 'stale' ? { staleMs } : kind,
          onWriteError,
          onDestroyError,
        },
      };
    },
    async close() {
      stopSweeping?.();
      ends.close();
      await others.close();
      guarded.close();
      await store.close?.();
    },
  };

  function of(user: string): AsyncIterable<readonly [id: string, head: Head]> {
    if (!('byUser' in store)) {
      throw failure('SOJOURN_OPTION', {
        option: 'store',
        wanted: `must keep an index by user for of() and revoke(); ${store.name} has none`,
      });
    }
    return guarded.walk('byUser', () => (store as unknown as Indexed).byUser(user));
  }
}

function isShared(store: Store): store is Store & Shared {
  return typeof (store as Partial<Shared>).isId === 'function';
}

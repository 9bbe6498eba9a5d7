/**
 * Calls of a store on node:diagnostics_channel, for who has no OpenTelemetry or another tracer: `tracing:sojourn.store:start` and so on.
 *
 * The events come as for any tracing channel of Node: start and end around the call, asyncStart and asyncEnd around the answer of one that
 * comes later, error. Nobody subscribed costs a look at a flag.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import { isPromise } from '../../core/maybe.js';
import { heard, type Observer } from './observer.js';

/** What subscribers get: one object for all events of a call. */
export interface StoreCall {
  readonly store: string;
  readonly operation: string;
  /** When it has ended: 'found', 'absent', 'ok', 'exists', 'gone', 'conflict' and so on; or 'error'. */
  outcome?: string;
  /** The code of the error, in the place where others have the error. */
  error?: string;
  /** Of a walk that has ended. */
  items?: number;
}

export const CHANNEL = 'sojourn.store';

export function channel(store: string): Observer {
  const { start, end, asyncStart, asyncEnd, error } = tracingChannel<StoreCall>(CHANNEL);
  const all = [start, end, asyncStart, asyncEnd, error];
  const isHeard = (): boolean => all.some(({ hasSubscribers }) => hasSubscribers);
  const failed = (about: StoreCall, code: string): void => {
    Object.assign(about, { outcome: 'error', error: code });
    error.publish(about);
  };
  return {
    call(operation, call, outcomeOf) {
      if (!isHeard()) return call();
      const about: StoreCall = { store, operation };
      const settle = () =>
        heard(
          call,
          (value) => {
            about.outcome = outcomeOf(value);
          },
          (code) => failed(about, code),
        );
      const answer = start.runStores(about, () => {
        try {
          return settle();
        } finally {
          end.publish(about);
        }
      });
      if (!isPromise(answer)) return answer;
      const later = (): void => {
        asyncStart.publish(about);
        asyncEnd.publish(about);
      };
      return answer.finally(later);
    },
    walk(operation) {
      const about: StoreCall = { store, operation };
      start.publish(about);
      end.publish(about);
      return (outcome, items) => {
        about.items = items;
        if (outcome === 'ok' || outcome === 'left') about.outcome = outcome;
        else failed(about, outcome);
        asyncStart.publish(about);
        asyncEnd.publish(about);
      };
    },
  };
}

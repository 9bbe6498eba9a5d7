/**
 * No place for sessions: reading finds nothing, and the first write says what to configure.
 *
 * For the parts of an application that have no sessions, and for those that share code with parts that do: what only reads works,
 * and a forgotten setting is an error that names the setting, on the line that wrote. Flask calls it NullSession. Rejected: losing
 * what is written, as a memory of size zero would: a login that works and is forgotten is looked for in the wrong place for hours.
 */
import type { Outcome, Store } from '../contract.js';
import { failure } from '../errors.js';

const GONE: Outcome = Object.freeze({ status: 'gone' });

/**
 * A store that keeps nothing: every session is new and empty. The first request that writes gets SOJOURN_OPTION (status 500), which
 * says how to choose a store.
 * @example
 * const s = sessions({ store: process.env.SESSIONS ? lmdb(process.env.SESSIONS) : none() });
 */
export function none(): Store {
  return {
    name: 'none',
    load: () => null,
    create() {
      throw failure('SOJOURN_OPTION', {
        option: 'store of sessions',
        wanted:
          "is none(), which keeps no sessions, and this request wrote to one. Choose where they live: memory() for development, lmdb('./sessions') for one machine, redis(client) for several",
      });
    },
    // A commit changes what was created, and nothing was.
    commit: () => GONE,
    destroy() {},
  };
}

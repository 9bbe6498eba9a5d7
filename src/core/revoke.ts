/**
 * Ending every session of a user. What can be ended is ended; what is left is named, so that nobody takes half for all.
 *
 * The index never has one too few (contract, `Indexed`), and an entry goes only after its session is gone: so it can be
 * repeated until it succeeds. Sessions that could not be ended are refused on this server already (ending.ts).
 */
import type { Head } from '../contract.js';
import { failure, isFailure } from '../errors.js';
import type { Endings } from './ending.js';

export type Revoke = (user: string, options?: { readonly except?: string }) => Promise<number>;

export function revoking(
  name: string,
  of: (user: string) => AsyncIterable<readonly [id: string, head: Head]>,
  endings: Pick<Endings, 'end'>,
): Revoke {
  return async (user, { except } = {}) => {
    const ids: string[] = [];
    let count = 0;
    let cause: unknown;
    try {
      for await (const [id] of of(user)) {
        if (id === except) continue;
        try {
          await endings.end(id, 'revoked');
          count++;
        } catch (error) {
          cause = error;
          ids.push(id);
        }
      }
    } catch (error) {
      if (!isFailure(error) || error.fault !== 'store') throw error;
      cause = error;
    }
    if (cause === undefined) return count;
    const problem = `${count} sessions of this user have ended, ${ids.length} that were found have not (details.ids); repeat it`;
    throw failure('SOJOURN_STORE', { store: name, operation: 'revoke', problem, ids }, cause);
  };
}

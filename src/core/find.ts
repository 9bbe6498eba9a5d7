/**
 * Finding the session that a token opens.
 *
 * Never fails for what a client sent: a bad token is an anonymous session and a `refused` event. Only trouble with the store
 * throws. The secret is compared on every load, so that whatever a store hands over by mistake stays closed.
 */
import type { Environment, MaybePromise, RefusedReason, Stored } from '../contract.js';
import { isFailure } from '../errors.js';
import type { Emitter } from './events.js';
import { hasExpired, type Lifetimes, lifetimeOf, MAX_SKEW_MS } from './expiry.js';
import type { Guarded } from './guard.js';
import { chain, isPromise } from './maybe.js';
import type { Opened } from './session.js';
import { sameSecret, split, type TokenParts } from './token.js';

export interface Found {
  readonly opened: Opened | null;
  /** The token was replaced by a login. */
  readonly mute: boolean;
}
const ANONYMOUS: Found = { opened: null, mute: false };
const MUTE: Found = { opened: null, mute: true };

export interface FindSettings {
  readonly store: Pick<Guarded, 'load'>;
  readonly lifetimes: Lifetimes;
  readonly environment: Pick<Environment, 'now'>;
  readonly events: Emitter;
}

/** What the candidate tokens of a request open. */
export type Find = (tokens: readonly string[]) => MaybePromise<Found>;

export function finder({ store, lifetimes, environment, events }: FindSettings): Find {
  return find;

  function find(tokens: readonly string[]): MaybePromise<Found> {
    if (tokens.length === 0) return ANONYMOUS;
    const candidates: TokenParts[] = [];
    for (const token of tokens) {
      const parts = split(token);
      if (parts !== null) candidates.push(parts);
    }
    if (candidates.length === 1) return look(candidates[0]!);
    if (candidates.length === 2) return choose(candidates[0]!, candidates[1]!);
    return refuse(candidates.length === 0 ? 'malformed' : 'ambiguous');
  }

  /**
   * Two cookies of our name, planted or left over: the one that lives. If both do, order must not decide who somebody is;
   * unless they are two secrets of one session, from before and after a rotation.
   */
  function choose(a: TokenParts, b: TokenParts): MaybePromise<Found> {
    return chain(look(a), (first) =>
      chain(look(b), (second) => {
        if (first.opened !== null && second.opened !== null) {
          if (first.opened.id !== second.opened.id) return refuse('ambiguous');
          return first.opened.secret !== undefined ? first : second;
        }
        if (first.opened !== null || second.opened !== null) return first.opened !== null ? first : second;
        return first.mute ? first : second;
      }),
    );
  }

  function look(token: TokenParts): MaybePromise<Found> {
    try {
      const stored = store.load(token.id);
      return isPromise(stored)
        ? stored.then(
            (s) => verify(token, s),
            (e) => damaged(token.id, e),
          )
        : verify(token, stored);
    } catch (error) {
      return damaged(token.id, error);
    }
  }

  function verify({ id, secret }: TokenParts, stored: Stored | null): Found {
    const now = environment.now();
    if (stored === null || hasExpired(stored.head, now, lifetimeOf(stored.head, lifetimes))) return refuse('unknown');
    const { head } = stored;
    if (head.createdAt > now + MAX_SKEW_MS) return refuse('skew', id);
    if (head.secret !== undefined && sameSecret(secret, head.secret))
      return { opened: { id, stored, secret }, mute: false };
    const { previous } = head;
    if (previous === undefined || previous.until <= now || !sameSecret(secret, previous.secret))
      return refuse('secret', id);
    if (previous.opens === 'session') return { opened: { id, stored, secret: undefined }, mute: false };
    events.emit('refused', { reason: 'superseded', id });
    return MUTE;
  }

  function damaged(id: string, error: unknown): Found {
    if (!isFailure(error, 'SOJOURN_CORRUPT')) throw error;
    events.emit('corrupt', { id, reason: String(error.details.problem) });
    return ANONYMOUS;
  }

  function refuse(reason: RefusedReason, id?: string): Found {
    events.emit('refused', id === undefined ? { reason } : { reason, id });
    return ANONYMOUS;
  }
}

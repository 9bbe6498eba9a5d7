/**
 * Finding the session that a token opens.
 *
 * Never fails for what a client sent: a bad token is an anonymous session and a `refused` event. Only trouble with the store
 * throws, or is answered with a stand-in where a policy says so. The secret is compared on every load, so that whatever a
 * store hands over by mistake stays closed. A stand-in that the token does not open is no answer: the store may know a newer
 * secret, and an outage signs nobody out.
 */
import type { Environment, MaybePromise, RefusedReason, Shared, Stored } from '../contract.js';
import { isFailure } from '../errors.js';
import type { Allowance } from './deadline.js';
import type { Emitter } from './events.js';
import { hasExpired, type Lifetimes, lifetimeOf, MAX_SKEW_MS } from './expiry.js';
import type { Guarded } from './guard.js';
import { chain, isPromise } from './maybe.js';
import type { ReadPolicy } from './policies.js';
import type { Opened } from './session.js';
import { sameSecret, split, type TokenParts } from './token.js';

export interface Found {
  readonly opened: Opened | null;
  /** The token was replaced by a login. */
  readonly mute: boolean;
  /** The store did not answer, and this is what the policy lets the request go on with. */
  readonly degraded: boolean;
}
export const ANONYMOUS: Found = { opened: null, mute: false, degraded: false };
export const MUTE: Found = { opened: null, mute: true, degraded: false };
export const STAND_IN: Found = { opened: null, mute: false, degraded: true };
/** The store's copy may be older than the token. Never leaves this file. */
const ASK_BELOW: Found = { opened: null, mute: false, degraded: false };

export interface FindSettings {
  readonly store: Pick<Guarded, 'load' | 'stale'>;
  /** The store keeps copies. */
  readonly isCaching: boolean;
  /** A store whose ids are tokens: nothing is compared, for there is nothing to compare with. */
  readonly shared?: Shared | undefined;
  readonly lifetimes: Lifetimes;
  readonly environment: Pick<Environment, 'now'>;
  readonly events: Emitter;
}

/** What the candidate tokens of a request open. `atLeast`: a version that this client has seen, so that no older copy will do. */
export type Find = (
  tokens: readonly string[],
  allowance: Allowance,
  policy: ReadPolicy,
  atLeast?: number,
) => MaybePromise<Found>;

export function finder({ store, isCaching, shared, lifetimes, environment, events }: FindSettings): Find {
  return find;

  function find(
    tokens: readonly string[],
    allowance: Allowance,
    policy: ReadPolicy,
    atLeast?: number,
  ): MaybePromise<Found> {
    if (tokens.length === 0) return ANONYMOUS;
    const candidates: TokenParts[] = [];
    for (const token of tokens) {
      const parts = shared === undefined ? split(token) : sharedParts(token, shared);
      if (parts !== null) candidates.push(parts);
    }
    if (candidates.length === 1) return look(candidates[0]!, allowance, policy, atLeast);
    if (candidates.length !== 2) return refuse(candidates.length === 0 ? 'malformed' : 'ambiguous');
    return chain(look(candidates[0]!, allowance, policy, atLeast), (first) =>
      chain(look(candidates[1]!, allowance, policy, atLeast), (second) => choose(first, second)),
    );
  }

  /**
   * Two cookies of our name, planted or left over: the one that lives. If both do, order must not decide who somebody is;
   * unless they are two secrets of one session, from before and after a rotation. If one could not be looked at, nobody knows.
   */
  function choose(first: Found, second: Found): Found {
    if (first === STAND_IN || second === STAND_IN) return STAND_IN;
    if (first.opened !== null && second.opened !== null) {
      if (first.opened.id !== second.opened.id) return refuse('ambiguous');
      return first.opened.secret !== undefined ? first : second;
    }
    if (first.opened !== null || second.opened !== null) return first.opened !== null ? first : second;
    return first.mute ? first : second;
  }

  function look(
    token: TokenParts,
    allowance: Allowance,
    policy: ReadPolicy,
    atLeast: number | undefined,
  ): MaybePromise<Found> {
    try {
      const stored = store.load(token.id, atLeast, allowance);
      if (!isPromise(stored)) {
        const found = verify(token, stored, isCaching);
        return found === ASK_BELOW ? lookBelow(token, stored, allowance, policy) : found;
      }
      return stored.then(
        (copy) => {
          const found = verify(token, copy, isCaching);
          return found === ASK_BELOW ? lookBelow(token, copy, allowance, policy) : found;
        },
        (error) => troubled(token, error, policy),
      );
    } catch (error) {
      return troubled(token, error, policy);
    }
  }

  /** A newer secret may have been set on another server a moment ago. To ask costs a forger's request one read. */
  function lookBelow(
    token: TokenParts,
    copy: Stored | null,
    allowance: Allowance,
    policy: ReadPolicy,
  ): MaybePromise<Found> {
    try {
      const stored = store.load(token.id, (copy?.head.version ?? 0) + 1, allowance);
      if (!isPromise(stored)) return verify(token, stored, false);
      return stored.then(
        (newest) => verify(token, newest, false),
        (error) => troubled(token, error, policy),
      );
    } catch (error) {
      return troubled(token, error, policy);
    }
  }

  function verify({ id, secret }: TokenParts, stored: Stored | null, mayBeOld: boolean): Found {
    const now = environment.now();
    if (stored === null || hasExpired(stored.head, now, lifetimeOf(stored.head, lifetimes))) return refuse('unknown');
    const { head } = stored;
    if (head.createdAt > now + MAX_SKEW_MS) return refuse('skew', id);
    if (stored.successor !== undefined) return follow(stored, stored.successor, secret);
    if (secret === NO_SECRET && head.secret === undefined)
      return { opened: { id, stored, secret: undefined }, mute: false, degraded: false };
    // Asked for once: a near cache makes a copy for everybody who asks.
    const hashed = head.secret;
    if (hashed !== undefined && sameSecret(secret, hashed))
      return { opened: { id, stored, secret }, mute: false, degraded: false };
    const { previous } = head;
    if (previous === undefined || previous.until <= now || !sameSecret(secret, previous.secret))
      return mayBeOld ? ASK_BELOW : refuse('secret', id);
    if (previous.opens === 'session')
      return { opened: { id, stored, secret: undefined }, mute: false, degraded: false };
    events.emit('refused', { reason: 'superseded', id });
    return MUTE;
  }

  /** Who has an id of the system that is being left has what it has become; who has a token of ours must have had that one. */
  function follow({ head, fields }: Stored, successor: string, secret: string): Found {
    const parts = split(successor);
    if (parts === null || secret !== NO_SECRET) return refuse('unknown');
    const found = verify(parts, { head, fields }, false);
    if (found.opened?.secret === undefined) return found;
    const lifetimeMs = head.remember === true ? head.expiresAt - environment.now() : undefined;
    return { ...found, opened: { ...found.opened, untold: { token: successor, lifetimeMs } } };
  }

  function troubled(token: TokenParts, error: unknown, policy: ReadPolicy): Found {
    if (!isFailure(error) || error.fault !== 'store') throw error;
    if (error.code === 'SOJOURN_CORRUPT') {
      events.emit('corrupt', { id: token.id, reason: String(error.details.problem) });
      return ANONYMOUS;
    }
    if (policy.kind === 'anonymous') return STAND_IN;
    const opened = policy.kind === 'stale' ? openedCopy(token, policy.staleMs) : null;
    if (opened === null) throw error;
    return { opened, mute: false, degraded: true };
  }

  /** A copy that a near cache still has, if it lives and this token opens it. */
  function openedCopy({ id, secret }: TokenParts, maxAgeMs: number): Opened | null {
    const stored = store.stale(id, maxAgeMs);
    if (stored === null) return null;
    const { head } = stored;
    const hashed = head.secret;
    if (hashed === undefined || hasExpired(head, environment.now(), lifetimeOf(head, lifetimes))) return null;
    return sameSecret(secret, hashed) ? { id, stored, secret } : null;
  }

  function refuse(reason: RefusedReason, id?: string): Found {
    events.emit('refused', id === undefined ? { reason } : { reason, id });
    return ANONYMOUS;
  }
}

/** What is presented with an id that is a token by itself. No token of ours has it. */
const NO_SECRET = '';

function sharedParts(token: string, shared: Shared): TokenParts | null {
  const own = shared.leaving === undefined ? null : split(token);
  return own ?? (shared.isId(token) ? { id: token, secret: NO_SECRET } : null);
}

/**
 * What a request wants of a session's head: a later deadline, another lifetime, a new secret, a user. Pure.
 *
 * One wish at a time, the strongest first: a login brings a new secret and a new generation, a rotation only a new secret,
 * and either moves the deadline as well. Head changes are absolute values, so a store applies them without arithmetic;
 * what has to be compared (`generation`, `replaces`) stands beside them in the delta.
 */
import type { Delta, Environment, Head } from '../contract.js';
import { deadline, isTouchDue, type Lifetimes, lifetimeOf } from './expiry.js';
import type { Standing } from './session.js';
import { hashSecret, newSecret } from './token.js';

/** How long requests that are under way may still use the secret that a rotation replaced. */
const ROTATION_GRACE_MS = 10_000;
/** How long a request with a token from before a login is recognised, so that its answer sets no cookie. */
const LOGIN_GRACE_MS = 60_000;

export interface HeadChange {
  readonly wish: 'none' | 'touch' | 'remember' | 'rotate' | 'login';
  readonly change: Delta['head'];
  /** The new secret, in the clear, if there is one. */
  readonly secret?: string;
  /**
   * The hash of the present secret, where all hangs on its being that: a rotation, and an answer that repeats the token with
   * another date. Repeated after somebody else's rotation, it would push the new cookie out of the browser.
   */
  readonly replaces?: Uint8Array;
}

/** A request that only reads: it wishes nothing of the head, and no touch is due. Told before anything is made for it. */
export function asksNothing(standing: Standing, head: Head, now: number, lifetimes: Lifetimes): boolean {
  if (standing.login !== undefined || standing.rotate || standing.remember !== undefined) return false;
  return !isTouchDue(head, now, lifetimeOf(head, lifetimes));
}

/** `random`: undefined for a session without a secret, whose token is the session. */
export function headChange(
  standing: Standing,
  head: Head,
  now: number,
  lifetimes: Lifetimes,
  random: Environment['random'] | undefined,
): HeadChange {
  const remember = standing.remember ?? head.remember ?? false;
  const life = lifetimeOf({ remember }, lifetimes);
  const isDue = isTouchDue(head, now, life);
  const isRemembering = remember !== (head.remember ?? false);
  const expiresAt = deadline(head.createdAt, now, life);
  const change = isRemembering ? { expiresAt, remember } : { expiresAt };
  if (standing.login !== undefined) {
    const signedIn = { user: standing.login, signedInAt: now, generation: head.generation + 1 };
    if (random === undefined) return { wish: 'login', change: { ...change, ...signedIn } };
    const secret = newSecret(random);
    return {
      wish: 'login',
      secret,
      change: { ...change, ...signedIn, ...replaced(head, secret, now + LOGIN_GRACE_MS, 'nothing') },
    };
  }
  // Only the holder of the present secret rotates: a tree of tokens could never be ended.
  const present = standing.secret === undefined ? undefined : head.secret;
  if (standing.rotate && random !== undefined && present !== undefined && !isFresh(head, now)) {
    const secret = newSecret(random);
    return {
      wish: 'rotate',
      secret,
      replaces: present,
      change: { ...change, ...replaced(head, secret, now + ROTATION_GRACE_MS, 'session') },
    };
  }
  const wish = isRemembering ? 'remember' : isDue ? 'touch' : 'none';
  // The cookie of an ordinary session ends with the browser: a later deadline is nothing to tell it.
  const isTold = isRemembering || (isDue && remember);
  return isTold && present !== undefined ? { wish, change, replaces: present } : { wish, change };
}

/**
 * Another rotation now would cut short the time of the secret before this one, and a request that is still under way with
 * it would be signed out. A secret of a few seconds needs no successor.
 */
function isFresh({ previous }: Head, now: number): boolean {
  return previous !== undefined && previous.opens === 'session' && previous.until > now;
}

/** What is left of a change when another request's rotation came first: that one's token stands, all else still counts. */
export function withoutSecret(change: Delta['head']): Delta['head'] {
  const { secret: _secret, previous: _previous, ...rest } = change;
  return rest;
}

function replaced(head: Head, secret: string, until: number, opens: 'session' | 'nothing'): Partial<Head> {
  const hash = hashSecret(secret);
  return head.secret === undefined
    ? { secret: hash }
    : { secret: hash, previous: { secret: head.secret, until, opens } };
}

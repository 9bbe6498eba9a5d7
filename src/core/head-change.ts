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
  readonly isTouchDue: boolean;
  readonly change: Delta['head'];
  /** The new secret, in the clear, if there is one. */
  readonly secret?: string;
}

export function headChange(
  standing: Standing,
  head: Head,
  now: number,
  lifetimes: Lifetimes,
  random: Environment['random'],
): HeadChange {
  const remember = standing.remember ?? head.remember ?? false;
  const life = lifetimeOf({ remember }, lifetimes);
  const isDue = isTouchDue(head, now, life);
  const isRemembering = remember !== (head.remember ?? false);
  const expiresAt = deadline(head.createdAt, now, life);
  const change = isRemembering ? { expiresAt, remember } : { expiresAt };
  if (standing.login !== undefined) {
    const secret = newSecret(random);
    const signedIn = { user: standing.login, signedInAt: now, generation: head.generation + 1 };
    return {
      wish: 'login',
      isTouchDue: isDue,
      secret,
      change: { ...change, ...signedIn, ...replaced(head, secret, now + LOGIN_GRACE_MS, 'nothing') },
    };
  }
  // Only the holder of the present secret rotates: a tree of tokens could never be ended.
  if (standing.rotate && standing.secret !== undefined) {
    const secret = newSecret(random);
    return {
      wish: 'rotate',
      isTouchDue: isDue,
      secret,
      change: { ...change, ...replaced(head, secret, now + ROTATION_GRACE_MS, 'session') },
    };
  }
  if (isRemembering) return { wish: 'remember', isTouchDue: isDue, change };
  return { wish: isDue && standing.accessed ? 'touch' : 'none', isTouchDue: isDue, change };
}

function replaced(head: Head, secret: string, until: number, opens: 'session' | 'nothing'): Partial<Head> {
  const hash = hashSecret(secret);
  return head.secret === undefined
    ? { secret: hash }
    : { secret: hash, previous: { secret: head.secret, until, opens } };
}

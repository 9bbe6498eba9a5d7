/**
 * How long a session lives: an idle timeout since the last use and an absolute one since creation, for ordinary sessions
 * and for remembered ones. Pure arithmetic on epoch milliseconds.
 *
 * The deadline is stored, and the engine checks it; a store's own TTL is only garbage collection. A read moves the deadline
 * only when that is worth a write: at least 5 % of the idle window must have passed. So a busy reader costs at most twenty
 * writes per window, and an idle session ends at most 5 % early, never late.
 */
import type { Duration, Head } from '../contract.js';
import { failure } from '../errors.js';
import { checked, durationMs } from './options.js';

const TOUCH_FRACTION = 0.05;
/** How far ahead another server's clock may be. A session created further in the future is refused (`skew`). */
export const MAX_SKEW_MS = 60_000;

export interface Lifetime {
  readonly idleMs: number;
  readonly absoluteMs: number;
}
export interface Lifetimes {
  readonly ordinary: Lifetime;
  readonly remembered: Lifetime;
}
export interface LifetimeOptions {
  /** Since last use. Default 30 minutes. */
  readonly idle?: Duration;
  /** Since creation. Default 12 hours. */
  readonly absolute?: Duration;
}

export function lifetimes(options: LifetimeOptions & { readonly remember?: LifetimeOptions }): Lifetimes {
  const remember = checked('remember', options.remember, ['idle', 'absolute']);
  return {
    ordinary: lifetime('', options.idle ?? '30m', options.absolute ?? '12h'),
    remembered: lifetime('remember.', remember.idle ?? '30d', remember.absolute ?? '180d'),
  };
}

export function lifetimeOf(head: Pick<Head, 'remember'>, lifetimes: Lifetimes): Lifetime {
  return head.remember ? lifetimes.remembered : lifetimes.ordinary;
}

/** When a session that is used now will end. */
export function deadline(createdAt: number, nowMs: number, life: Lifetime): number {
  return Math.min(createdAt + life.absoluteMs, nowMs + life.idleMs);
}

/** The absolute timeout is checked against today's settings too: shortening it takes effect at once. */
export function hasExpired(head: Head, nowMs: number, life: Lifetime): boolean {
  return head.expiresAt <= nowMs || head.createdAt + life.absoluteMs <= nowMs;
}

export function isTouchDue(head: Head, nowMs: number, life: Lifetime): boolean {
  return deadline(head.createdAt, nowMs, life) - head.expiresAt >= life.idleMs * TOUCH_FRACTION;
}

function lifetime(prefix: string, idle: Duration, absolute: Duration): Lifetime {
  const idleMs = durationMs(`${prefix}idle`, idle);
  const absoluteMs = durationMs(`${prefix}absolute`, absolute);
  if (idleMs > absoluteMs) {
    throw failure('SOJOURN_OPTION', {
      option: `${prefix}idle`,
      wanted: `must not be longer than ${prefix}absolute (${absoluteMs} ms)`,
      got: `${idleMs} ms`,
    });
  }
  return { idleMs, absoluteMs };
}

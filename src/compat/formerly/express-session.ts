/**
 * Sessions of express-session: a signed id in the cookie `connect.sid`, the data in the store that the application has had.
 *
 * The cookie's value is `s:<id>.<signature>`, percent-encoded: HMAC-SHA256 of the id in base64 without padding, by the first of the
 * secrets; all of them open. What the old store hands over is the session with a `cookie` in it, which holds when it expires.
 * The store is the application's own (`new RedisStore({ client })`), asked by the one method that all such stores have.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Duration, Former, FormerSession } from '../../contract.js';
import { environment } from '../../core/environment.js';
import { durationMs, show } from '../../core/options.js';
import { failure } from '../../errors.js';
import {
  type OldCookieOptions,
  type OldSession,
  oldCookieOptions,
  oldValue,
  secretsOf,
  sessionFrom,
  takingBack,
} from './old-cookie.js';

/** Any store of express-session. */
export interface ExpressStore {
  get(id: string, callback: (error: unknown, session?: unknown) => void): unknown;
}

export interface ExpressSessionOptions extends OldCookieOptions {
  /** The `secret` of express-session, or the list of them. */
  readonly secret: string | readonly string[];
  /** The `store` of express-session. */
  readonly store: ExpressStore;
  /** The `name` of express-session. Default `connect.sid`. */
  readonly name?: string;
  /** How long to wait for the old store. Default 500 ms. */
  readonly deadline?: Duration;
}

/** Longer ids than this nobody makes. */
const MAX_ID = 256;

/**
 * Goes on with the sessions of express-session. `user` says who is signed in; the default is Passport's.
 * A session that is remembered there, one whose cookie outlives the browser, is remembered here.
 * @example sessions({ store: redis(client), formerly: [expressSession({ secret, store: new RedisStore({ client }) })] })
 */
export function expressSession(options: ExpressSessionOptions): Former {
  const own = oldCookieOptions('expressSession', options, ['secret', 'store', 'name', 'deadline']);
  const secrets = secretsOf('secret of expressSession', own.secret);
  const { store, name = 'connect.sid', user = passportUser } = own;
  const deadlineMs = durationMs('deadline of expressSession', own.deadline ?? 500);
  if (typeof store?.get !== 'function') {
    throw failure('SOJOURN_OPTION', {
      option: 'store of expressSession',
      wanted: 'must be the store that express-session has, for example new RedisStore({ client })',
      got: show(store),
    });
  }

  return {
    name: 'express-session',
    read(request) {
      const value = oldValue(request, name);
      const id = value === null ? null : unsigned(value, secrets);
      if (id === null) return null;
      return asked(store, id, deadlineMs).then((data) => left(data));
    },
    clear: takingBack([name], own),
  };

  function left(data: unknown): FormerSession | null {
    if (typeof data !== 'object' || data === null) return null;
    const { cookie, ...fields } = data as OldSession;
    const expires = (cookie as { readonly expires?: unknown } | undefined)?.expires;
    const hasExpires = expires !== undefined && expires !== null && expires !== false;
    if (hasExpires && !(new Date(expires as string).getTime() > environment.now())) return null;
    return sessionFrom(fields, { ...own, user }, { remember: hasExpires });
  }
}

function passportUser({ passport }: OldSession): string | number | undefined {
  const user = (passport as { readonly user?: unknown } | undefined)?.user;
  return typeof user === 'string' || typeof user === 'number' ? user : undefined;
}

/** The id, if one of the secrets has signed it. */
function unsigned(value: string, secrets: readonly string[]): string | null {
  const dot = value.lastIndexOf('.');
  if (!value.startsWith('s:') || dot < 3 || dot - 2 > MAX_ID) return null;
  const id = value.slice(2, dot);
  const given = Buffer.from(value.slice(dot + 1));
  for (const secret of secrets) {
    const mac = Buffer.from(createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, ''));
    if (given.length === mac.length && timingSafeEqual(given, mac)) return id;
  }
  return null;
}

/** What the old store has. Trouble there is trouble of ours: nobody is signed out because it did not answer. */
function asked(store: ExpressStore, id: string, deadlineMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const trouble = (problem: string, cause?: unknown): void =>
      reject(failure('SOJOURN_STORE', { store: 'of express-session', operation: 'get', problem }, cause));
    const stop = environment.every(deadlineMs, () => {
      stop();
      trouble(`it did not answer within ${deadlineMs} ms`);
    });
    const done = (error: unknown, session?: unknown): void => {
      stop();
      if (error !== undefined && error !== null && (error as { code?: unknown }).code !== 'ENOENT')
        trouble('it failed', error);
      else resolve(session);
    };
    try {
      store.get(id, done);
    } catch (error) {
      done(error);
    }
  });
}

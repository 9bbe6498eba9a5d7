/**
 * Sessions held by a store: finding the one that a token opens, and keeping what a request wants of it.
 *
 * Finding never fails for what a client sent: a bad token is an anonymous session and a `refused` event. Keeping uses
 * three verbs and no others: `create` for a session that is new, `commit` (through the session's lane) for one that
 * stands, `destroy` for one that ends. A login is always a commit on a session that exists, so that a revocation that runs
 * at the same time either destroys it before it is bound, or finds it.
 */
import type { Delta, Environment, Head, MaybePromise, RefusedReason, Stored, Write } from '../contract.js';
import { failure, isFailure } from '../errors.js';
import type { Emitter } from './events.js';
import { deadline, hasExpired, isTouchDue, type Lifetimes, lifetimeOf, MAX_SKEW_MS } from './expiry.js';
import type { Guarded } from './guard.js';
import type { Intent } from './intent.js';
import type { Change, Commit, Landed } from './lane.js';
import { chain, isPromise } from './maybe.js';
import type { Opened, Standing } from './session.js';
import { hashSecret, join, newId, newSecret, sameSecret, split, type TokenParts } from './token.js';

/** How long requests that are under way may still use the secret that a rotation replaced. */
const ROTATION_GRACE_MS = 10_000;
/** How long a request with a token from before a login is recognised, so that its answer sets no cookie. */
const LOGIN_GRACE_MS = 60_000;
const NO_INTENTS: ReadonlyMap<string, Intent> = new Map();

export interface Found {
  readonly opened: Opened | null;
  /** The token was replaced by a login. */
  readonly mute: boolean;
}
const ANONYMOUS: Found = { opened: null, mute: false };
const MUTE: Found = { opened: null, mute: true };

export interface HeldSettings {
  readonly store: Guarded;
  readonly commit: Commit;
  readonly lifetimes: Lifetimes;
  readonly environment: Environment;
  readonly events: Emitter;
}

export interface Held {
  find(tokens: readonly string[]): MaybePromise<Found>;
  keep(standing: Standing): MaybePromise<'ok' | 'gone'>;
}

export function held({ store, commit, lifetimes, environment, events }: HeldSettings): Held {
  return { find, keep };

  // Finding

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

  /** Two cookies of our name, planted or left over: the one that lives. If both do, order must not decide who somebody is. */
  function choose(a: TokenParts, b: TokenParts): MaybePromise<Found> {
    return chain(look(a), (first) =>
      chain(look(b), (second) => {
        if (first.opened !== null && second.opened !== null) return refuse('ambiguous');
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

  // Keeping

  function keep(standing: Standing): MaybePromise<'ok' | 'gone'> {
    if (standing.arrival.mute) return 'gone';
    const intents = standing.fields.intents();
    if (standing.ending.length === 0) return work(standing, intents);
    // A logout ends what was there at once; a login over another user's session first lets the new one stand.
    if (standing.login === undefined) return chain(end(standing), () => work(standing, intents));
    return chain(work(standing, intents), (result) => chain(end(standing), () => result));
  }

  function work(standing: Standing, intents: ReadonlyMap<string, Intent>): MaybePromise<'ok' | 'gone'> {
    return standing.stored === null ? begin(standing, intents) : change(standing, standing.stored, intents);
  }

  function end(standing: Standing): MaybePromise<void> {
    const id = standing.ending[0];
    if (id === undefined) return;
    return chain(store.destroy(id), () => {
      standing.ending.shift();
      events.emit('destroyed', { id, reason: 'logout' });
      return end(standing);
    });
  }

  /** A new session: stored only if there is something to keep. */
  function begin(standing: Standing, intents: ReadonlyMap<string, Intent>): MaybePromise<'ok' | 'gone'> {
    const fields = standing.fields.all(intents);
    if (fields.size === 0 && standing.login === undefined) return 'ok';
    const now = environment.now();
    const secret = newSecret(environment.random);
    const head: Head = {
      createdAt: now,
      expiresAt: deadline(now, now, lifetimeOf({ remember: standing.remember === true }, lifetimes)),
      version: 1,
      generation: 0,
      secret: hashSecret(secret),
      ...(standing.remember === true && { remember: true }),
    };
    return chain(create(standing, { head, fields }, 1), (id) => {
      events.emit('created', { id });
      return chain(bind(standing, id, head, now), (bound) => {
        if (bound === null) return gone(standing);
        if (!standing.closed) stand(standing, bound, secret, asWrites(fields));
        announce(standing, id, secret, bound, now, true);
        return 'ok';
      });
    });
  }

  function create(standing: Standing, session: Stored, attempt: number): MaybePromise<string> {
    standing.id ??= newId(environment.random);
    const { id } = standing;
    return chain(store.create(id, session), (answer) => {
      if (answer === 'ok') return id;
      if (attempt === 2) {
        throw failure('SOJOURN_STORE', {
          store: store.name,
          operation: 'create',
          problem: 'it answered "exists" for two fresh ids',
        });
      }
      standing.id = undefined;
      return create(standing, session, attempt + 1);
    });
  }

  /** Binds a session that was just created to its user; null if it was revoked in between. */
  function bind(standing: Standing, id: string, head: Head, now: number): MaybePromise<Head | null> {
    if (standing.login === undefined) return head;
    const signedIn = {
      user: standing.login,
      signedInAt: now,
      generation: head.generation + 1,
      expiresAt: head.expiresAt,
    };
    return chain(store.commit(id, { generation: head.generation, head: signedIn, fields: new Map() }), (outcome) => {
      if (outcome.status !== 'ok') return null;
      events.emit('rotated', { id, login: true });
      return { ...head, ...signedIn, version: outcome.version };
    });
  }

  /** A session that stands: one commit for everything that the request wants, or none. */
  function change(
    standing: Standing,
    stored: Stored,
    intents: ReadonlyMap<string, Intent>,
  ): MaybePromise<'ok' | 'gone'> {
    const now = environment.now();
    const head = headChange(standing, stored.head, now);
    if (intents.size === 0 && head.wish === 'none') return 'ok';
    const id = standing.id!;
    const request: Change = {
      generation: stored.head.generation,
      head: head.change,
      intents: intents.size === 0 ? NO_INTENTS : intents,
      alone: head.secret !== undefined,
      ...(head.wish === 'rotate' && { replaces: stored.head.secret! }),
    };
    return chain(commit(id, request), (landed) => {
      if (landed.status === 'gone') return gone(standing);
      if (intents.size > 0) events.emit('committed', { id, fields: [...intents.keys()] });
      landedOn(standing, stored.head, head, landed, now);
      return 'ok';
    });
  }

  function landedOn(
    standing: Standing,
    before: Head,
    head: HeadChange,
    landed: Landed & { status: 'ok' },
    now: number,
  ): void {
    const id = standing.id!;
    const isNewSecret = head.wish === 'login' || (head.wish === 'rotate' && landed.rotated);
    const secret = isNewSecret ? head.secret : standing.secret;
    const after: Head =
      head.wish === 'rotate' && !landed.rotated ? before : { ...before, ...head.change, version: landed.version };
    if (isNewSecret) events.emit('rotated', { id, login: head.wish === 'login' });
    if (!standing.closed) stand(standing, after, secret, landed.writes);
    const must = isNewSecret || head.wish === 'remember';
    // The cookie of an ordinary session ends with the browser: a later deadline is nothing to tell it.
    const isLater = after.remember === true && head.isTouchDue;
    if (secret !== undefined && (must || isLater)) announce(standing, id, secret, after, now, must);
  }

  interface HeadChange {
    readonly wish: 'none' | 'touch' | 'remember' | 'rotate' | 'login';
    readonly isTouchDue: boolean;
    readonly change: Delta['head'];
    /** The new secret, in the clear, if there is one. */
    readonly secret?: string;
  }

  function headChange(standing: Standing, head: Head, now: number): HeadChange {
    const remember = standing.remember ?? head.remember ?? false;
    const life = lifetimeOf({ remember }, lifetimes);
    const isDue = isTouchDue(head, now, life);
    const isRemembering = remember !== (head.remember ?? false);
    const expiresAt = deadline(head.createdAt, now, life);
    const change = isRemembering ? { expiresAt, remember } : { expiresAt };
    if (standing.login !== undefined) {
      const secret = newSecret(environment.random);
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
      const secret = newSecret(environment.random);
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

  function gone(standing: Standing): 'gone' {
    events.emit('gone', { id: standing.id! });
    return 'gone';
  }

  function announce(standing: Standing, id: string, secret: string, head: Head, now: number, must: boolean): void {
    const lifetimeMs = head.remember === true ? head.expiresAt - now : undefined;
    const pending = standing.announcement;
    standing.announcement = {
      kind: 'token',
      token: join(id, secret),
      lifetimeMs,
      must: must || (pending.kind === 'token' && pending.must),
    };
  }
}

function replaced(head: Head, secret: string, until: number, opens: 'session' | 'nothing'): Partial<Head> {
  const hash = hashSecret(secret);
  return head.secret === undefined
    ? { secret: hash }
    : { secret: hash, previous: { secret: head.secret, until, opens } };
}

function asWrites(fields: ReadonlyMap<string, Uint8Array>): Map<string, Write> {
  return new Map([...fields].map(([field, value]) => [field, { op: 'set', value }]));
}

/** The session as it is stored now. Worked out only when the request goes on: at its end nobody would look. */
function stand(standing: Standing, head: Head, secret: string | undefined, writes: ReadonlyMap<string, Write>): void {
  standing.fields.settle(writes);
  standing.stored = { head, fields: new Map() };
  standing.secret = secret;
  standing.login = undefined;
  standing.rotate = false;
  standing.remember = undefined;
}

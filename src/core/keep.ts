/**
 * Keeping what a request wants: `create` for a session that is new, one `commit` (through the session's lane) for one that
 * stands, `destroy` for one that ends, and no other verb.
 *
 * A login is always a commit on a session that exists, so that a revocation that runs at the same time either destroys it
 * before it is bound, or finds it. What the client must be told is left in `standing.announcement`.
 *
 * When the store is in trouble the request fails, and no cookie tells of what may not be there. There are two exceptions: a
 * touch may be dropped where policy says so, and a logout clears the cookie in any case (ending.ts).
 */
import type { Delta, Environment, Head, HeaderLine, MaybePromise, Stored, Write } from '../contract.js';
import { failure, isFailure } from '../errors.js';
import type { Endings } from './ending.js';
import type { Emitter } from './events.js';
import { deadline, type Lifetimes, lifetimeOf } from './expiry.js';
import type { Guarded } from './guard.js';
import { asksNothing, type HeadChange, headChange, withoutSecret } from './head-change.js';
import type { Intent } from './intent.js';
import type { Change, Commit, Landed } from './lane.js';
import { chain, isPromise } from './maybe.js';
import type { OnWriteError } from './policies.js';
import type { Arrival, Standing } from './session.js';
import { hashSecret, join, newId, newSecret } from './token.js';

export interface KeepSettings {
  readonly store: Pick<Guarded, 'name' | 'create' | 'commit'>;
  readonly commit: Commit;
  readonly endings: Pick<Endings, 'end'>;
  readonly onWriteError: OnWriteError;
  /** The token that is this session, where that is so. Without it a token is an id and a secret. */
  readonly seal?: (id: string) => string;
  /** The store's ids are tokens themselves (`Shared`): a login or a rotation moves a session without a secret to a new one. */
  readonly isShared?: boolean;
  /** The lines that take the cookie back. */
  readonly clear: (arrival: Arrival) => readonly HeaderLine[];
  readonly lifetimes: Lifetimes;
  readonly environment: Environment;
  readonly events: Emitter;
}

/** Carries out what a request wants of its session. 'gone': the session had ended, and nothing was kept. */
export type Keep = (standing: Standing) => MaybePromise<'ok' | 'gone'>;

export function keeper(settings: KeepSettings): Keep {
  const {
    store,
    commit,
    endings,
    onWriteError,
    seal,
    isShared = false,
    clear,
    lifetimes,
    environment,
    events,
  } = settings;
  const random = seal === undefined && !isShared ? environment.random : undefined;
  return keep;

  function keep(standing: Standing): MaybePromise<'ok' | 'gone'> {
    if (isMute(standing)) return 'gone';
    if (standing.arrival.degraded) return unchanged(standing);
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
    const next = (): MaybePromise<void> => {
      standing.ending = standing.ending.slice(1);
      return end(standing);
    };
    try {
      const done = endings.end(id, 'logout', standing.arrival);
      return isPromise(done) ? done.then(next, (error) => farewell(standing, error)) : next();
    } catch (error) {
      return farewell(standing, error);
    }
  }

  /** The store has not confirmed a logout: the answer fails, and takes the cookie back all the same. */
  function farewell({ arrival }: Standing, error: unknown): never {
    if (isFailure(error) && error.headerLines === undefined) error.headerLines = clear(arrival);
    throw error;
  }

  /** A stand-in is never written. A change deep inside one of its values is no less a change, and is not lost in silence. */
  function unchanged({ fields }: Standing): 'ok' {
    if (fields.intents().size > 0) throw failure('SOJOURN_DEGRADED', { call: 'set' });
    return 'ok';
  }

  /** A new session: stored only if there is something to keep. */
  function begin(standing: Standing, intents: ReadonlyMap<string, Intent>): MaybePromise<'ok' | 'gone'> {
    const fields = standing.fields.all(intents);
    if (fields.size === 0 && standing.login === undefined) return 'ok';
    const now = environment.now();
    const secret = random && newSecret(random);
    const head: Head = {
      createdAt: now,
      expiresAt: deadline(now, now, lifetimeOf({ remember: standing.remember === true }, lifetimes)),
      version: 1,
      generation: 0,
      ...(secret !== undefined && { secret: hashSecret(secret) }),
      ...(standing.remember === true && { remember: true }),
    };
    return chain(create(standing, { head, fields }, 1), (id) => {
      events.emit('created', { id });
      return chain(bind(standing, id, head, now), (bound) => {
        if (bound === null) return gone(standing);
        const token = secret === undefined ? (seal?.(id) ?? id) : join(id, secret);
        if (!standing.last) stand(standing, bound, secret, asWrites(fields));
        announce(standing, token, bound, now, true);
        return 'ok';
      });
    });
  }

  function create(standing: Standing, session: Stored, attempt: number): MaybePromise<string> {
    standing.id ??= newId(environment.random);
    const { id } = standing;
    return chain(store.create(id, session, standing.arrival), (answer) => {
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
    const { login: user, provenAt } = standing;
    const signedIn = {
      user,
      ...(provenAt !== 'unknown' && { signedInAt: provenAt === 'now' ? now : provenAt }),
      generation: head.generation + 1,
      expiresAt: head.expiresAt,
    };
    const delta: Delta = { generation: head.generation, head: signedIn, fields: new Map() };
    return chain(store.commit(id, delta, standing.arrival), (outcome) => {
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
    if (intents.size === 0 && asksNothing(standing, stored.head, now, lifetimes)) return 'ok';
    const isIdAlone = isShared && stored.head.secret === undefined;
    const chance = seal === undefined && !isIdAlone ? environment.random : undefined;
    const head = headChange(standing, stored.head, now, lifetimes, chance);
    const to = isIdAlone && (standing.rotate || head.wish === 'login') ? newId(environment.random) : undefined;
    if (intents.size === 0 && head.wish === 'none' && to === undefined) return 'ok';
    const id = standing.id!;
    const request: Change = {
      generation: stored.head.generation,
      head: head.change,
      intents,
      alone: head.secret !== undefined || head.replaces !== undefined || to !== undefined,
      ...(to !== undefined && { to }),
      ...(head.replaces !== undefined && { replaces: head.replaces }),
    };
    const next = (landed: Landed): 'ok' | 'gone' => {
      if (landed.status === 'gone') return gone(standing);
      // First, because it can fail: a session that does not fit into its token was not changed.
      const otherToken = seal?.(id) ?? to ?? (isIdAlone && isTold(head, stored.head) ? id : undefined);
      standing.id = to ?? id;
      if (intents.size > 0) events.emit('committed', { id, fields: [...intents.keys()] });
      // A later deadline alone is nothing that the next server would have to know.
      if (intents.size > 0 || head.wish !== 'touch') standing.version = landed.version;
      landedOn(standing, stored.head, head, landed, otherToken, now, intents.size > 0 || to !== undefined);
      return 'ok';
    };
    const mayDrop = onWriteError === 'drop-touch' && intents.size === 0 && head.wish === 'touch';
    if (!mayDrop) return chain(commit(id, request, standing.arrival), next);
    return unlessTrouble(() => chain(commit(id, request, standing.arrival), next));
  }

  function landedOn(
    standing: Standing,
    before: Head,
    head: HeadChange,
    landed: Landed & { status: 'ok' },
    otherToken: string | undefined,
    now: number,
    hasChanged: boolean,
  ): void {
    const id = standing.id!;
    const isNewSecret = head.secret !== undefined && !landed.overtaken;
    const after: Head = { ...before, ...(landed.overtaken ? withoutSecret(head.change) : head.change) };
    // Overtaken: the client has a newer secret, or is about to. Ours must not be the last one that it hears of.
    const secret = landed.overtaken ? undefined : (head.secret ?? standing.secret);
    if (isNewSecret || (otherToken !== undefined && head.wish === 'login'))
      events.emit('rotated', { id, login: head.wish === 'login' });
    if (!standing.last) stand(standing, { ...after, version: landed.version }, secret, landed.writes);
    if (secret !== undefined && (isNewSecret || head.replaces !== undefined))
      announce(standing, join(id, secret), after, now, isNewSecret || head.wish === 'remember');
    if (otherToken !== undefined) announce(standing, otherToken, after, now, hasChanged || head.wish !== 'touch');
  }

  function gone(standing: Standing): 'gone' {
    events.emit('gone', { id: standing.id! });
    return 'gone';
  }

  function announce(standing: Standing, token: string, head: Head, now: number, must: boolean): void {
    const lifetimeMs = head.remember === true ? head.expiresAt - now : undefined;
    const pending = standing.announcement;
    standing.announcement = {
      kind: 'token',
      token,
      lifetimeMs,
      must: must || (pending.kind === 'token' && pending.must),
    };
  }
}

/**
 * The token was replaced by a login, and nothing that it wants is kept. Who signs in has proved who he is, even if the answer
 * to his first attempt was lost: he gets a session of his own, and from then on that one counts.
 */
function isMute({ arrival, login, stored, ending }: Standing): boolean {
  return arrival.mute && login === undefined && stored === null && ending.length === 0;
}

/** The cookie of a session that outlives the browser is to live longer, or the session is to be such a one, or no longer. */
function isTold({ wish }: HeadChange, { remember }: Head): boolean {
  return wish === 'remember' || (wish === 'touch' && remember === true);
}

/** What `run` comes to; 'ok' where the store is in trouble. */
function unlessTrouble(run: () => MaybePromise<'ok' | 'gone'>): MaybePromise<'ok' | 'gone'> {
  const forgiven = (error: unknown): 'ok' => {
    if (isFailure(error) && error.fault === 'store' && error.code !== 'SOJOURN_CORRUPT') return 'ok';
    throw error;
  };
  try {
    const result = run();
    return isPromise(result) ? result.catch(forgiven) : result;
  } catch (error) {
    return forgiven(error);
  }
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

/**
 * What handlers touch. A `LiveSession` gathers what one request wants; nothing leaves the process before `save`.
 *
 * Two kinds of wishes: about fields (kept in `Fields`) and about the session as a whole (kept here as `Standing`: who it
 * is bound to, whether its secret changes, which session it replaces). The engine reads both through `standing()`, which
 * handlers cannot reach. A session that ends in a request is replaced in place by a new, empty one, so that
 * `destroy(); set('flash', 'Goodbye')` and a login over another user's session need no further verbs.
 */
import { inspect } from 'node:util';
import type { Codec, Duration, Environment, MaybePromise, RequestView, Session, Stored } from '../contract.js';
import { failure } from '../errors.js';
import type { Allowance } from './deadline.js';
import type { Emitter } from './events.js';
import { Fields } from './fields.js';
import type { Limits } from './limits.js';
import { durationMs, show } from './options.js';
import { newId } from './token.js';

/** What a session needs of its engine. */
export interface Surroundings {
  readonly codec: Codec;
  readonly limits: Limits;
  readonly environment: Environment;
  readonly events: Emitter;
  /** The token is the session: it has no secret to replace. */
  readonly isSealed: boolean;
  /** Carries out what a session wants now, before the end of the request. */
  commit(session: LiveSession): MaybePromise<'ok' | 'gone'>;
}

/** A session that a token opened. */
export interface Opened {
  readonly id: string;
  readonly stored: Stored;
  /** The secret that the client presented; undefined when it was the one before the last rotation. */
  readonly secret: string | undefined;
  /** The token that the session has got meanwhile, and that the client does not have yet. */
  readonly untold?: Pick<Announcement & { kind: 'token' }, 'token' | 'lifetimeMs'>;
}

/** Whether there is a token to tell the client about when the answer leaves. */
export type Announcement =
  | { readonly kind: 'none' }
  | { readonly kind: 'clear' }
  /** `must`: the client does not have this token yet. Otherwise it is the old one with a later date, and can wait. */
  | { readonly kind: 'token'; readonly token: string; readonly lifetimeMs: number | undefined; readonly must: boolean };

/** What a request brought along. Made before its session is looked for, which fills in the rest. */
export interface Arrival extends Allowance {
  readonly request: RequestView;
  /** It presented a token, good or bad. */
  readonly presented: boolean;
  /** Its token was replaced by a login: nothing that it wants is stored and no cookie is set, unless it signs in itself. */
  mute: boolean;
  /** The store did not answer, and a policy lets the request go on: it can read what there is, and changes nothing. */
  degraded: boolean;
  /** Where the token is the session: what it held, for who keeps the session to build on. */
  sealed?: object;
}

/** The session as a whole, as the engine sees and changes it. */
export interface Standing {
  id: string | undefined;
  stored: Stored | null;
  secret: string | undefined;
  fields: Fields;
  /** Any accessor was used: the answer varies by session. */
  accessed: boolean;
  readonly arrival: Arrival;
  login: string | undefined;
  /** When the user who is bound now proved who he is. */
  provenAt: number | 'now' | 'unknown';
  rotate: boolean;
  remember: boolean | undefined;
  /** Sessions that this one replaces. */
  ending: readonly string[];
  announcement: Announcement;
  /** The version of the last change that landed and that the client must find again on the next server. */
  version: number | undefined;
  /** The answer has begun: later changes are errors. */
  closed: boolean;
  /** What is being kept is the request's last: nobody will look at the session afterwards. */
  last: boolean;
  saving: Promise<unknown> | undefined;
}

const MAX_USER_BYTES = 1024;
/** Shared by all sessions, which mostly end nothing and have nothing to tell: a read makes as few objects as it can. */
const ENDS_NOTHING: readonly string[] = Object.freeze([]);
const NOTHING_TO_TELL: Announcement = Object.freeze({ kind: 'none' });

export class LiveSession<T extends object = Record<string, unknown>> implements Session<T> {
  readonly #surroundings: Surroundings;
  readonly #standing: Standing;
  #data: Partial<T> | undefined;

  constructor(surroundings: Surroundings, opened: Opened | null, arrival: Arrival) {
    this.#surroundings = surroundings;
    this.#standing = {
      id: opened?.id,
      stored: opened?.stored ?? null,
      secret: opened?.secret,
      fields: this.#fieldsOf(opened?.stored ?? null),
      accessed: false,
      arrival,
      login: undefined,
      provenAt: 'now',
      rotate: false,
      remember: undefined,
      ending: ENDS_NOTHING,
      announcement: opened?.untold === undefined ? NOTHING_TO_TELL : { kind: 'token', ...opened.untold, must: true },
      version: undefined,
      closed: false,
      last: false,
      saving: undefined,
    };
  }

  /** The engine's view of a session. Throws for an object that no engine made. */
  static standing(session: object): Standing {
    if (!(#standing in session)) throw failure('SOJOURN_NO_SESSION', undefined);
    return (session as LiveSession).#standing;
  }

  get id(): string {
    const standing = this.#read();
    standing.id ??= newId(this.#surroundings.environment.random);
    return standing.id;
  }

  get isNew(): boolean {
    return this.#read().stored === null;
  }

  get degraded(): boolean {
    return this.#read().arrival.degraded;
  }

  get user(): string | undefined {
    const { login, stored } = this.#read();
    return login ?? stored?.head.user;
  }

  get signedInAt(): number | undefined {
    const { login, provenAt, stored } = this.#read();
    if (login === undefined) return stored?.head.signedInAt;
    if (provenAt === 'unknown') return undefined;
    return provenAt === 'now' ? this.#surroundings.environment.now() : provenAt;
  }

  get<K extends keyof T & string>(key: K): T[K] | undefined {
    return this.#read().fields.get(key) as T[K] | undefined;
  }

  has(key: keyof T & string): boolean {
    return this.#read().fields.has(key);
  }

  keys(): IterableIterator<keyof T & string> {
    return this.#read().fields.keys() as IterableIterator<keyof T & string>;
  }

  set<K extends keyof T & string>(key: K, value: T[K] | undefined): void {
    const { fields } = this.#write('set');
    if (value === undefined) fields.delete(key);
    else fields.set(key, value);
  }

  delete(key: keyof T & string): void {
    this.#write('delete').fields.delete(key);
  }

  update<K extends keyof T & string>(key: K, fn: (current: T[K] | undefined) => T[K] | undefined): void {
    this.#write('update').fields.update(key, fn as (current: unknown) => unknown);
  }

  take<K extends keyof T & string>(key: K): T[K] | undefined {
    // On a stand-in nothing is taken and nothing shown twice: a page with flash messages works, and they wait.
    if (this.#standing.arrival.degraded) return void this.#read();
    return this.#write('take').fields.take(key) as T[K] | undefined;
  }

  get data(): Partial<T> {
    this.#read();
    this.#data ??= asProperties(this as unknown as LiveSession) as Partial<T>;
    return this.#data;
  }

  login(user: string, options: { readonly remember?: boolean } = {}): void {
    const standing = this.#write('login');
    checkUser(user);
    const present = standing.login ?? standing.stored?.head.user;
    if (present !== undefined && present !== user) this.#restart();
    standing.login = user;
    standing.provenAt = 'now';
    if (options.remember !== undefined) standing.remember = options.remember;
  }

  remember(on: boolean = true): void {
    this.#write('remember').remember = on;
  }

  rotate(): void {
    if (this.#surroundings.isSealed) throw failure('SOJOURN_SEALED', { call: 'rotate' });
    this.#write('rotate').rotate = true;
  }

  destroy(): void {
    this.#write('destroy');
    this.#restart();
  }

  requireFresh(age: Duration): void {
    const ageMs = durationMs('age of requireFresh()', age);
    if (this.#standing.arrival.degraded) throw failure('SOJOURN_DEGRADED', { call: 'requireFresh' });
    const { signedInAt } = this;
    if (signedInAt === undefined || this.#surroundings.environment.now() - signedInAt > ageMs) {
      throw failure('SOJOURN_NOT_FRESH', undefined);
    }
  }

  async save(): Promise<'ok' | 'gone'> {
    this.#write('save');
    return this.#surroundings.commit(this as unknown as LiveSession);
  }

  /** What may be logged. */
  toJSON(): { id: string; isNew: boolean; user: string | undefined } {
    const { id, isNew, user } = this;
    return { id, isNew, user };
  }

  static {
    // Not a plain method: declaration files made one by one cannot name a computed key.
    Object.defineProperty(LiveSession.prototype, inspect.custom, {
      value(this: LiveSession): string {
        const { id, stored, login } = this.#standing;
        return `Session { id: ${id ?? 'not given yet'}, isNew: ${stored === null}, user: ${show(login ?? stored?.head.user)} }`;
      },
    });
  }

  #read(): Standing {
    this.#standing.accessed = true;
    return this.#standing;
  }

  #write(call: string): Standing {
    const standing = this.#read();
    if (standing.closed) throw failure('SOJOURN_TOO_LATE', { call });
    if (standing.arrival.degraded) throw failure('SOJOURN_DEGRADED', { call });
    if (standing.saving !== undefined && call !== 'save') throw failure('SOJOURN_SAVING', { call });
    return standing;
  }

  /** Leaves what was there to be ended, and begins anew under another id. */
  #restart(): void {
    const standing = this.#standing;
    if (standing.stored !== null && standing.id !== undefined) standing.ending = [...standing.ending, standing.id];
    standing.id = undefined;
    standing.stored = null;
    standing.secret = undefined;
    standing.fields = this.#fieldsOf(null);
    standing.login = undefined;
    standing.provenAt = 'now';
    standing.rotate = false;
    standing.remember = undefined;
    standing.announcement = { kind: 'clear' };
  }

  #fieldsOf(stored: Stored | null): Fields {
    const { codec, limits, events } = this.#surroundings;
    return new Fields(stored?.fields, codec, limits, (field, reason) => {
      events.emit('corrupt', { id: this.#standing.id ?? '', field, reason });
    });
  }
}

/** The engine's view of a session. */
export const standingOf = (session: object): Standing => LiveSession.standing(session);

function checkUser(user: string): void {
  if (
    typeof user !== 'string' ||
    user === '' ||
    /\p{Surrogate}/u.test(user) ||
    Buffer.byteLength(user) > MAX_USER_BYTES
  ) {
    throw failure('SOJOURN_OPTION', {
      option: 'user of login()',
      wanted: `must be well-formed text of 1 to ${MAX_USER_BYTES} bytes`,
      got: typeof user === 'string' ? 'another' : show(user),
    });
  }
}

/** `session.data`: a shallow view whose properties are the fields. */
function asProperties(session: LiveSession): object {
  return new Proxy(Object.create(null) as Record<string, unknown>, {
    get: (_, key) => (typeof key === 'string' ? session.get(key) : undefined),
    has: (_, key) => typeof key === 'string' && session.has(key),
    set(_, key, value) {
      if (typeof key !== 'string') return false;
      session.set(key, value);
      return true;
    },
    deleteProperty(_, key) {
      if (typeof key === 'string') session.delete(key);
      return true;
    },
    ownKeys: () => [...session.keys()],
    getOwnPropertyDescriptor: (_, key) =>
      typeof key === 'string' && session.has(key)
        ? { value: session.get(key), writable: true, enumerable: true, configurable: true }
        : undefined,
    defineProperty: () => false,
  });
}

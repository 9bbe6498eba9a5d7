/**
 * One request in the plain world: what it opened, what its handler wants, and what comes of it when it saves.
 *
 * `save` follows the engine's order: a logout ends first, a login over another user's session ends last; a session that is new
 * is made only if there is something to keep; a session that stands gets one commit or none.
 */
import { plainFields } from './plain-fields.js';
import {
  type Cookie,
  fulfilled,
  lifetime,
  type Notes,
  type PlainSession,
  type PlainStore,
  put,
  type Secret,
  type Wish,
} from './plain-store.js';

/** What the answer says about the cookie. `must`: even a 304 carries it. */
export type Said =
  | { readonly kind: 'nothing' | 'clear' }
  | {
      readonly kind: 'token';
      readonly cookie: Cookie;
      readonly lifetimeMs: number | undefined;
      readonly must: boolean;
    };

/** What the request knows of its stored session: as it was when it was opened, or last saved. */
type Known = Omit<PlainSession, 'fields'>;

interface Plan {
  readonly wish: 'none' | 'touch' | 'remember' | 'rotate' | 'login';
  readonly hangsOnSecret: boolean;
  readonly remember: boolean;
  readonly expiresAt: number;
}

export class PlainRequest {
  readonly #store: PlainStore;
  readonly presented: boolean;
  readonly mute: boolean;
  /** Writing verbs that saving has cost so far. */
  verbs = 0;
  accessed = false;
  said: Said = { kind: 'nothing' };
  fields = plainFields(new Map());
  #known: Known | undefined;
  /** True for the holder of the present secret. */
  #isPresent = false;
  #login: string | undefined;
  #rotate = false;
  #remember: boolean | undefined;
  #ending: string[] = [];

  constructor(store: PlainStore, cookie: Cookie | undefined, now: number) {
    this.#store = store;
    this.presented = cookie !== undefined;
    const opening = store.open(cookie, now);
    this.mute = opening.opens === 'nothing' && opening.mute;
    if (opening.opens === 'nothing') return;
    this.#known = { ...opening.session };
    this.#isPresent = opening.isPresent;
    this.fields = plainFields(opening.session.fields);
  }

  get user(): string | undefined {
    return this.#login ?? this.#known?.user;
  }

  get isNew(): boolean {
    return this.#known === undefined;
  }

  login(user: string, remember: boolean | undefined): void {
    if (this.user !== undefined && this.user !== user) this.destroy();
    this.#login = user;
    if (remember !== undefined) this.#remember = remember;
  }

  rotate(): void {
    this.#rotate = true;
  }

  remember(on: boolean): void {
    this.#remember = on;
  }

  destroy(): void {
    if (this.#known !== undefined) this.#ending.push(this.#known.id);
    this.#known = undefined;
    this.#isPresent = false;
    this.fields = plainFields(new Map());
    this.#forget();
    this.said = { kind: 'clear' };
  }

  /** `idOf` is asked for the id that the engine gave to a new session. */
  save(now: number, idOf: () => string): 'ok' | 'gone' {
    if (this.mute && this.#login === undefined && this.#known === undefined && this.#ending.length === 0) return 'gone';
    const wishes = this.fields.wishes();
    const isTakeover = this.#login !== undefined;
    if (!isTakeover) this.#end();
    const result = this.#known === undefined ? this.#create(wishes, now, idOf) : this.#commit(this.#known, wishes, now);
    if (isTakeover) this.#end();
    return result;
  }

  #end(): void {
    this.verbs += this.#ending.length;
    for (const id of this.#ending) this.#store.end(id);
    this.#ending = [];
  }

  #create(wishes: ReadonlyMap<string, Wish>, now: number, idOf: () => string): 'ok' | 'gone' {
    const fields = new Map<string, Notes>();
    for (const [field, wish] of wishes) put(fields, field, fulfilled(wish, undefined));
    if (fields.size === 0 && this.#login === undefined) return 'ok';
    this.verbs += this.#login === undefined ? 1 : 2;
    const remember = this.#remember === true;
    const { idleMs, absoluteMs } = lifetime(remember);
    const session: PlainSession = {
      id: idOf(),
      createdAt: now,
      expiresAt: now + Math.min(idleMs, absoluteMs),
      generation: this.#login === undefined ? 0 : 1,
      remember,
      user: this.#login,
      secret: {},
      previous: undefined,
      fields,
    };
    this.#store.sessions.set(session.id, session);
    this.#goOn(session, true, fields);
    this.#say(session, session.secret, now, true);
    return 'ok';
  }

  #commit(known: Known, wishes: ReadonlyMap<string, Wish>, now: number): 'ok' | 'gone' {
    const plan = this.#planned(known, now);
    if (wishes.size === 0 && plan.wish === 'none') return 'ok';
    this.verbs++;
    const session = this.#store.standing(known.id, known.generation, now);
    if (session === undefined) return 'gone';
    const isOvertaken = plan.hangsOnSecret && session.secret !== known.secret;
    const isRenewed = plan.wish === 'login' || (plan.wish === 'rotate' && !isOvertaken);

    const written = new Map<string, Notes | undefined>();
    for (const [field, wish] of wishes) written.set(field, fulfilled(wish, session.fields.get(field)));
    for (const [field, notes] of written) put(session.fields, field, notes);
    session.expiresAt = plan.expiresAt;
    if (plan.remember !== known.remember) session.remember = plan.remember;
    if (plan.wish === 'login') Object.assign(session, { user: this.#login, generation: known.generation + 1 });
    if (isRenewed) renew(session, known.secret, plan.wish === 'login', now);

    const { secret, previous } = isRenewed ? session : known;
    const { expiresAt, remember } = plan;
    const next = { ...known, expiresAt, remember, user: this.user, generation: session.generation, secret, previous };
    this.#goOn(next, isRenewed || (this.#isPresent && !isOvertaken), written);
    if (isRenewed || (plan.hangsOnSecret && !isOvertaken))
      this.#say(session, secret, now, isRenewed || plan.wish === 'remember', remember);
    return 'ok';
  }

  /** The strongest wish about the session as a whole. `hangsOnSecret`: it counts only for who holds the present one. */
  #planned(known: Known, now: number): Plan {
    const remember = this.#remember ?? known.remember;
    const { idleMs, absoluteMs } = lifetime(remember);
    const expiresAt = Math.min(known.createdAt + absoluteMs, now + idleMs);
    const plan = (wish: Plan['wish'], hangsOnSecret: boolean): Plan => ({ wish, hangsOnSecret, remember, expiresAt });
    const { previous } = known;
    const isFresh = previous?.opens === 'session' && previous.until > now;
    if (this.#login !== undefined) return plan('login', false);
    if (this.#rotate && this.#isPresent && !isFresh) return plan('rotate', true);
    if (remember !== known.remember) return plan('remember', this.#isPresent);
    if (expiresAt - known.expiresAt >= idleMs * 0.05) return plan('touch', this.#isPresent && remember);
    return plan('none', false);
  }

  #goOn(known: Known, isPresent: boolean, written: ReadonlyMap<string, Notes | undefined>): void {
    this.#known = { ...known };
    this.#isPresent = isPresent;
    this.fields.settle(written);
    this.#forget();
  }

  #forget(): void {
    this.#login = undefined;
    this.#rotate = false;
    this.#remember = undefined;
  }

  #say(
    { id, expiresAt }: PlainSession,
    secret: Secret,
    now: number,
    must: boolean,
    remember = this.#known?.remember,
  ): void {
    this.said = {
      kind: 'token',
      cookie: { id, secret },
      lifetimeMs: remember ? expiresAt - now : undefined,
      must: must || (this.said.kind === 'token' && this.said.must),
    };
  }
}

/** A new secret. The old one opens the session for ten more seconds after a rotation, and nothing for a minute after a login. */
function renew(session: PlainSession, old: Secret, isLogin: boolean, now: number): void {
  session.previous = isLogin
    ? { secret: old, until: now + 60_000, opens: 'nothing' }
    : { secret: old, until: now + 10_000, opens: 'session' };
  session.secret = {};
}

/**
 * The contract of sojourn: every promise that one part makes to another. The first file to read.
 *
 * A request meets these in order: an adapter shows it as a `RequestView`, a `Transport` finds the token, a `Store` (or a
 * layer of stores) loads the session, a handler works on a `Session`, and at the end one `Delta` goes back to the store
 * and a few `HeaderLine`s to the client. Values become bytes in a `Codec`. This file imports nothing.
 *
 * Expected outcomes are data (`gone`, `null`); what is thrown is a `SojournError`, whose codes stand in errors.ts.
 */

/** In-process stores (memory, LMDB) answer at once; networked ones later. The engine takes both, and awaits only what is a promise. */
export type MaybePromise<T> = T | Promise<T>;

/** `'30m'`, `'12h'`, `'7d'`, `'1500ms'`, or a number of milliseconds. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** Where time and chance come from. Tests hand in their own, so that nothing waits to see something expire. */
export interface Environment {
  /** Epoch milliseconds. */
  now(): number;
  /** Cryptographically strong bytes. */
  random(bytes: number): Uint8Array;
  /** Runs `run` again and again, never keeping the process alive. Returns the way to stop it. */
  every(intervalMs: number, run: () => void): () => void;
}

/** What a store keeps about a session besides its fields. All times are epoch milliseconds. */
export interface Head {
  readonly createdAt: number;
  /** The one deadline that a store must obey: min(absolute timeout, idle timeout). The engine computes it; stores never do. */
  readonly expiresAt: number;
  /** Grows by one with every commit. Lets a near cache prove that it is new enough. */
  readonly version: number;
  /** Grows by one with every login. Writes that were begun before a login do not land after it. */
  readonly generation: number;
  /** SHA-256 of the secret half of the token. Absent only for entries shared with foreign systems, whose ids are opaque. */
  readonly secret?: Uint8Array;
  /** The secret before the last rotation. What it still opens until then depends on why it was replaced: see `Superseded`. */
  readonly previous?: { readonly secret: Uint8Array; readonly until: number; readonly opens: Superseded };
  /** Owner, once known; what `byUser` looks up. */
  readonly user?: string;
  /** When the owner last proved who they are; what `requireFresh` measures from. */
  readonly signedInAt?: number;
  /** True for "remember me": the longer lifetimes apply, and the cookie outlives the browser. */
  readonly remember?: boolean;
}

/**
 * What a request that still carries the replaced secret gets.
 * 'session': the session itself (a routine rotation; requests in flight stay signed in).
 * 'nothing': an anonymous session that is never stored and never sets a cookie (after a login: a planted token must not ride
 *            into the account, and the browser's new cookie must not be overwritten by an older answer).
 */
export type Superseded = 'session' | 'nothing';

/** A whole session as a store hands it over. Field values are opaque bytes: only the codec knows what is inside. */
export interface Stored {
  readonly head: Head;
  readonly fields: ReadonlyMap<string, Uint8Array>;
  /** Only of a store that is `Shared` and is being left: the session has gone over, and from now on this is its token. */
  readonly successor?: string;
}

/** One field's change. `set` and `delete` do not look; `swap` applies only if the field still holds `expect` (null = absent). */
export type Write =
  | { readonly op: 'set'; readonly value: Uint8Array }
  | { readonly op: 'delete' }
  | { readonly op: 'swap'; readonly expect: Uint8Array | null; readonly value: Uint8Array | null };

/** Everything that one request wants to change, applied whole or not at all. No fields and a later `expiresAt` is a touch. */
export interface Delta {
  /** The generation that the request read. A store that holds another answers 'gone'. */
  readonly generation: number;
  /** The secret hash that a rotation replaces, or that the answer will repeat to the client. A store that holds another answers 'conflict', like for a lost swap: somebody rotated first. */
  readonly replaces?: Uint8Array;
  /** Only for a store that is `Shared`: in the same step the session moves to this fresh id, and the old one ends. */
  readonly to?: string;
  /** What changes in the head. `version` is the store's to raise; a property that is not named stays, but for a `previous` whose time is over. */
  readonly head: Partial<Omit<Head, 'version' | 'createdAt'>> & Pick<Head, 'expiresAt'>;
  readonly fields: ReadonlyMap<string, Write>;
}

export type Outcome =
  | { readonly status: 'ok'; readonly version: number }
  /** The session was destroyed, has expired, or was signed in anew meanwhile. Nothing was written, and nothing was brought back. */
  | { readonly status: 'gone' }
  /** A `swap` lost, or `replaces` did. Nothing was written; here is what all swapped fields hold now, so the caller reruns without another read. */
  | { readonly status: 'conflict'; readonly fields: ReadonlyMap<string, Uint8Array | null> };

/**
 * A place that keeps sessions. Four required methods.
 *
 * Promises that every store makes, and the conformance kit checks:
 * an expired session is never returned; `commit` never creates; a session that was destroyed stays destroyed;
 * two commits with disjoint fields both survive; a `commit` that resolved is seen by every later `load` through this store;
 * unknown ids are not errors; what the caller passed in or was handed is never changed afterwards.
 * Throws SOJOURN_STORE or SOJOURN_STORE_FULL for trouble with the backend itself, SOJOURN_CORRUPT when what it holds under
 * this id cannot be read, and nothing else.
 */
export interface Store {
  readonly name: string;
  /**
   * The live session, or null when unknown or expired. `atLeast`: a version that was acknowledged to somebody; a layer that
   * keeps copies hands over no older copy, and asks below instead. Stores without copies need not look at it.
   */
  load(id: string, atLeast?: number): MaybePromise<Stored | null>;
  /** Adds a session under a fresh id. 'exists' leaves the old one untouched. The engine never creates a session that has a user: it binds by `commit`. */
  create(id: string, session: Stored): MaybePromise<'ok' | 'exists'>;
  /** Applies a delta atomically to what is stored now, not to what was loaded. */
  commit(id: string, delta: Delta): MaybePromise<Outcome>;
  /** Forgets the session. Idempotent. A later `commit` for this id answers 'gone'. */
  destroy(id: string): MaybePromise<void>;
  /**
   * Looks whether the backend can do what this store asks of it. SOJOURN_STORE names what is missing (a command, a permission);
   * what is only dangerous (a server that evicts) comes back as sentences for the operator.
   */
  check?(): Promise<readonly string[]>;
  /**
   * Nothing has been answered for seconds, although it was asked: connections that may be half open are replaced, whatever is
   * under way on them. May be called again every second for as long as that lasts. Never throws.
   */
  renew?(): void;
  close?(): MaybePromise<void>;
}

/* Abilities. A store implements those it can; the compiler tells users which features that opens. */

/**
 * Finds the sessions of one user. Entries are written before a session is bound and removed after it is gone: never one too few.
 * An entry whose session is absent is dropped only once it is older than any login can take, so a revoke that overlaps a login
 * cannot strip the new session of its entry. Yields live sessions of that user only.
 */
export interface Indexed {
  byUser(user: string): AsyncIterable<readonly [id: string, head: Head]>;
}
/** Walks all live sessions (admin, export). Order is unspecified; sessions that change meanwhile may be seen or missed. */
export interface Listable {
  list(): AsyncIterable<readonly [id: string, head: Head]>;
}
/** Has no expiry of its own and wants `sweep` called now and then. Looks at no more than `limit` expired sessions; returns how many it removed. */
export interface Sweepable {
  sweep(limit: number): MaybePromise<number>;
}
/** Tells of what others do: what a near cache stands on, and what makes events heard on every server. */
export interface Watchable {
  /**
   * Tells `watcher` of changes until the returned function is called. From `heard` on, every session that `load` hands over, or
   * that `create` or `commit` leave behind, is watched. `everyMs`: how often, at least, to make sure that nothing is missed.
   */
  watch(watcher: Watcher, everyMs: number): MaybePromise<() => MaybePromise<void>>;
  /** Tells of sessions that other processes destroyed and of sessions that expired, as far as the backend tells. At most once each. */
  listen(ended: (id: string, how: Ended) => void): MaybePromise<() => MaybePromise<void>>;
}
export type Ended = 'destroyed' | 'expired';

/**
 * Keeps cells beside its sessions: what a ring makes its copies of. A cell is opaque bytes under an id, replaced whole, and only by
 * who knows what is there. Cells and sessions never see each other, whatever their ids. In a store that is `Watchable`, watchers are
 * told of a cell as of a session of that id, and what `read` hands over or `replace` leaves behind is watched; `listen` tells of sessions only.
 */
export interface Celled {
  readonly cells: Cells;
}

export interface Cell {
  /** Eight bytes of the writer's making, new with every write: who knows them knows what is there. */
  readonly mark: Uint8Array;
  readonly bytes: Uint8Array;
  /** Epoch milliseconds. From then on there is no such cell. */
  readonly keepUntil: number;
  /** What `byUser` looks up. */
  readonly user?: string;
}

/** By which table somebody writes: the slot of a ring, 0 to 16383, and the epoch of its table, a whole number. */
export interface Fence {
  readonly slot: number;
  readonly epoch: number;
}

export type Replaced =
  | { readonly status: 'ok' }
  /** Nothing was written; here is what is there instead of what was expected. */
  | { readonly status: 'other'; readonly cell: Cell | null }
  /** Nothing was written: the slot is closed for epochs before this one. */
  | { readonly status: 'fenced'; readonly epoch: number };

/** Promises what a `Store` promises of buffers, ids and errors. What has resolved is seen by every later call, from any process. */
export interface Cells {
  /** The cell, or null when there is none or its time is over. */
  read(id: string): MaybePromise<Cell | null>;
  /**
   * Puts `next` in the place of the cell whose mark is `expect` (null: where there is none). Of several that expect the same, one
   * wins. A cell that has the mark of `next` already is 'ok', and stays as it is: a call that was sent twice is done once. A `fence`
   * with an older epoch than its slot's is 'fenced', whatever was expected.
   */
  replace(id: string, expect: Uint8Array | null, next: Cell, fence?: Fence): MaybePromise<Replaced>;
  /** Takes the cell away if its mark is `expect`. Tells whether it did. No fence stops it. */
  remove(id: string, expect: Uint8Array): MaybePromise<boolean>;
  /** Closes these slots for epochs before `epoch`. A slot's epoch only grows, and is kept as long as cells are. */
  fence(slots: readonly number[], epoch: number): MaybePromise<void>;
  /** The ids of all cells of that user. May repeat some, and name some that are another's by now, or gone. */
  byUser(user: string): AsyncIterable<string>;
  /** The ids of all cells. May repeat some, and name some that are gone. Cells that come or go meanwhile may be named or missed. */
  ids(): AsyncIterable<string>;
}

/**
 * Keeps its sessions as another system does (Flask-Session), which writes them too, and knows an id and no secret: the id alone is the
 * token, and whoever has it has the session. So it is no longer safe to log; and a login or a rotation brings a new one.
 */
export interface Shared {
  /** Whether a token can be an id of that system. */
  isId(text: string): boolean;
  /**
   * Present while sessions leave that system (`migrating`): tokens of ours are good as well as its ids. 'from': new sessions still
   * get its ids. 'moving': they get tokens of ours, and who comes with an id is given the token of the session that it has become.
   */
  readonly leaving?: 'from' | 'moving';
}
/** Who keeps copies of sessions, and must hear when they are no longer good. Called from anywhere, never throws. */
export interface Watcher {
  /**
   * The session was changed or has ended, or may have been, or is not watched after all. Also tells about a `load` that is under way:
   * its answer must not be kept. Told before the change is acknowledged or at most a link's delay later. Commits that
   * went through this very store need not be told.
   */
  changed(id: string): void;
  /** Changes may be missed from now on: drop everything, and keep nothing that is loaded, until `heard`. */
  deaf(): void;
  /** Everything that was acknowledged before `asOf` (milliseconds of `performance.now()`) has been told. */
  heard(asOf: number): void;
}

/** Keeps copies of sessions in this process: a near cache, or a layer above one. */
export interface Caching {
  /** The longest that a change made elsewhere can stay unseen here, in milliseconds. */
  readonly stalenessMs: number;
  /** The last copy of an unexpired session, at most `maxAgeMs` old, for when the store below does not answer. Null for one that is known to have ended. */
  stale(id: string, maxAgeMs: number): Stored | null;
}

/** Turns one field's value into bytes and back. Synchronous and pure; equal values should give equal bytes. */
export interface Codec {
  readonly name: string;
  /** Throws SOJOURN_VALUE naming the path (`cart[2].price`) of what it cannot represent. Never drops or changes a value in silence. */
  encode(value: unknown): Uint8Array;
  /** Throws SOJOURN_CORRUPT for anything that `encode` cannot have made. */
  decode(bytes: Uint8Array): unknown;
}

/**
 * Seals a whole session into a token, for apps without a store. The first key seals, every key opens: that is key rotation.
 * `scope`: where the token is good (`Transport.scope`); sealed for one place it opens nowhere else.
 */
export interface Sealer {
  readonly name?: string;
  seal(session: Uint8Array, scope?: string): string;
  /** null for anything forged, damaged or sealed with an unknown key. Never throws for bad input, never tries another format. */
  unseal(token: string, scope?: string): Uint8Array | null;
}

/**
 * A token format of somebody else's (Flask's cookie) that holds a whole session: it has a place for the fields, a signature of its
 * own, and for the head only what it knows. Goes where a `Sealer` goes. It knows no id: with every request such a session has another
 * one, for two visitors may have equal tokens, and nothing that is remembered of one may reach the other.
 */
export interface SessionFormat {
  readonly name: string;
  /** How values become bytes is a part of the format. */
  readonly codec: Codec;
  /** The token of a session. Throws SOJOURN_VALUE for what the format has no place for. `now`: epoch milliseconds. */
  write(session: Stored, now: number): string;
  /** null for anything forged, damaged or too old. Never throws for bad input, never tries another format. */
  read(token: string, now: number): Stored | null;
}

/** The little that an adapter must show us of a request. Header names are lower case. */
export interface RequestView {
  /** True when the client's own connection is encrypted, as far as the adapter may trust what it sees. */
  readonly secure: boolean;
  /** True when the request came through a proxy that nobody told the adapter to trust, so that `secure` may be wrong. */
  readonly proxied: boolean;
  header(name: string): string | undefined;
}
/** One header to add to the answer. `Vary` and `Cache-Control` are merged with what the application set, never weakened. */
export type HeaderLine = readonly [name: string, value: string];

/** Carries the token between client and server: a cookie, a bearer header, or both. Pure: no I/O, no framework, no clock. */
export interface Transport {
  readonly name: string;
  /** Where its tokens are good: the cookie's name. A sealed session opens under this scope alone. Default: `name`. */
  readonly scope?: string;
  /** The longest token that it can carry, in characters, for sessions that travel in theirs. Default: no limit of its own. */
  readonly longest?: number;
  /** The request headers that `read` and `readVersion` look at, for `Vary`. */
  readonly vary: string;
  /** Every different token that the request presents, at most `MAX_CANDIDATES` of them, in the order they came. Unchecked. */
  read(request: RequestView): readonly string[];
  /** `lifetimeMs`: how long the client should keep the token; undefined: until the browser closes. */
  write(token: string, lifetimeMs: number | undefined, request: RequestView): readonly HeaderLine[];
  clear(request: RequestView): readonly HeaderLine[];
  /**
   * For stores with a near cache: the version that this client has seen acknowledged a moment ago, so that the next server
   * does not answer from an older copy. It comes from outside, so it may only cost a read. Without the two, a client reads its
   * own writes for certain only on the server that it wrote on.
   */
  readVersion?(request: RequestView): number | undefined;
  /** `lifetimeMs`: how long it matters. */
  writeVersion?(version: number, lifetimeMs: number, request: RequestView): readonly HeaderLine[];
  /** The effective settings as JSON, for `describe()`. */
  describe(): object;
}

/**
 * Sessions as another library left them in visitors' browsers. They are only read: a visitor who presents one and none of ours goes on
 * with a session of ours, so that a move from that library signs nobody out.
 */
export interface Former {
  readonly name: string;
  /**
   * What the visitor had there; null for none, and for anything forged, damaged or expired. Never throws for bad input. Trouble with
   * the place where such sessions are kept is a SOJOURN_STORE.
   */
  read(request: RequestView): MaybePromise<FormerSession | null>;
  /** Takes that library's cookies back, those that the request presents. */
  clear(request: RequestView): readonly HeaderLine[];
}

export interface FormerSession {
  /** Who was signed in there. */
  readonly user?: string;
  /** When he last proved who he is, if that is known. Otherwise `requireFresh` asks him again. Epoch milliseconds. */
  readonly signedInAt?: number;
  readonly remember?: boolean;
  readonly fields: ReadonlyMap<string, unknown>;
}

/** The session as handlers see it. Reads are synchronous; nothing is written until `save`. */
export interface Session<T extends object = Record<string, unknown>> {
  /** Stable and safe to log: not enough to sign in with. Survives `rotate` and `login` (but a login over another user's session starts a new one). */
  readonly id: string;
  /** True until the session has been stored for the first time. */
  readonly isNew: boolean;
  /**
   * True for a stand-in: the store did not answer, and `onReadError` lets the request go on with an empty session or an older
   * copy. It can be read. `take` finds nothing, every other change throws SOJOURN_DEGRADED (status 503), and no cookie is set or cleared.
   */
  readonly degraded: boolean;
  readonly user: string | undefined;
  /** When the user last proved who they are, epoch milliseconds. */
  readonly signedInAt: number | undefined;
  /** Throws SOJOURN_CORRUPT when the stored bytes of this field cannot be decoded; other fields are not affected. */
  get<K extends keyof T & string>(key: K): T[K] | undefined;
  has(key: keyof T & string): boolean;
  keys(): IterableIterator<keyof T & string>;
  /**
   * Last writer wins, for this field only. `undefined` deletes the field. The value is checked here and now: SOJOURN_VALUE
   * names the path of what cannot be kept, SOJOURN_LIMIT the limit that was passed, and the field keeps its earlier value.
   */
  set<K extends keyof T & string>(key: K, value: T[K] | undefined): void;
  delete(key: keyof T & string): void;
  /**
   * Read, change and write as one step. `fn` may run again when another request got there first: keep it pure.
   * `undefined` deletes the field.
   * @example session.update('views', (views = 0) => views + 1)
   */
  update<K extends keyof T & string>(key: K, fn: (current: T[K] | undefined) => T[K] | undefined): void;
  /** Get and delete as one step: flash messages. What another request adds meanwhile stays for the next `take`. */
  take<K extends keyof T & string>(key: K): T[K] | undefined;
  /** The same fields as properties. Changes deep inside a value are noticed at save. */
  readonly data: Partial<T>;
  /**
   * Bind to a user under a new secret: the old token opens nothing from then on. Call on every change of privilege.
   * Another user's data never carries over. `remember`: use the longer lifetimes, and let the cookie outlive the browser.
   * Where the token is the session, the old one stays what it was: the session from before this sign-in.
   */
  login(user: string, options?: { readonly remember?: boolean }): void;
  /** Use the longer lifetimes (or no longer), for sessions that nobody signs in to. Flask's `permanent`. */
  remember(on?: boolean): void;
  /**
   * New secret, same id, same data. The old token still works for ten seconds, for requests that are under way; while it does,
   * another rotation does nothing. A session that travels in its token has no secret: SOJOURN_SEALED.
   */
  rotate(): void;
  /**
   * Log out. What is left is a new, empty session: writing to it starts one (a goodbye message). Where the token is the session, a
   * copy of it elsewhere is refused on every server only with `revocations`.
   */
  destroy(): void;
  /**
   * Throws SOJOURN_NOT_FRESH (status 401) unless the user signed in at most `age` ago: the guard before a sensitive change.
   * A stand-in proves nothing: SOJOURN_DEGRADED.
   */
  requireFresh(age: Duration): void;
  /** Commit now instead of at the end of the request, for example before a long stream. 'gone': the session had ended, nothing was kept. */
  save(): Promise<'ok' | 'gone'>;
}

export interface Events {
  created: { readonly id: string };
  committed: { readonly id: string; readonly fields: readonly string[] };
  /** `login`: the new secret came with a sign-in. */
  rotated: { readonly id: string; readonly login: boolean };
  /** `elsewhere`: by another process, for whatever reason. Heard once in every process, where the store can listen. */
  destroyed: { readonly id: string; readonly reason: 'logout' | 'revoked' | 'elsewhere' };
  /** Ended by time, as far as the store's backend tells. Heard in every process. */
  expired: { readonly id: string };
  /** A late commit met a session that had ended; its changes were dropped. */
  gone: { readonly id: string };
  /** Two requests changed one field. `lost` tells whether a value was overwritten or the change was rerun on top. */
  conflict: { readonly id: string; readonly field: string; readonly lost: boolean };
  /** A token was refused. Carries no part of the token; `id` only where it belongs to a session that exists. */
  refused: { readonly reason: RefusedReason; readonly id?: string };
  /** Something stored could not be decoded: one field (the rest of the session was served), or, without `field`, all of it. */
  corrupt: { readonly id: string; readonly field?: string; readonly reason: string };
  storeError: { readonly store: string; readonly operation: string; readonly error: unknown };
  /**
   * The store does not answer, and is not asked again before a probe in the background gets through. Reads and writes are judged
   * apart: a backend whose disk is full still tells who is signed in.
   */
  storeDown: { readonly store: string; readonly calls: StoreCalls };
  storeUp: { readonly store: string; readonly calls: StoreCalls; readonly downMs: number };
}
/** Loads, lookups and listings; or create, commit and destroy. */
export type StoreCalls = 'reads' | 'writes';

/**
 * malformed: not a token of ours. unknown: no live session under that id. secret: the id lives, the secret is wrong.
 * superseded: replaced by a login. ambiguous: two live sessions in one request. skew: created further in the future than
 * clocks may differ.
 */
export type RefusedReason = 'malformed' | 'unknown' | 'secret' | 'superseded' | 'ambiguous' | 'skew';

/**
 * What a request gets whose session cannot be loaded, because the store is in trouble.
 * 'fail': the answer is a 503. 'anonymous': an empty stand-in (`session.degraded`), for pages that everybody may see.
 * `stale`: the copy that a near cache still has, at most this old, as a stand-in that can only be read; where it has none, a 503.
 * Only over a store that is `Caching`. The secret is compared all the same, and what has ended or expired stays so.
 */
export type OnReadError = 'fail' | 'anonymous' | { readonly stale: Duration };
/** For one request, or one route. */
export interface OpenOptions {
  readonly onReadError?: OnReadError;
}

/** In place of a store, in types: sessions in cookies, with `revocations` to end them by. */
export interface Revocable {
  readonly revocable: true;
}

/**
 * What application code holds. Adapters need only `open` and `save`; operators get the rest. `S`: the store; for sessions in
 * cookies `Revocable`, or `undefined` where nothing can end them.
 */
export interface Sessions<T extends object, S> {
  /** Never fails for what a client sent. `owner`: the framework's own request object, by which `from` finds the session again. */
  open(request: RequestView, owner?: object, options?: OpenOptions): MaybePromise<Session<T>>;
  /**
   * Commits what changed and returns the header lines to add. Called once, before any byte of the answer leaves; later
   * changes to the session throw SOJOURN_TOO_LATE. `status` is the answer's: a 304 carries no cookie that can wait.
   * What it throws may have `headerLines` that belong on the failing answer (a logout clears the cookie in any case).
   */
  save(session: Session<T>, status?: number): MaybePromise<readonly HeaderLine[]>;
  /** The session of a request that an adapter has opened, typed. Throws SOJOURN_NO_SESSION when none has. */
  from(request: object): Session<T>;
  /**
   * Ends a session by id, from anywhere. When the store does not answer it throws; this server refuses the session all the same,
   * and tells the store as soon as it can.
   */
  readonly destroy: S extends Store | Revocable ? (id: string) => Promise<void> : never;
  /** All sessions of a user. Exists only when the store is Indexed. */
  readonly of: S extends Indexed ? (user: string) => AsyncIterable<readonly [id: string, head: Head]> : never;
  /**
   * Ends every session of a user, but one if `except` is given; returns how many. No server accepts any of them afterwards.
   * When the store fails on the way it throws, with the ids that were found and not ended in `details.ids`: repeat it.
   * Sessions in cookies are refused from then on, and nobody knows how many there are.
   */
  readonly revoke: S extends Indexed
    ? (user: string, options?: { readonly except?: string }) => Promise<number>
    : S extends Revocable
      ? (user: string, options?: { readonly except?: string }) => Promise<void>
      : never;
  on<E extends keyof Events>(event: E, listener: (event: Events[E]) => void): () => void;
  /** For health checks: true when the store answers and can do what is asked of it (`check`). False while it is down. Never throws. */
  ready(): Promise<boolean>;
  /** The effective policy as JSON: lifetimes, limits, transport, codec, store. Holds no secret. */
  describe(): object;
  close(): Promise<void>;
}

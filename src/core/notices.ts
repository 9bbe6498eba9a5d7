/**
 * Who was signed out, for sessions that travel in their cookies: a few notices in any store.
 *
 * A session that was ended has a notice under its id. A user whose sessions were ended has one with a number, and a login writes
 * the number that it finds into its token: whoever came with a lower one is out. So nothing hangs on clocks: what was signed in
 * before the notice is refused, what came after it stands. Numbers only grow; they begin at the time of the first notice, so that
 * a notice which was forgotten after all its sessions had expired is never below an older one.
 *
 * Notices lie on 4096 pages, ordinary entries of the store, each for a part of all ids. A request asks for two of them at once, its
 * session's and its user's (for one that nobody signed in to, one). Under a near cache these few pages are soon all here and a
 * request asks for nothing; that is why there is not an entry for each notice, whose absence no cache could keep, and why a page is
 * laid down empty when a cache first asks for it. A notice is struck off once every session that it concerns has expired.
 *
 * Rejected: a list of what may live (that is a store of sessions, and one that is lost signs everybody out); times in place of
 * numbers (two servers' clocks would decide whether a login was before a logout).
 */
import { hash } from 'node:crypto';
import type { Delta, MaybePromise, Store, Stored, Write } from '../contract.js';
import { failure } from '../errors.js';
import type { CustodySettings } from './custody.js';
import type { Allowance } from './deadline.js';
import { MAX_SKEW_MS } from './expiry.js';
import { type Ending, guard } from './guard.js';
import { health } from './health.js';
import { chain, isPromise } from './maybe.js';
import { show } from './options.js';
import { isCaching, type PolicyOptions, policies } from './policies.js';
import { idOf, isId } from './token.js';

export interface Notices {
  readonly name: string;
  /** Sessions whose end the store has not confirmed. */
  readonly ended: Map<string, Ending>;
  /** False: this session was ended, or its user's sessions were after he signed in under `notice`. */
  stands(id: string, user: string | undefined, notice: number, allowance: Allowance): MaybePromise<boolean>;
  /** The number that a login of this user stands under. */
  of(user: string, allowance: Allowance): MaybePromise<number>;
  end(id: string, allowance?: Allowance): Promise<void>;
  revoke(user: string, except: string | undefined): Promise<void>;
  ready(): Promise<boolean>;
  describe(): object;
  close(): Promise<void>;
}

/** Twelve bits of an id, or of a user's hash, pick the page. */
const PAGES = 4096;
/** Others may write the same page: each attempt takes in what they wrote. */
const MAX_ATTEMPTS = 20;
/** Notices whose time is over, struck off along with one that is written. */
const MOST_STRUCK = 50;

interface UserNotice {
  readonly number: number;
  /** The one session that stays. */
  readonly except: string;
}

export function notices(
  store: Store,
  options: Omit<PolicyOptions, 'onWriteError'>,
  { lifetimes, environment, events }: CustodySettings,
): Notices {
  demandStore(store);
  const { deadlineMs, onDestroyError } = policies({ ...options, onReadError: 'fail' }, store);
  const guarded = guard({ store, deadlineMs, environment, events });
  const layPages = isCaching(store);
  const laying = new Set<string>();
  /** No session that stands today lives longer. */
  const concernsMs = Math.max(lifetimes.ordinary.absoluteMs, lifetimes.remembered.absoluteMs) + MAX_SKEW_MS;

  return {
    name: store.name,
    ended: new Map(),
    stands(id, user, notice, allowance) {
      const ofId = page(id, allowance);
      if (user === undefined) return chain(ofId, (entry) => !isEnded(entry, id));
      const key = keyOf(user);
      const ofUser = page(key, allowance);
      const next = (a: Stored | null, b: Stored | null): boolean =>
        !isEnded(a, id) && isAllowed(userNotice(b, key), id, notice);
      if (!isPromise(ofId) && !isPromise(ofUser)) return next(ofId, ofUser);
      return Promise.all([ofId, ofUser]).then(([a, b]) => next(a, b));
    },
    of(user, allowance) {
      const key = keyOf(user);
      return chain(page(key, allowance), (entry) => userNotice(entry, key)?.number ?? 0);
    },
    end: (id, allowance) => post(id, id, () => '', allowance),
    async revoke(user, except) {
      if (typeof user !== 'string' || user === '')
        throw failure('SOJOURN_OPTION', { option: 'user of revoke()', wanted: 'must be a user', got: show(user) });
      const key = keyOf(user);
      const next = (old: UserNotice | undefined): string =>
        `${Math.max(environment.now(), (old?.number ?? 0) + 1)},${except !== undefined && isId(except) ? except : ''}`;
      await post(key, fieldOf(key), (text) => next(text === undefined ? undefined : parsed(text)));
    },
    ready: health(store, guarded, events),
    describe: () => ({ store: store.name, pages: PAGES, deadlineMs, onDestroyError }),
    async close() {
      guarded.close();
      await store.close?.();
    },
  };

  function page(key: string, allowance: Allowance): MaybePromise<Stored | null> {
    const id = pageOf(key);
    return chain(guarded.load(id, undefined, allowance), (entry) => {
      if (entry === null && layPages) lay(id);
      return entry;
    });
  }

  /** So that a near cache has something to keep. Nobody waits for it, and it may fail: the next request tries again. */
  function lay(id: string): void {
    if (laying.has(id)) return;
    laying.add(id);
    const done = (): void => void laying.delete(id);
    try {
      const laid = guarded.create(id, blank(new Map()));
      if (isPromise(laid)) laid.then(done, done);
      else done();
    } catch {
      done();
    }
  }

  /** Writes one notice, whatever others write beside it. Resolves when the store has it. */
  async function post(
    key: string,
    field: string,
    next: (old: string | undefined) => string,
    allowance?: Allowance,
  ): Promise<void> {
    const id = pageOf(key);
    let atLeast: number | undefined;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const entry = await guarded.load(id, atLeast, allowance);
      const old = entry?.fields.get(field);
      const until = environment.now() + concernsMs;
      const value = Buffer.from(`${until},${next(old && textOf(old))}`);
      if (entry === null) {
        if ((await guarded.create(id, blank(new Map([[field, value]])), allowance)) === 'ok') return;
        continue;
      }
      const fields = new Map<string, Write>(struckOff(entry));
      fields.set(field, { op: 'swap', expect: old ?? null, value });
      const delta: Delta = { generation: 0, head: { expiresAt: Math.max(until, entry.head.expiresAt) }, fields };
      const outcome = await guarded.commit(id, delta, allowance);
      if (outcome.status === 'ok') return;
      atLeast = entry.head.version + 1;
    }
    throw failure('SOJOURN_CONTENDED', { attempts: MAX_ATTEMPTS });
  }

  function blank(fields: ReadonlyMap<string, Uint8Array>): Stored {
    const now = environment.now();
    return { head: { createdAt: now, expiresAt: now + concernsMs, version: 1, generation: 0 }, fields };
  }

  function* struckOff({ fields }: Stored): Iterable<[string, Write]> {
    const now = environment.now();
    let struck = 0;
    for (const [field, value] of fields) {
      if (struck === MOST_STRUCK) return;
      if (Number(textOf(value, ',')) > now) continue;
      struck++;
      yield [field, { op: 'swap', expect: value, value: null }];
    }
  }
}

/** A user's name does not stand in the store. */
function keyOf(user: string): string {
  return idOf(hash('sha256', `sojourn notices of ${user}`, 'buffer').subarray(0, 16));
}

const pageIds = new Map<number, string>();

/** The entry that the page of this key is: an id like any other, spread over a ring like any other. */
function pageOf(key: string): string {
  const number = Buffer.from(key.slice(0, 2).padEnd(4, 'A'), 'base64url').readUInt16BE(0) >> 4;
  let id = pageIds.get(number);
  if (id === undefined) {
    id = idOf(hash('sha256', `sojourn notices, page ${number}`, 'buffer').subarray(0, 16));
    pageIds.set(number, id);
  }
  return id;
}

/** Ids have no dots. */
function fieldOf(key: string): string {
  return `.${key}`;
}

function isEnded(entry: Stored | null, id: string): boolean {
  return entry?.fields.has(id) ?? false;
}

function userNotice(entry: Stored | null, key: string): UserNotice | undefined {
  const value = entry?.fields.get(fieldOf(key));
  return value === undefined ? undefined : parsed(textOf(value));
}

function isAllowed(notice: UserNotice | undefined, id: string, number: number): boolean {
  return notice === undefined || number >= notice.number || notice.except === id;
}

/** `until,number,except`. The time is for striking off. */
function parsed(text: string): UserNotice {
  const [, number = '', except = ''] = text.split(',');
  return { number: Number(number), except };
}

/** All of it, or what stands before the first `end`. */
function textOf(value: Uint8Array, end?: string): string {
  const text = Buffer.from(value).toString('latin1');
  return end === undefined ? text : text.slice(0, text.indexOf(end));
}

function demandStore(store: Store): void {
  if (typeof store?.load === 'function' && typeof store.create === 'function' && typeof store.commit === 'function')
    return;
  throw failure('SOJOURN_OPTION', {
    option: 'revocations',
    wanted: 'must be a store, for example redis(client) or memory()',
    got: show(store),
  });
}

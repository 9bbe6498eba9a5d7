/**
 * Flask-Session's entries as a store: Flask and Node write the same sessions, in Redis or wherever they are.
 *
 * An entry is a whole dict, and a commit changes a few of its keys: it is read, those keys get their new values, and it is put back if
 * nobody was quicker (shelf.ts). Untouched values never leave their Python form: a tuple stays a tuple, 1.0 stays 1.0; also
 * inside a field of which another part was changed (from-plain.ts).
 *
 * It is less than a store of ours, because Flask-Session is. The id is the token (`Shared`): who can read the ids can be anybody.
 * Flask overwrites whole entries, so what Node writes during a request of Flask is lost with it. There is no version, no generation and
 * no absolute timeout, and nobody can find the sessions of a user. A session counts as created when it was last written.
 */

import { json } from '../../codecs/json.js';
import type { Codec, Delta, Duration, Environment, Head, Outcome, Shared, Store, Stored } from '../../contract.js';
import { sameBytes } from '../../core/delta.js';
import { environment } from '../../core/environment.js';
import { checked, durationMs, oneOf, show } from '../../core/options.js';
import { failure, isFailure } from '../../errors.js';
import type { RedisClient } from '../../stores/redis/clients/shapes.js';
import { unreadable } from './bounds.js';
import { headIn, isName, isOfHead, putHead, userKey } from './cookie.js';
import { ENTRY_FORMATS, type EntryFormat, readEntry, writeEntry } from './entry.js';
import { demandFit, inJson, inMsgpack, type Misfit } from './exact.js';
import { fromPlain } from './from-plain.js';
import { Dict, type Python } from './python.js';
import { type Entry, isShelf, type Shelf } from './shelf.js';
import { redisShelf } from './shelf-redis.js';
import { toPlain } from './to-plain.js';

export interface FlaskSessionOptions {
  /**
   * What Flask-Session there can read: 'msgpack' or 'json' from 0.7 on, by its SESSION_SERIALIZATION_FORMAT; 'pickle' before. 'pickle-0' for
   * its memcached before 0.6, 'pickle-2' for Python 2. Reading understands them all. Default 'msgpack'.
   */
  readonly format?: EntryFormat;
  /** SESSION_KEY_PREFIX. Default 'session:'. */
  readonly prefix?: string;
  /** PERMANENT_SESSION_LIFETIME. Default 31 days. */
  readonly lifetime?: Duration;
  /** The key under which Flask keeps who is signed in. Default `_user_id`, Flask-Login's. */
  readonly user?: string;
  /** The codec of your `sessions`, if you have chosen one. Default json(). */
  readonly codec?: Codec;
  /** A clock, epoch milliseconds. */
  readonly now?: Environment['now'];
}

/** Each lost try is somebody else's write that landed; after so many in a row something is wrong. */
const TRIES = 50;
const ID = /^[A-Za-z0-9._~-]{1,256}$/;
const GONE: Outcome = Object.freeze({ status: 'gone' });

/**
 * The store that a Flask application with Flask-Session 0.3 to 0.8 has, for Node to share: your Redis client, or `flaskFiles(folder)`,
 * `flaskSql(db)`, `flaskMongo(collection)`, `flaskMemcached(server)`. Goes with `flaskTransport()` and `flaskLifetimes()`.
 * Pickles are read by a reader that knows data and nothing else; Python's own `pickle.loads` is what an attacker with access to Redis
 * would go for, so move to msgpack.
 * @example
 * import { flaskLifetimes, flaskSession, flaskTransport } from 'sojourn/flask';
 *
 * const s = sessions({
 *   store: flaskSession(client, { format: 'pickle' }),
 *   transport: flaskTransport(),
 *   ...flaskLifetimes(),
 * });
 */
export function flaskSession(place: RedisClient | Shelf, options?: FlaskSessionOptions): Store & Shared {
  const own = checked('flaskSession', options, ['format', 'prefix', 'lifetime', 'user', 'codec', 'now']);
  const now = own.now ?? environment.now;
  return new FlaskSession(shelfOf(place, now), {
    format: oneOf('format of flaskSession', own.format ?? 'msgpack', ENTRY_FORMATS),
    prefix: own.prefix ?? 'session:',
    lifetimeMs: durationMs('lifetime of flaskSession', own.lifetime ?? '31d'),
    user: userKey(own.user),
    codec: own.codec ?? json(),
    now,
  });
}

function shelfOf(place: RedisClient | Shelf, now: () => number): Shelf {
  if (typeof place === 'object' && place !== null && isShelf(place)) return place;
  if (typeof place === 'object' || typeof place === 'function') return redisShelf(place as RedisClient, now);
  throw failure('SOJOURN_OPTION', {
    option: 'place of flaskSession',
    wanted:
      'must be a client of redis, ioredis or iovalkey, or flaskFiles(), flaskSql(), flaskMongo(), flaskMemcached()',
    got: show(place),
  });
}

interface Settings {
  readonly format: EntryFormat;
  readonly prefix: string;
  readonly lifetimeMs: number;
  readonly user: string;
  readonly codec: Codec;
  readonly now: () => number;
}

/** An entry, and what it says. */
interface Read {
  readonly entry: Entry;
  readonly dict: Dict;
}

class FlaskSession implements Store, Shared {
  readonly name: string;
  private readonly shelf: Shelf;
  private readonly settings: Settings;

  constructor(shelf: Shelf, settings: Settings) {
    this.shelf = shelf;
    this.settings = settings;
    this.name = shelf.name;
  }

  isId(text: string): boolean {
    return ID.test(text);
  }

  async load(id: string): Promise<Stored | null> {
    const read = await this.read(id);
    if (read === null) return null;
    return { head: this.headOf(read), fields: this.fieldsOf(read.dict) };
  }

  async create(id: string, { head, fields }: Stored): Promise<'ok' | 'exists'> {
    if (!ID.test(id)) throw this.failed('create', 'an id has 1 to 256 letters, digits and ._~-');
    const dict = new Dict();
    for (const [name, bytes] of fields) dict.set(name, this.valueOf(name, bytes, undefined));
    putHead(dict, head, this.settings.user);
    return (await this.shelf.swap(this.keyOf(id), null, this.written(dict), head.expiresAt)) ? 'ok' : 'exists';
  }

  async commit(id: string, delta: Delta): Promise<Outcome> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const outcome = await this.tryCommit(id, delta);
      if (outcome !== null) return outcome;
    }
    throw this.failed('commit', `others have changed the entry ${TRIES} times in a row`);
  }

  async destroy(id: string): Promise<void> {
    if (ID.test(id)) await this.shelf.remove(this.keyOf(id));
  }

  async close(): Promise<void> {
    await this.shelf.close?.();
  }

  /** Null: somebody was quicker. */
  private async tryCommit(id: string, delta: Delta): Promise<Outcome | null> {
    const read = await this.read(id);
    if (read === null) return GONE;
    const lost = this.lostSwaps(read.dict, delta);
    if (lost !== null) return { status: 'conflict', fields: lost };
    const dict = this.changed(read.dict, delta);
    const bytes = this.written(dict);
    const isDone =
      delta.to === undefined
        ? await this.shelf.swap(this.keyOf(id), read.entry, bytes, delta.head.expiresAt)
        : await this.move(id, delta.to, read.entry, bytes, delta.head.expiresAt);
    return isDone ? { status: 'ok', version: 1 } : null;
  }

  /** Away first: should this process end here, a visitor is signed out; the other way round an id from before a login would live on. */
  private async move(from: string, to: string, entry: Entry, bytes: Uint8Array, expiresAt: number): Promise<boolean> {
    if (!(await this.shelf.remove(this.keyOf(from), entry))) return false;
    if (await this.shelf.swap(this.keyOf(to), null, bytes, expiresAt)) return true;
    throw this.failed('commit', 'a fresh id was taken already');
  }

  private changed(before: Dict, { fields, head }: Delta): Dict {
    const dict = before.copy();
    for (const [name, write] of fields) {
      const value = write.op === 'delete' ? null : write.value;
      if (value === null) dict.delete(name);
      else dict.set(name, this.valueOf(name, value, before.get(name)));
    }
    putHead(dict, head, this.settings.user);
    return dict;
  }

  /** What the swapped fields hold, if one of them is not what was expected. */
  private lostSwaps(dict: Dict, { fields }: Delta): ReadonlyMap<string, Uint8Array | null> | null {
    const present = new Map<string, Uint8Array | null>();
    let isLost = false;
    for (const [name, write] of fields) {
      if (write.op !== 'swap') continue;
      const value = dict.get(name);
      const bytes = value === undefined ? null : this.bytesOf(name, value);
      present.set(name, bytes);
      isLost ||= !sameBytes(bytes, write.expect);
    }
    return isLost ? present : null;
  }

  private async read(id: string): Promise<Read | null> {
    if (!ID.test(id)) return null;
    const entry = await this.shelf.read(this.keyOf(id));
    if (entry === null || (entry.expiresAt !== undefined && entry.expiresAt <= this.settings.now())) return null;
    return { entry, dict: readEntry(entry.bytes) };
  }

  private headOf({ entry, dict }: Read): Head {
    const { lifetimeMs, now, user } = this.settings;
    const expiresAt = entry.expiresAt ?? now() + lifetimeMs;
    const createdAt = Math.min(now(), expiresAt - lifetimeMs);
    return { createdAt, expiresAt, version: 1, generation: 0, ...headIn(dict, user) };
  }

  /** Keys that cannot be fields here stay where they are: a commit changes fields, and copies the rest. */
  private fieldsOf(dict: Dict): Map<string, Uint8Array> {
    const fields = new Map<string, Uint8Array>();
    for (const [key, value] of dict.entries())
      if (isName(key) && !isOfHead(key, value, this.settings.user)) fields.set(key, this.bytesOf(key, value));
    return fields;
  }

  private bytesOf(name: string, value: Python): Uint8Array {
    try {
      return this.settings.codec.encode(toPlain(value));
    } catch (error) {
      if (isFailure(error)) throw unreadable(`${show(name)} is more than the codec of this application can hold`);
      throw error;
    }
  }

  private valueOf(name: string, bytes: Uint8Array, before: Python | undefined): Python {
    const value = fromPlain(this.settings.codec.decode(bytes), { before });
    const misfit = MISFITS[this.settings.format];
    if (misfit !== undefined) demandFit(value, misfit, name);
    return value;
  }

  private written(dict: Dict): Uint8Array {
    return writeEntry(dict, this.settings.format);
  }

  private keyOf(id: string): string {
    return this.settings.prefix + id;
  }

  private failed(operation: string, problem: string): Error {
    return failure('SOJOURN_STORE', { store: this.name, operation, problem });
  }
}

/** Pickle holds everything. */
const MISFITS: Readonly<Partial<Record<EntryFormat, Misfit>>> = { msgpack: inMsgpack, json: inJson };

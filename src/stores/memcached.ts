/**
 * Sessions in memcached: for fleets that have one, and may lose sessions.
 *
 * A session is one packed record. A commit reads it with its token (`gets`), applies the delta here, and puts it back on the condition
 * that the token is still the same (`cas`); if somebody was quicker it starts over. Commits of one process take turns, so that they
 * do not fight each other. Nothing here ever writes without that condition, so no late writer brings a session back.
 *
 * memcached forgets: when memory runs short it throws out what was not used for long, and a restart empties it. Then people are signed out,
 * which `lossy` says in the type. It cannot list either, so there is no `of`, no `revoke` and no admin's list. Rejected: an index of
 * users as one more entry (it is evicted like the rest, and "log out everywhere" would then miss somebody without a word); locks by
 * `add` (one that is evicted is no lock); `set` (it does not ask what is there).
 */
import type { Delta, Head, Outcome, Store, Stored } from '../contract.js';
import { environment } from '../core/environment.js';
import { checked, show, wholeNumber } from '../core/options.js';
import { applyPacked, pack, unpack } from '../core/record.js';
import { Turns } from '../core/turns.js';
import { failure } from '../errors.js';
import { check } from './memcached/check.js';
import { Client, ClientTrouble, type Held, type MemcachedClient } from './memcached/client.js';

export type { MemcachedClient } from './memcached/client.js';

export interface MemcachedOptions {
  /** What all keys begin with, at most 64 letters, digits, dots, dashes, underscores or colons. Default 's:'. */
  readonly prefix?: string;
  /**
   * The largest session in bytes, 1024 to 512 MiB. Default 750 KiB, which in base64 fits into what memcached takes by default (1 MiB).
   * For more, start memcached with a larger `-I` and give the client the same `maxValue`. It should be true: the client takes a server
   * that refused a value for dead, and asks it nothing for as long as its option `retry` says. `check` compares.
   */
  readonly maxBytes?: number;
  /** The clock, epoch milliseconds. All servers of the application should agree on it. */
  readonly now?: () => number;
  /** What errors and events call this store. Default 'memcached'. */
  readonly name?: string;
}

/** A store that may forget sessions before their time. Whoever is forgotten is signed out. */
export interface Lossy {
  readonly lossy: true;
}

const DEFAULT_MAX_BYTES = 750 * 1024;
const KEY = /^[A-Za-z0-9._:-]{1,180}$/;
const PREFIX = /^[A-Za-z0-9._:-]{0,64}$/;

/** How often a write is tried when others are quicker. Each time one of them has made progress. */
const MAX_TRIES = 100;

/** More seconds than these are taken for a date (protocol.txt of memcached). */
const LONGEST_SECONDS = 30 * 86_400;
/** An entry stays a little longer than its session: it is our clock that ends sessions. */
const LEEWAY_SECONDS = 60;

const GONE: Outcome = Object.freeze({ status: 'gone' });

/**
 * A store over your own client of the `memcached` package. It may forget (`lossy`), and it cannot list sessions or find them by user.
 * With several servers, leave the client's `remove` off: keys that wander to another server and back bring old sessions along.
 * @example
 * import Memcached from 'memcached';
 * import { memcached } from 'sojourn/memcached';
 *
 * const client = new Memcached('127.0.0.1:11211', { timeout: 1000, retries: 1, retry: 1000, reconnect: 1000 });
 * const s = sessions({ store: memcached(client) });
 */
export function memcached(client: MemcachedClient, options?: MemcachedOptions): Store & Lossy {
  const own = checked('memcached', options, ['prefix', 'maxBytes', 'now', 'name']);
  if (typeof client?.gets !== 'function' || typeof client.cas !== 'function') {
    throw failure('SOJOURN_OPTION', {
      option: 'client of memcached',
      wanted: "must be a client of the package memcached, for example new Memcached('127.0.0.1:11211')",
      got: show(client),
    });
  }
  return new Memcached(client, own);
}

class Memcached implements Store, Lossy {
  readonly name: string;
  readonly lossy = true;
  private readonly client: Client;
  private readonly servers: number;
  private readonly prefix: string;
  private readonly maxBytes: number;
  private readonly now: () => number;
  private readonly turns = new Turns();

  constructor(client: MemcachedClient, { name, prefix, maxBytes, now }: MemcachedOptions) {
    this.name = name ?? 'memcached';
    this.prefix = checkedPrefix(prefix ?? 's:');
    this.maxBytes = wholeNumber('maxBytes of memcached', maxBytes ?? DEFAULT_MAX_BYTES, 1024, 2 ** 29);
    this.now = now ?? environment.now;
    this.servers = client.servers?.length ?? 1;
    this.client = new Client(client, environment);
  }

  async load(id: string): Promise<Stored | null> {
    if (!KEY.test(id)) return null;
    const held = await this.asking('load', () => this.client.gets(this.prefix + id));
    if (held === null) return null;
    const stored = unpack(held.bytes, id);
    return this.hasExpired(stored.head) ? null : stored;
  }

  async create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    if (!KEY.test(id)) throw this.failed('create', 'an id has 1 to 180 letters, digits, dots, dashes or underscores');
    const record = this.fitting(pack(session));
    const key = this.prefix + id;
    const seconds = this.secondsUntil(session.head.expiresAt);
    return this.asking('create', async () => {
      for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
        const answer = await this.client.add(key, record, seconds);
        if (answer === 'stored') return 'ok';
        if (answer === 'refused') throw this.refused(record);
        const present = await this.client.gets(key);
        if (present === null) continue;
        if (!this.hasExpired(unpack(present.bytes, id).head)) return 'exists';
        if (await this.replaced(key, record, present, seconds)) return 'ok';
      }
      throw this.outrun('create');
    });
  }

  async commit(id: string, delta: Delta): Promise<Outcome> {
    if (!KEY.test(id)) return GONE;
    return this.turns.take(id, () => this.asking('commit', () => this.tryToCommit(id, delta)));
  }

  async destroy(id: string): Promise<void> {
    if (KEY.test(id)) await this.asking('destroy', () => this.client.del(this.prefix + id));
  }

  check(): Promise<readonly string[]> {
    return this.asking('check', () =>
      check({ client: this.client, prefix: this.prefix, maxBytes: this.maxBytes, servers: this.servers }),
    );
  }

  /** The client stays open: it is yours. */
  close(): void {
    this.client.close();
  }

  private async tryToCommit(id: string, delta: Delta): Promise<Outcome> {
    const key = this.prefix + id;
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const held = await this.client.gets(key);
      if (held === null) return GONE;
      const [outcome, head, record] = applyPacked(unpack(held.bytes, id), delta, this.now());
      if (head === null || record === null) return outcome;
      if (await this.replaced(key, this.fitting(record), held, this.secondsUntil(head.expiresAt))) return outcome;
    }
    throw this.outrun('commit');
  }

  /**
   * False when somebody was quicker. The client says the same when the server refused. Then the token has not changed; or the client
   * takes the server for dead now, and does not ask it.
   */
  private async replaced(key: string, record: Buffer, { cas }: Held, seconds: number): Promise<boolean> {
    if (await this.client.cas(key, record, cas, seconds)) return true;
    const present = await this.client.gets(key).catch((error) => {
      throw error instanceof ClientTrouble ? this.refused(record, error) : error;
    });
    if (present?.cas === cas) throw this.refused(record);
    return false;
  }

  private hasExpired(head: Head): boolean {
    return head.expiresAt <= this.now();
  }

  private secondsUntil(expiresAt: number): number {
    const seconds = Math.max(1, Math.ceil((expiresAt - this.now()) / 1000) + LEEWAY_SECONDS);
    return seconds <= LONGEST_SECONDS ? seconds : Math.floor(environment.now() / 1000) + seconds;
  }

  private fitting(record: Buffer): Buffer {
    if (record.length <= this.maxBytes) return record;
    throw failure('SOJOURN_LIMIT', {
      what: 'Bytes of a session in memcached',
      size: record.length,
      limit: this.maxBytes,
      option: 'maxBytes of memcached',
    });
  }

  private refused(record: Buffer, cause?: unknown): Error {
    const limit = `a session of ${record.length} bytes was refused: larger than the server's -I, or no memory left (-M)`;
    return failure('SOJOURN_STORE_FULL', { store: this.name, limit }, cause);
  }

  private outrun(operation: string): Error {
    return this.failed(operation, `others changed the session first, ${MAX_TRIES} times in a row`);
  }

  private failed(operation: string, problem: string, cause?: unknown): Error {
    return failure('SOJOURN_STORE', { store: this.name, operation, problem }, cause);
  }

  private async asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof ClientTrouble ? this.failed(operation, error.message, error.cause) : error;
    }
  }
}

function checkedPrefix(prefix: string): string {
  if (typeof prefix === 'string' && PREFIX.test(prefix)) return prefix;
  throw failure('SOJOURN_OPTION', {
    option: 'prefix of memcached',
    wanted: 'must have at most 64 letters, digits, dots, dashes, underscores or colons',
    got: show(prefix),
  });
}

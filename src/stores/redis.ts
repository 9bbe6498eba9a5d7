/**
 * Sessions in Redis: one command to read, one script call to write, through the client that the application has already.
 *
 * A session is one string, the packed record (redis/value.ts), that expires by itself. Whatever writes is a script, so that
 * reading, deciding and writing are one step for every server of the application, and the merge costs no round trip. Who is signed in
 * where is kept in a fixed number of sorted sets (redis/keys.ts). On a cluster these live on other servers than the session: the entry is
 * written before the session is bound, and goes after it is gone. Expiry is judged by the server's clock.
 *
 * Rejected: a hash with one field per key (twice the memory at default settings, docs/decisions/0009-redis-layout.md); WATCH and
 * MULTI (a lost race costs two round trips more); a client of our own.
 */
import type {
  Celled,
  Delta,
  Ended,
  Head,
  Indexed,
  Listable,
  Outcome,
  Store,
  Stored,
  Watchable,
  Watcher,
} from '../contract.js';
import { environment } from '../core/environment.js';
import { checked } from '../core/options.js';
import { pack } from '../core/record.js';
import { failure, isFailure } from '../errors.js';
import { RedisCells } from './redis/cells.js';
import { check } from './redis/check.js';
import { doorOf } from './redis/clients/door-of.js';
import type { RedisClient } from './redis/clients/shapes.js';
import type { Argument, Door, Reply } from './redis/door.js';
import * as keys from './redis/keys.js';
import { dialingFor } from './redis/link-dialing.js';
import { run, type Script } from './redis/script.js';
import { commitArguments, commitReply, commitScript, type FileFirst, hasCommitted } from './redis/script-commit.js';
import { createArguments, createReply, createScript, hasCreated } from './redis/script-create.js';
import { destroyReply, destroyScript } from './redis/script-destroy.js';
import { fileScript } from './redis/script-file.js';
import { provenReply, provenScript } from './redis/script-proven.js';
import { misplaced, OutOfStep, trouble } from './redis/trouble.js';
import { freshValue, headIn, isOf, newMark, sessionIn } from './redis/value.js';
import { entriesOf, keysOf } from './redis/walks.js';
import { Watch, type Wrote } from './redis/watch.js';

export type { RedisClient } from './redis/clients/shapes.js';

export interface RedisOptions {
  /**
   * What all keys begin with, a colon at its end. One prefix for each application that shares a Redis. Default 's:'. An empty one is
   * SOJOURN_OPTION: a walk over all sessions would look at every key of the server. Keys outside the prefix are never touched.
   */
  readonly prefix?: string;
  /** A clock instead of the server's, epoch milliseconds: for tests. */
  readonly now?: () => number;
  /** What errors and events call this store. Default 'redis'. */
  readonly name?: string;
}

const DEFAULT_PREFIX = 's:';

/** A session's deadline moved on while it was filed in the index; after so many times in a row something is wrong. */
const FILING_TRIES = 8;
/** Random bytes in the tag by which a process knows its own messages. */
const TAG_BYTES = 6;

/**
 * A store over your own client of `redis` (5, 6), `ioredis` (5, 6) or `iovalkey`: one server, a cluster, or a group with sentinels.
 * Connect it first, and close it last: the store does neither. A client that answers nothing for three seconds although it was asked, or
 * whose replies have lost their order, is made to connect anew; give sessions a client of their own if that could hurt others.
 * @example
 * import { createClient } from 'redis';
 * import { sessions } from 'sojourn';
 * import { redis } from 'sojourn/redis';
 *
 * const client = await createClient({ url: 'redis://127.0.0.1:6379' }).connect();
 * const s = sessions({ store: redis(client) });
 */
export function redis(
  client: RedisClient,
  options?: RedisOptions,
): Store & Indexed & Listable & Watchable & Partial<Celled> {
  const own = checked('redis', options, ['prefix', 'now', 'name']);
  return new Redis(client, own);
}

class Redis implements Store, Indexed, Listable, Watchable, Partial<Celled> {
  readonly name: string;
  readonly cells?: RedisCells;
  private readonly door: Door;
  private readonly prefix: string;
  private readonly now: (() => number) | undefined;
  /** What scripts are told of the index: where it is, or that it is out of their reach. */
  private readonly index: string;
  private readonly tag: string = Buffer.from(environment.random(TAG_BYTES)).toString('base64url');
  private readonly links: Watch;
  private closed = false;

  constructor(client: RedisClient, { prefix, now, name }: RedisOptions) {
    const door = doorOf(client);
    this.door = door;
    this.name = name ?? 'redis';
    this.prefix = keys.checkedPrefix(prefix ?? DEFAULT_PREFIX);
    this.now = now;
    this.index = door.isCluster ? '' : keys.indexPrefix(this.prefix);
    this.links = new Watch({
      door,
      dialing: dialingFor(client),
      environment,
      prefix: this.prefix,
      idOf: (key) => keys.idOfKey(this.prefix, key),
      idOfCell: (key) => keys.idOfCellKey(this.prefix, key),
      ended: { channel: keys.endedChannel(this.prefix), tag: this.tag },
    });
    if (!door.isCluster) this.cells = this.openCells();
  }

  async load(id: string): Promise<Stored | null> {
    if (!keys.isId(id)) return null;
    const key = keys.sessionKey(this.prefix, id);
    const value = await this.asking('load', id, async () => this.ownValue(id, await this.send(key, ['GET', key])));
    if (value === null) return null;
    const stored = sessionIn(value, id);
    return this.hasExpired(stored.head) ? null : stored;
  }

  async create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    if (!keys.isId(id)) throw this.failed('create', 'an id has 1 to 255 characters of well-formed Unicode');
    const value = freshValue(id, pack(session));
    const { user, expiresAt } = session.head;
    const filing = user === undefined ? undefined : keys.filingOf(this.prefix, user, id, keys.filedUntil(expiresAt));
    return this.asking('create', id, async () => {
      if (filing && this.door.isCluster) await this.file(filing);
      const inside = this.door.isCluster ? undefined : filing;
      const args = createArguments(value, expiresAt, this.now?.(), inside);
      return createReply(await this.run(createScript, id, args, hasCreated), id);
    });
  }

  async commit(id: string, delta: Delta): Promise<Outcome> {
    if (!keys.isId(id)) return { status: 'gone' };
    const mark = newMark();
    return this.asking('commit', id, async () => {
      let filed = 0;
      if (delta.head.user !== undefined) {
        filed = keys.filedUntil(delta.head.expiresAt);
        await this.fileOutside(delta.head.user, id, filed);
      }
      for (let attempt = 0; attempt < FILING_TRIES; attempt++) {
        const outcome = await this.tryCommit(id, delta, mark, filed);
        if (outcome.status !== 'file first') return outcome;
        await this.fileOutside(outcome.user, id, outcome.till);
        filed = outcome.till;
      }
      throw this.failed('commit', 'the owner of the session changed again and again');
    });
  }

  async destroy(id: string): Promise<void> {
    if (!keys.isId(id)) return;
    await this.asking('destroy', id, async () => {
      const channel = keys.endedChannel(this.prefix);
      const now = this.now === undefined ? '' : String(this.now());
      const reply = await this.run(destroyScript, id, [this.index, id, channel, this.tag, now]);
      const user = destroyReply(reply, id);
      if (user !== undefined) await this.removeOutside(user, id);
    });
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    const entries = keys.userEntries(this.prefix, user);
    const ask = (page: readonly Argument[]) =>
      this.asking('byUser', undefined, () => this.door.send(entries.bucket, page));
    for await (const ids of entriesOf(ask, entries)) {
      for (const [id, head] of await this.heads('byUser', ids)) if (head.user === user) yield [id, head];
    }
  }

  /** While keys come and go a session may be seen twice: see `keysOf`. */
  async *list(): AsyncIterableIterator<readonly [id: string, head: Head]> {
    for (const master of await this.asking('list', undefined, () => this.door.masters())) {
      const ask = (page: readonly Argument[]) => this.asking('list', undefined, () => master.send(page));
      for await (const found of keysOf(ask, this.prefix)) {
        const ids = found.map((key) => keys.idOfKey(this.prefix, key)).filter((id) => id !== undefined);
        yield* await this.heads('list', ids);
      }
    }
  }

  /** Opens connections of its own, duplicates of your client, for as long as anybody watches or listens: see redis/watch.ts. */
  watch(watcher: Watcher, everyMs: number): () => void {
    return this.links.watch(watcher, everyMs);
  }

  /**
   * Sessions that other processes destroyed; and those that expired, where the server tells (`notify-keyspace-events` with `E` and `x`:
   * a setting of the server, which is left as it is). Resolves when it hears them; SOJOURN_STORE when Redis cannot be reached or forbids it.
   */
  listen(ended: (id: string, how: Ended) => void): Promise<() => void> {
    return this.asking('listen', undefined, () => this.links.listen(ended));
  }

  check(): Promise<readonly string[]> {
    return check({ door: this.door, store: this.name, prefix: this.prefix, now: this.now?.() });
  }

  /** The client makes new connections; what is under way on the old ones fails, also what the application has sent through the same client. */
  renew(): void {
    if (!this.closed) this.door.renew();
  }

  /** Everything that comes later is SOJOURN_STORE. The client stays open: it is yours. */
  close(): void {
    this.closed = true;
    this.links.close();
  }

  // Reading

  /** The live ones among these, each read where it stands. What cannot be read is passed by: `load` is where it is reported. */
  private async heads(operation: string, ids: readonly string[]): Promise<(readonly [id: string, head: Head])[]> {
    const found = await Promise.all(ids.map((id) => this.headOf(operation, id)));
    return ids.flatMap((id, i) => (found[i] ? [[id, found[i]] as const] : []));
  }

  private async headOf(operation: string, id: string): Promise<Head | null> {
    const key = keys.sessionKey(this.prefix, id);
    try {
      const value = await this.asking(operation, id, async () =>
        this.ownValue(id, await this.door.send(key, ['GET', key])),
      );
      const head = value === null ? null : headIn(value, id);
      return head === null || this.hasExpired(head) ? null : head;
    } catch (error) {
      if (isFailure(error, 'SOJOURN_CORRUPT')) return null;
      throw error;
    }
  }

  /**
   * The reply to a GET, if it can be that. Otherwise replies have lost their order, or somebody has put the value of one session under the
   * id of another: the session is asked for once more in a way that tells which.
   */
  private async ownValue(id: string, reply: Reply): Promise<Buffer | null> {
    if (reply === null || (Buffer.isBuffer(reply) && isOf(reply, id))) return reply;
    const token = newMark().toString('hex');
    const value = provenReply(await this.run(provenScript, id, [token]), token);
    if (value !== null && !isOf(value, id)) throw misplaced(id);
    this.straighten();
    return value;
  }

  /** By the given clock. By its own, Redis has dropped the session before anybody can ask. */
  private hasExpired(head: Head): boolean {
    return this.now !== undefined && head.expiresAt <= this.now();
  }

  // Writing

  private async tryCommit(id: string, delta: Delta, mark: Buffer, filed: number): Promise<Outcome | FileFirst> {
    const call = { mark, now: this.now?.(), index: this.index, id, filed };
    return commitReply(await this.run(commitScript, id, commitArguments(call, delta), hasCommitted), mark, delta);
  }

  /** On a cluster: the entry in the index, which no script that holds the session can reach. Elsewhere the scripts do it. */
  private async fileOutside(user: string, id: string, till: number): Promise<void> {
    if (this.door.isCluster) await this.file(keys.filingOf(this.prefix, user, id, till));
  }

  private async file({ bucket, entry, till }: keys.Filing): Promise<void> {
    const now = this.now === undefined ? '' : String(this.now());
    const reply = await run(this.door.send, fileScript, bucket, [now, entry, String(till)]);
    if (String(reply) !== entry) throw new OutOfStep();
  }

  private async removeOutside(user: string, id: string): Promise<void> {
    if (!this.door.isCluster) return;
    const { bucket, mark } = keys.userEntries(this.prefix, user);
    await this.door.send(bucket, ['ZREM', bucket, mark + id]);
  }

  // Talking to Redis

  private run(script: Script, id: string, args: readonly Argument[], wrote?: Wrote): Promise<Reply> {
    return run((key, command) => this.send(key, command, wrote), script, keys.sessionKey(this.prefix, id), args);
  }

  /** The way of every command about a session. */
  private send(key: string, args: readonly Argument[], wrote?: Wrote): Promise<Reply> {
    return this.links.send(key, args, wrote);
  }

  /** On a cluster there are none: see redis/cells.ts. */
  private openCells(): RedisCells {
    return new RedisCells({
      store: this.name,
      door: this.door,
      prefix: this.prefix,
      now: this.now,
      send: (key, args, wrote) => this.send(key, args, wrote),
      asking: (operation, id, ask) => this.asking(operation, id, ask),
    });
  }

  private async asking<T>(operation: string, id: string | undefined, ask: () => Promise<T>): Promise<T> {
    if (this.closed) throw this.failed(operation, 'it is closed');
    try {
      return await ask();
    } catch (error) {
      if (error instanceof OutOfStep) this.straighten();
      throw trouble(this.name, operation, error, id);
    }
  }

  /** A connection has given somebody the reply to another command: it is good for nothing any more. */
  private straighten(): void {
    if (!this.links.loseStep(new OutOfStep())) this.door.renew();
  }

  private failed(operation: string, problem: string): Error {
    return failure('SOJOURN_STORE', { store: this.name, operation, problem });
  }
}

/**
 * Sessions in MongoDB: one document each, one update for a commit, in your own collection.
 *
 * What a delta expects (the generation, a deadline in the future, the values of swapped fields) is the filter of an update, and what it
 * changes is the update, field by field: the server does both in one step, and fields that are not named are not sent. Only when
 * nothing matched is the session read, to tell `gone` from a `conflict`. The user index is an index. Expired sessions are removed by the
 * server where it has TTL indexes, and by `sweep` everywhere. Expiry is judged by this process's clock.
 *
 * Rejected: the packed record in one field (the whole session both ways for each change, and nothing to look at), updates with
 * a pipeline (compatible servers lack them), transactions (they need a replica set), upserts (they revive).
 */
import type { Delta, Head, Indexed, Listable, Outcome, Store, Stored, Sweepable } from '../contract.js';
import { apply } from '../core/delta.js';
import { environment } from '../core/environment.js';
import { checked, show } from '../core/options.js';
import { failure, unlessCorrupt } from '../errors.js';
import { type MongoCollection, reading } from './mongodb/collection.js';
import { documentOf, filterOf, HEAD_ONLY, headIn, storedIn, updateOf } from './mongodb/document.js';
import { isTwice, trouble } from './mongodb/trouble.js';

export type { MongoCollection } from './mongodb/collection.js';

export interface MongoOptions {
  /** The clock, epoch milliseconds. All servers of the application should agree on it. */
  readonly now?: () => number;
  /** What errors and events call this store. Default 'mongodb'. */
  readonly name?: string;
}

export interface MongoStore extends Store, Indexed, Listable, Sweepable {
  /**
   * Makes the index of users, and the one by which the server removes what has expired. Call it once when you deploy; again does no harm.
   * Returns sentences about what this server cannot do.
   */
  ensureIndexes(): Promise<readonly string[]>;
}

/** The session changes between an update that did not match and the look at why; after so many times in a row something is wrong. */
const TRIES = 16;
const PAGE = 200;
const SWEPT_AT_ONCE = 500;
const MAX_ID_BYTES = 1024;

const methods = ['findOne', 'find', 'insertOne', 'replaceOne', 'findOneAndUpdate', 'deleteOne', 'deleteMany'] as const;

/**
 * A store over a collection of your own client of the `mongodb` package, 6 or 7: one collection for each application. The client stays yours.
 * @example
 * import { MongoClient } from 'mongodb';
 * import { sessions } from 'sojourn';
 * import { mongodb } from 'sojourn/mongodb';
 *
 * const client = new MongoClient('mongodb://127.0.0.1:27017');
 * const store = mongodb(client.db('shop').collection('sessions'));
 * await store.ensureIndexes();
 * const s = sessions({ store });
 */
export function mongodb(collection: MongoCollection, options?: MongoOptions): MongoStore {
  if (!methods.every((method) => typeof collection?.[method] === 'function')) {
    const wanted = "must be a collection of the mongodb package: client.db('shop').collection('sessions')";
    throw failure('SOJOURN_OPTION', { option: 'collection of mongodb', wanted, got: show(collection) });
  }
  return new Mongo(collection, checked('mongodb', options, ['now', 'name']));
}

class Mongo implements MongoStore {
  readonly name: string;
  private readonly now: () => number;
  private readonly collection: MongoCollection;
  private closed = false;

  constructor(collection: MongoCollection, { now, name }: MongoOptions) {
    this.collection = collection;
    this.name = name ?? 'mongodb';
    this.now = now ?? environment.now;
  }

  async load(id: string): Promise<Stored | null> {
    const stored = await this.asking('load', () => this.find(id));
    return stored === null || stored.head.expiresAt <= this.now() ? null : stored;
  }

  create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    return this.asking('create', async () => {
      if (!isId(id)) throw this.failed('create', `an id has 1 to ${MAX_ID_BYTES} bytes of well-formed Unicode`);
      const document = documentOf(id, session);
      for (let attempt = 0; attempt < TRIES; attempt++) {
        if (await this.insert(document)) return 'ok';
        // Only in the place of one that has expired, and in one step.
        const expired = { _id: id, expiresAt: { $lte: this.now() } };
        const { matchedCount } = (await this.collection.replaceOne(expired, document)) as { matchedCount?: number };
        if (matchedCount === 1) return 'ok';
        if ((await this.collection.findOne({ _id: id }, HEAD_ONLY)) !== null) return 'exists';
      }
      throw this.failed('create', 'a session of that id came and went again and again');
    });
  }

  commit(id: string, delta: Delta): Promise<Outcome> {
    return this.asking('commit', async () => {
      if (!isId(id)) return { status: 'gone' };
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const now = this.now();
        const options = {
          ...reading,
          projection: { version: 1 },
          returnDocument: 'after',
          includeResultMetadata: false,
        };
        const found = await this.collection.findOneAndUpdate(filterOf(id, delta, now), updateOf(delta, now), options);
        if (found !== null) return { status: 'ok', version: (found as { version: number }).version };
        const [outcome] = apply(await this.find(id), delta, now);
        if (outcome.status !== 'ok') return outcome;
      }
      throw this.failed('commit', `the session changed ${TRIES} times in a row`);
    });
  }

  async destroy(id: string): Promise<void> {
    if (isId(id)) await this.asking('destroy', () => this.collection.deleteOne({ _id: id }));
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    for await (const [id, head] of this.walk('byUser', { user })) if (head.user === user) yield [id, head];
  }

  list(): AsyncIterableIterator<readonly [id: string, head: Head]> {
    return this.walk('list', {});
  }

  sweep(limit: number): Promise<number> {
    return this.asking('sweep', async () => {
      const due = { expires: { $lte: new Date(this.now()) } };
      let removed = 0;
      while (removed < limit) {
        const most = Math.min(limit - removed, SWEPT_AT_ONCE);
        const options = { ...reading, projection: { _id: 1 }, limit: most };
        const ids = (await this.collection.find(due, options).toArray()).map(idIn);
        if (ids.length > 0) removed += (await this.collection.deleteMany({ _id: { $in: ids }, ...due })).deletedCount;
        if (ids.length < most) break;
      }
      return removed;
    });
  }

  ensureIndexes(): Promise<readonly string[]> {
    return this.asking('ensureIndexes', async () => {
      await this.collection.createIndex({ user: 1 });
      try {
        await this.collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0 });
        return [];
      } catch (error) {
        if (!isUnable(error)) throw error;
        await this.collection.createIndex({ expires: 1 });
        return [
          'This server has no TTL indexes: expired sessions are removed by sweep, which the engine calls, alone.',
        ];
      }
    });
  }

  async check(): Promise<readonly string[]> {
    return this.asking('check', async () => {
      await this.collection.findOne({ _id: 'check' }, reading);
      await this.collection.deleteOne({ _id: 'check' });
      const indexes = await this.collection.indexes().catch((): readonly object[] => []);
      const isIndexed = indexes.some((index) => 'user' in ((index as { readonly key?: object }).key ?? {}));
      return isIndexed
        ? []
        : ['There is no index of users: call ensureIndexes() of the store once, or every look-up reads all.'];
    });
  }

  /** Everything that comes later is SOJOURN_STORE. The client stays open: it is yours. */
  close(): void {
    this.closed = true;
  }

  private async find(id: string): Promise<Stored | null> {
    if (!isId(id)) return null;
    const document = await this.collection.findOne({ _id: id }, reading);
    return document === null ? null : storedIn(document, id);
  }

  private async insert(document: object): Promise<boolean> {
    try {
      await this.collection.insertOne(document);
      return true;
    } catch (error) {
      if (isTwice(error)) return false;
      throw error;
    }
  }

  /** The live ones, a page at a time: no cursor is held open while somebody thinks. What cannot be read is passed by. */
  private async *walk(operation: string, filter: object): AsyncIterableIterator<readonly [id: string, head: Head]> {
    for (let after = ''; ; ) {
      const page = { ...reading, ...HEAD_ONLY, sort: { _id: 1 }, limit: PAGE };
      const documents = await this.asking(operation, () =>
        this.collection.find({ ...filter, _id: { $gt: after } }, page).toArray(),
      );
      for (const document of documents) {
        const id = idIn(document);
        after = id;
        const head = unlessCorrupt(() => headIn(document, id));
        if (head && head.expiresAt > this.now()) yield [id, head];
      }
      if (documents.length < PAGE) return;
    }
  }

  private async asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    if (this.closed) throw this.failed(operation, 'it is closed');
    try {
      return await ask();
    } catch (error) {
      throw trouble(this.name, operation, error);
    }
  }

  private failed(operation: string, problem: string): Error {
    return failure('SOJOURN_STORE', { store: this.name, operation, problem });
  }
}

function isId(id: string): boolean {
  return typeof id === 'string' && id.length > 0 && Buffer.byteLength(id) <= MAX_ID_BYTES && id.isWellFormed();
}

function idIn(document: object): string {
  return (document as { readonly _id: string })._id;
}

/** The server says that it has no such thing. FerretDB: NotImplemented. */
function isUnable(error: unknown): boolean {
  return /NotImplemented|CommandNotSupported/.test(String((error as { readonly codeName?: unknown } | null)?.codeName));
}

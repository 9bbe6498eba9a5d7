/**
 * Flask-Session's entries in MongoDB: `{ id, val, expiration }`, one document for each.
 *
 * Before 0.7 there is no index on anything, and later none on `id`: make one, `createIndex({ id: 1 })`, or every request walks the whole
 * collection. What `swap` compares is `val` itself, in the filter of the update, so that the server decides.
 */
import { failure, isFailure } from '../../errors.js';
import { unreadable } from './bounds.js';
import type { Entry, Shelf } from './shelf.js';

/** What we use of a collection of the package `mongodb`. */
export interface FlaskCollection {
  findOne(filter: object): Promise<object | null>;
  updateOne(
    filter: object,
    change: object,
    options?: { readonly upsert?: boolean },
  ): Promise<{ readonly matchedCount: number; readonly upsertedCount: number }>;
  deleteMany(filter: object): Promise<{ readonly deletedCount: number }>;
}

const NAME = 'flask-session in mongodb';

/**
 * SESSION_MONGODB_COLLECT, for `flaskSession`.
 * @example
 * import { MongoClient } from 'mongodb';
 *
 * const mongo = await new MongoClient('mongodb://127.0.0.1').connect();
 * const store = flaskSession(flaskMongo(mongo.db('flask_session').collection('sessions')));
 */
export function flaskMongo(collection: FlaskCollection): Shelf {
  if (typeof collection?.findOne !== 'function' || typeof collection.updateOne !== 'function') {
    throw failure('SOJOURN_OPTION', {
      option: 'collection of flaskMongo',
      wanted: "must be a collection of the package mongodb: client.db('flask_session').collection('sessions')",
    });
  }
  return {
    name: NAME,
    read: (id) => asking('load', async () => entryOf(await collection.findOne({ id }))),
    swap: (id, entry, bytes, expiresAt) =>
      asking('commit', async () => {
        const document = { val: Buffer.from(bytes), expiration: new Date(expiresAt) };
        if (entry === null) {
          const { upsertedCount } = await collection.updateOne({ id }, { $setOnInsert: document }, { upsert: true });
          return upsertedCount === 1;
        }
        const { matchedCount } = await collection.updateOne({ id, val: entry.seen }, { $set: document });
        return matchedCount === 1;
      }),
    remove: (id, entry) =>
      asking('destroy', async () => {
        const filter = entry === undefined ? { id } : { id, val: entry.seen };
        return (await collection.deleteMany(filter)).deletedCount > 0;
      }),
  };
}

/** `val` comes as a Binary, which holds the bytes in `buffer`; or as a Buffer, where the driver was told to. */
function entryOf(document: object | null): Entry | null {
  if (document === null) return null;
  const { val, expiration } = document as { readonly val?: unknown; readonly expiration?: unknown };
  const bytes = val instanceof Uint8Array ? val : (val as { readonly buffer?: unknown } | undefined)?.buffer;
  if (!(bytes instanceof Uint8Array)) throw unreadable('its document has no bytes in val');
  return { bytes, expiresAt: expiration instanceof Date ? expiration.getTime() : undefined, seen: val };
}

async function asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isFailure(error)) throw error;
    throw failure('SOJOURN_STORE', { store: NAME, operation, problem: 'the driver of MongoDB failed' }, error);
  }
}

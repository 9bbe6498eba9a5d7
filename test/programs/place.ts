/**
 * Any store that processes can share, by an address: the way to the same place for a test and for the programs beside it. Drivers are
 * loaded when they are wanted: a program that starts a hundred times should not load five of them each time.
 */
import type { Store } from 'sojourn';

export interface Place {
  readonly store: Store;
  /** After the store. */
  close(): Promise<void>;
}

export async function openPlace(address: string): Promise<Place> {
  const [, kind = '', where = ''] = /^([a-z0-9-]+):(.*)$/s.exec(address) ?? [];
  if (['postgres', 'mysql', 'sqlite', 'node-sqlite', 'better-sqlite3'].includes(kind)) return openSql(address);
  if (kind === 'file') return openFile(where);
  if (kind === 'lmdb') return openLmdb(where);
  if (kind === 'redis') return openRedis(address);
  if (kind === 'memcached') return openMemcached(address);
  if (kind === 'mongodb') return openMongo(address);
  throw new Error(`No store for ${kind}`);
}

async function openFile(folder: string): Promise<Place> {
  const { file } = await import('sojourn/file');
  return { store: file(folder, { durable: false }), close: async () => {} };
}

async function openLmdb(folder: string): Promise<Place> {
  const { lmdb } = await import('sojourn/lmdb');
  return { store: lmdb(folder, { durable: false }), close: async () => {} };
}

async function openRedis(address: string): Promise<Place> {
  const [{ redis }, { createClient }] = await Promise.all([import('sojourn/redis'), import('redis')]);
  const client = await createClient({ url: address }).connect();
  return { store: redis(client), close: () => client.close() };
}

async function openSql(address: string): Promise<Place> {
  const [{ sql, sqlMigration }, { sqlClient }] = await Promise.all([import('sojourn/sql'), import('./sql-client.js')]);
  const { db, close } = sqlClient(address);
  await sqlMigration().up(db);
  return { store: sql(db), close };
}

async function openMongo(address: string): Promise<Place> {
  const [{ mongodb }, { MongoClient }] = await Promise.all([import('sojourn/mongodb'), import('mongodb')]);
  const client = await new MongoClient(address).connect();
  return { store: mongodb(client.db().collection('sessions')), close: () => client.close() };
}

async function openMemcached(address: string): Promise<Place> {
  const [{ memcached }, { memcachedAt }] = await Promise.all([
    import('sojourn/memcached'),
    import('./memcached-client.js'),
  ]);
  const client = memcachedAt(new URL(address).host);
  return { store: memcached(client), close: async () => client.end() };
}

/** Any store that processes can share, by an address: the way to the same place for a test and for the programs beside it. */
import type { Store } from 'sojourn';
import { file } from 'sojourn/file';
import { memcached } from 'sojourn/memcached';
import { sql, sqlMigration } from 'sojourn/sql';
import { memcachedAt } from './memcached-client.js';
import { sqlClient } from './sql-client.js';

export interface Place<S extends Store = Store> {
  readonly store: S;
  /** After the store. */
  close(): Promise<void>;
}

export async function openPlace(address: string): Promise<Place> {
  const [, kind] = /^([a-z-]+):/.exec(address) ?? [];
  if (kind !== undefined && ['postgres', 'mysql', 'sqlite', 'node-sqlite'].includes(kind)) return openSql(address);
  if (kind === 'file') return { store: file(address.slice('file:'.length), { durable: false }), close: async () => {} };
  if (kind === 'memcached') return openMemcached(address);
  throw new Error(`No store for ${kind}`);
}

async function openSql(address: string): Promise<Place> {
  const { db, close } = sqlClient(address);
  await sqlMigration().up(db);
  return { store: sql(db), close };
}

async function openMemcached(address: string): Promise<Place> {
  const client = memcachedAt(new URL(address).host);
  return { store: memcached(client), close: async () => client.end() };
}

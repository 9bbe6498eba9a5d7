/**
 * Sessions in files and in databases. Apart from stores.ts, and loaded when it is wanted: nobody should load five drivers to use none.
 *
 * Each has the client that an application would make; none of them needs a near cache's connection, and none has one.
 */
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely';
import Memcached from 'memcached';
import { MongoClient } from 'mongodb';
import { createPool } from 'mysql2';
import { Pool } from 'pg';
import { isFailure } from 'sojourn';
import { file } from 'sojourn/file';
import { memcached } from 'sojourn/memcached';
import { mongodb } from 'sojourn/mongodb';
import { sql, sqlMigration } from 'sojourn/sql';
import { type DatabaseAddress, placeInWords } from './address.js';
import { sqlite } from './db/sqlite.js';
import { OutOfReach, type Place } from './stores.js';

/** A start waits so long for a server. */
const PATIENCE_MS = 3000;
const CONNECTIONS = 8;

export function openDatabaseStore(address: DatabaseAddress): Place {
  const where = address.url.slice(address.kind.length + 1);
  if (address.kind === 'file') return { store: file(where), reach: async () => [], close: () => undefined };
  if (address.kind === 'memcached') return openMemcached(address);
  return address.kind === 'mongodb' ? openMongo(address) : openSql(address, where);
}

function openSql(address: DatabaseAddress, where: string): Place {
  const db = new Kysely<unknown>({ dialect: dialectFor(address, where) });
  const store = sql(db, { name: placeInWords(address) });
  return {
    store,
    reach: () =>
      reached(address, async () => {
        await sqlMigration().up(db);
        return store.check!();
      }),
    close: () => void db.destroy(),
  };
}

function dialectFor({ kind, url }: DatabaseAddress, where: string) {
  if (kind === 'sqlite') return sqlite(where);
  if (kind === 'mysql') {
    return new MysqlDialect({
      pool: createPool({ uri: url, connectionLimit: CONNECTIONS, connectTimeout: PATIENCE_MS }),
    });
  }
  const pool = new Pool({ connectionString: url, max: CONNECTIONS, connectionTimeoutMillis: PATIENCE_MS });
  // Without a listener, a connection that dies while nobody uses it would end the process.
  pool.on('error', () => undefined);
  return new PostgresDialect({ pool });
}

function openMongo(address: DatabaseAddress): Place {
  const client = new MongoClient(address.url, { serverSelectionTimeoutMS: PATIENCE_MS });
  const store = mongodb(client.db().collection('cinema_sessions'), { name: placeInWords(address) });
  return { store, reach: () => reached(address, () => store.ensureIndexes()), close: () => void client.close() };
}

function openMemcached(address: DatabaseAddress): Place {
  const client = new Memcached(new URL(address.url).host, {
    timeout: PATIENCE_MS,
    retries: 1,
    retry: 1000,
    reconnect: 1000,
  });
  const store = memcached(client, { name: placeInWords(address) });
  return { store, reach: () => reached(address, () => store.check!()), close: () => client.end() };
}

async function reached(address: DatabaseAddress, reach: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await reach();
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    const how = isFailure(error) ? error.message : typeof code === 'string' ? code : 'its driver failed';
    throw new OutOfReach(`${placeInWords(address)} does not answer: ${how}. Start it, or correct SESSIONS.`);
  }
}

/**
 * Each store of the benchmark, and beside it what its driver alone takes: to read one such record, and to overwrite it without looking. What a layer
 * adds is seen the same way: beside it the store below.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely';
import { open } from 'lmdb';
import Memcached from 'memcached';
import { MongoClient } from 'mongodb';
import { createPool } from 'mysql2';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { memory, type Store } from 'sojourn';
import { encryptedFields } from 'sojourn/encrypted-fields';
import { file } from 'sojourn/file';
import { lmdb } from 'sojourn/lmdb';
import { memcached } from 'sojourn/memcached';
import { mongodb } from 'sojourn/mongodb';
import { redis } from 'sojourn/redis';
import { sql, sqlMigration } from 'sojourn/sql';
import { traced } from 'sojourn/traced';
import { sqlite } from '../../examples/cinema/db/sqlite.js';
import { tempFolder } from '../support/temp.js';

export interface Entrant {
  readonly store: Store;
  /** What it is compared with. */
  readonly bare?: Bare;
  /** After the store. */
  close(): Promise<unknown>;
}

export interface Bare {
  read(id: string): unknown;
  write(id: string, bytes: Buffer): unknown;
}

export interface Work {
  readonly ids: readonly string[];
  /** As large as a session is where it lies. */
  readonly record: Buffer;
  /** One session's commit, for what stands above another store. */
  commit(store: Store, id: string): unknown;
}

const TABLE = 'bench_sessions';
const CELLS = 'bench_sessions_cells';
const nothing = async (): Promise<void> => {};

export async function openMemory(): Promise<Entrant> {
  return { store: memory(), close: nothing };
}

/** Nothing is listening: what everybody pays. */
export async function openTraced({ commit }: Work): Promise<Entrant> {
  return overMemory((store) => traced(store), commit);
}

export async function openEncrypted({ commit }: Work): Promise<Entrant> {
  const keys = [randomBytes(32).toString('base64url')];
  return overMemory((store) => encryptedFields(store, { keys }), commit);
}

/** Beside it the same store without the layer, whose sessions the layer has made. */
function overMemory(layer: (store: Store) => Store, commit: Work['commit']): Entrant {
  const below = memory();
  const bare = { read: (id: string) => below.load(id), write: (id: string) => commit(below, id) };
  return { store: layer(below), bare, close: nothing };
}

export async function openLmdb({ ids, record }: Work): Promise<Entrant> {
  const root = open({ path: tempFolder(), encoding: 'binary', noSync: true });
  for (const id of ids) await root.put(id, record);
  const bare = { read: (id: string) => root.getBinary(id), write: (id: string, bytes: Buffer) => root.put(id, bytes) };
  return { store: lmdb(tempFolder(), { durable: false }), bare, close: () => root.close() };
}

/** Beside it: the whole file read; another written and moved over it, without lock, checksum or index. */
export async function openFile({ ids, record }: Work): Promise<Entrant> {
  const folder = tempFolder();
  const at = (id: string): string => join(folder, id);
  for (const id of ids) writeFileSync(at(id), record);
  const bare = {
    read: (id: string) => readFileSync(at(id)),
    write(id: string, bytes: Buffer) {
      writeFileSync(at('new'), bytes);
      renameSync(at('new'), at(id));
    },
  };
  return { store: file(tempFolder(), { durable: false }), bare, close: nothing };
}

export function openSqlite(work: Work): Promise<Entrant> {
  return openSql(new Kysely<Tables>({ dialect: sqlite(join(tempFolder(), 'bench.db')) }), (id) => id, work);
}

/** By its address. */
export function openAt(address: string, work: Work): Promise<Entrant> {
  const kind = address.split(':')[0] ?? '';
  if (kind.startsWith('postgres')) {
    const pool = new Pool({ connectionString: address });
    return openSql(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), (id) => id, work);
  }
  if (kind === 'mysql') {
    const db = new Kysely<Tables>({ dialect: new MysqlDialect({ pool: createPool(address) }) });
    return openSql(db, (id) => Buffer.from(id), work);
  }
  if (kind.startsWith('mongodb')) return openMongo(address, work);
  if (kind === 'memcached') return openMemcached(address, work);
  if (kind === 'redis') return openRedis(address, work);
  throw new Error(`no store for ${kind}: wanted redis://, memcached://, postgres://, mysql:// or mongodb://`);
}

interface Tables {
  readonly [CELLS]: { id: string | Buffer; mark: string; expires_at: number; record: Buffer };
}

/** Beside it: the driver through Kysely, one select of a record and one update of it, in a table of the same shape. */
async function openSql(
  db: Kysely<Tables>,
  key: (id: string) => string | Buffer,
  { ids, record }: Work,
): Promise<Entrant> {
  const migration = sqlMigration({ table: TABLE });
  await migration.up(db);
  for (const id of ids) {
    const row = { id: key(id), mark: 'm', expires_at: 1, record };
    await db.insertInto(CELLS).values(row).execute();
  }
  const bare = {
    read: (id: string) => db.selectFrom(CELLS).select('record').where('id', '=', key(id)).executeTakeFirst(),
    write: (id: string, bytes: Buffer) =>
      db.updateTable(CELLS).set({ record: bytes }).where('id', '=', key(id)).execute(),
  };
  const close = async () => {
    await migration.down(db);
    await db.destroy();
  };
  return { store: sql(db, { table: TABLE }), bare, close };
}

/** Beside it: one find of the document, one update of a field. */
async function openMongo(address: string, _: Work): Promise<Entrant> {
  const client = await new MongoClient(address).connect();
  const collection = client.db().collection<{ _id: string; n: Buffer }>(TABLE);
  const bare = {
    read: (id: string) => collection.findOne({ _id: id }),
    write: (id: string, bytes: Buffer) => collection.updateOne({ _id: id }, { $set: { n: bytes.subarray(0, 90) } }),
  };
  const close = async () => {
    await collection.drop();
    await client.close();
  };
  return { store: mongodb(collection), bare, close };
}

/** Beside it: one get and one set of text as long as a session in base64. */
async function openMemcached(address: string, { ids, record }: Work): Promise<Entrant> {
  const client = new Memcached(new URL(address).host);
  const text = record.toString('base64');
  const read = (id: string) =>
    new Promise((resolve, reject) => client.get(id, (error, value) => (error ? reject(error) : resolve(value))));
  const write = (id: string) =>
    new Promise((resolve, reject) =>
      client.set(id, text, 60, (error, done) => (error ? reject(error) : resolve(done))),
    );
  for (const id of ids) await write(id);
  return { store: memcached(client), bare: { read, write }, close: async () => client.end() };
}

/** Beside it: one GET and one SET of a session's bytes. */
async function openRedis(address: string, { ids, record }: Work): Promise<Entrant> {
  const client = await createClient({ url: address }).connect();
  for (const id of ids) await client.set(id, record);
  const bare = {
    read: (id: string) => client.sendCommand(['GET', id]),
    write: (id: string, bytes: Buffer) => client.sendCommand(['SET', id, bytes]),
  };
  const close = async () => {
    await client.del([...ids]);
    client.destroy();
  };
  return { store: redis(client, { prefix: 'bench:' }), bare, close };
}

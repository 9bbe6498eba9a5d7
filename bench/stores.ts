/**
 * `npm run bench -- stores`: a read and a write of each store, beside its driver's bare cost. Prints by itself.
 *
 * It measures what needs no server: memory, LMDB, files and SQLite; and what STORES names, addresses of servers of yours with spaces between:
 * `STORES='postgres://... mysql://... mongodb://...'`. Tables and collections named bench_* are made there, and dropped. One call at a time, in turns with the bare driver, so
 * that both have the same minutes of the machine: the ratios are what can be compared.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kysely, MysqlDialect, PostgresDialect } from 'kysely';
import { MongoClient } from 'mongodb';
import { createPool } from 'mysql2';
import { Pool } from 'pg';
import { type Delta, memory, type Store } from 'sojourn';
import { file } from 'sojourn/file';
import { lmdb } from 'sojourn/lmdb';
import { mongodb } from 'sojourn/mongodb';
import { sql, sqlMigration } from 'sojourn/sql';
import { sqlite } from '../examples/cinema/db/sqlite.js';
import { tempFolder } from './support/temp.js';

const SESSIONS = 500;
const TURNS = 12;
const TURN_CALLS = 100;
const VALUE = Buffer.alloc(90, 'x');
const HOUR_MS = 3_600_000;
const TABLE = 'bench_sessions';
const CELLS = 'bench_sessions_cells';

interface Entrant {
  readonly name: string;
  readonly store: Store;
  /** What the driver alone takes to read such a record, and to write one. */
  readonly bare?: { read(id: string): unknown; write(id: string, bytes: Buffer): unknown };
  close(): Promise<unknown>;
}

const ids = Array.from({ length: SESSIONS }, () => randomBytes(16).toString('base64url'));
const record = Buffer.alloc(1100, 'r');

for (const open of [
  openMemory,
  openLmdb,
  openFile,
  openSqlite,
  ...(process.env.STORES ?? '').split(' ').filter(Boolean).map(opener),
]) {
  const entrant = await open();
  await measure(entrant);
  await entrant.store.close?.();
  await entrant.close();
}

async function measure({ name, store, bare }: Entrant): Promise<void> {
  const expiresAt = Date.now() + HOUR_MS;
  const fields = new Map(Array.from({ length: 10 }, (_, i) => [`field${i}`, VALUE]));
  for (const id of ids)
    await store.create(id, { head: { createdAt: 0, expiresAt, version: 1, generation: 0 }, fields });
  const delta: Delta = {
    generation: 0,
    head: { expiresAt },
    fields: new Map([['field3', { op: 'set', value: VALUE }]]),
  };
  const load = (id: string) => store.load(id);
  const commit = (id: string) => store.commit(id, delta);
  const own = await inTurns([load, commit, ...(bare ? [bare.read, (id: string) => bare.write(id, record)] : [])]);
  const [read = 0, write = 0, bareRead, bareWrite] = own;
  console.log(
    `${name.padEnd(22)} read ${us(read)}${beside(read, bareRead)}   write ${us(write)}${beside(write, bareWrite)}`,
  );
}

/** Medians in microseconds, each kind of call in turn with the others. */
async function inTurns(calls: readonly ((id: string) => unknown)[]): Promise<number[]> {
  const times: number[][] = calls.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [n, call] of calls.entries()) {
      for (let i = 0; i < TURN_CALLS; i++) {
        const id = ids[(turn * TURN_CALLS + i * 7) % SESSIONS]!;
        const begun = performance.now();
        await call(id);
        // The first turn warms up.
        if (turn > 0) times[n]!.push((performance.now() - begun) * 1000);
      }
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[all.length >> 1]!);
}

function us(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} us`.padStart(9);
}

function beside(own: number, bare: number | undefined): string {
  return bare === undefined ? '' : ` (bare ${us(bare).trim()}, ${(own / bare).toFixed(2)})`;
}

async function openMemory(): Promise<Entrant> {
  return { name: 'memory', store: memory(), close: async () => {} };
}

async function openLmdb(): Promise<Entrant> {
  return { name: 'lmdb, not durable', store: lmdb(tempFolder(), { durable: false }), close: async () => {} };
}

/** Beside it: the whole file read; another written and moved over it, without lock, checksum or index. */
async function openFile(): Promise<Entrant> {
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
  return { name: 'file, not durable', store: file(tempFolder(), { durable: false }), bare, close: async () => {} };
}

function openSqlite(): Promise<Entrant> {
  return openSql('sql, SQLite', new Kysely<Bare>({ dialect: sqlite(join(tempFolder(), 'bench.db')) }));
}

function opener(address: string): () => Promise<Entrant> {
  if (address.startsWith('postgres')) {
    const pool = new Pool({ connectionString: address });
    return () => openSql('sql, PostgreSQL', new Kysely<Bare>({ dialect: new PostgresDialect({ pool }) }));
  }
  if (address.startsWith('mysql')) {
    return () => openSql('sql, MySQL', new Kysely<Bare>({ dialect: new MysqlDialect({ pool: createPool(address) }) }));
  }
  if (address.startsWith('mongodb')) return () => openMongo(address);
  throw new Error(`No store for ${address.split(':')[0]}: wanted postgres://, mysql:// or mongodb://.`);
}

interface Bare {
  readonly [CELLS]: { id: string | Buffer; mark: string; expires_at: number; record: Buffer };
}

/** Beside it: the driver through Kysely, one select of a record and one update of it, in a table of the same shape. */
async function openSql(name: string, db: Kysely<Bare>): Promise<Entrant> {
  const migration = sqlMigration({ table: TABLE });
  await migration.up(db);
  const key = (id: string) => (name.includes('MySQL') ? Buffer.from(id) : id);
  for (const id of ids) {
    await db
      .insertInto(CELLS)
      .values({ id: key(id), mark: 'm', expires_at: 1, record })
      .execute();
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
  return { name, store: sql(db, { table: TABLE }), bare, close };
}

/** Beside it: one find of the document, one update of a field. */
async function openMongo(address: string): Promise<Entrant> {
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
  return { name: 'mongodb', store: mongodb(collection), bare, close };
}

/**
 * The Kysely instance of a program, by an address: postgres://, mysql://, sqlite:<file> (libsql), node-sqlite:<file>, or
 * better-sqlite3:<the folder of the package>#<file>.
 */
import { createRequire } from 'node:module';
import { Kysely, MysqlDialect, PostgresDialect, type SqliteDatabase, SqliteDialect } from 'kysely';
import { createPool } from 'mysql2';
import pg from 'pg';
import { sqlite } from '../../examples/cinema/db/sqlite.js';

/** The part of node:sqlite that is used here: Node 20, whose types these are, has none. */
interface NodeSqlite {
  readonly DatabaseSync: new (
    file: string,
  ) => {
    exec(text: string): void;
    prepare(text: string): {
      all(...values: unknown[]): unknown[];
      run(...values: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
      iterate(...values: unknown[]): IterableIterator<unknown>;
    };
    close(): void;
  };
}

/** The part of better-sqlite3 that is used here: it is not a dependency (scripts/better-sqlite3.js). */
type BetterSqlite3 = new (file: string) => SqliteDatabase & { pragma(text: string): unknown };

export interface SqlClient {
  readonly db: Kysely<unknown>;
  close(): Promise<void>;
}

const CONNECTIONS = 8;
const BUSY_MS = 5000;

export function sqlClient(url: string): SqlClient {
  const db = new Kysely<unknown>({ dialect: dialectFor(url) });
  return { db, close: () => db.destroy() };
}

function dialectFor(url: string): PostgresDialect | MysqlDialect | SqliteDialect {
  const [, kind, where = ''] = /^([a-z0-9-]+):(.*)$/.exec(url) ?? [];
  if (kind === 'postgres') return new PostgresDialect({ pool: postgresPool(url) });
  if (kind === 'mysql') return new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: CONNECTIONS }) });
  if (kind === 'sqlite') return sqlite(where);
  if (kind === 'node-sqlite') return new SqliteDialect({ database: nodeSqlite(where) });
  if (kind === 'better-sqlite3') return new SqliteDialect({ database: betterSqlite3(where) });
  throw new Error(`No dialect for ${kind}`);
}

function postgresPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  // Without a listener, a connection that dies while nobody uses it would end the process.
  pool.on('error', () => {});
  return pool;
}

/** As docs/stores.md says. Its connection is what Kysely wants. */
function betterSqlite3(where: string): SqliteDatabase {
  const [folder = '', file = ''] = where.split('#');
  const Database = createRequire(import.meta.url)(folder) as BetterSqlite3;
  const database = new Database(file);
  database.pragma('journal_mode = wal');
  return database;
}

/** Node's own SQLite, from Node 22 on, in the shape that Kysely wants. */
function nodeSqlite(file: string): SqliteDatabase {
  const { DatabaseSync } = createRequire(import.meta.url)('node:sqlite') as NodeSqlite;
  const database = new DatabaseSync(file);
  database.exec(`pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = ${BUSY_MS}`);
  return {
    prepare(text) {
      const statement = database.prepare(text);
      return {
        reader: /^\s*(?:select|with|pragma)\b|\breturning\b/i.test(text),
        all: (given) => statement.all(...given),
        run(given) {
          const { changes, lastInsertRowid } = statement.run(...given);
          return { changes: BigInt(changes), lastInsertRowid: BigInt(lastInsertRowid) };
        },
        iterate: (given) => statement.iterate(...given),
      };
    },
    close: () => database.close(),
  };
}

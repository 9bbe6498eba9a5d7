/** The Kysely instance of a program, by an address: postgres://, mysql:// or sqlite:<file>. */
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
  const [, kind, where = ''] = /^([a-z-]+):(.*)$/.exec(url) ?? [];
  if (kind === 'postgres') return new PostgresDialect({ pool: postgresPool(url) });
  if (kind === 'mysql') return new MysqlDialect({ pool: createPool({ uri: url, connectionLimit: CONNECTIONS }) });
  if (kind === 'sqlite') return sqlite(where);
  if (kind === 'node-sqlite') return new SqliteDialect({ database: nodeSqlite(where) });
  throw new Error(`No dialect for ${kind}`);
}

function postgresPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  // Without a listener, a connection that dies while nobody uses it would end the process.
  pool.on('error', () => {});
  return pool;
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

/**
 * Opens the cinema's database: a SQLite file, or PostgreSQL when the address says so. The code above is the same for both.
 *
 * Sessions are not in here. They go through sojourn to a store of their own, with its own connections (weakness C19 of the
 * application that this example is modelled on was one Redis database for everything).
 */
import { CamelCasePlugin, type Dialect, Kysely, PostgresDialect } from 'kysely';
import { Pool, types } from 'pg';
import type { Database, Schema } from './schema.js';
import { sqlite } from './sqlite.js';
import { makeTables } from './tables.js';

/** `address`: a file name, or `postgres://...`. Tables are made when missing. Close with `db.destroy()`. */
export async function openDatabase(address: string): Promise<Database> {
  const postgres = /^postgres(ql)?:/.test(address);
  const db = new Kysely<Schema>({
    dialect: postgres ? postgresql(address) : sqlite(address),
    plugins: [new CamelCasePlugin()],
  });
  await makeTables(db, postgres ? 'bytea' : 'blob');
  return db;
}

const INT8 = 20;
const NUMERIC = 1700;

/** int8 and sums arrive as text by default, because they might not fit a number. Cents and milliseconds do. */
function postgresql(address: string): Dialect {
  const asNumber = (text: string): number => Number(text);
  const getTypeParser = (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC ? asNumber : types.getTypeParser(oid, format as 'text');
  return new PostgresDialect({
    pool: new Pool({ connectionString: address, max: 8, connectionTimeoutMillis: 5000, types: { getTypeParser } }),
  });
}

/**
 * The tables and indexes, as a migration of Kysely and as SQL to print. Both are made of the same statements.
 *
 * They are written by hand: column types are where the three differ most (MySQL's BLOB ends at 64 KB and cuts off the rest, its text
 * ignores case), and so everything that matters stands here to be read.
 */
import { oneOf } from '../../core/options.js';
import { type Dialect, dialectOf, dialects, type Kind, type SqlDatabase } from './dialect.js';
import { quoted, run } from './raw.js';
import { DEFAULT_TABLE, MARK_LENGTH, MAX_ID_BYTES, namesOf, open, USER_KEY_LENGTH } from './tables.js';
import { isThere, patiently } from './trouble.js';

export interface SqlTableOptions {
  /** As for `sql`. Default 'sojourn_sessions'. */
  readonly table?: string;
}

/** A migration as Kysely's `Migrator` takes it. */
export interface SqlMigration {
  up(db: SqlDatabase): Promise<void>;
  /** Drops the tables: everybody is signed out. */
  down(db: SqlDatabase): Promise<void>;
}

/**
 * Makes the tables of `sql(db)`. Harmless where they are there already, and when several servers
 * start at the same time.
 * @example
 * import { type SqlDatabase, sqlMigration } from 'sojourn/sql';
 *
 * export const makeTables = (db: SqlDatabase): Promise<void> => sqlMigration().up(db); // or give it to Kysely's Migrator as one of your migrations
 */
export function sqlMigration(options: SqlTableOptions = {}): SqlMigration {
  const table = options.table ?? DEFAULT_TABLE;
  return {
    up: (db) => runAll(db, statements(dialectOf(db), table)),
    down: (db) => runAll(db, drops(dialectOf(db), table)),
  };
}

/**
 * The same as SQL, for those who make their tables by other means.
 * @example
 * console.log(sqlSchema('postgres'));
 */
export function sqlSchema(database: Kind, options: SqlTableOptions = {}): string {
  const dialect = dialects[oneOf('database of sqlSchema', database, ['postgres', 'mysql', 'sqlite'])];
  return `${statements(dialect, options.table ?? DEFAULT_TABLE).join(';\n\n')};\n`;
}

const types = {
  postgres: { key: () => 'text collate "C"', whole: 'bigint', bytes: 'bytea' },
  mysql: { key: (bytes: number) => `varbinary(${bytes})`, whole: 'bigint', bytes: 'mediumblob' },
  sqlite: { key: () => 'text', whole: 'integer', bytes: 'blob' },
} as const;

/** Slots of a ring are two digits to the base 128: that deep may a recursion go in every database. */
const BASE = 128;

function statements(dialect: Dialect, table: string): string[] {
  const { sessions, cells, fences } = namesOf(table);
  const quote = (name: string): string => quoted(dialect.kind, name);
  const { whole } = types[dialect.kind];
  const digits = `with recursive digits as (select 0 as n union all select n + 1 from digits where n < ${BASE - 1})`;
  const absent = `not exists (select 1 from ${quote(fences)})`;
  return [
    ...withIndexes(dialect, sessions),
    ...withIndexes(dialect, cells),
    `create table if not exists ${quote(fences)} (\n  slot ${whole} not null primary key,\n  epoch ${whole} not null\n)`,
    `insert into ${quote(fences)} (slot, epoch)\n${digits}\nselect high.n * ${BASE} + low.n, 0 from digits high, digits low where ${absent}`,
  ];
}

function withIndexes(dialect: Dialect, table: string): string[] {
  const { key, whole, bytes } = types[dialect.kind];
  const name = quoted(dialect.kind, table);
  const plain = table.replace(/^.*\./, '');
  const columns = [
    `id ${key(MAX_ID_BYTES)} not null primary key`,
    `mark ${key(MARK_LENGTH)} not null`,
    `expires_at ${whole} not null`,
    `user_key ${key(USER_KEY_LENGTH)}`,
    `record ${bytes} not null`,
  ];
  // MySQL has no "create index if not exists", and takes indexes inside the table instead.
  const isMysql = dialect.kind === 'mysql';
  const inside = isMysql ? [`index ${plain}_by_user (user_key, id)`, `index ${plain}_by_deadline (expires_at)`] : [];
  const create = `create table if not exists ${name} (\n  ${[...columns, ...inside].join(',\n  ')}\n)`;
  if (isMysql) return [create];
  return [
    create,
    `create index if not exists ${plain}_by_user on ${name} (user_key, id)`,
    `create index if not exists ${plain}_by_deadline on ${name} (expires_at)`,
  ];
}

function drops(dialect: Dialect, table: string): string[] {
  return Object.values(namesOf(table)).map((name: string) => `drop table if exists ${quoted(dialect.kind, name)}`);
}

async function runAll(db: SqlDatabase, texts: readonly string[]): Promise<void> {
  const [plain, dialect] = [open(db), dialectOf(db)];
  for (const text of texts) {
    try {
      await patiently(() => run(plain, dialect, text));
    } catch (error) {
      if (!isThere(error)) throw error;
    }
  }
}

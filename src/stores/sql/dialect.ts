/**
 * What the three kinds of databases differ in, as far as sessions meet it. Everything else is the same statement for all.
 *
 * Which one it is, is read from what the adapter of the Kysely instance says of itself, so that dialects by others (PGlite, libsql,
 * PlanetScale) count as what they are made for. Names of classes would not do: bundlers change them.
 */
import { failure } from '../../errors.js';

export type Kind = 'postgres' | 'mysql' | 'sqlite';

/** The part of a `Kysely` instance that the store looks at. What it holds of tables and types does not matter. */
export interface SqlDatabase {
  readonly isTransaction: boolean;
  withoutPlugins(): object;
  getExecutor(): { readonly adapter: SqlAdapter };
}

export interface SqlAdapter {
  readonly supportsCreateIfNotExists: boolean;
  readonly supportsTransactionalDdl: boolean;
  readonly supportsReturning: boolean;
}

export interface Dialect {
  readonly kind: Kind;
  /** What stands in a column of ids and hashes. MySQL compares text without regard to case and to spaces at its end, bytes as they are. */
  key(text: string): string | Buffer;
  /** What such a column gives back. */
  text(key: unknown): string;
  /** The lock that keeps a row as it is until the statement that has read it is done. SQLite has one writer at a time. */
  readonly sharing: string;
  /** How a parameter is written whose type the database cannot find out by itself. */
  typed(placeholder: string, type: 'bytes' | 'number' | 'text'): string;
}

/** SOJOURN_OPTION for what is no Kysely instance, a transaction, or another kind of database. */
export function dialectOf(db: SqlDatabase): Dialect {
  if (typeof db?.withoutPlugins !== 'function' || typeof db.getExecutor !== 'function') {
    throw refused('must be an instance of Kysely: new Kysely({ dialect })');
  }
  if (db.isTransaction) throw refused('must not be a transaction: every commit of a session stands alone');
  const { supportsCreateIfNotExists, supportsTransactionalDdl, supportsReturning } = db.getExecutor().adapter;
  if (!supportsCreateIfNotExists) throw refused('must be for PostgreSQL, MySQL, MariaDB or SQLite');
  if (supportsTransactionalDdl) return dialects.postgres;
  return supportsReturning ? dialects.sqlite : dialects.mysql;
}

const casts = { bytes: 'bytea', number: 'bigint', text: 'text' } as const;

export const dialects: Readonly<Record<Kind, Dialect>> = {
  postgres: {
    kind: 'postgres',
    key: (text) => text,
    text: String,
    sharing: 'for share',
    typed: (placeholder, type) => `cast(${placeholder} as ${casts[type]})`,
  },
  mysql: {
    kind: 'mysql',
    key: (text) => Buffer.from(text),
    text: String,
    sharing: 'lock in share mode',
    typed: (placeholder) => placeholder,
  },
  sqlite: { kind: 'sqlite', key: (text) => text, text: String, sharing: '', typed: (placeholder) => placeholder },
};

function refused(wanted: string): Error {
  return failure('SOJOURN_OPTION', { option: 'db of sql', wanted });
}

/**
 * SQLite for Kysely through the `libsql` package: a prebuilt binary with better-sqlite3's API, one file for all processes.
 *
 * Three traps of libsql 0.5.29, all measured, are closed here and nowhere else:
 * - a boolean parameter ends the process (a Rust panic), so parameters are looked at first;
 * - a prepared statement that met SQLITE_BUSY stays active and blocks every later commit of its connection, so every write
 *   runs inside `exec('begin immediate')`, the one place where a second writer can be met;
 * - Kysely's plain `begin` would read first and upgrade later, which SQLite refuses at once instead of waiting.
 * Calls block this process for microseconds; nothing slow may be awaited inside a transaction (hashing happens before).
 */

import { type SqliteDatabase, SqliteDialect, type SqliteStatement } from 'kysely';
import Libsql from 'libsql';

type Connection = InstanceType<typeof Libsql>;

/** How long a writer waits for another process's transaction. They take about a millisecond. */
const BUSY_MS = 5000;

export function sqlite(file: string): SqliteDialect {
  const connection = new Libsql(file, { timeout: BUSY_MS });
  connection.pragma('journal_mode = WAL');
  connection.pragma('synchronous = NORMAL');
  connection.pragma('foreign_keys = ON');
  return new SqliteDialect({ database: guarded(connection) });
}

function guarded(connection: Connection): SqliteDatabase {
  return {
    prepare: (text) => {
      const control = transactionControl(text);
      return control ? executed(connection, control) : prepared(connection, text);
    },
    close: () => void connection.close(),
  };
}

function transactionControl(text: string): string | undefined {
  if (text === 'begin') return 'begin immediate';
  return text === 'commit' || text === 'rollback' ? text : undefined;
}

function executed(connection: Connection, text: string): SqliteStatement {
  const run = () => {
    connection.exec(text);
    return { changes: 0, lastInsertRowid: 0 };
  };
  return { reader: false, run, all: () => [], iterate: () => [].values() };
}

function prepared(connection: Connection, text: string): SqliteStatement {
  const writes = !/^\s*(select|with|pragma)\b/i.test(text);
  const within = <R>(act: () => R): R => (writes && !connection.inTransaction ? immediately(connection, act) : act());
  const statement = connection.prepare(text);
  return {
    reader: statement.reader,
    run: (parameters) => within(() => statement.run(...bindable(parameters))),
    all: (parameters) => within(() => statement.all(...bindable(parameters))),
    iterate: (parameters) => statement.iterate(...bindable(parameters)),
  };
}

function immediately<R>(connection: Connection, act: () => R): R {
  connection.exec('begin immediate');
  try {
    const result = act();
    connection.exec('commit');
    return result;
  } catch (error) {
    // On a full disk SQLite has rolled back by itself; asked again it would answer with another error than the one that matters.
    if (connection.inTransaction) connection.exec('rollback');
    throw error;
  }
}

function bindable(parameters: readonly unknown[]): unknown[] {
  for (const value of parameters) {
    const fits =
      value === null || typeof value === 'string' || typeof value === 'number' || value instanceof Uint8Array;
    if (!fits) throw new TypeError(`SQLite cannot take a parameter of type ${typeof value}.`);
  }
  return [parameters];
}

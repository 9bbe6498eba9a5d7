/**
 * Sessions in your SQL database: PostgreSQL, MariaDB or MySQL, SQLite, through your own instance of Kysely.
 *
 * A session is one row: the packed record, and beside it what is looked for (sql/tables.ts). A commit reads the row, applies the delta
 * and puts the result back on the condition that the row still carries the mark that was read; if another process was quicker it
 * starts over. So plain statements suffice that every database has, none is held open while another is awaited, and no
 * transaction is needed. The user index is a column of the same row, and so is exact. Expiry is judged by this process's clock.
 *
 * Rejected: a row per field (three times the round trips, docs/decisions/0014-sql-layout.md), upserts (they revive, and are
 * different in every dialect), select for update (a transaction of four round trips, and SQLite has none), triggers and stored procedures.
 */
import type { Celled, Delta, Head, Indexed, Listable, Outcome, Store, Stored, Sweepable } from '../contract.js';
import { environment } from '../core/environment.js';
import { checked } from '../core/options.js';
import { applyPacked, headOf, pack, unpack } from '../core/record.js';
import { Turns } from '../core/turns.js';
import { failure, unlessCorrupt } from '../errors.js';
import { SqlCells } from './sql/cells.js';
import { type Dialect, dialectOf, type SqlDatabase } from './sql/dialect.js';
import { settle, sweep } from './sql/sweep.js';
import * as tables from './sql/tables.js';
import { isTwice, isUndone, patiently, trouble } from './sql/trouble.js';

export type { SqlAdapter, SqlDatabase } from './sql/dialect.js';
export { type SqlMigration, type SqlTableOptions, sqlMigration, sqlSchema } from './sql/schema.js';

export interface SqlOptions {
  /**
   * The table of the sessions; two more with `_cells` and `_fences` behind it belong to a ring. A schema may stand in front. One for each
   * application that shares a database. Default 'sojourn_sessions'.
   */
  readonly table?: string;
  /** The clock, epoch milliseconds. All servers of the application should agree on it. */
  readonly now?: () => number;
  /** What errors and events call this store. Default 'sql'. */
  readonly name?: string;
}

/** Each lost try is somebody else's commit that landed; after so many in a row something is wrong. */
const COMMIT_TRIES = 100;
/** An expired session under the same id, and somebody who takes it away in between. */
const CREATE_TRIES = 4;
const PAGE = 200;
const MARK_BYTES = 8;

const GONE: Outcome = { status: 'gone' };

/** What must be true of the row that is written over. */
type Condition = readonly ['mark', '=', tables.Key] | readonly ['expires_at', '<=', number];

/**
 * A store in the tables that `sqlMigration` makes. Your `Kysely` stays yours: close it after the sessions. Two round trips for a
 * commit, one for everything else. What a resolved promise means for power cuts is what your database's settings make of its commits.
 * @example
 * import { Kysely, PostgresDialect } from 'kysely';
 * import { Pool } from 'pg';
 * import { sessions } from 'sojourn';
 * import { sql, sqlMigration } from 'sojourn/sql';
 *
 * const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool({ connectionString: process.env.DATABASE_URL }) }) });
 * await sqlMigration().up(db);
 * const s = sessions({ store: sql(db) });
 */
export function sql(db: SqlDatabase, options?: SqlOptions): Store & Indexed & Listable & Sweepable & Celled {
  return new Sql(db, checked('sql', options, ['table', 'now', 'name']));
}

class Sql implements Store, Indexed, Listable, Sweepable, Celled {
  readonly name: string;
  readonly cells: SqlCells;
  private readonly now: () => number;
  private readonly db: tables.Db;
  private readonly dialect: Dialect;
  private readonly table: 'sessions';
  private readonly turns = new Turns();
  private closed = false;

  constructor(db: SqlDatabase, { table, now, name }: SqlOptions) {
    const names = tables.namesOf(table ?? tables.DEFAULT_TABLE);
    this.dialect = dialectOf(db);
    this.db = tables.open(db);
    this.table = names.sessions;
    this.now = now ?? environment.now;
    this.name = name ?? 'sql';
    this.cells = new SqlCells({
      store: this.name,
      db: this.db,
      dialect: this.dialect,
      names,
      now: this.now,
      asking: (operation, ask) => this.asking(operation, ask),
    });
  }

  async load(id: string): Promise<Stored | null> {
    const row = await this.asking('load', () => this.find(id));
    if (row === null) return null;
    const stored = unpack(row.record, id);
    return stored.head.expiresAt <= this.now() ? null : stored;
  }

  create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    return this.asking('create', async () => {
      if (!tables.isId(id))
        throw this.failed('create', `an id has 1 to ${tables.MAX_ID_BYTES} bytes of text without NUL`);
      const row = this.rowOf(id, session.head, pack(session));
      for (let attempt = 0; attempt < CREATE_TRIES; attempt++) {
        if (await this.insert(row)) return 'ok';
        // Only in the place of one that has expired, and in one step.
        if (await this.update(row, this.expired())) return 'ok';
        if ((await this.find(id)) !== null) return 'exists';
      }
      throw this.failed('create', 'a session of that id came and went again and again');
    });
  }

  commit(id: string, delta: Delta): Promise<Outcome> {
    return this.asking('commit', () => this.turns.take(id, () => this.tryToCommit(id, delta)));
  }

  async destroy(id: string): Promise<void> {
    if (!tables.isId(id)) return;
    const drop = this.db.deleteFrom(this.table).where('id', '=', this.dialect.key(id));
    await this.asking('destroy', () => patiently(() => drop.execute()));
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    const key = this.dialect.key(tables.userKey(user));
    for await (const [id, head] of this.walk('byUser', key)) if (head.user === user) yield [id, head];
  }

  async *list(): AsyncIterableIterator<readonly [id: string, head: Head]> {
    yield* this.walk('list');
  }

  async sweep(limit: number): Promise<number> {
    const isOver = (): boolean => this.closed;
    const options = { limit, now: this.now(), isOver };
    const sessions = await this.asking('sweep', () => sweep(this.db, this.table, options));
    if (this.closed) return sessions;
    const removed = sessions + (await this.cells.sweep(limit - sessions, isOver));
    if (removed > 0 && !this.closed) await settle(this.db, this.dialect);
    return removed;
  }

  /** Looks whether the tables are there, and may be read and written: it writes a row that has expired already, and removes it. */
  async check(): Promise<readonly string[]> {
    const id = `check ${tables.markText(environment.random(MARK_BYTES))}`;
    const head: Head = { createdAt: 0, expiresAt: 0, version: 1, generation: 0 };
    await this.asking('check', async () => {
      const row = this.rowOf(id, head, pack({ head, fields: new Map() }));
      await this.insert(row);
      await this.update(row, this.expired());
    });
    await this.destroy(id);
    await this.cells.check();
    return [];
  }

  /** Everything that comes later is SOJOURN_STORE. The Kysely instance stays open: it is yours. */
  close(): void {
    this.closed = true;
  }

  // Reading

  private async find(id: string): Promise<{ readonly mark: tables.Key; readonly record: Buffer } | null> {
    if (!tables.isId(id)) return null;
    const query = this.db.selectFrom(this.table).select(['mark', 'record']).where('id', '=', this.dialect.key(id));
    const row = await patiently(() => query.executeTakeFirst());
    return row === undefined ? null : { mark: row.mark, record: tables.bytesOf(row.record) };
  }

  /** The live ones, a page at a time. What cannot be read is passed by: `load` is where it is reported. */
  private async *walk(operation: string, user?: string | Buffer): AsyncIterableIterator<readonly [string, Head]> {
    for (let after = ''; ; ) {
      const rows = await this.asking(operation, () => {
        const from = this.db.selectFrom(this.table).select(['id', 'record']).where('id', '>', this.dialect.key(after));
        const page = user === undefined ? from : from.where('user_key', '=', user);
        return patiently(() => page.orderBy('id').limit(PAGE).execute());
      });
      for (const row of rows) {
        const id = this.dialect.text(row.id);
        after = id;
        const head = unlessCorrupt(() => headOf(tables.bytesOf(row.record), id));
        if (head && head.expiresAt > this.now()) yield [id, head];
      }
      if (rows.length < PAGE) return;
    }
  }

  // Writing

  private async tryToCommit(id: string, delta: Delta): Promise<Outcome> {
    for (let attempt = 0; attempt < COMMIT_TRIES; attempt++) {
      const found = await this.find(id);
      if (found === null) return GONE;
      const [outcome, head, record] = applyPacked(unpack(found.record, id), delta, this.now());
      if (head === null || record === null) return outcome;
      const row = this.rowOf(id, head, record);
      if (await this.update(row, ['mark', '=', found.mark])) return outcome;
    }
    throw this.failed('commit', `others were quicker ${COMMIT_TRIES} times in a row`);
  }

  private rowOf(id: string, { expiresAt, user }: Head, record: Buffer): tables.Row {
    if (record.length > tables.MAX_RECORD_BYTES) {
      const size = record.length;
      const limit = tables.MAX_RECORD_BYTES;
      throw failure('SOJOURN_LIMIT', { what: 'The session', size, limit, option: 'limits.bytes' });
    }
    return {
      id: this.dialect.key(id),
      mark: this.dialect.key(tables.markText(environment.random(MARK_BYTES))),
      expires_at: tables.filedAt(expiresAt),
      user_key: user === undefined ? null : this.dialect.key(tables.userKey(user)),
      record,
    };
  }

  /** True when the row is there by this call; false when another one of that id is. */
  private async insert(row: tables.Row): Promise<boolean> {
    const write = async (): Promise<boolean> => {
      try {
        await this.db.insertInto(this.table).values(row).execute();
        return true;
      } catch (error) {
        if (isTwice(error)) return false;
        throw error;
      }
    };
    return this.certainly(row, write);
  }

  /** Writes over the row of that id if the condition holds. Tells whether it did. */
  private update({ id, ...columns }: tables.Row, [column, operator, value]: Condition): Promise<boolean> {
    const where = this.db.updateTable(this.table).set(columns).where('id', '=', id).where(column, operator, value);
    return this.certainly({ id, ...columns }, async () => (await where.executeTakeFirst()).numUpdatedRows > 0n);
  }

  private expired(): Condition {
    return ['expires_at', '<=', Math.floor(this.now())];
  }

  /** A write that is tried again where that may help, and is known by its mark if an earlier try was carried out after all. */
  private async certainly({ id, mark }: tables.Row, write: () => Promise<boolean>): Promise<boolean> {
    let doubt: unknown;
    const tried = await patiently(() =>
      write().catch((error: unknown) => {
        if (!isUndone(error)) doubt = error;
        throw error;
      }),
    );
    if (tried || doubt === undefined) return tried;
    const present = await this.find(this.dialect.text(id));
    if (present === null) return false;
    if (this.dialect.text(present.mark) === this.dialect.text(mark)) return true;
    // It may have been carried out, and another one since.
    throw doubt;
  }

  private async asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    if (this.closed) throw this.failed(operation, 'it is closed');
    try {
      return await ask();
    } catch (error) {
      throw trouble(this.name, operation, error);
    }
  }

  private failed(operation: string, problem: string): Error {
    return failure('SOJOURN_STORE', { store: this.name, operation, problem });
  }
}

/**
 * Flask-Session's entries in a table of SQLAlchemy's: session_id, data, expiry. Through your own instance of Kysely.
 *
 * `expiry` is UTC without saying so; drivers that make dates of it take it for local time, so it is asked for as text. What `swap` compares
 * is `data` itself, in the condition of the update, so that the database decides. Flask-Session makes the table.
 */
import { failure } from '../../errors.js';
import { dialectOf, type SqlDatabase } from '../../stores/sql/dialect.js';
import type { OtherTables } from '../../stores/sql/tables.js';
import { isTwice, trouble } from '../../stores/sql/trouble.js';
import { unreadable } from './bounds.js';
import type { Entry, Shelf } from './shelf.js';

interface Tables {
  readonly sessions: { readonly session_id: string; readonly data: Uint8Array; readonly expiry: string | null };
}

const NAME = 'flask-session in sql';
/** How many characters a time has as text, at most. */
const TIME_TEXT = 'char(40)';

/**
 * SESSION_SQLALCHEMY_TABLE, for `flaskSession`: PostgreSQL, MariaDB or MySQL, SQLite.
 * @example
 * import { Kysely, PostgresDialect } from 'kysely';
 * import { Pool } from 'pg';
 *
 * const db = new Kysely({ dialect: new PostgresDialect({ pool: new Pool() }) });
 * const store = flaskSession(flaskSql(db), { format: 'pickle' });
 */
export function flaskSql(db: SqlDatabase, table: string = 'sessions'): Shelf {
  dialectOf(db);
  if (typeof table !== 'string' || !/^[A-Za-z_][\w.]{0,126}$/.test(table))
    throw failure('SOJOURN_OPTION', { option: 'table of flaskSql', wanted: 'must be the name of a table' });
  const kysely = db.withoutPlugins() as OtherTables<Tables>;
  const name = table as 'sessions';

  return {
    name: NAME,
    read: (key) =>
      asking('load', async () => {
        const row = await kysely
          .selectFrom(name)
          .select((eb) => ['data', eb.cast<string | null>('expiry', TIME_TEXT).as('expiry')])
          .where('session_id', '=', key)
          .executeTakeFirst();
        return row === undefined ? null : entryOf(row);
      }),
    swap: (key, entry, bytes, expiresAt) =>
      asking('commit', async () => {
        const row = { data: Buffer.from(bytes), expiry: timeText(expiresAt) };
        if (entry === null) return inserted({ session_id: key, ...row });
        const { numUpdatedRows } = await kysely
          .updateTable(name)
          .set(row)
          .where('session_id', '=', key)
          .where('data', '=', Buffer.from(entry.bytes))
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
    remove: (key, entry) =>
      asking('destroy', async () => {
        const all = kysely.deleteFrom(name).where('session_id', '=', key);
        const these = entry === undefined ? all : all.where('data', '=', Buffer.from(entry.bytes));
        return (await these.executeTakeFirst()).numDeletedRows > 0n;
      }),
  };

  async function inserted(row: Tables['sessions']): Promise<boolean> {
    try {
      await kysely.insertInto(name).values(row).execute();
      return true;
    } catch (error) {
      if (isTwice(error)) return false;
      throw error;
    }
  }
}

function entryOf({ data, expiry }: { readonly data: unknown; readonly expiry: string | null }): Entry {
  // Some drivers of SQLite hand out the bare buffer.
  const bytes = data instanceof ArrayBuffer ? new Uint8Array(data) : data;
  if (!(bytes instanceof Uint8Array)) throw unreadable('its row has no bytes');
  return { bytes, expiresAt: expiry === null ? undefined : timeOf(String(expiry)), seen: undefined };
}

/** `2030-04-04 05:06:07.890123`, UTC. */
function timeOf(text: string): number {
  const [, day, time, fraction = ''] = /^(\d{4,}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?\s*$/.exec(text) ?? [];
  const ms = Date.parse(`${day}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  if (Number.isNaN(ms)) throw unreadable('its row has an expiry that is no time');
  return ms;
}

function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23).replace('T', ' ')}000`;
}

async function asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw trouble(NAME, operation, error);
  }
}

/** What goes wrong in databases: deadlocks, connections that are cut, answers that get lost, tables that are missing, rows that are damaged. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql as raw } from 'kysely';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type SqlClient, sqlClient } from '../../test/programs/sql-client.js';
import { databases } from '../../test/support/databases.js';
import { tempFolder } from '../../test/support/temp.js';
import type { Delta, Stored } from '../contract.js';
import { isFailure } from '../errors.js';
import { sql, sqlMigration, sqlSchema } from './sql.js';

const HOUR_MS = 3_600_000;
const [postgres, mariadb, sqlite] = databases;

/** A connection of somebody else's, on which the test says when a transaction goes on. */
interface Other {
  run(text: string): Promise<unknown>;
  end(): Promise<void>;
}

async function other(url: string): Promise<Other> {
  if (url.startsWith('postgres')) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => {}); // the server may end first
    await client.connect();
    return { run: (text) => client.query(text), end: () => client.end() };
  }
  const connection = await createConnection(url);
  return { run: (text) => connection.query(text), end: () => connection.end() };
}

const servers = [
  {
    ...postgres!,
    waiting: `select pid from pg_stat_activity where wait_event_type = 'Lock'`,
  },
  {
    ...mariadb!,
    waiting: `select trx_mysql_thread_id as pid from information_schema.innodb_trx where trx_state = 'LOCK WAIT'`,
  },
];

for (const { name, when, start, waiting } of servers) {
  when.describe(`${name} in trouble`, () => {
    let url: string;
    let client: SqlClient;
    beforeAll(async () => {
      url = (await start()).url;
      client = sqlClient(url);
      await sqlMigration().up(client.db);
    });
    afterAll(() => client.close());

    /** The connections that wait for a lock, once there is one. */
    async function waiters(watcher: Other): Promise<number[]> {
      return vi.waitFor(
        async () => {
          const found = rowsOf(await watcher.run(waiting)).map(({ pid }) => Number(pid));
          expect(found).not.toEqual([]);
          return found;
          // MariaDB answers from a copy that it renews only when nobody has asked for a tenth of a second.
        },
        { timeout: 10_000, interval: 250 },
      );
    }

    test('a commit whose connection is killed is carried out on another one, once', async () => {
      const store = sql(client.db);
      await store.create('killed', session());
      const [locker, watcher] = [await other(url), await other(url)];
      await locker.run('begin');
      await locker.run(`update sojourn_sessions set expires_at = expires_at where id = 'killed'`);
      const committed = store.commit('killed', write('a', '1'));
      for (const pid of await waiters(watcher)) {
        await watcher.run(name === 'PostgreSQL' ? `select pg_terminate_backend(${pid})` : `kill ${pid}`);
      }
      await locker.run('commit');

      expect(await committed).toEqual({ status: 'ok', version: 2 });
      expect((await store.load('killed'))?.fields.get('a')).toEqual(Buffer.from('1'));
      for (const each of [locker, watcher]) await each.end();
    });

    test('a sweep that is chosen as the victim of a deadlock does its work in a second try', async () => {
      let now = Date.now();
      const store = sql(client.db, { now: () => now });
      for (const id of ['dead a', 'dead b']) await store.create(id, session(now + 1000));
      now += 1000;
      const [locker, watcher] = [await other(url), await other(url)];
      await locker.run('begin');
      await locker.run(`update sojourn_sessions set mark = mark where id = 'dead b'`);
      // The one who has done less is the victim, on MariaDB; on PostgreSQL it is who has waited for longest.
      for (let i = 0; i < 50; i++) {
        await locker.run(`insert into sojourn_sessions_cells values ('filler ${i}', 'm', 1, null, 'r')`);
      }
      const swept = store.sweep(100);
      await waiters(watcher);
      await locker.run(`update sojourn_sessions set mark = mark where id = 'dead a'`);
      await locker.run('commit');

      expect(await swept).toBe(52);
      expect(await store.load('dead a')).toBeNull();
      for (const each of [locker, watcher]) await each.end();
    });

    test('without its tables the store says what to do, before anybody comes', async () => {
      const failed = await sql(client.db, { table: 'nowhere' }).check!().catch((error: unknown) => error);
      expect(isFailure(failed, 'SOJOURN_STORE')).toBe(true);
      expect(String(failed)).toContain('run sqlMigration().up(db)');
      expect(await sql(client.db).check!()).toEqual([]);
    });

    test('what is printed is what the migration does', async () => {
      const text = sqlSchema(name === 'PostgreSQL' ? 'postgres' : 'mysql', { table: 'printed' });
      for (const statement of text.split(';\n').filter((part) => part.trim() !== '')) {
        await raw.raw(statement).execute(client.db);
      }
      expect(await sql(client.db, { table: 'printed' }).check!()).toEqual([]);
      await sqlMigration({ table: 'printed' }).down(client.db);
      await expect(sql(client.db, { table: 'printed' }).check!()).rejects.toThrow('its tables are missing');
    });
  });
}

describe('a write whose answer is lost', () => {
  /** A store over SQLite whose next update fails as if its connection had been cut: before it was carried out, or after. */
  async function shaky() {
    const client = sqlClient((await sqlite!.start()).url);
    await sqlMigration().up(client.db);
    let cut: 'before' | 'after' | undefined;
    let between: () => unknown = async () => undefined;
    const executor = client.db.withoutPlugins();
    const db = new Proxy(executor, {
      get(target, name) {
        const own: unknown = Reflect.get(target, name, target);
        if (name !== 'updateTable' || typeof own !== 'function')
          return typeof own === 'function' ? own.bind(target) : own;
        return (...args: unknown[]) => cutting(Reflect.apply(own, target, args));
      },
    });
    const cutting = (query: object): object =>
      new Proxy(query, {
        get(target, name) {
          const own: unknown = Reflect.get(target, name, target);
          if (typeof own !== 'function') return own;
          return (...args: unknown[]) => {
            if (name !== 'executeTakeFirst') return cutting(Reflect.apply(own, target, args) as object);
            return execute(() => Reflect.apply(own, target, args) as Promise<unknown>);
          };
        },
      });
    const execute = async (run: () => Promise<unknown>): Promise<unknown> => {
      const side = cut;
      cut = undefined;
      if (side === undefined) return run();
      if (side === 'after') await run();
      await between();
      throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    };
    const store = sql({ isTransaction: false, withoutPlugins: () => db, getExecutor: () => client.db.getExecutor() });
    return {
      store,
      plain: sql(client.db),
      cut: (side: 'before' | 'after', meanwhile?: () => unknown) => {
        cut = side;
        between = meanwhile ?? between;
      },
    };
  }

  test.each(['before', 'after'] as const)('is done once (cut %s it was carried out)', async (side) => {
    const { store, cut } = await shaky();
    const id = `cut ${side}`;
    await store.create(id, session());
    cut(side);
    expect(await store.commit(id, write('a', '1'))).toEqual({ status: 'ok', version: 2 });
    expect((await store.load(id))?.head.version).toBe(2);
  });

  test('is not repeated over somebody else’s write: who asked is told that nobody knows', async () => {
    const { store, plain, cut } = await shaky();
    await store.create('both', session());
    cut('after', () => plain.commit('both', write('a', 'newer')));
    await expect(store.commit('both', write('a', '1'))).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
    expect((await store.load('both'))?.fields.get('a')).toEqual(Buffer.from('newer'));
  });
});

for (const { name, when, start } of databases.filter((each) => /sqlite/i.test(each.name))) {
  when.describe(`${name} in trouble`, () => {
    test('on a full disk reads and logouts go on, and what cannot be written leaves what was there', async () => {
      const { db, close } = sqlClient((await start()).url);
      await sqlMigration().up(db);
      const store = sql(db);
      await store.create('a', session());
      const { rows } = await raw<{ page_count: number }>`pragma page_count`.execute(db);
      await raw.raw(`pragma max_page_count = ${rows[0]!.page_count + 10}`).execute(db);
      const large = new Map([['cart', Buffer.alloc(100_000)]]);

      await expect(store.create('b', { ...session(), fields: large })).rejects.toMatchObject({
        code: 'SOJOURN_STORE_FULL',
      });
      await expect(store.commit('a', write('cart', 'x'.repeat(100_000)))).rejects.toMatchObject({
        code: 'SOJOURN_STORE_FULL',
      });
      expect((await store.load('a'))?.head.version).toBe(1);
      expect(await store.load('b')).toBeNull();
      await store.destroy('a');
      expect(await store.create('c', session())).toBe('ok');
      await close();
    });

    test('a file that is damaged is told as such', async () => {
      const file = join(tempFolder('sql'), 'damaged.db');
      const url = (await start()).url.replace(/[^:#]+$/, file);
      const whole = sqlClient(url);
      await sqlMigration().up(whole.db);
      await sql(whole.db).create('a', session());
      await raw`pragma wal_checkpoint(truncate)`.execute(whole.db);
      await whole.close();
      writeFileSync(file, readFileSync(file).fill(0xff, 4096));

      const { db, close } = sqlClient(url);
      await expect(sql(db).load('a')).rejects.toThrow('the database is damaged');
      await close();
    });
  });
}

describe('sql', () => {
  test('a damaged row is one session that is corrupt, and in nobody’s way', async () => {
    const { db } = sqlClient((await sqlite!.start()).url);
    await sqlMigration().up(db);
    const store = sql(db);
    await store.create('fine', session());
    await store.create('torn', session());
    await raw`update sojourn_sessions set record = ${Buffer.from('x')} where id = 'torn'`.execute(db);

    await expect(store.load('torn')).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
    const ids: string[] = [];
    for await (const [id] of store.list()) ids.push(id);
    expect(ids).toContain('fine');
    expect(ids).not.toContain('torn');
    await store.destroy('torn');
    expect(await store.load('torn')).toBeNull();
  });

  test('refuses what is no Kysely, a transaction, and a table that needs quoting', async () => {
    const { db } = sqlClient((await sqlite!.start()).url);
    expect(() => sql({} as never)).toThrow('must be an instance of Kysely');
    expect(() => sql(db, { table: 'a; drop table b' })).toThrow('Option table of sql');
    expect(() => sql(db, { tabel: 'a' } as never)).toThrow('did you mean table?');
    await db.transaction().execute(async (transaction) => {
      expect(() => sql(transaction)).toThrow('must not be a transaction');
    });
  });
});

function rowsOf(result: unknown): { pid: unknown }[] {
  if (Array.isArray(result)) return result[0] as { pid: unknown }[];
  return (result as { rows: { pid: unknown }[] }).rows;
}

function session(expiresAt = Date.now() + HOUR_MS): Stored {
  return { head: { createdAt: 0, expiresAt, version: 1, generation: 0 }, fields: new Map() };
}

function write(field: string, value: string): Delta {
  const fields = new Map([[field, { op: 'set', value: Buffer.from(value) } as const]]);
  return { generation: 0, head: { expiresAt: Date.now() + HOUR_MS }, fields };
}

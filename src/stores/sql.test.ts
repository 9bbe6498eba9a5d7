/** Sessions in SQL: the promises of every store on each database, and what only a database can do to them. */

import { type Kysely, sql as rawSql } from 'kysely';
import { sqlClient } from '../../test/programs/sql-client.js';
import { databases } from '../../test/support/databases.js';
import { runs } from '../../test/support/exam.js';
import { type MakeStore, storeKit } from '../testing/store-kit.js';
import { sql, sqlMigration } from './sql.js';

const table = 'kit';

for (const { name, when, start } of databases) {
  const clients: Promise<ReturnType<typeof sqlClient>>[] = [];
  /** Two handles, as in two processes: each has a pool of its own. */
  const client = (n: number) => {
    clients[n] ??= start().then(({ url }) => sqlClient(url));
    return clients[n];
  };
  const migrated = once(async () => sqlMigration({ table }).up((await client(0)).db));
  const makeStore: MakeStore = async ({ now }) => {
    await migrated();
    const { db } = await client(0);
    await empty(db);
    return sql(db, { table, now });
  };
  const another: MakeStore = async ({ now }) => sql((await client(1)).db, { table, now });
  storeKit(when, makeStore, {
    name: `sql, ${name}`,
    races: runs(20, 200),
    parallel: runs(20, 100),
    mustHave: ['byUser', 'list', 'sweep', 'cells'],
    another,
  });
}

/** Quicker than new tables: each has a row for every slot of a ring. */
async function empty(db: Kysely<unknown>): Promise<void> {
  for (const text of [
    `delete from ${table}`,
    `delete from ${table}_cells`,
    `update ${table}_fences set epoch = 0 where epoch > 0`,
  ]) {
    await rawSql.raw(text).execute(db);
  }
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}

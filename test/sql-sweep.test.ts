/**
 * Expired rows are swept while another server's visitors click on: the sweep holds up nobody.
 *
 * The long form sweeps a million rows and prints what the same commits take alone and beside it: `SOJOURN_EXAM=1 npx vitest run
 * test/sql-sweep.test.ts`. What it may add to the longest commit it judges on a quiet machine alone: on one that others use, some take long
 * without any sweep. That commits wait for no lock of the sweep's, the database is asked.
 */
import { setTimeout as rest } from 'node:timers/promises';
import { type Kysely, type RawBuilder, sql as raw } from 'kysely';
import { sql, sqlMigration } from 'sojourn/sql';
import { expect } from 'vitest';
import { sqlClient } from './programs/sql-client.js';
import { databases } from './support/databases.js';
import { exam, runs } from './support/exam.js';
import { startWorker } from './support/worker.js';

const EXPIRED = runs(2000, 1_000_000);
const ALONE_MS = runs(100, 30_000);
/** As the engine asks for them. */
const BATCH = 200;
const LONGEST_MS = 50;
/** A machine on which a commit alone takes longer is not quiet. */
const QUIET_MS = 25;

/** The short form starts no servers for this: that they sweep, their conformance tests show. */
const swept = databases.filter(({ name }) => exam || /sqlite/i.test(name));

for (const { name, when, start } of swept) {
  when.test(
    `${name}: ${EXPIRED} expired rows are swept while commits go on`,
    async () => {
      const { url } = await start();
      const { db, close } = sqlClient(url);
      await sqlMigration().up(db);
      await fill(db, name, EXPIRED);
      const store = sql(db);
      const server = startWorker('committer', [url]);

      await server.ask('begin');
      await rest(ALONE_MS);
      const alone = figuresOf(await server.ask<number[]>('end'));

      await server.ask('begin');
      const begun = Date.now();
      let removed = 0;
      let waiting = 0;
      for (let some = -1; some !== 0; ) {
        some = await store.sweep(BATCH);
        removed += some;
        if (exam) waiting += await waitingForLocks(db, name);
      }
      const seconds = (Date.now() - begun) / 1000;
      const beside = figuresOf(await server.ask<number[]>('end'));

      expect(removed).toBe(EXPIRED);
      expect(await store.load('clicking')).not.toBeNull();
      if (exam) {
        console.log(`${name}: ${EXPIRED} rows in ${seconds.toFixed(0)} s. Commits of another process, milliseconds:`);
        console.table({ alone, 'beside the sweep': beside });
        console.log(`${name}: seen waiting for a lock: ${waiting} times, longest ${await longestLockWait(db, name)}`);
        if (alone.longest <= QUIET_MS) expect(beside.longest).toBeLessThan(LONGEST_MS);
        else console.log(`${name}: not judged, since the machine is busy: a commit alone took ${alone.longest} ms`);
      }
      await server.stop();
      await close();
    },
    1_800_000,
  );
}

function figuresOf(times: readonly number[]) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => round(sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)]!);
  return {
    commits: sorted.length,
    median: at(0.5),
    '99 %': at(0.99),
    '99.9 %': at(0.999),
    longest: at(1),
    [`over ${LONGEST_MS}`]: sorted.filter((time) => time > LONGEST_MS).length,
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** How many of the database's connections wait for somebody's lock at this moment. */
async function waitingForLocks(db: Kysely<unknown>, name: string): Promise<number> {
  if (name === 'PostgreSQL') return numberOf(raw`select count(*) as n from pg_locks where not granted`, db);
  if (name === 'MariaDB') {
    return numberOf(raw`select count(*) as n from information_schema.innodb_trx where trx_state = 'LOCK WAIT'`, db);
  }
  return 0;
}

/** Since the server was started, for this test. */
async function longestLockWait(db: Kysely<unknown>, name: string): Promise<string> {
  if (name !== 'MariaDB') return 'not told';
  const status = raw`select variable_value as n from information_schema.global_status
    where variable_name = 'INNODB_ROW_LOCK_TIME_MAX'`;
  return `${await numberOf(status, db)} ms`;
}

async function numberOf(query: RawBuilder<unknown>, db: Kysely<unknown>): Promise<number> {
  const { rows } = await query.execute(db);
  return Number((rows[0] as { readonly n?: unknown } | undefined)?.n);
}

/** Rows that expired long ago, made by the database itself. */
async function fill(db: Kysely<unknown>, name: string, count: number): Promise<void> {
  const key = (text: string) =>
    name === 'MariaDB' ? raw`concat('old ', ${raw.raw(text)})` : raw`'old ' || (${raw.raw(text)})`;
  const thousand = raw.raw('with recursive d as (select 0 as n union all select n + 1 from d where n < 999)');
  const record = Buffer.alloc(300, 1);
  for (let from = 0; from < count; from += 100_000) {
    await raw`insert into sojourn_sessions (id, mark, expires_at, user_key, record) ${thousand}
      select ${key(`${from} + a.n * 1000 + b.n`)}, 'm', a.n + 1, null, ${name === 'PostgreSQL' ? raw`cast(${record} as bytea)` : record}
      from d a, d b where ${raw.raw(`${from} + a.n * 1000 + b.n < ${count} and a.n < 100`)}`.execute(db);
  }
}

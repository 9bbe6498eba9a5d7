/**
 * Expired rows are swept while another server's visitors click on: the sweep holds up nobody.
 *
 * The long form sweeps a million rows and prints what the same commits take alone and beside it: `SOJOURN_EXAM=1 npx vitest run
 * test/sql-sweep.test.ts`. It judges by the difference: on a machine that others use, some commits take long without any sweep.
 */
import { setTimeout as rest } from 'node:timers/promises';
import { type Kysely, sql as raw } from 'kysely';
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
const ADDED_MS = 50;

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
      for (let some = -1; some !== 0; ) {
        some = await store.sweep(BATCH);
        removed += some;
      }
      const seconds = (Date.now() - begun) / 1000;
      const beside = figuresOf(await server.ask<number[]>('end'));

      expect(removed).toBe(EXPIRED);
      expect(await store.load('clicking')).not.toBeNull();
      if (exam) {
        console.log(`${name}: ${EXPIRED} rows in ${seconds.toFixed(0)} s. Commits of another process, milliseconds:`);
        console.table({ alone, 'beside the sweep': beside });
        if (name === 'MariaDB') console.log(`${name}: longest wait for a lock ${await longestLockWait(db)} ms`);
        expect(beside.longest - alone.longest).toBeLessThan(ADDED_MS);
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
    [`over ${ADDED_MS}`]: sorted.filter((time) => time > ADDED_MS).length,
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** Since the server was started, for this test. */
async function longestLockWait(db: Kysely<unknown>): Promise<string> {
  const { rows } = await raw<{ Value: string }>`show global status like 'Innodb_row_lock_time_max'`.execute(db);
  return rows[0]?.Value ?? '?';
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

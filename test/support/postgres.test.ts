/** The private PostgreSQL answers over TCP, and a second one beside it has a life of its own. */
import pg from 'pg';
import { expect } from 'vitest';
import { need } from './needs.js';
import { startPostgres } from './postgres.js';

const { test } = need('postgres');

test('two servers at once are two databases', async () => {
  const [a, b] = await Promise.all([startPostgres(), startPostgres()]);
  await query(a.url, 'create table only_here (n int)');

  await expect(query(b.url, 'select * from only_here')).rejects.toThrow(/does not exist/);
  expect(await query(a.url, 'select count(*) from only_here')).toEqual([{ count: '0' }]);

  await a.program.stop('SIGINT');
  await expect(query(a.url, 'select 1')).rejects.toThrow(/ECONNREFUSED/);
});

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

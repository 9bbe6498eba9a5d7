/** The lines that docs/stores.md gives to users of SQLite, run as they stand there, with the driver that they name. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { betterSqlite3 } from '../scripts/better-sqlite3.js';
import { databases } from './support/databases.js';
import { start } from './support/spawn.js';
import { tempFolder } from './support/temp.js';

/** Inside the package, where `sojourn` and `kysely` are found. */
const FOLDER = 'build/drivers';

const VISIT = `
import { sessions } from 'sojourn';
import { sql, sqlMigration } from 'sojourn/sql';

await sqlMigration().up(db);
const store = sql(db);
const head = { createdAt: 0, expiresAt: Date.now() + 60_000, version: 1, generation: 0 };
await store.create('ann', { head, fields: new Map() });
await store.check();
const fields = new Map([['n', { op: 'set', value: Buffer.from('1') }]]);
const outcome = await store.commit('ann', { generation: 0, head: { expiresAt: head.expiresAt }, fields });
const late = await store.commit('ben', { generation: 0, head: { expiresAt: head.expiresAt }, fields });
const { rows } = await db.executeQuery({ sql: 'pragma journal_mode', parameters: [], query: { kind: 'RawNode' }, queryId: {} });
const s = sessions({ store });
console.log(JSON.stringify([outcome, late, String((await store.load('ann')).fields.get('n')), rows, await s.ready()]));
await s.close();
await db.destroy();
`;

for (const driver of ['better-sqlite3', 'node:sqlite']) {
  const { when } = databases.find(({ name }) => name === driver)!;
  when.test(`the lines for ${driver} in the documentation keep a session`, async () => {
    const lines = linesFor(driver).replace('sessions.db', join(tempFolder('lines'), 'sessions.db'));
    const place = `from '${pathToFileURL(join(betterSqlite3() ?? '', 'lib/index.js'))}'`;
    mkdirSync(FOLDER, { recursive: true });
    const program = join(FOLDER, `${driver.replace(':', '-')}.mjs`);
    writeFileSync(program, lines.replace("from 'better-sqlite3'", place) + VISIT);
    const ran = await start(process.execPath, ['--no-warnings', program]);
    expect({ ...(await ran.exited), output: ran.output().trim() }).toEqual({
      code: 0,
      signal: null,
      output: JSON.stringify([{ status: 'ok', version: 2 }, { status: 'gone' }, '1', [{ journal_mode: 'wal' }], true]),
    });
  });
}

function linesFor(driver: string): string {
  const fences = readFileSync('docs/stores.md', 'utf8').split('```ts ').slice(1);
  const own = fences.map((fence) => fence.slice(fence.indexOf('\n') + 1, fence.indexOf('```')));
  return own.find((lines) => lines.includes(`from '${driver}'`)) ?? '';
}

/** The databases that the SQL store is tried on: how to start each, and under which conditions it is there. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { betterSqlite3 } from '../../scripts/better-sqlite3.js';
import { startMariaDb } from './mariadb.js';
import { type Conditional, need, skipUnless } from './needs.js';
import { startPostgres } from './postgres.js';
import type { Program } from './spawn.js';
import { tempFolder } from './temp.js';

export interface Database {
  readonly name: string;
  readonly when: Conditional;
  /** Starts it, the first time, and tells its address. SQLite has no server: its address is a file. */
  readonly start: () => Promise<Started>;
}

export interface Started {
  readonly url: string;
  readonly program?: Program;
}

const driver = betterSqlite3();
const hasNodeSqlite = createRequire(import.meta.url)('node:module').isBuiltin('node:sqlite');

export const databases: readonly Database[] = [
  { name: 'PostgreSQL', when: need('postgres'), start: once(startPostgres) },
  { name: 'MariaDB', when: need('mariadb'), start: once(startEmptyMariaDb) },
  { name: 'SQLite', when: skipUnless(true, ''), start: once(async () => ({ url: `sqlite:${fresh()}` })) },
  {
    name: 'node:sqlite',
    when: skipUnless(hasNodeSqlite, 'this Node has no node:sqlite (22.13 and later have)', { unobtainable: true }),
    start: once(async () => ({ url: `node-sqlite:${fresh()}` })),
  },
  {
    name: 'better-sqlite3',
    when: skipUnless(driver !== undefined, 'better-sqlite3 is not there (npm run exam brings it)', {
      unobtainable: true,
    }),
    start: once(async () => ({ url: `better-sqlite3:${driver}#${fresh()}` })),
  },
];

function fresh(): string {
  return join(tempFolder('sql'), 'sessions.db');
}

async function startEmptyMariaDb(): Promise<Started> {
  const server = await startMariaDb();
  const connection = await createConnection({ host: '127.0.0.1', port: server.port, user: 'root' });
  await connection.query('create database sessions');
  await connection.end();
  return server;
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}

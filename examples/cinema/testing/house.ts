/** A cinema of one server for tests: a real database, a real session store, a clock that is turned by hand. */
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { lmdb } from 'sojourn/lmdb';
import { createApp } from '../app.js';
import { openDatabase } from '../db/open.js';
import type { Database } from '../db/schema.js';
import { type CinemaSessions, cinemaSessions } from '../session.js';
import { type Browser, browser } from './browser.js';

export interface TestHouse {
  readonly db: Database;
  readonly sessions: CinemaSessions;
  readonly address: string;
  /** What every clock of the cinema shows. Turn it by adding to it. */
  readonly clock: { now: number };
  /** What was sent to phones, newest last. */
  readonly texts: { mobile: string; code: string }[];
  /** Faults that would have been logged. */
  readonly faults: unknown[];
  browser(agent?: string, headers?: Readonly<Record<string, string>>): Browser;
  close(): Promise<void>;
}

export interface TestHouseOptions {
  /** An empty folder of the test's own. */
  readonly folder: string;
  readonly port: number;
  /** Default: a SQLite file in the folder. */
  readonly database?: string;
  readonly demo?: boolean;
  /** 0 wins a coupon at every payment, 99 never. */
  readonly dice?: (below: number) => number;
}

/** Noon in the cinema, 5 January 2026. */
const NOON = Date.UTC(2026, 0, 5, 4);

export async function openHouse(options: TestHouseOptions): Promise<TestHouse> {
  const { folder, port, demo = true } = options;
  const clock = { now: NOON };
  const db = await openDatabase(options.database ?? join(folder, 'cinema.db'));
  const store = lmdb(join(folder, 'sessions'));
  const { sessions, byUser } = cinemaSessions({ store });
  const texts: TestHouse['texts'] = [];
  const faults: unknown[] = [];
  const app = createApp({
    db,
    sessions,
    byUser,
    livesIn: 'lmdb',
    name: 'test-1',
    demo,
    clock: () => clock.now,
    hashCost: { logN: 10, block: 8, parallel: 1 },
    inspect: (id) => store.load(id),
    deliver: (mobile, code) => texts.push({ mobile, code }),
    log: (fault) => faults.push(fault),
    ...(options.dice && { dice: options.dice }),
  });
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${port}`;
  return {
    db,
    sessions,
    address,
    clock,
    texts,
    faults,
    browser: (agent, headers) => browser(address, agent, headers),
    close: () => closeAll(server, sessions, db),
  };
}

async function closeAll(server: Server, sessions: CinemaSessions, db: Database): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await sessions.close();
  await db.destroy();
}

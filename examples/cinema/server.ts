/**
 * One application server: a process that listens on loopback and shares everything with its siblings.
 *
 * It is told what to be by its environment: NAME, PORT, SESSIONS (where sessions live; SESSION_KEYS for those in cookies),
 * DATABASE_URL or CINEMA_DB (where the cinema's own data lives), DEMO=1. It prints one line when it is ready. On SIGTERM it takes no new connection, finishes
 * what it has begun, closes the store and goes. It also goes when its parent does: the channel between them closes, even
 * after a kill -9.
 */
import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { readAddress, sharingInWords } from './address.js';
import { createApp, houseOf } from './app.js';
import { openDatabase } from './db/open.js';
import { minute } from './domain/house.js';
import { sweep } from './domain/sweep.js';
import { readKeys } from './keys.js';
import { listenToRing } from './ring-news.js';
import { cinemaSessions } from './session.js';
import { OutOfReach, openStore } from './stores.js';

/** How long requests that have begun may take to finish. */
const DRAIN_MS = 5000;
const IDLE_MS = 100;
/** While sessions are away, so often is asked whether they are back. */
const OUTAGE_CHECK_MS = 500;

const {
  NAME = 'cinema',
  PORT = '3000',
  SESSIONS = './data/sessions',
  CINEMA_DB = './data/cinema.db',
  DATABASE_URL,
  DEMO,
} = process.env;

let leaving = false;
const address = readAddress(SESSIONS);
const place = await openStore(address, readKeys(process.env.SESSION_KEYS));
const db = await openDatabase(DATABASE_URL ?? CINEMA_DB);
const { sessions, byUser } = cinemaSessions(place);
tellOutages();
if (place.ring) listenToRing(place.ring, (ring) => process.connected && process.send?.({ ring }));
// A server that starts while its store is away serves what needs no session, and all else once the store is back.
await place.reach().catch(report);
const app = createApp({
  db,
  sessions,
  byUser,
  livesIn: address.kind,
  name: NAME,
  demo: DEMO === '1',
  inspect: (id) => place.store.load(id),
  log: report,
});
const server = createServer(app);
const sweeping = setInterval(() => void sweep(houseOf({ db })).catch(report), minute);

process.on('SIGTERM', leave);
process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole terminal; the fleet decides, and says SIGTERM.
process.on('disconnect', leave);

await listening(server, Number(PORT));
console.log(`${NAME} ready on port ${PORT}, sessions: ${sharingInWords(address)}`);
process.send?.({ ready: true });

function listening(on: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    on.once('error', reject);
    on.listen(port, '127.0.0.1', resolve);
  });
}

/**
 * A line when an outage begins and one when it is over, not one for every request. `storeDown` would come too late for that: where
 * nobody clicks, five failures take long.
 */
function tellOutages(): void {
  let since = 0;
  sessions.on('storeError', async ({ error }) => {
    if (since !== 0) return;
    since = Date.now();
    console.error(`${NAME}: ${(error as Error).message} Visitors get 503 and stay signed in.`);
    do await pause(OUTAGE_CHECK_MS);
    while (!(await sessions.ready()) && !leaving);
    if (!leaving)
      console.error(`${NAME}: sessions are reachable again, after ${((Date.now() - since) / 1000).toFixed(1)} s.`);
    since = 0;
  });
}

function leave(): void {
  if (leaving) return;
  leaving = true;
  clearInterval(sweeping);
  setTimeout(() => server.closeAllConnections(), DRAIN_MS).unref();
  // Only the door. http.Server.close() would also cut connections made a moment ago, whose request is still on its way.
  NetServer.prototype.close.call(server, () => void closeAll());
  // Then, again and again, those that have nothing to do any more: they would be kept alive for seconds.
  setInterval(() => server.closeIdleConnections(), IDLE_MS).unref();
}

async function closeAll(): Promise<void> {
  await sessions.close();
  place.close();
  await db.destroy();
  process.exit(0);
}

function report(error: unknown): void {
  console.error(`${NAME}:`, error instanceof OutOfReach ? error.message : error);
}

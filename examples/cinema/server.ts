/**
 * One application server: a process that listens on loopback and shares everything with its siblings.
 *
 * It is told what to be by its environment: NAME, PORT, SESSIONS (where sessions live), DATABASE_URL or CINEMA_DB (where the
 * cinema's own data lives), DEMO=1. It prints one line when it is ready. On SIGTERM it takes no new connection, finishes
 * what it has begun, closes the store and goes. It also goes when its parent does: the channel between them closes, even
 * after a kill -9.
 */
import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { createApp, houseOf } from './app.js';
import { openDatabase } from './db/open.js';
import { minute } from './domain/house.js';
import { sweep } from './domain/sweep.js';
import { cinemaSessions } from './session.js';
import { openStore } from './stores.js';

/** How long requests that have begun may take to finish. */
const DRAIN_MS = 5000;
const IDLE_MS = 100;

const {
  NAME = 'cinema',
  PORT = '3000',
  SESSIONS = './data/sessions',
  CINEMA_DB = './data/cinema.db',
  DATABASE_URL,
  DEMO,
} = process.env;

const place = openStore(SESSIONS);
const db = await openDatabase(DATABASE_URL ?? CINEMA_DB);
const sessions = cinemaSessions(place.store);
const app = createApp({
  db,
  sessions,
  name: NAME,
  demo: DEMO === '1',
  inspect: (id) => place.store.load(id),
  log: report,
});
const server = createServer(app);
const sweeping = setInterval(() => void sweep(houseOf({ db })).catch(report), minute);
let leaving = false;

process.on('SIGTERM', leave);
process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole terminal; the fleet decides, and says SIGTERM.
process.on('disconnect', leave);

await listening(server, Number(PORT));
console.log(`${NAME} ready on port ${PORT}, sessions: ${place.words}`);
process.send?.({ ready: true });

function listening(on: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    on.once('error', reject);
    on.listen(port, '127.0.0.1', resolve);
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
  await db.destroy();
  process.exit(0);
}

function report(error: unknown): void {
  console.error(`${NAME}:`, error);
}

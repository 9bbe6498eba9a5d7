/**
 * `npm run bench -- stores`: a read and a write of each store, beside its driver's bare cost. Prints by itself.
 *
 * It starts the servers that it finds programs for; what it does not find is a line of its own. STORES names servers of yours instead, with
 * spaces between: `STORES='postgres://... mongodb://...'`; tables, collections and keys named bench* are made there, and dropped. One call at a
 * time, in turns with the bare driver, so that both have the same minutes of the machine: the ratios are what can be compared.
 */
import { randomBytes } from 'node:crypto';
import type { Delta, Store } from 'sojourn';
import {
  type Entrant,
  openAt,
  openEncrypted,
  openFile,
  openLmdb,
  openMemory,
  openSqlite,
  openTraced,
  type Work,
} from './stores/entrants.js';
import {
  mariadbServer,
  memcachedServer,
  mongoServer,
  postgresServer,
  redisServer,
  type Server,
} from './stores/servers.js';
import { machine } from './support/machine.js';

const SESSIONS = 500;
const TURNS = 12;
const TURN_CALLS = 100;
const VALUE = Buffer.alloc(90, 'x');
const HOUR_MS = 3_600_000;

const work: Work = {
  ids: Array.from({ length: SESSIONS }, () => randomBytes(16).toString('base64url')),
  record: Buffer.alloc(1100, 'r'),
  commit: (store, id) => store.commit(id, delta()),
};

const embedded: readonly [name: string, open: (work: Work) => Promise<Entrant>][] = [
  ['memory', openMemory],
  ['  traced (beside: memory)', openTraced],
  ['  encryptedFields (beside: memory)', openEncrypted],
  ['lmdb, not durable', openLmdb],
  ['file, not durable', openFile],
  ['sql, SQLite', openSqlite],
];
const served: readonly [name: string, start: () => Promise<Server>][] = [
  ['sql, PostgreSQL', postgresServer],
  ['sql, MariaDB', mariadbServer],
  ['redis', redisServer],
  ['memcached', memcachedServer],
  ['mongodb (mongo-java-server)', mongoServer],
];
const named = (process.env.STORES ?? '').split(' ').filter(Boolean);

console.log(
  `${machine()
    .lines.map((line) => `- ${line}`)
    .join('\n')}\n`,
);
console.log('Microseconds, medians: ours, the driver alone, and the ratio of the two.\n');
for (const [name, open] of embedded) await measure(name, () => open(work));
for (const address of named) await measure(address.split(':')[0]!, () => openAt(address, work));
for (const [name, start] of named.length > 0 ? [] : served) await measureServed(name, start);

async function measureServed(name: string, start: () => Promise<Server>): Promise<void> {
  let server: Server;
  try {
    server = await start();
  } catch (error) {
    console.log(`${name.padEnd(36)} no server: ${error instanceof Error ? error.message : error}`);
    return;
  }
  await measure(name, () => openAt(server.address, work));
  await server.stop();
}

async function measure(name: string, open: () => Promise<Entrant>): Promise<void> {
  const { store, bare, close } = await open();
  await fill(store);
  const own = [(id: string) => store.load(id), (id: string) => store.commit(id, delta())];
  const others = bare ? [bare.read, (id: string) => bare.write(id, work.record)] : [];
  const [read = 0, write = 0, bareRead, bareWrite] = await inTurns([...own, ...others]);
  console.log(`${name.padEnd(36)} read ${beside(read, bareRead)}   write ${beside(write, bareWrite)}`);
  for (const id of work.ids) await store.destroy(id);
  await store.close?.();
  await close();
}

async function fill(store: Store): Promise<void> {
  const fields = new Map(Array.from({ length: 10 }, (_, i) => [`field${i}`, VALUE]));
  const head = { createdAt: 0, expiresAt: Date.now() + HOUR_MS, version: 1, generation: 0 };
  for (const id of work.ids) await store.create(id, { head, fields });
}

/** A request that has changed one field of ten. */
function delta(): Delta {
  const fields = new Map([['field3', { op: 'set', value: VALUE } as const]]);
  return { generation: 0, head: { expiresAt: Date.now() + HOUR_MS }, fields };
}

/** Medians in microseconds, each kind of call in turn with the others. */
async function inTurns(calls: readonly ((id: string) => unknown)[]): Promise<number[]> {
  const times: number[][] = calls.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [n, call] of calls.entries()) {
      for (let i = 0; i < TURN_CALLS; i++) {
        const id = work.ids[(turn * TURN_CALLS + i * 7) % SESSIONS]!;
        const begun = performance.now();
        await call(id);
        // The first turn warms up.
        if (turn > 0) times[n]!.push((performance.now() - begun) * 1000);
      }
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[all.length >> 1]!);
}

function beside(own: number, bare: number | undefined): string {
  const text = us(own).padStart(8);
  return bare === undefined
    ? text.padEnd(28)
    : `${text} ${us(bare).padStart(8)} ${(own / bare).toFixed(2).padStart(7)} x `;
}

function us(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

/**
 * Where sessions live, chosen by one line of configuration: SESSIONS=<kind>:<where> (address.ts). Nothing else in the example knows.
 */
import { createClient, createCluster } from 'redis';
import { encrypted, isFailure, type Sealer, type Store } from 'sojourn';
import { cached } from 'sojourn/cached';
import { lmdb } from 'sojourn/lmdb';
import { redis } from 'sojourn/redis';
import { type RingControls, ring } from 'sojourn/ring';
import {
  copiesOf,
  type PlaceAddress,
  placeInWords,
  type RedisAddress,
  type RingAddress,
  type SessionsAddress,
} from './address.js';

export interface Place {
  readonly store: Store;
  /** Sessions live in cookies, and the store keeps who was signed out. */
  readonly seal?: Sealer;
  /** For operators, where sessions live in a ring. */
  readonly ring?: RingControls;
  /** Resolves once it answers and can do what is needed, with sentences for the operator. Otherwise rejects with OutOfReach. */
  reach(): Promise<readonly string[]>;
  /** After the sessions are closed. */
  close(): void;
}

/** The place does not answer, or not as it must. The message is for the operator, and is all there is to say. */
export class OutOfReach extends Error {}

/** `keys`: for sessions in cookies, the newest first. */
export async function openStore(address: SessionsAddress, keys: readonly string[]): Promise<Place> {
  if (address.kind !== 'cookie') return openPlace(address);
  return { seal: encrypted({ keys }), ...(await openPlace(address.revocations)) };
}

async function openPlace(address: PlaceAddress): Promise<Place> {
  if (address.kind === 'lmdb') return { store: lmdb(address.folder), reach: async () => [], close: () => undefined };
  if (address.kind === 'ring') return openRing(address);
  if ('servers' in address) return openRedis(address);
  const { openDatabaseStore } = await import('./databases.js');
  return openDatabaseStore(address);
}

/** Four times the ring's own: this example also runs on laptops that are busy, and a node that is late is passed over. */
const NODE_DEADLINE = '200ms';
const PREFIX = 'cinema:';
/** A start waits so long for Redis. */
const PATIENCE_MS = 3000;
const CONNECT_MS = 1000;
/** Between two tries to connect again, so that visitors are served a moment after Redis is back. */
const LONGEST_PAUSE_MS = 500;

function openRedis(address: RedisAddress): Place {
  const words = placeInWords(address);
  const { client, reach, close } = openClient(address);
  const store = cached(redis(client, { prefix: PREFIX, name: words }));
  return {
    store,
    async reach() {
      await reach();
      return checked(store);
    },
    close,
  };
}

/** One store made of several. A server that is away is none of the visitors' business, so it is only a note. */
function openRing(address: RingAddress): Place {
  const clients = address.nodes.map(({ server }) => openClient(server));
  const nodes = address.nodes.map(({ name, weight, zone }, i) => {
    const store = redis(clients[i]!.client, { prefix: PREFIX, name });
    return { name, weight, ...(zone !== undefined && { zone }), store };
  });
  const several = ring(nodes, { copies: copiesOf(address), deadline: NODE_DEADLINE });
  return {
    store: cached(several),
    ring: several,
    async reach() {
      const reached = await Promise.allSettled(clients.map(({ reach }) => reach()));
      const away = reached.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Error).message] : []));
      try {
        return [...away, ...(await several.check())];
      } catch (error) {
        // A new ring begins with all of its nodes.
        throw away.length > 0 ? new OutOfReach(away.join('\n')) : outOfReach(error);
      }
    },
    close() {
      for (const { close } of clients) close();
    },
  };
}

/** A client that connects, and connects again, until it is closed. */
function openClient(address: RedisAddress) {
  const client = address.kind === 'redis' ? singleClient(address) : clusterClient(address);
  let isOpen = true;
  // Without a listener, a lost connection would end the process. After the start nothing is said here: node-redis tells of every
  // try to connect again, sojourn once that the store is down, and once that it is back (server.ts).
  const firstTrouble = new Promise<never>((_, reject) => client.on('error', reject));
  firstTrouble.catch(() => undefined);
  const connected = connect(client, () => isOpen);
  return {
    client,
    async reach(): Promise<void> {
      try {
        await within(PATIENCE_MS, Promise.race([connected, firstTrouble]));
      } catch (error) {
        throw new OutOfReach(`${placeInWords(address)} ${complaint(error)}`);
      }
    },
    close(): void {
      isOpen = false;
      client.destroy();
    },
  };
}

async function checked(store: Required<Pick<Store, 'check'>>): Promise<readonly string[]> {
  try {
    return await store.check();
  } catch (error) {
    throw outOfReach(error);
  }
}

function outOfReach(error: unknown): unknown {
  return isFailure(error) ? new OutOfReach(error.message) : error;
}

/** node-redis tries again by itself, but for a cluster whose servers are all away. */
async function connect(client: { connect(): Promise<unknown> }, isWanted: () => boolean): Promise<void> {
  while (isWanted()) {
    try {
      await client.connect();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, LONGEST_PAUSE_MS).unref());
    }
  }
}

/**
 * While the connection is lost commands fail at once, instead of waiting in a queue: the visitor is told to try again, and
 * nobody's click is done when he has long left.
 */
const socket = {
  connectTimeout: CONNECT_MS,
  reconnectStrategy: (tries: number) => Math.min(50 * 2 ** tries, LONGEST_PAUSE_MS),
};

function singleClient({ servers: [server], tls, database, username, password }: RedisAddress) {
  return createClient({
    socket: { ...socket, ...server, ...(tls && { tls }) },
    database,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    disableOfflineQueue: true,
  });
}

function clusterClient({ servers, tls, username, password }: RedisAddress) {
  return createCluster({
    rootNodes: servers.map((server) => ({ socket: { ...socket, ...server } })),
    defaults: {
      socket: { ...socket, ...(tls && { tls }) },
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      disableOfflineQueue: true,
    },
  });
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing was heard for ${ms / 1000} seconds`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The rest of a sentence that begins with the place. Redis's own words hold no password. */
function complaint(error: unknown): string {
  const { code, message = String(error) } = error as { code?: string; message?: string };
  if (code === 'ECONNREFUSED') return 'does not answer: nothing listens there. Start it, or correct SESSIONS.';
  if (code === 'ENOTFOUND') return 'does not answer: there is no host of that name. Correct SESSIONS.';
  if (message.startsWith('NOAUTH')) return 'wants a password. Put it into SESSIONS: redis://:password@host.';
  if (message.startsWith('WRONGPASS')) return 'refuses the user or the password in SESSIONS.';
  if (message.startsWith('Unknown RESP type')) return 'does not answer: what listens there is not Redis.';
  return `does not answer: ${message}.`;
}

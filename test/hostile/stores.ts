/**
 * The stores that hostile cases run against, each with the way that somebody takes who has access to it without us.
 *
 * LMDB is written to with the lmdb package itself, through a handle of its own, as another program on the machine would; Redis
 * by a connection of its own. Nobody reaches into a memory store but by its verbs, so there only single fields and whole sessions
 * are replaced. A new store is one more row here.
 */
import { createRequire } from 'node:module';
import { Redis } from 'ioredis';
import { type MaybePromise, memory, type Store, type Stored } from 'sojourn';
import { cached } from 'sojourn/cached';
import { lmdb } from 'sojourn/lmdb';
import { redis } from 'sojourn/redis';
import type { ControllableClock } from 'sojourn/testing';
import { describe } from 'vitest';
import { pack, unpack } from '../../src/core/record.js';
import { removeLater } from '../support/cleanup.js';
import { type Conditional, need } from '../support/needs.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { redisClients } from '../support/redis-clients.js';
import { tempFolder } from '../support/temp.js';

// The very copy that the store uses: lmdb keeps state in its native part that its two module formats do not share.
const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');

type OpenStore = (clock: ControllableClock) => Store;

/** Reads and replaces whole entries behind the store's back. */
export interface BackDoor {
  read(id: string): MaybePromise<Buffer>;
  replace(id: string, entry: Uint8Array): Promise<void>;
  /** Where in an entry the packed session (src/core/record.ts) begins. */
  recordFrom(entry: Buffer): number;
  /** An entry shows which id it belongs to. */
  readonly isBoundToId?: true;
  /** For stores whose entries have kinds: puts a list in the place of the entry. Hands back the way to count what is in it. */
  replaceByList?(id: string): Promise<() => Promise<number>>;
}

export interface StoreKind {
  readonly name: string;
  readonly describe: Conditional['describe'];
  /** Why no entry can be of another kind than ours; undefined where it can. */
  readonly oneKindOfEntry?: string;
  /** A new, empty store: how each server opens it, and the back door if there is one. */
  make(): MaybePromise<{ readonly openStore: OpenStore; readonly backDoor?: BackDoor }>;
}

export const storeKinds: readonly StoreKind[] = [
  {
    name: 'memory',
    describe,
    oneKindOfEntry: 'memory holds sessions and nothing else',
    make: () => ({ openStore: inMemory() }),
  },
  { name: 'lmdb', describe, oneKindOfEntry: 'an entry of LMDB is bytes', make: onDisk },
  { name: 'redis', describe: need('redis').describe, make: () => inRedis((store) => store) },
  {
    name: 'redis with a near cache',
    describe: need('redis').describe,
    make: () => inRedis((store, { now }) => cached(store, { now })),
  },
];

/** An LMDB store in a folder of its own, which every server opens for itself. */
export function onDisk(): { readonly openStore: OpenStore; readonly backDoor: LmdbBackDoor } {
  const folder = tempFolder('hostile');
  const openStore: OpenStore = (clock) => lmdb(folder, { now: clock.now, durable: false });
  return { openStore, backDoor: lmdbBackDoor(folder) };
}

interface LmdbBackDoor extends BackDoor {
  read(id: string): Buffer;
}

/** One memory store, shared by all servers of a scene. */
export function inMemory(): OpenStore {
  let store: Store | undefined;
  return (clock) => {
    store ??= memory({ now: clock.now });
    return store;
  };
}

type RedisStore = ReturnType<typeof redis>;

let server: Promise<RedisServer> | undefined;
let prefixes = 0;

/** A place of its own on the Redis of this test file. Every other server of a scene comes with the other client library. */
async function inRedis(
  wrapped: (store: RedisStore, clock: ControllableClock) => Store,
): Promise<{ readonly openStore: OpenStore; readonly backDoor: BackDoor }> {
  server ??= startRedis();
  const { url } = await server;
  const prefix = `hostile:${prefixes++}:`;
  const libraries = redisClients.single.filter(({ name }) => ['node-redis 6', 'ioredis 6'].includes(name));
  const connected = await Promise.all(libraries.map(({ connect }) => connect({ url })));
  let opened = 0;
  const openStore: OpenStore = (clock) => {
    const { client } = connected[opened++ % connected.length]!;
    const store = wrapped(redis(client, { prefix, now: clock.now }), clock);
    removeLater({ remove: async () => store.close?.(), removeNow: () => {} });
    return store;
  };
  return { openStore, backDoor: redisBackDoor(url, prefix) };
}

function redisBackDoor(url: string, prefix: string): BackDoor {
  const other = new Redis(url);
  removeLater({ remove: () => other.disconnect(), removeNow: () => {} });
  return {
    read: async (id) => (await other.getBuffer(prefix + id))!,
    async replace(id, entry) {
      await other.set(prefix + id, Buffer.from(entry), 'KEEPTTL');
    },
    recordFrom: (entry) => 1 + entry[0]! * 6 + 2, // behind marks and a check of the id, see src/stores/redis/value.ts
    isBoundToId: true,
    async replaceByList(id) {
      await other
        .multi()
        .del(prefix + id)
        .rpush(prefix + id, 'a', 'b')
        .exec();
      return () => other.llen(prefix + id);
    },
  };
}

function lmdbBackDoor(folder: string): LmdbBackDoor {
  // Within one process lmdb wants the same settings for the same folder.
  const root = open(folder, { maxDbs: 7, noSubdir: false, overlappingSync: false, noSync: true });
  const entries = root.openDB<Buffer, string>('sessions', { encoding: 'binary', useVersions: true });
  removeLater({ remove: () => root.close(), removeNow: () => {} });
  return {
    read: (id) => Buffer.from(entries.getEntry(id)!.value),
    async replace(id, entry) {
      await entries.put(id, Buffer.from(entry), entries.getEntry(id)!.version!);
    },
    recordFrom: () => 0,
  };
}

/** For a store in this process: the entry as it would be packed, replaced by destroying and creating it. */
export function throughVerbs(store: Store): BackDoor {
  return {
    read: (id) => pack(store.load(id) as Stored),
    async replace(id, entry) {
      await store.destroy(id);
      await store.create(id, unpack(entry));
    },
    recordFrom: () => 0,
  };
}

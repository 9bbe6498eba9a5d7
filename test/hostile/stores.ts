/**
 * The stores that hostile cases run against, each with the way that somebody takes who has access to it without us.
 *
 * LMDB is written to with the lmdb package itself, through a handle of its own, as another program on the machine would.
 * Nobody reaches into a memory store but by its verbs, so there only single fields and whole sessions are replaced. A new store
 * is one more row here.
 */
import { createRequire } from 'node:module';
import { memory, type Store, type Stored } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import type { ControllableClock } from 'sojourn/testing';
import { pack, unpack } from '../../src/core/record.js';
import { removeLater } from '../support/cleanup.js';
import { tempFolder } from '../support/temp.js';

// The very copy that the store uses: lmdb keeps state in its native part that its two module formats do not share.
const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');

type OpenStore = (clock: ControllableClock) => Store;

/** Reads and replaces whole entries behind the store's back. */
export interface BackDoor {
  read(id: string): Buffer;
  replace(id: string, entry: Uint8Array): Promise<void>;
}

export interface StoreKind {
  readonly name: string;
  /** A new, empty store: how each server opens it, and the back door if there is one. */
  make(): { readonly openStore: OpenStore; readonly backDoor?: BackDoor };
}

export const storeKinds: readonly StoreKind[] = [
  { name: 'memory', make: () => ({ openStore: inMemory() }) },
  { name: 'lmdb', make: onDisk },
];

/** An LMDB store in a folder of its own, which every server opens for itself. */
export function onDisk(): { readonly openStore: OpenStore; readonly backDoor: BackDoor } {
  const folder = tempFolder('hostile');
  const openStore: OpenStore = (clock) => lmdb(folder, { now: clock.now, durable: false });
  return { openStore, backDoor: lmdbBackDoor(folder) };
}

/** One memory store, shared by all servers of a scene. */
export function inMemory(): OpenStore {
  let store: Store | undefined;
  return (clock) => {
    store ??= memory({ now: clock.now });
    return store;
  };
}

function lmdbBackDoor(folder: string): BackDoor {
  // Within one process lmdb wants the same settings for the same folder.
  const root = open(folder, { maxDbs: 3, noSubdir: false, overlappingSync: false, noSync: true });
  const entries = root.openDB<Buffer, string>('sessions', { encoding: 'binary', useVersions: true });
  removeLater({ remove: () => root.close(), removeNow: () => {} });
  return {
    read: (id) => Buffer.from(entries.getEntry(id)!.value),
    async replace(id, entry) {
      await entries.put(id, Buffer.from(entry), entries.getEntry(id)!.version!);
    },
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
  };
}

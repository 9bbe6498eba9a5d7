/**
 * The LMDB environment of a store: a folder for its owner only, seven databases, and what durability means.
 *
 * What a resolved write means was found out by slowing fdatasync down by 300 ms and by killing writers (lmdb-js 3.5.6):
 *
 * - durable (the default): pages, fdatasync, then the meta page, synced as well; the promise comes after that. One flush
 *   serves all writes that are under way. What was acknowledged survives kill -9 and a power cut; the file is valid at every moment.
 * - not durable: nobody waits for the disk. Writes are in the kernel's page cache when they are acknowledged, so they survive
 *   kill -9 of any process, not a power cut. The file is flushed once a second; a cut loses what came after, and one that
 *   falls into a flush can leave the file unreadable (LMDB says so of MDB_NOSYNC): delete it, everybody signs in again.
 *
 * Rejected: lmdb-js's own default, overlappingSync. Its promises come after the flush as well, so it costs the same, it
 * rolls back after a crash where the boot id cannot be read, and its bookkeeping of what was flushed is per process.
 */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Database, RootDatabase } from 'lmdb';
import { failure } from '../../errors.js';
import { drain, shut, Writer } from './door.js';

/** Once a second: what a power cut may cost a store that is not durable. */
export const FLUSH_INTERVAL_MS = 1000;

/** The map is a bound of address space, not memory. A little above the bound of the file, so that it never moves while in use. */
const MAP_SLACK = 1.25;
const MAP_GRAIN = 0x10000;

/** A transaction starts at the end of the turn, or after so many writes: one flush for all of them. */
const WRITES_BEFORE_A_START = 1000;

/** Nothing for anybody else on this machine: sessions hold personal data. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

export interface Files {
  readonly root: RootDatabase;
  readonly sessions: Database<Uint8Array, string>;
  readonly users: Database<Uint8Array, Uint8Array>;
  readonly deadlines: Database<Uint8Array, Uint8Array>;
  readonly cells: Database<Uint8Array, string>;
  readonly cellUsers: Database<Uint8Array, Uint8Array>;
  readonly cellDeadlines: Database<Uint8Array, Uint8Array>;
  readonly fences: Database<Uint8Array, Uint8Array>;
  /** LMDB's version of the entry that was read last. */
  readonly lastMark: () => number;
  /** Who asks at the door before each write. */
  readonly writer: Writer;
  /** Writes to disk what the kernel holds back. */
  readonly flush: () => Promise<void>;
}

export function openFiles(folder: string, durable: boolean, maxBytes: number): Files {
  const lmdb = lmdbPackage();
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  const open = shut(folder);
  try {
    drain(folder);
    return { ...openDatabases(lmdb, folder, durable, maxBytes), writer: new Writer(folder) };
  } finally {
    open();
  }
}

/** Waits for what lmdb has begun, and leaves. */
export async function closeFiles(folder: string, { root, writer }: Files): Promise<void> {
  // The last one to close destroys the locks; one who opens meanwhile would take them for good.
  const open = shut(folder);
  try {
    await root.close();
  } finally {
    writer.remove();
    open();
  }
}

/**
 * Not in lmdb's types. An application that has opened lmdb before, by `import`, has another copy of its code over the same binary. Then that
 * copy does all the work, the function that ours exports throws, and the binary knows which one does not.
 */
interface Shared {
  readonly nativeAddon?: { readonly getLastVersion?: () => number };
}

function openDatabases(
  lmdb: typeof import('lmdb'),
  folder: string,
  durable: boolean,
  maxBytes: number,
): Omit<Files, 'writer'> {
  const { open, getLastVersion } = lmdb;
  const untyped = { permissionsMode: FILE_MODE, txnStartThreshold: WRITES_BEFORE_A_START };
  const root = open(folder, {
    noSubdir: false,
    maxDbs: 7,
    mapSize: Math.ceil((maxBytes * MAP_SLACK) / MAP_GRAIN) * MAP_GRAIN,
    overlappingSync: false,
    // Batching by event turn makes a promise that nobody can listen to: a failed transaction would end the process.
    eventTurnBatching: false,
    noSync: !durable,
    ...untyped,
  });
  const keys = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const records = { encoding: 'binary', useVersions: true } as const;
  return {
    root,
    sessions: root.openDB<Uint8Array, string>('sessions', records),
    users: root.openDB<Uint8Array, Uint8Array>('users', keys),
    deadlines: root.openDB<Uint8Array, Uint8Array>('deadlines', keys),
    cells: root.openDB<Uint8Array, string>('cells', records),
    cellUsers: root.openDB<Uint8Array, Uint8Array>('cell-users', keys),
    cellDeadlines: root.openDB<Uint8Array, Uint8Array>('cell-deadlines', keys),
    fences: root.openDB<Uint8Array, Uint8Array>('fences', { ...keys, useVersions: true }),
    lastMark: (lmdb as Shared).nativeAddon?.getLastVersion ?? getLastVersion,
    flush: () => flush(root),
  };
}

/** Loaded here and now, so that nobody else ever loads a native binary, and its absence is an error that says what to do. */
function lmdbPackage(): typeof import('lmdb') {
  try {
    return createRequire(import.meta.url)('lmdb') as typeof import('lmdb');
  } catch (cause) {
    const feature = 'The LMDB store (others do without: memory(), file(), Redis, SQL)';
    throw failure('SOJOURN_PACKAGE', { feature, install: 'lmdb' }, cause);
  }
}

/** `sync` is there since lmdb-js 2, but not in its types. */
function flush(root: RootDatabase): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => (error ? reject(error) : resolve());
    (root as unknown as { sync(done: (error?: Error) => void): void }).sync(done);
  });
}

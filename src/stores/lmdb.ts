/**
 * Sessions in an LMDB file on this machine: no server, many processes at once, a read for about two microseconds.
 *
 * A session is one packed record under its id. `load` is one synchronous look at the newest state, whoever wrote it. A
 * commit reads, applies the delta and puts the result back on the condition that the record still carries the mark that was
 * read (keys.ts); if another process was quicker it starts over, and after a few lost races it takes LMDB's write lock. The user
 * index and the deadlines change in the same transaction as the session, so they are exact after any crash. What a resolved
 * promise means for power cuts stands in files.ts.
 *
 * Rejected: a transaction for every commit (it holds the lock of all processes until this one's event loop comes round; the
 * conditional put never waits for JavaScript), putSync (a flush for each write), walking all sessions to sweep (ten minutes
 * of work for a second's worth of expiry).
 */
import type { Celled, Delta, Head, Indexed, Listable, Outcome, Store, Stored, Sweepable } from '../contract.js';
import { environment } from '../core/environment.js';
import { checked, flag, show, wholeNumber } from '../core/options.js';
import { applyPacked, headOf, pack, unpack } from '../core/record.js';
import { failure, isFailure, unlessCorrupt } from '../errors.js';
import { LmdbCells } from './lmdb/cells.js';
import { type Files, openFiles } from './lmdb/files.js';
import { idOfDeadlineKey, isKey } from './lmdb/keys.js';
import { Room } from './lmdb/room.js';
import { type Found, Shelf } from './lmdb/shelf.js';
import { Work } from './lmdb/work.js';

export interface LmdbOptions {
  /**
   * True (default): a write is acknowledged when it is on the disk; it survives kill -9 and a power cut. False: when it is
   * visible to all processes, about a quarter cheaper and without waiting for the disk; it survives kill -9, while a power cut loses
   * the last second and, in the worst case, leaves a file that must be deleted.
   */
  readonly durable?: boolean;
  /**
   * How large the file may become. Default 4 GiB, at least 1 MiB. Some of it stays free as room for changes; past that,
   * `create` and commits that make a session larger get SOJOURN_STORE_FULL, while everything else goes on.
   */
  readonly maxBytes?: number;
  /** The clock, epoch milliseconds. All processes on one file should agree on it. */
  readonly now?: () => number;
  /** What errors and events call this store. Default 'lmdb'. */
  readonly name?: string;
}

const DEFAULT_MAX_BYTES = 4 * 1024 ** 3;
const LEAST_MAX_BYTES = 1024 ** 2;

/** How often a write is tried on condition before it takes the lock, where it cannot lose. */
const OPTIMISTIC_TRIES = 4;
/** How many expired sessions and cells a full store removes before it refuses. */
const REMOVED_WHEN_FULL = 256;
/** When to look again at a record that this version cannot read. A newer one beside us may still need it. */
const UNREADABLE_RETRY_MS = 86_400_000;

const GONE: Outcome = { status: 'gone' };

/**
 * A store in the folder `path`, which is made if it is not there (for its owner only). Any number of processes may open the same
 * folder; it must be on a local disk, not on a network share. SOJOURN_PACKAGE when lmdb has no binary here.
 * @example
 * const s = sessions({ store: lmdb('./sessions') });
 */
export function lmdb(path: string, options?: LmdbOptions): Store & Indexed & Listable & Sweepable & Celled {
  if (typeof path !== 'string' || path === '') {
    throw failure('SOJOURN_OPTION', {
      option: 'path of lmdb',
      wanted: 'must be the name of a folder',
      got: show(path),
    });
  }
  return new Lmdb(path, checked('lmdb', options, ['durable', 'maxBytes', 'now', 'name']));
}

/** What a delta makes of a session: the answer, and what must be written for it to be true. */
interface Change {
  readonly outcome: Outcome;
  readonly next: Next | null;
}
interface Next {
  readonly id: string;
  /** The mark of the record that it replaces. */
  readonly mark: number;
  /** The owner before. */
  readonly before: string | undefined;
  readonly head: Head;
  readonly record: Buffer;
  /** Bytes by which the record grows. */
  readonly growth: number;
}

class Lmdb implements Store, Indexed, Listable, Sweepable, Celled {
  readonly name: string;
  readonly cells: LmdbCells;
  private readonly now: () => number;
  private readonly maxBytes: number;
  private readonly files: Files;
  private readonly shelf: Shelf;
  private readonly room: Room;
  private readonly work: Work;

  constructor(path: string, { durable, maxBytes, now, name }: LmdbOptions) {
    this.name = name ?? 'lmdb';
    this.now = now ?? environment.now;
    this.maxBytes = wholeNumber('maxBytes of lmdb', maxBytes ?? DEFAULT_MAX_BYTES, LEAST_MAX_BYTES, 2 ** 46);
    const isDurable = flag('durable of lmdb', durable ?? true);
    try {
      this.files = openFiles(path, isDurable, this.maxBytes);
    } catch (error) {
      if (isFailure(error)) throw error;
      throw failure('SOJOURN_STORE', { store: this.name, operation: 'open its folder', problem: String(error) }, error);
    }
    this.shelf = new Shelf(this.files);
    this.room = new Room(this.files, this.maxBytes);
    this.work = new Work({ store: this.name, folder: path, files: this.files, room: this.room, isDurable });
    this.cells = new LmdbCells({
      files: this.files,
      work: this.work,
      now: this.now,
      grow: (bytes, write) => this.grow(bytes, write),
    });
  }

  load(id: string): Stored | null {
    const found = this.work.read('load', () => this.shelf.find(id));
    if (found === null) return null;
    const stored = unpack(found.record, id);
    return stored.head.expiresAt <= this.now() ? null : stored;
  }

  create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    return this.work.run('create', async () => {
      if (!isKey(id)) throw new Error('an id has 1 to 511 characters of well-formed Unicode, none of them NUL');
      const record = pack(session);
      return this.grow(record.length, async () => {
        for (let attempt = 0; attempt < OPTIMISTIC_TRIES; attempt++) {
          if (await this.shelf.insert(id, session.head, record)) return 'ok';
          const present = this.shelf.peek(id, true);
          if (present === null) continue;
          if (!this.hasExpired(present)) break;
          await this.remove(present);
        }
        return 'exists';
      });
    });
  }

  commit(id: string, delta: Delta): Promise<Outcome> {
    return this.work.run('commit', async () => {
      for (let attempt = 0; attempt < OPTIMISTIC_TRIES; attempt++) {
        // The first look may be a moment old: a write is compared when it lands. Any other answer is given on a new look.
        const { outcome, next } = this.changeOf(id, delta, attempt > 0);
        if (next === null && attempt > 0) return outcome;
        if (next !== null && (await this.tryToReplace(next))) return outcome;
      }
      return this.shelf.locked(() => this.commitLocked(id, delta));
    });
  }

  destroy(id: string): Promise<void> {
    return this.work.run('destroy', async () => {
      for (let attempt = 0; attempt < OPTIMISTIC_TRIES; attempt++) {
        const found = this.shelf.peek(id, true);
        if (found === null || (await this.remove(found))) return this.room.resume();
      }
      await this.shelf.locked(() => {
        const found = this.shelf.peek(id, false);
        if (found !== null) void this.remove(found);
      });
    });
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    for (const [id, head] of this.walk('byUser', this.shelf.idsOf(user))) if (head.user === user) yield [id, head];
  }

  async *list(): AsyncIterableIterator<readonly [id: string, head: Head]> {
    yield* this.walk('list', this.shelf.allIds());
  }

  sweep(limit: number): Promise<number> {
    return this.work.run('sweep', () => this.removeExpired(limit));
  }

  /** Waits for the writes that are under way, and for the disk. Everything that comes later is SOJOURN_STORE. */
  close(): Promise<void> {
    return this.work.close();
  }

  // Reading

  /** The live ones among `ids`. Each step is a read of its own: whoever walks slowly holds nothing. */
  private *walk(operation: string, ids: Iterator<string>): Generator<readonly [id: string, head: Head], void> {
    for (;;) {
      const found = this.work.read(operation, () => {
        const next = ids.next();
        return next.done ? null : { id: next.value, found: this.shelf.find(next.value) };
      });
      if (found === null) return;
      const head = found.found && headIn(found.found);
      if (head && head.expiresAt > this.now()) yield [found.id, head];
    }
  }

  private hasExpired(found: Found): boolean {
    const head = headIn(found);
    return head !== null && head.expiresAt <= this.now();
  }

  // Writing

  private changeOf(id: string, delta: Delta, newest: boolean): Change {
    const found = this.shelf.peek(id, newest);
    if (found === null) return { outcome: GONE, next: null };
    const stored = unpack(found.record, id);
    const [outcome, head, record] = applyPacked(stored, delta, this.now());
    if (head === null || record === null) return { outcome: owned(outcome), next: null };
    const growth = record.length - found.record.length;
    return { outcome, next: { id, mark: found.mark, before: stored.head.user, head, record, growth } };
  }

  private tryToReplace(next: Next): Promise<boolean> {
    return this.grow(next.growth, () => this.shelf.replace(next, next.before, next.head, next.record));
  }

  /** A commit under LMDB's write lock: what is read here is what is locked, and nobody can be quicker. */
  private commitLocked(id: string, delta: Delta): Outcome {
    const { outcome, next } = this.changeOf(id, delta, false);
    if (next !== null) void this.shelf.replace(next, next.before, next.head, next.record);
    return outcome;
  }

  private remove(found: Found): Promise<boolean> {
    return this.shelf.remove(found, headIn(found)?.user);
  }

  private async removeExpired(limit: number): Promise<number> {
    const sessions = await this.shelf.sweep(limit, this.now(), (entry) => this.settle(entry));
    const removed = sessions + (await this.cells.removeExpired(limit - sessions));
    if (removed > 0) this.room.resume();
    return removed;
  }

  /** One due entry: removes its session if that has expired, else files it where it belongs. True when it was removed. */
  private async settle(entry: Uint8Array): Promise<boolean> {
    const id = idOfDeadlineKey(entry);
    const found = this.shelf.find(id);
    if (found !== null && this.hasExpired(found)) return this.remove(found);
    if (found === null) await this.shelf.dropEntry(entry, id);
    else await this.shelf.refile(found, entry, headIn(found)?.expiresAt ?? this.now() + UNREADABLE_RETRY_MS);
    return false;
  }

  /** A write that adds so many bytes, or SOJOURN_STORE_FULL. What has expired goes first. One that adds nothing is never refused. */
  private async grow<T>(bytes: number, write: () => Promise<T>): Promise<T> {
    if (bytes <= 0) return write();
    if (!this.room.claim(bytes)) {
      await this.removeExpired(REMOVED_WHEN_FULL);
      if (!this.room.claim(bytes)) throw failure('SOJOURN_STORE_FULL', { store: this.name, limit: this.room.limit });
    }
    try {
      return await write();
    } finally {
      this.room.release(bytes);
    }
  }
}

/** The values of a conflict, in memory of their own. */
function owned(outcome: Outcome): Outcome {
  if (outcome.status !== 'conflict') return outcome;
  const copies = [...outcome.fields].map(([name, value]) => [name, value && Buffer.from(value)] as const);
  return { status: 'conflict', fields: new Map(copies) };
}

/** The head, or null when it cannot be read: walks and sweeps pass damage by, `load` is where it is reported. */
function headIn({ id, record }: Found): Head | null {
  return unlessCorrupt(() => headOf(record, id));
}

/**
 * Sessions in files: one file for each, in a folder that the processes of a machine share. Needs nothing, and can be looked at.
 *
 * A session is written whole under another name and then moved to its place, so that a reader sees the old one or the new one, also
 * after kill -9. It carries a checksum. A commit takes the session's lock (file/lock.ts), reads, applies the delta and writes; so does
 * whoever destroys or expires it. Reading takes no lock. Who is signed in where is told by empty files, made before a session is
 * bound and removed after it is gone, all under that lock; so the index is exact while nobody is killed, and never lacks an entry.
 *
 * LMDB is quicker in everything (`sojourn/lmdb`): this is for where no binary may be installed, and where people want files.
 * Rejected: one file for all sessions (every commit writes every session), a folder for each user, in-place writes, a timer for each session.
 */

import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Delta, Head, Indexed, Listable, Outcome, Store, Stored, Sweepable } from '../contract.js';
import { environment } from '../core/environment.js';
import { checked, flag, show } from '../core/options.js';
import { applyPacked, type Packed, pack, unpack } from '../core/record.js';
import { Turns } from '../core/turns.js';
import { failure, isFailure, unlessCorrupt } from '../errors.js';
import { Disk, isCode } from './file/disk.js';
import { corrupt, disclose, type Enclosed, enclose, MAX_ID_BYTES } from './file/envelope.js';
import { Few } from './file/few.js';
import { Locks, look } from './file/lock.js';
import { isGone } from './file/owner.js';
import {
  LOCK,
  nameIn,
  nameOf,
  type Places,
  placesIn,
  sessionFile,
  sessionOfEntry,
  userEntries,
} from './file/places.js';
import { namesIn, Sweep } from './file/sweep.js';
import { trouble } from './file/trouble.js';

export interface FileOptions {
  /**
   * True (default): a write is acknowledged when it is on the disk, and survives a power cut. False: when it is visible to all
   * processes, several times quicker; it survives kill -9, while a power cut loses the last seconds.
   */
  readonly durable?: boolean;
  /** The clock, epoch milliseconds. All processes on one folder should agree on it. */
  readonly now?: () => number;
  /** What errors and events call this store. Default 'file'. */
  readonly name?: string;
}

/** Writes under way. More would only open files and wait for the disk. */
const WRITES_AT_ONCE = 32;
const NONCE_BYTES = 12;
/** A session whose file cannot be read is kept for a day beyond the deadline that its file shows: a newer version may read it. */
const UNREADABLE_KEPT_MS = 86_400_000;

const GONE: Outcome = { status: 'gone' };

/**
 * A store in the folder `path`, which is made if it is not there, for its owner only. Any number of processes of one machine may open the
 * same folder. It must be on a local file system with hard links: not on a network share, not on FAT.
 * @example
 * import { sessions } from 'sojourn';
 * import { file } from 'sojourn/file';
 *
 * const s = sessions({ store: file('./sessions') });
 */
export function file(path: string, options?: FileOptions): Store & Indexed & Listable & Sweepable {
  if (typeof path !== 'string' || path === '') {
    throw failure('SOJOURN_OPTION', {
      option: 'path of file',
      wanted: 'must be the name of a folder',
      got: show(path),
    });
  }
  return new FileStore(resolve(path), checked('file', options, ['durable', 'now', 'name']));
}

/** A session as its file has it. */
interface Found extends Enclosed {
  readonly stored: Packed;
}

class FileStore implements Store, Indexed, Listable, Sweepable {
  readonly name: string;
  private readonly now: () => number;
  private readonly places: Places;
  private readonly disk: Disk;
  private readonly locks: Locks;
  private readonly turns = new Turns();
  private readonly few = new Few(WRITES_AT_ONCE);
  private readonly sweeping: Sweep;
  private readonly running = new Set<Promise<unknown>>();
  private closed = false;

  constructor(path: string, { durable, now, name }: FileOptions) {
    this.name = name ?? 'file';
    this.now = now ?? environment.now;
    this.places = placesIn(path);
    this.disk = new Disk({ folder: this.places.unfinished, isDurable: flag('durable of file', durable ?? true) });
    this.locks = new Locks(this.places.owners, randomBytes(NONCE_BYTES).toString('hex'));
    this.sweeping = new Sweep({
      places: this.places,
      now: this.now,
      expire: (session) => this.expire(session),
      isGone: async (owner) => {
        const seen = await look(owner);
        return seen?.owner == null || isGone(seen.owner, seen.silentMs);
      },
    });
  }

  load(id: string): Stored | null {
    this.checkOpen('load');
    if (!isId(id)) return null;
    const found = this.reading('load', () => this.find(nameOf(id)));
    if (found === null || found.stored.head.expiresAt <= this.now()) return null;
    if (found.id !== id) throw corrupt(nameOf(id), 'it belongs to another session');
    return found.stored;
  }

  create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    return this.writing('create', async () => {
      if (!isId(id)) throw this.failed('create', `an id has 1 to ${MAX_ID_BYTES} bytes of well-formed Unicode`);
      const name = nameOf(id);
      const bytes = enclose(id, pack(session));
      const { user, expiresAt } = session.head;
      return this.alone(name, async () => {
        const present = this.find(name);
        if (present !== null && present.stored.head.expiresAt > this.now()) return 'exists';
        if (present !== null) await this.remove(name, present.stored.head.user);
        if (user !== undefined) await this.disk.mark(this.entry(user, name));
        return (await this.disk.place(sessionFile(this.places, name), bytes, expiresAt)) ? 'ok' : 'exists';
      });
    });
  }

  commit(id: string, delta: Delta): Promise<Outcome> {
    return this.writing('commit', async () => {
      const name = nameOf(id);
      // Most that are gone are gone for good: no lock is needed to see it, since what is there stays in its place while it is replaced.
      if (!isId(id) || this.find(name) === null) return GONE;
      return this.alone(name, () => this.change(id, name, delta));
    });
  }

  destroy(id: string): Promise<void> {
    return this.writing('destroy', async () => {
      if (!isId(id)) return;
      const name = nameOf(id);
      if (!this.exists(name)) return;
      await this.alone(name, async () => this.remove(name, this.userOf(name)));
    });
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    const { folder, start } = userEntries(this.places, user);
    const entries = await this.asking('byUser', () => namesIn(folder));
    for (const entry of entries.filter((name) => name.startsWith(start))) {
      const name = sessionOfEntry(entry);
      const found = this.liveOne('byUser', name);
      if (found?.stored.head.user === user) yield [found.id, found.stored.head];
      else await this.writing('byUser', () => this.alone(name, () => this.dropEntry(user, name)));
    }
  }

  async *list(): AsyncIterableIterator<readonly [id: string, head: Head]> {
    const { sessions } = this.places;
    for (const folder of await this.asking('list', () => namesIn(sessions))) {
      for (const entry of await this.asking('list', () => namesIn(join(sessions, folder)))) {
        const name = nameIn(folder, entry);
        const found = name === undefined ? null : this.liveOne('list', name);
        if (found !== null) yield [found.id, found.stored.head];
      }
    }
  }

  sweep(limit: number): Promise<number> {
    return this.asking('sweep', () => this.sweeping.run(limit));
  }

  /** Whether the folder can be written, and its file system has what is needed: it makes a session that has expired, and removes it. */
  async check(): Promise<readonly string[]> {
    const id = `check ${randomBytes(NONCE_BYTES).toString('hex')}`;
    const head: Head = { createdAt: 0, expiresAt: 0, version: 1, generation: 0 };
    await this.create(id, { head, fields: new Map() });
    await this.destroy(id);
    return [];
  }

  /** Waits for the writes that are under way. Everything that comes later is SOJOURN_STORE. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.running);
    await this.locks.close();
  }

  // Reading

  /** What the file of that session holds, expired or not. One look: the file is whole, or not there. */
  private find(name: string): Found | null {
    const bytes = this.bytesOf(name);
    if (bytes === null) return null;
    const enclosed = disclose(bytes, name);
    return { ...enclosed, stored: unpack(enclosed.record, enclosed.id) };
  }

  private bytesOf(name: string): Buffer | null {
    try {
      return readFileSync(sessionFile(this.places, name));
    } catch (error) {
      if (isCode(error, 'ENOENT')) return null;
      throw error;
    }
  }

  private exists(name: string): boolean {
    return lstatSync(sessionFile(this.places, name), { throwIfNoEntry: false }) !== undefined;
  }

  /** Null also for one that cannot be read: `load` is where damage is reported. */
  private liveOne(operation: string, name: string): Found | null {
    const found = unlessCorrupt(() => this.reading(operation, () => this.find(name)));
    return found !== null && found.stored.head.expiresAt > this.now() ? found : null;
  }

  /** Whose session that is. Undefined also for one that cannot be read, which must end all the same: its entry is dropped when somebody looks. */
  private userOf(name: string): string | undefined {
    try {
      return this.find(name)?.stored.head.user;
    } catch {
      return undefined;
    }
  }

  // Writing: all of it under the session's lock

  private async change(id: string, name: string, delta: Delta): Promise<Outcome> {
    const found = this.find(name);
    if (found === null) return GONE;
    if (found.id !== id) throw corrupt(name, 'it belongs to another session');
    const [outcome, head, record] = applyPacked(found.stored, delta, this.now());
    if (head === null || record === null) return outcome;
    const before = found.stored.head.user;
    if (head.user !== undefined && head.user !== before) await this.disk.mark(this.entry(head.user, name));
    await this.disk.replace(sessionFile(this.places, name), enclose(id, record), head.expiresAt);
    if (before !== undefined && before !== head.user) await this.disk.remove(this.entry(before, name));
    return outcome;
  }

  private async remove(name: string, user: string | undefined): Promise<void> {
    await this.disk.remove(sessionFile(this.places, name));
    if (user !== undefined) await this.disk.remove(this.entry(user, name));
  }

  /** What a crash has left over, or a look has shown that was older than the session is now. */
  private async dropEntry(user: string, name: string): Promise<void> {
    const found = this.liveOne('byUser', name);
    if (found === null ? !this.exists(name) : found.stored.head.user !== user) {
      await this.disk.remove(this.entry(user, name));
    }
  }

  private expire(name: string): Promise<boolean> {
    return this.writing('sweep', () =>
      this.alone(name, async () => {
        if (!this.exists(name) || !this.isDue(name)) return false;
        await this.remove(name, this.userOf(name));
        return true;
      }),
    );
  }

  private isDue(name: string): boolean {
    try {
      return this.find(name)!.stored.head.expiresAt <= this.now();
    } catch (error) {
      if (isFailure(error, 'SOJOURN_CORRUPT')) return this.isLongDue(name);
      throw error;
    }
  }

  private isLongDue(name: string): boolean {
    return statSync(sessionFile(this.places, name)).mtimeMs + UNREADABLE_KEPT_MS <= this.now();
  }

  private entry(user: string, name: string): string {
    const { folder, start } = userEntries(this.places, user);
    return join(folder, start + name);
  }

  /** In turns within this process, and under a lock among all. */
  private alone<T>(name: string, act: () => Promise<T>): Promise<T> {
    const lock = sessionFile(this.places, name) + LOCK;
    return this.turns.take(name, () => this.few.run(() => this.locks.holding(lock, act)));
  }

  // The edges

  private reading<T>(operation: string, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw trouble(this.name, operation, error);
    }
  }

  private writing<T>(operation: string, write: () => Promise<T>): Promise<T> {
    const all = this.asking(operation, write);
    this.running.add(all);
    const leave = (): void => void this.running.delete(all);
    all.then(leave, leave);
    return all;
  }

  private async asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    this.checkOpen(operation);
    try {
      return await ask();
    } catch (error) {
      throw trouble(this.name, operation, error);
    }
  }

  private checkOpen(operation: string): void {
    if (this.closed) throw this.failed(operation, 'it is closed');
  }

  private failed(operation: string, problem: string): Error {
    return failure('SOJOURN_STORE', { store: this.name, operation, problem });
  }
}

function isId(id: string): boolean {
  return id.length > 0 && Buffer.byteLength(id) <= MAX_ID_BYTES && id.isWellFormed();
}

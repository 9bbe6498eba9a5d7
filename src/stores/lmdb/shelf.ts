/**
 * Sessions on their shelf: reading one, and the four conditional writes, each with the index entries that belong to it.
 *
 * Every write is one transaction in LMDB's own thread and resolves to false when the session is not the one that was read:
 * somebody was quicker, nothing was written. Called inside `locked` they happen at once, and cannot lose.
 */
import type { Head } from '../../contract.js';
import type { Files } from './files.js';
import * as keys from './keys.js';

/** How many entries a walk takes at a time. Between pages nothing is held open, so a slow walker costs nobody anything. */
const PAGE = 200;
/** A sweep that meets only what was touched files this many pages anew, and leaves the rest to the next one. */
const MOST_PAGES_PER_SWEEP = 16;

/** The value of index entries: all that they say is in the key. */
const NOTHING = Buffer.of(0);

/** A session as it stood when it was read: what a conditional write is conditional on. */
export interface Found {
  readonly id: string;
  readonly mark: number;
  readonly record: Buffer;
}

export class Shelf {
  private readonly files: Files;

  constructor(files: Files) {
    this.files = files;
  }

  /** A copy of the record as of this very moment, and its mark. */
  find(id: string): Found | null {
    const found = this.peek(id, true);
    return found === null ? null : { id, mark: found.mark, record: Buffer.from(found.record) };
  }

  /**
   * The record where LMDB has put it: good until the next read, so only for work that is done at once. `newest`: lmdb keeps
   * a snapshot until the next turn of the event loop, and another process may have been acknowledged since.
   */
  peek(id: string, newest: boolean): Found | null {
    if (!keys.isKey(id)) return null;
    const { root, sessions, lastMark } = this.files;
    if (newest) root.resetReadTxn();
    const shared = sessions.getBinaryFast(id);
    if (shared === undefined) return null;
    // The buffer is the same for every read, and larger than the record: only its `length` tells the truth.
    return { id, mark: lastMark(), record: Buffer.from(shared.buffer, shared.byteOffset, shared.length) };
  }

  /** Puts a session where there is none. */
  insert(id: string, { expiresAt, version, user }: Head, record: Buffer): Promise<boolean> {
    const { sessions, users, deadlines } = this.files;
    const deadline = keys.filingOf(expiresAt);
    return sessions.ifNoExists(id, () => {
      if (user !== undefined) users.put(keys.userKey(user, id), NOTHING);
      sessions.put(id, record, keys.markOf(deadline, version));
      deadlines.put(keys.deadlineKey(deadline, id), NOTHING);
    });
  }

  /** Puts the next version of a session in its place. `before`: its owner until now. */
  replace(
    { id, mark }: Omit<Found, 'record'>,
    before: string | undefined,
    head: Head,
    record: Buffer,
  ): Promise<boolean> {
    const { sessions, users } = this.files;
    const nextMark = keys.markOf(keys.filedUnder(mark), head.version);
    if (before === head.user) return sessions.put(id, record, nextMark, mark);
    return sessions.ifVersion(id, mark, () => {
      if (head.user !== undefined) users.put(keys.userKey(head.user, id), NOTHING);
      sessions.put(id, record, nextMark);
      if (before !== undefined) users.remove(keys.userKey(before, id));
    });
  }

  /** Takes a session away, with all that points to it. */
  remove({ id, mark }: Found, user: string | undefined): Promise<boolean> {
    const { sessions, users, deadlines } = this.files;
    return sessions.ifVersion(id, mark, () => {
      sessions.remove(id);
      deadlines.remove(keys.deadlineKey(keys.filedUnder(mark), id));
      if (user !== undefined) users.remove(keys.userKey(user, id));
    });
  }

  /** Files a session under another deadline than that of `entry`. */
  refile({ id, mark, record }: Found, entry: Uint8Array, expiresAt: number): Promise<boolean> {
    const { sessions, deadlines } = this.files;
    const deadline = keys.filingOf(expiresAt);
    return sessions.ifVersion(id, mark, () => {
      sessions.put(id, record, keys.refiled(mark, deadline));
      deadlines.remove(entry);
      deadlines.put(keys.deadlineKey(deadline, id), NOTHING);
    });
  }

  /** Drops an entry whose session is not there. */
  dropEntry(entry: Uint8Array, id: string): Promise<boolean> {
    const { sessions, deadlines } = this.files;
    return sessions.ifNoExists(id, () => {
      deadlines.remove(entry);
    });
  }

  /** Runs `work` under LMDB's write lock: what it reads is what is locked. */
  locked<T>(work: () => T): Promise<T> {
    return this.files.root.transaction(work);
  }

  /** Settles the entries that are due, in order, until `limit` were removed (`settle` says whether one was). Returns how many. */
  async sweep(limit: number, nowMs: number, settle: (entry: Uint8Array) => Promise<boolean>): Promise<number> {
    let removed = 0;
    for (let pages = 0; pages < MOST_PAGES_PER_SWEEP && removed < limit; pages++) {
      const size = Math.min(limit - removed, PAGE);
      const due = this.due(nowMs, size);
      const ended = await Promise.all(due.map(settle));
      removed += ended.filter(Boolean).length;
      if (due.length < size) break;
    }
    return removed;
  }

  private due(nowMs: number, limit: number): Uint8Array[] {
    const [start, end] = keys.dueRange(nowMs);
    return this.page(() => this.files.deadlines.getKeys({ start, end, limit }));
  }

  /** The ids of all sessions, page by page. */
  *allIds(): Generator<string, void> {
    for (let last: string | null = null; ; ) {
      const start: { start?: string } = last === null ? {} : { start: last };
      const page = this.page(() => this.files.sessions.getKeys({ ...start, limit: PAGE + 1 }));
      for (const id of page) if (id !== last) yield id;
      if (page.length <= PAGE) return;
      last = page.at(-1)!;
    }
  }

  /** The ids of one user's sessions, page by page. */
  *idsOf(user: string): Generator<string, void> {
    const [from, end] = keys.userRange(user);
    for (let start = from; ; ) {
      const page = this.page(() => this.files.users.getKeys({ start, end, limit: PAGE }));
      for (const key of page) yield keys.idOfUserKey(key);
      if (page.length < PAGE) return;
      start = keys.after(page.at(-1)!);
    }
  }

  /** Keys as of this moment. */
  private page<K>(range: () => Iterable<K>): K[] {
    this.files.root.resetReadTxn();
    return [...range()];
  }
}

/**
 * Sessions in the memory of this process: for tests, for development, and for one server that may forget.
 *
 * Each session is kept as one packed record, and the record as a string of bytes (latin1): strings cannot be changed, so
 * nothing that a caller holds is ever shared with what is stored, and they take a third of the memory of small buffers. Everything is synchronous, and so atomic. Two bounds hold: when one is reached,
 * expired sessions go first, and then new ones are refused with SOJOURN_STORE_FULL. A live session is never thrown out to make room:
 * that would be a logout nobody asked for, and one visitor without a cookie jar could sign out all the others.
 *
 * Rejected: an LRU bound (see above); a timer per session (100,000 timers); keeping sessions as objects (a deep copy of ten
 * fields costs more than a copy of one record, and is forgotten somewhere).
 */
import type { Celled, Delta, Head, Indexed, Listable, Outcome, Store, Stored, Sweepable } from '../contract.js';
import { environment } from '../core/environment.js';
import { checked, wholeNumber } from '../core/options.js';
import { applyPacked, pack, unpack } from '../core/record.js';
import { failure } from '../errors.js';
import { MemoryCells } from './memory/cells.js';
import { IdsByUser } from './memory/users.js';
import { Walk } from './memory/walk.js';

export interface MemoryOptions {
  /** How many sessions are kept, and cells of a ring, the expired ones that were not swept yet included. Default 100,000. */
  readonly maxSessions?: number;
  /** How much memory they may take: their packed bytes, and 420 bytes each for what surrounds them. Default 256 MiB. */
  readonly maxBytes?: number;
  /** The clock, epoch milliseconds. */
  readonly now?: () => number;
  /** What errors and events call this store. Default 'memory'. */
  readonly name?: string;
}

const DEFAULT_MAX_SESSIONS = 100_000;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;

/** Id, map entry, record and its share of the user index, about: 424 bytes of heap on Node 20, measured with 100,000 sessions. */
const BYTES_AROUND_A_SESSION = 420;

/** How many expired sessions and cells a full store removes before it refuses. */
const REMOVED_WHEN_FULL = 64;

/**
 * A store that lives and dies with the process. SOJOURN_STORE_FULL from `create`, and from a `commit` that makes a session
 * larger, when a bound is reached and nothing has expired.
 */
export function memory(options?: MemoryOptions): Store & Indexed & Listable & Sweepable & Celled {
  return new Memory(checked('memory', options, ['maxSessions', 'maxBytes', 'now', 'name']));
}

/** A record, and the two parts of its head that sweeps and the index ask for. */
interface Kept {
  readonly record: string;
  readonly expiresAt: number;
  readonly user: string | undefined;
}

class Memory implements Store, Indexed, Listable, Sweepable, Celled {
  readonly name: string;
  readonly cells: MemoryCells;
  private readonly maxSessions: number;
  private readonly maxBytes: number;
  private readonly now: () => number;
  private readonly records = new Map<string, Kept>();
  private readonly users = new IdsByUser();
  private readonly walk = new Walk(this.records);
  private bytes = 0;

  constructor({ name, maxSessions, maxBytes, now }: MemoryOptions) {
    this.name = name ?? 'memory';
    this.maxSessions = wholeNumber('maxSessions of memory', maxSessions ?? DEFAULT_MAX_SESSIONS, 1, 2 ** 24);
    this.maxBytes = wholeNumber('maxBytes of memory', maxBytes ?? DEFAULT_MAX_BYTES, 1, Number.MAX_SAFE_INTEGER);
    this.now = now ?? environment.now;
    this.cells = new MemoryCells({
      now: this.now,
      bytesAround: BYTES_AROUND_A_SESSION,
      make: (bytes, entries) => this.makeRoom(bytes, entries),
    });
  }

  load(id: string): Stored | null {
    const kept = this.records.get(id);
    return kept === undefined || this.hasExpired(kept) ? null : unpack(bytesOf(kept), id);
  }

  create(id: string, session: Stored): 'ok' | 'exists' {
    const present = this.records.get(id);
    if (present !== undefined) {
      if (!this.hasExpired(present)) return 'exists';
      this.destroy(id);
    }
    const record = pack(session);
    this.makeRoom(record.length + BYTES_AROUND_A_SESSION, 1);
    this.keep(id, session.head, record);
    return 'ok';
  }

  commit(id: string, delta: Delta): Outcome {
    const present = this.records.get(id);
    if (present === undefined) return { status: 'gone' };
    const [outcome, head, record] = applyPacked(unpack(bytesOf(present), id), delta, this.now());
    if (head === null || record === null) return outcome;
    const growth = record.length - present.record.length;
    if (growth > 0) this.makeRoom(growth, 0);
    this.keep(id, head, record);
    return outcome;
  }

  destroy(id: string): void {
    const kept = this.records.get(id);
    if (kept === undefined) return;
    this.records.delete(id);
    this.bytes -= kept.record.length + BYTES_AROUND_A_SESSION;
    this.users.move(id, kept.user, undefined);
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    for (const id of this.users.of(user)) {
      const head = this.load(id)?.head;
      if (head?.user === user) yield [id, head];
    }
  }

  async *list(): AsyncIterableIterator<readonly [id: string, head: Head]> {
    for (const id of this.records.keys()) {
      const head = this.load(id)?.head;
      if (head) yield [id, head];
    }
  }

  sweep(limit: number): number {
    const removed = this.walk.sweep(
      limit,
      (kept) => this.hasExpired(kept),
      (id) => this.destroy(id),
    );
    return removed + this.cells.sweep(limit - removed);
  }

  private hasExpired(kept: Kept): boolean {
    return kept.expiresAt <= this.now();
  }

  /** Room for so many more bytes, and sessions or cells; or SOJOURN_STORE_FULL. */
  private makeRoom(bytes: number, entries: number): void {
    if (this.fits(bytes, entries)) return;
    this.sweep(REMOVED_WHEN_FULL);
    if (this.fits(bytes, entries)) return;
    const full = this.size + entries > this.maxSessions;
    const limit = full ? `maxSessions ${this.maxSessions}` : `maxBytes ${this.maxBytes}`;
    throw failure('SOJOURN_STORE_FULL', { store: this.name, limit });
  }

  private fits(bytes: number, entries: number): boolean {
    return this.bytes + this.cells.bytes + bytes <= this.maxBytes && this.size + entries <= this.maxSessions;
  }

  private get size(): number {
    return this.records.size + this.cells.size;
  }

  private keep(id: string, { expiresAt, user }: Head, record: Buffer): void {
    const before = this.records.get(id);
    this.bytes += record.length - (before === undefined ? -BYTES_AROUND_A_SESSION : before.record.length);
    this.records.set(id, { record: record.toString('latin1'), expiresAt, user });
    this.users.move(id, before?.user, user);
  }
}

function bytesOf(kept: Kept): Buffer {
  return Buffer.from(kept.record, 'latin1');
}

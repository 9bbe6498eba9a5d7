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
import type { Delta, Head, Indexed, Listable, Outcome, Store, Stored, Sweepable } from '../contract.js';
import { environment } from '../core/environment.js';
import { checked, wholeNumber } from '../core/options.js';
import { applyPacked, pack, unpack } from '../core/record.js';
import { failure } from '../errors.js';

export interface MemoryOptions {
  /** How many sessions are kept, the expired ones that were not swept yet included. Default 100,000. */
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

/** A sweep walks past this many sessions for each that it may remove, so that a call costs the same in a full store. */
const STEPS_PER_REMOVAL = 16;

/** How many expired sessions a full store removes before it refuses. */
const REMOVED_WHEN_FULL = 64;

/**
 * A store that lives and dies with the process. SOJOURN_STORE_FULL from `create`, and from a `commit` that makes a session
 * larger, when a bound is reached and nothing has expired.
 */
export function memory(options?: MemoryOptions): Store & Indexed & Listable & Sweepable {
  return new Memory(checked('memory', options, ['maxSessions', 'maxBytes', 'now', 'name']));
}

/** A record, and the two parts of its head that sweeps and the index ask for. */
interface Kept {
  readonly record: string;
  readonly expiresAt: number;
  readonly user: string | undefined;
}

class Memory implements Store, Indexed, Listable, Sweepable {
  readonly name: string;
  private readonly maxSessions: number;
  private readonly maxBytes: number;
  private readonly now: () => number;
  private readonly records = new Map<string, Kept>();
  private readonly idsByUser = new Map<string, Set<string>>();
  private bytes = 0;
  /** Where the last sweep stopped. A Map's iterator survives changes: it skips what went and meets what came. */
  private walk: Iterator<[string, Kept]>;

  constructor({ name, maxSessions, maxBytes, now }: MemoryOptions) {
    this.name = name ?? 'memory';
    this.maxSessions = wholeNumber('maxSessions of memory', maxSessions ?? DEFAULT_MAX_SESSIONS, 1, 2 ** 24);
    this.maxBytes = wholeNumber('maxBytes of memory', maxBytes ?? DEFAULT_MAX_BYTES, 1, Number.MAX_SAFE_INTEGER);
    this.now = now ?? environment.now;
    this.walk = this.records.entries();
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
    this.index(id, kept.user, undefined);
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    for (const id of [...(this.idsByUser.get(user) ?? [])]) {
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
    let removed = 0;
    const steps = Math.min(limit * STEPS_PER_REMOVAL, this.records.size);
    for (let step = 0; step < steps && removed < limit; step++) {
      const id = this.nextExpired();
      if (id === null) continue;
      this.destroy(id);
      removed++;
    }
    return removed;
  }

  /** One step of the walk: the id there, if it has expired. At the end the walk begins anew. */
  private nextExpired(): string | null {
    let next = this.walk.next();
    if (next.done) {
      this.walk = this.records.entries();
      next = this.walk.next();
    }
    if (next.done) return null;
    const [id, kept] = next.value;
    return this.hasExpired(kept) ? id : null;
  }

  private hasExpired(kept: Kept): boolean {
    return kept.expiresAt <= this.now();
  }

  /** Room for so many more bytes and sessions, or SOJOURN_STORE_FULL. */
  private makeRoom(bytes: number, sessions: number): void {
    if (this.fits(bytes, sessions)) return;
    this.sweep(REMOVED_WHEN_FULL);
    if (this.fits(bytes, sessions)) return;
    const full = this.records.size + sessions > this.maxSessions;
    const limit = full ? `maxSessions ${this.maxSessions}` : `maxBytes ${this.maxBytes}`;
    throw failure('SOJOURN_STORE_FULL', { store: this.name, limit });
  }

  private fits(bytes: number, sessions: number): boolean {
    return this.bytes + bytes <= this.maxBytes && this.records.size + sessions <= this.maxSessions;
  }

  private keep(id: string, { expiresAt, user }: Head, record: Buffer): void {
    const before = this.records.get(id);
    this.bytes += record.length - (before === undefined ? -BYTES_AROUND_A_SESSION : before.record.length);
    this.records.set(id, { record: record.toString('latin1'), expiresAt, user });
    this.index(id, before?.user, user);
  }

  private index(id: string, before: string | undefined, after: string | undefined): void {
    if (before === after) return;
    if (after !== undefined) {
      const ids = this.idsByUser.get(after);
      if (ids) ids.add(id);
      else this.idsByUser.set(after, new Set([id]));
    }
    if (before === undefined) return;
    const ids = this.idsByUser.get(before);
    ids?.delete(id);
    if (ids?.size === 0) this.idsByUser.delete(before);
  }
}

function bytesOf(kept: Kept): Buffer {
  return Buffer.from(kept.record, 'latin1');
}

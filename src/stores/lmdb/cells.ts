/**
 * Cells in the LMDB file, beside the sessions: replaced by conditional puts, as those are (../lmdb.ts).
 *
 *   cells            id                          the deadline it is filed under (8 bytes, BE), then the cell as core/cell.ts packs it
 *   cell-users       as for sessions
 *   cell-deadlines   as for sessions
 *
 * LMDB's version of an entry is 53 bits of the cell's mark: two writes of one moment that meet in all of them do not happen. A fence is
 * looked up with the cell, and the write is conditional on both in one transaction: that no fence has come, and that the cell is the
 * one that was read. Rejected: sessions' way of keeping the deadline inside the version; it leaves ten bits, and cells come back under an id.
 */
import type { Cell, Cells, Fence, Replaced } from '../../contract.js';
import { checkFence, isMarked, keepUntilIn, markIn, packCell, unpackCell, userIn } from '../../core/cell.js';
import type { Files } from './files.js';
import * as keys from './keys.js';
import { Shelf } from './shelf.js';
import type { Work } from './work.js';

export interface LmdbCellsOptions {
  readonly files: Files;
  readonly work: Work;
  now(): number;
  /** Runs a write that adds so many bytes, or SOJOURN_STORE_FULL. */
  grow<T>(bytes: number, write: () => Promise<T>): Promise<T>;
}

/** How often a write is tried on condition before it takes the lock, where it cannot lose. */
const OPTIMISTIC_TRIES = 4;
/** So many slots are closed in one transaction. */
const SLOTS_AT_ONCE = 1024;
const FILED_BYTES = 8;
const NOTHING = Buffer.of(0);
const OK: Replaced = { status: 'ok' };

/** What stands there: good until the next read. */
interface Present {
  readonly version: number;
  readonly filed: number;
  readonly packed: Buffer;
  readonly hasEnded: boolean;
}

/** The epoch of a slot, as a write found it. 0: nobody has closed it. */
interface Closed {
  readonly slot: number;
  readonly epoch: number;
}

interface Wanted {
  readonly id: string;
  readonly expect: Buffer | null;
  readonly next: Buffer;
  readonly user: string | undefined;
  readonly keepUntil: number;
  readonly fence: Fence | undefined;
}

export class LmdbCells implements Cells {
  readonly #options: LmdbCellsOptions;
  readonly #files: Files;
  /** For reading and walking. */
  readonly #shelf: Shelf;

  constructor(options: LmdbCellsOptions) {
    this.#options = options;
    this.#files = options.files;
    const { cells, cellUsers, cellDeadlines } = options.files;
    this.#shelf = new Shelf({ ...options.files, sessions: cells, users: cellUsers, deadlines: cellDeadlines });
  }

  read(id: string): Cell | null {
    const found = this.#options.work.read('cells.read', () => this.#shelf.find(id));
    if (found === null) return null;
    const cell = unpackCell(found.record.subarray(FILED_BYTES), id);
    return cell.keepUntil <= this.#options.now() ? null : cell;
  }

  async replace(id: string, expect: Uint8Array | null, next: Cell, fence?: Fence): Promise<Replaced> {
    const { user, keepUntil } = next;
    const wanted = { id, expect: expect && Buffer.from(expect), next: packCell(next), user, keepUntil, fence };
    return this.#options.work.run('cells.replace', async () => {
      if (!keys.isKey(id)) throw new Error('an id has 1 to 511 characters of well-formed Unicode, none of them NUL');
      for (let attempt = 0; attempt < OPTIMISTIC_TRIES; attempt++) {
        // As in a commit: the first look may be a moment old, for a write is compared when it lands.
        const { answer, write, growth } = this.#plan(wanted, attempt > 0);
        if (write === null && attempt > 0) return answer;
        if (write !== null && (await this.#options.grow(growth, write))) return answer;
      }
      return this.#shelf.locked(() => {
        const { answer, write } = this.#plan(wanted, false);
        void write?.();
        return answer;
      });
    });
  }

  async remove(id: string, expect: Uint8Array): Promise<boolean> {
    const mark = Buffer.from(expect);
    return this.#options.work.run('cells.remove', async () => {
      for (;;) {
        const present = this.#peek(id, true);
        if (present === null || present.hasEnded || !isMarked(present.packed, mark)) return false;
        // Whoever was quicker has changed the mark, or has only filed it anew.
        if (await this.#drop(id, present)) return true;
      }
    });
  }

  async fence(slots: readonly number[], epoch: number): Promise<void> {
    checkFence(slots, epoch);
    const all = [...slots];
    await this.#options.work.run('cells.fence', async () => {
      for (let from = 0; from < all.length; from += SLOTS_AT_ONCE) {
        const some = all.slice(from, from + SLOTS_AT_ONCE);
        await this.#shelf.locked(() => {
          for (const slot of some) this.#close(slot, epoch);
        });
      }
    });
  }

  async *byUser(user: string): AsyncIterableIterator<string> {
    yield* this.#walk('cells.byUser', this.#shelf.idsOf(user));
  }

  async *ids(): AsyncIterableIterator<string> {
    yield* this.#walk('cells.ids', this.#shelf.allIds());
  }

  /** Removes at most `limit` cells whose time is over. Returns how many. */
  removeExpired(limit: number): Promise<number> {
    return this.#shelf.sweep(limit, this.#options.now(), (entry) => this.#settle(entry));
  }

  // Reading

  *#walk(operation: string, ids: Iterator<string>): Generator<string, void> {
    for (;;) {
      const next = this.#options.work.read(operation, () => ids.next());
      if (next.done) return;
      yield next.value;
    }
  }

  #peek(id: string, newest: boolean): Present | null {
    const found = this.#shelf.peek(id, newest);
    if (found === null) return null;
    const packed = found.record.subarray(FILED_BYTES);
    const hasEnded = keepUntilIn(packed) <= this.#options.now();
    return { version: found.mark, filed: found.record.readDoubleBE(), packed, hasEnded };
  }

  #closed(slot: number): Closed {
    const kept = this.#files.fences.getBinaryFast(keys.slotKey(slot));
    return { slot, epoch: kept === undefined ? 0 : this.#files.lastMark() };
  }

  // Writing

  /** The answer to a replace, and the write that must land for it to be true. */
  #plan(wanted: Wanted, newest: boolean): Plan {
    const { id, expect, next, fence } = wanted;
    const present = this.#peek(id, newest);
    const live = present?.hasEnded ? null : (present?.packed ?? null);
    if (live && isMarked(live, markIn(next))) return answered(OK);
    // Before anything else is read: what is there lies in memory that the next read uses again.
    const other = live && !(expect && isMarked(live, expect)) ? unpackCell(Buffer.from(live), id) : null;
    const owner = present === null ? undefined : userIn(present.packed, id);
    const size = present === null ? 0 : FILED_BYTES + present.packed.length;
    const closed = fence === undefined ? null : this.#closed(fence.slot);
    if (fence && closed && fence.epoch < closed.epoch) return answered({ status: 'fenced', epoch: closed.epoch });
    if (other !== null || (live === null && expect !== null)) return answered({ status: 'other', cell: other });
    const growth = FILED_BYTES + next.length - size;
    return { answer: OK, growth, write: () => this.#unlessClosed(closed, () => this.#put(wanted, present, owner)) };
  }

  /** A write on condition that the slot's epoch is what it was. */
  async #unlessClosed(closed: Closed | null, write: () => Promise<boolean>): Promise<boolean> {
    if (closed === null) return write();
    const { fences } = this.#files;
    const key = keys.slotKey(closed.slot);
    let landed: Promise<boolean> | undefined;
    const begin = (): void => {
      landed = write();
    };
    const isOpen = closed.epoch === 0 ? fences.ifNoExists(key, begin) : fences.ifVersion(key, closed.epoch, begin);
    const [both, one] = await Promise.all([isOpen, landed]);
    return both && one === true;
  }

  /** On condition that `present` is still what is there. It stays filed where it is: the sweep moves it on. */
  #put({ id, next, user, keepUntil }: Wanted, present: Present | null, owner: string | undefined): Promise<boolean> {
    const { cells, cellUsers, cellDeadlines } = this.#files;
    const version = versionOf(next);
    if (present === null) {
      const filed = keys.filingOf(keepUntil);
      return cells.ifNoExists(id, () => {
        if (user !== undefined) cellUsers.put(keys.userKey(user, id), NOTHING);
        cells.put(id, record(filed, next), version);
        cellDeadlines.put(keys.deadlineKey(filed, id), NOTHING);
      });
    }
    if (owner === user) return cells.put(id, record(present.filed, next), version, present.version);
    return cells.ifVersion(id, present.version, () => {
      if (user !== undefined) cellUsers.put(keys.userKey(user, id), NOTHING);
      cells.put(id, record(present.filed, next), version);
      if (owner !== undefined) cellUsers.remove(keys.userKey(owner, id));
    });
  }

  #drop(id: string, { version, filed, packed }: Present): Promise<boolean> {
    const { cells, cellUsers, cellDeadlines } = this.#files;
    const user = userIn(packed, id);
    return cells.ifVersion(id, version, () => {
      cells.remove(id);
      cellDeadlines.remove(keys.deadlineKey(filed, id));
      if (user !== undefined) cellUsers.remove(keys.userKey(user, id));
    });
  }

  #close(slot: number, epoch: number): void {
    if (epoch <= this.#closed(slot).epoch) return;
    this.#files.fences.put(keys.slotKey(slot), NOTHING, epoch);
  }

  /** One due entry: removes its cell if its time is over, else files it where it belongs. True when it was removed. */
  async #settle(entry: Uint8Array): Promise<boolean> {
    const { cells, cellDeadlines } = this.#files;
    const id = keys.idOfDeadlineKey(entry);
    const present = this.#peek(id, true);
    if (present === null) await this.#shelf.dropEntry(entry, id);
    else if (present.hasEnded) return this.#drop(id, present);
    else {
      const filed = keys.filingOf(keepUntilIn(present.packed));
      const moved = record(filed, present.packed);
      await cells.ifVersion(id, present.version, () => {
        cells.put(id, moved, present.version);
        cellDeadlines.remove(entry);
        cellDeadlines.put(keys.deadlineKey(filed, id), NOTHING);
      });
    }
    return false;
  }
}

interface Plan {
  readonly answer: Replaced;
  /** Null: nothing is to be written. */
  readonly write: (() => Promise<boolean>) | null;
  readonly growth: number;
}

function answered(answer: Replaced): Plan {
  return { answer, write: null, growth: 0 };
}

function record(filed: number, packed: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FILED_BYTES + packed.length);
  bytes.writeDoubleBE(filed);
  bytes.set(packed, FILED_BYTES);
  return bytes;
}

/** 53 bits of the mark, the other eleven folded in: LMDB compares a number. */
function versionOf(packed: Buffer): number {
  const mark = markIn(packed);
  const [high, low] = [mark.readUInt32BE(0), mark.readUInt32BE(4)];
  return (high & 0x1fffff) * 2 ** 32 + ((low ^ ((high >>> 21) * 0x9e3779b1)) >>> 0);
}

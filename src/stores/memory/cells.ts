/**
 * Cells in the memory of this process: each a packed string of bytes, as the sessions beside them are (../memory.ts says why).
 *
 * Everything is one synchronous step, and so compare-and-set is a comparison. Cells and sessions share the store's two bounds. A cell
 * that does not grow is always taken: what ends a session must not fail for want of room.
 */
import type { Cell, Cells, Fence, Replaced } from '../../contract.js';
import { checkFence, isMarked, packCell, unpackCell } from '../../core/cell.js';
import { IdsByUser } from './users.js';
import { Walk } from './walk.js';

interface Kept {
  readonly packed: string;
  readonly keepUntil: number;
  readonly user: string | undefined;
}

export interface CellRoom {
  now(): number;
  /** What a cell takes beside its bytes. */
  readonly bytesAround: number;
  /** SOJOURN_STORE_FULL unless there is room for so much more. */
  make(bytes: number, entries: number): void;
}

const OK: Replaced = { status: 'ok' };

export class MemoryCells implements Cells {
  readonly #room: CellRoom;
  readonly #cells = new Map<string, Kept>();
  readonly #users = new IdsByUser();
  readonly #walk = new Walk(this.#cells);
  readonly #epochs = new Map<number, number>();
  #bytes = 0;

  constructor(room: CellRoom) {
    this.#room = room;
  }

  /** What all cells take, the expired ones included. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#cells.size;
  }

  read(id: string): Cell | null {
    const packed = this.#live(id);
    return packed && unpackCell(packed, id);
  }

  replace(id: string, expect: Uint8Array | null, next: Cell, fence?: Fence): Replaced {
    const present = this.#live(id);
    if (present && isMarked(present, next.mark)) return OK;
    const epoch = fence === undefined ? 0 : (this.#epochs.get(fence.slot) ?? 0);
    if (fence && fence.epoch < epoch) return { status: 'fenced', epoch };
    const isExpected = present === null ? expect === null : expect !== null && isMarked(present, expect);
    if (!isExpected) return { status: 'other', cell: present && unpackCell(present, id) };
    this.#put(id, packCell(next), next);
    return OK;
  }

  remove(id: string, expect: Uint8Array): boolean {
    const present = this.#live(id);
    if (present === null || !isMarked(present, expect)) return false;
    this.#drop(id);
    return true;
  }

  fence(slots: readonly number[], epoch: number): void {
    checkFence(slots, epoch);
    for (const slot of slots) this.#epochs.set(slot, Math.max(epoch, this.#epochs.get(slot) ?? 0));
  }

  async *byUser(user: string): AsyncIterableIterator<string> {
    yield* this.#users.of(user);
  }

  async *ids(): AsyncIterableIterator<string> {
    yield* this.#cells.keys();
  }

  /** Removes at most `limit` cells whose time is over. Returns how many. */
  sweep(limit: number): number {
    return this.#walk.sweep(
      limit,
      (kept) => this.#hasExpired(kept),
      (id) => this.#drop(id),
    );
  }

  #live(id: string): Buffer | null {
    const kept = this.#cells.get(id);
    return kept === undefined || this.#hasExpired(kept) ? null : Buffer.from(kept.packed, 'latin1');
  }

  #hasExpired({ keepUntil }: Kept): boolean {
    return keepUntil <= this.#room.now();
  }

  #put(id: string, packed: Buffer, { keepUntil, user }: Cell): void {
    if (this.#live(id) === null) this.#drop(id);
    const before = this.#cells.get(id);
    const growth = packed.length - (before?.packed.length ?? -this.#room.bytesAround);
    if (growth > 0) this.#room.make(growth, before === undefined ? 1 : 0);
    // In place: whoever walks over the map and replaces what it meets must come to an end.
    this.#cells.set(id, { packed: packed.toString('latin1'), keepUntil, user });
    this.#users.move(id, before?.user, user);
    this.#bytes += growth;
  }

  #drop(id: string): void {
    const kept = this.#cells.get(id);
    if (kept === undefined) return;
    this.#cells.delete(id);
    this.#users.move(id, kept.user, undefined);
    this.#bytes -= kept.packed.length + this.#room.bytesAround;
  }
}

/**
 * One direction of one connection: what is to be written, when, and in which pieces.
 *
 * A queue in order of the time at which each parcel is due. Whatever a test does to a direction (late, in pieces, held back,
 * cut off at a byte) happens here, so that no two of these can get in each other's way: a parcel is written whole before the
 * next begins, however many pieces it goes in. An act, such as closing the connection, is a parcel too and keeps its place.
 */
import type { Socket } from 'node:net';

export interface Parcel {
  readonly bytes?: Buffer;
  /** Done when the bytes have left. */
  readonly act?: () => void;
  readonly delayMs?: number;
  /** Let parcels that are due earlier go first, also those that come later: for messages outside of the order of replies. */
  readonly loose?: boolean;
  /** Pieces of 1 to so many bytes; 0 leaves it whole. */
  readonly sliceTo?: number;
}

interface Queued extends Parcel {
  readonly dueMs: number;
}

export class Outlet {
  /** Bytes written so far. */
  written = 0;
  /** What happens when so many bytes have been written. */
  limit: { readonly bytes: number; readonly act: () => void } | undefined;
  readonly #socket: Socket;
  readonly #random: () => number;
  #queue: Queued[] = [];
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #held = false;
  #busy = false;

  constructor(socket: Socket, random: () => number) {
    this.#socket = socket;
    this.#random = random;
  }

  /** Bytes that wait. */
  get waiting(): number {
    return this.#queue.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
  }

  send(parcel: Parcel): void {
    const now = performance.now() + (parcel.delayMs ?? 0);
    const dueMs = parcel.loose ? now : Math.max(now, this.#lastDueMs);
    if (!parcel.loose) this.#lastDueMs = dueMs;
    const before = this.#queue.findIndex((queued) => queued.dueMs > dueMs);
    this.#queue.splice(before < 0 ? this.#queue.length : before, 0, { ...parcel, dueMs });
    this.#pump();
  }

  hold(held: boolean): void {
    this.#held = held;
    this.#pump();
  }

  /** Forgets what waits. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
  }

  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#busy || this.#held) return;
    const next = this.#queue[0];
    if (next === undefined) return;
    const waitMs = next.dueMs - performance.now();
    if (waitMs > 0) {
      this.#timer = setTimeout(() => this.#pump(), Math.ceil(waitMs));
      return;
    }
    this.#queue.shift();
    this.#busy = true;
    this.#write(next, next.bytes, () => {
      next.act?.();
      this.#busy = false;
      this.#pump();
    });
  }

  #write(parcel: Parcel, bytes: Buffer | undefined, done: () => void): void {
    if (bytes === undefined || bytes.length === 0 || this.#socket.destroyed) {
      done();
      return;
    }
    const { sliceTo = 0 } = parcel;
    const wanted = sliceTo > 0 ? 1 + Math.floor(this.#random() * sliceTo) : bytes.length;
    const allowed = (this.limit?.bytes ?? Number.POSITIVE_INFINITY) - this.written;
    const piece = bytes.subarray(0, Math.min(wanted, allowed));
    this.written += piece.length;
    const cut = piece.length === allowed;
    // The callback comes when the kernel has the bytes: a reset before that would take them along.
    this.#socket.write(piece, () => {
      if (cut) this.limit?.act();
      // A turn of the event loop between pieces, so that the other side reads some of them one by one.
      if (cut || piece.length === bytes.length) done();
      else setImmediate(() => this.#write(parcel, bytes.subarray(piece.length), done));
    });
  }
}

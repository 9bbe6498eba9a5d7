/**
 * How calls get at the files: reads at once, writes past the door (door.ts), and none of either after `close`.
 *
 * A transaction that does not fit fails with everybody who is in it, so each of them is tried once more, while what would add
 * something is refused. Sessions and cells share one of these: there is one door, one file to flush, and one end.
 */
import { setTimeout as nap } from 'node:timers/promises';
import { environment } from '../../core/environment.js';
import { failure } from '../../errors.js';
import { closeFiles, type Files, FLUSH_INTERVAL_MS } from './files.js';
import type { Room } from './room.js';
import { failedTransaction, trouble } from './trouble.js';

export interface WorkOptions {
  /** What errors call the store. */
  readonly store: string;
  readonly folder: string;
  readonly files: Files;
  readonly room: Room;
  readonly isDurable: boolean;
}

/** How long a write waits before it asks again at the door, while another process opens the folder. */
const DOOR_NAP_MS = 1;

export class Work {
  readonly #options: WorkOptions;
  readonly #stopFlushing: (() => void) | null;
  #unflushed = false;
  #running = 0;
  #whenIdle: (() => void) | null = null;
  #closing: Promise<void> | null = null;
  #closed = false;

  constructor(options: WorkOptions) {
    this.#options = options;
    this.#stopFlushing = options.isDurable ? null : environment.every(FLUSH_INTERVAL_MS, () => void this.#flush());
  }

  read<T>(operation: string, look: () => T): T {
    if (this.#closed) throw this.#isClosed(operation);
    try {
      return look();
    } catch (error) {
      throw failure('SOJOURN_STORE', { store: this.#options.store, operation, problem: String(error) }, error);
    }
  }

  /** For everything that writes. `write` begins in the same turn, unless another process opens the folder just now. */
  async run<T>(operation: string, write: () => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw this.#isClosed(operation);
    const { store, folder, files } = this.#options;
    this.#running++;
    while (!files.writer.enter()) await nap(DOOR_NAP_MS);
    this.#unflushed = true;
    try {
      return await write().catch((error) => this.#again(write, error));
    } catch (error) {
      throw await trouble(store, folder, operation, error);
    } finally {
      files.writer.leave();
      if (--this.#running === 0) this.#whenIdle?.();
    }
  }

  /** Waits for the writes that are under way, and for the disk. Everything that comes later is SOJOURN_STORE. */
  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
    this.#stopFlushing?.();
    await this.#flush();
    this.#closed = true;
    await closeFiles(this.#options.folder, this.#options.files);
  }

  /** One write that does not fit fails the whole transaction and everybody in it. Then those that add nothing get another try. */
  async #again<T>(write: () => Promise<T>, error: unknown): Promise<T> {
    if ((await failedTransaction(error)) === null) throw error;
    this.#options.room.pause();
    return write();
  }

  async #flush(): Promise<void> {
    if (this.#stopFlushing === null || !this.#unflushed) return;
    this.#unflushed = false;
    await this.#options.files.flush().catch(() => {
      this.#unflushed = true;
    });
  }

  #isClosed(operation: string): Error {
    return failure('SOJOURN_STORE', { store: this.#options.store, operation, problem: 'it is closed' });
  }
}

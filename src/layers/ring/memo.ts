/**
 * What was last read or written here, so that a commit need not ask before it writes.
 *
 * It is a guess, and never an answer: what is made of it is written only where the cell is still that one. Bounded by count and
 * bytes, the oldest go first. Bytes that somebody was handed are copied, for he may change them.
 */
import type { Copy } from './copy.js';
import { readReplica } from './replica-read.js';

const MOST_ENTRIES = 4096;
const MOST_BYTES = 8 * 1024 * 1024;

interface Kept {
  readonly mark: Buffer;
  readonly bytes: Buffer;
}

export class Memo {
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  get(id: string): Copy | null {
    const kept = this.#kept.get(id);
    return kept === undefined ? null : { mark: kept.mark, replica: readReplica(kept.bytes, id) };
  }

  set(id: string, { mark, replica: { bytes } }: Copy): void {
    this.delete(id);
    if (bytes.length > MOST_BYTES) return;
    this.#kept.set(id, { mark, bytes: Buffer.from(bytes) });
    this.#bytes += bytes.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MOST_ENTRIES && this.#bytes <= MOST_BYTES) return;
      this.delete(oldest);
    }
  }

  delete(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    this.#bytes -= kept.bytes.length;
  }
}

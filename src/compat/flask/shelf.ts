/**
 * A place where Flask-Session keeps its entries: what `flaskSession` needs of Redis, a folder, a table.
 *
 * An entry is one run of bytes under one key, with a time to go. Flask-Session overwrites it blindly; we never do: `swap` puts new bytes
 * only where the bytes that were read still are, so that what Flask writes in between is read again and not lost.
 */

/** An entry as it was read. `seen` is the shelf's own: what it needs to know that nothing has changed since. */
export interface Entry {
  readonly bytes: Uint8Array;
  /** Epoch milliseconds. Undefined: the shelf drops it when it likes, or never. */
  readonly expiresAt: number | undefined;
  readonly seen: unknown;
}

export interface Shelf {
  readonly name: string;
  /** The entry, or null when there is none or its time is over. */
  read(key: string): Promise<Entry | null>;
  /**
   * Puts `bytes` where `entry` is, or where nothing is (null). False: something else is there by now, and stays. `expiresAt` is epoch
   * milliseconds.
   */
  swap(key: string, entry: Entry | null, bytes: Uint8Array, expiresAt: number): Promise<boolean>;
  /** Removes the entry: this very one, if one is named. False: there is none, or another. */
  remove(key: string, entry?: Entry): Promise<boolean>;
  close?(): Promise<void>;
}

export function isShelf(value: object): value is Shelf {
  return 'read' in value && 'swap' in value && 'remove' in value;
}

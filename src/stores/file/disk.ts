/**
 * Files that are whole or not there: written under a name of their own first, then moved to their place in one step.
 *
 * Moving replaces what stands there (`replace`) or refuses if anything does (`place`): rename and link. Whoever reads meanwhile has
 * the old file or the new one. With `isDurable` the bytes are on the disk before the move, and the move is before anybody is told.
 * Rejected: writing in place (20 of 20 files torn by kill -9, measured), O_TMPFILE (Linux alone).
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, link, mkdir, open, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** For its owner only. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

/** The latest time that every file system can keep: 2106-02-07. */
const LAST_TIME_S = 2 ** 32 - 1;

export interface DiskOptions {
  /** Where files are written before they are moved. */
  readonly folder: string;
  readonly isDurable: boolean;
}

export class Disk {
  readonly #options: DiskOptions;
  readonly #nonce = randomBytes(9).toString('base64url');
  #written = 0;

  constructor(options: DiskOptions) {
    this.#options = options;
  }

  /** Puts a file there, instead of the one that is. `timeMs`: what it says of its last change. */
  replace(file: string, bytes: Uint8Array, timeMs: number): Promise<void> {
    return this.#moved(file, bytes, timeMs, rename);
  }

  /** Puts a file there if none is. Tells whether it did. */
  async place(file: string, bytes: Uint8Array, timeMs: number): Promise<boolean> {
    try {
      await this.#moved(file, bytes, timeMs, async (from, to) => {
        await link(from, to);
        await unlink(from);
      });
      return true;
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false;
      throw error;
    }
  }

  /** An empty file; it may be there already. */
  async mark(file: string): Promise<void> {
    await inFolder(file, () => writeFile(file, '', { mode: FILE_MODE }));
    await this.settled(file);
  }

  /** Takes a file away; it may be gone already. */
  async remove(file: string): Promise<void> {
    try {
      await unlink(file);
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
      return;
    }
    await this.settled(file);
  }

  /** Returns when what happened to the file's name is on the disk. */
  async settled(file: string): Promise<void> {
    if (!this.#options.isDurable) return;
    await using(dirname(file), constants.O_RDONLY, (folder) => folder.sync());
  }

  async #moved(
    file: string,
    bytes: Uint8Array,
    timeMs: number,
    move: (from: string, to: string) => Promise<void>,
  ): Promise<void> {
    const unfinished = join(this.#options.folder, `${this.#nonce}.${++this.#written}`);
    try {
      await inFolder(unfinished, () => this.#write(unfinished, bytes, timeMs));
      await inFolder(file, () => move(unfinished, file));
    } catch (error) {
      // On a full disk this gives back what the half of a file has taken.
      await unlink(unfinished).catch(() => undefined);
      throw error;
    }
    await this.settled(file);
  }

  #write(file: string, bytes: Uint8Array, timeMs: number): Promise<void> {
    const time = Math.min(Math.max(Math.ceil(timeMs / 1000), 0), LAST_TIME_S);
    return using(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, async (handle) => {
      await handle.writeFile(bytes);
      await handle.utimes(time, time);
      if (this.#options.isDurable) await handle.sync();
    });
  }
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as NodeJS.ErrnoException | null)?.code ?? '');
}

/** Does something with a file whose folder may have to be made first. */
export async function inFolder<T>(file: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
    await mkdir(dirname(file), { recursive: true, mode: FOLDER_MODE });
    return act();
  }
}

async function using(file: string, flags: number, act: (handle: FileHandle) => Promise<void>): Promise<void> {
  const handle = await open(file, flags, FILE_MODE);
  try {
    await act(handle);
  } finally {
    await handle.close();
  }
}

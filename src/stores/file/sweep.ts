/**
 * A walk round and round over the folders, a few files at a time: what has expired goes, and what the dead have left behind.
 *
 * A session's file says its deadline as the time of its last change, so that a look at a file that lives costs no reading. Who copies
 * the folder without its times costs a sweep one more reading of each, no more: what counts is the deadline inside.
 */
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { environment } from '../../core/environment.js';
import { isCode } from './disk.js';
import { LOCK, nameIn, type Places, sessionFile } from './places.js';

/** A call looks at so many files for each that it may remove. */
const LOOKS_PER_REMOVAL = 16;
const LEAST_LOOKS = 256;
/** Files that somebody has begun to write, and will not finish. */
const UNFINISHED_MS = 3_600_000;
/** The files of processes that are gone: their locks have been met by then. */
const OWNERS_MS = 7 * 86_400_000;

export interface SweepOptions {
  readonly places: Places;
  now(): number;
  /** Removes the session of that name if it has expired, after waiting for who writes it. Tells whether it did. */
  expire(name: string): Promise<boolean>;
  /** Whether the file of an owner, as it is named, is of a process that is gone. */
  isGone(owner: string): Promise<boolean>;
}

export class Sweep {
  readonly #options: SweepOptions;
  /** Folders that are still to be visited in this round, and of the present one the files. */
  #folders: string[] = [];
  #files: string[] = [];

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Goes on where it stopped, and removes at most `limit` sessions. Returns how many. */
  async run(limit: number): Promise<number> {
    let removed = 0;
    let rounds = 0;
    for (let looks = Math.max(limit * LOOKS_PER_REMOVAL, LEAST_LOOKS); looks > 0 && removed < limit; looks--) {
      const file = this.#files.pop();
      if (file !== undefined) {
        if (await this.#isRemoved(this.#folders[0]!, file)) removed++;
        continue;
      }
      this.#folders.shift();
      if (this.#folders.length === 0 && rounds++ > 0) break;
      await this.#nextFolder();
    }
    return removed;
  }

  async #nextFolder(): Promise<void> {
    const { sessions } = this.#options.places;
    if (this.#folders.length === 0) {
      await this.#tidy();
      this.#folders = await namesIn(sessions);
    }
    const [folder] = this.#folders;
    if (folder !== undefined) this.#files = await namesIn(join(sessions, folder));
  }

  async #isRemoved(folder: string, file: string): Promise<boolean> {
    const { places, now, expire } = this.#options;
    const isLock = file.endsWith(LOCK);
    const name = nameIn(folder, isLock ? file.slice(0, -LOCK.length) : file);
    if (name === undefined) return false;
    const times = await timesOf(join(places.sessions, folder, file));
    if (times === null) return false;
    // A lock is met by whoever wants the session, but for that of a session that has gone.
    if (isLock) return (await timesOf(sessionFile(places, name))) === null && expire(name);
    return times.mtimeMs <= now() && expire(name);
  }

  /** By the machine's own clock, as the file system has it. */
  async #tidy(): Promise<void> {
    const { places, isGone } = this.#options;
    for (const file of await olderThan(UNFINISHED_MS, places.unfinished)) await remove(file);
    for (const file of await olderThan(OWNERS_MS, places.owners)) if (await isGone(file)) await remove(file);
  }
}

async function olderThan(ageMs: number, folder: string): Promise<string[]> {
  const old: string[] = [];
  for (const name of await namesIn(folder)) {
    const times = await timesOf(join(folder, name));
    if (times !== null && times.ctimeMs + ageMs <= environment.now()) old.push(join(folder, name));
  }
  return old;
}

async function timesOf(file: string): Promise<{ readonly mtimeMs: number; readonly ctimeMs: number } | null> {
  try {
    return await stat(file);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** What is in a folder; nothing when it is not there. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

async function remove(file: string): Promise<void> {
  await unlink(file).catch((error: unknown) => {
    if (!isCode(error, 'ENOENT')) throw error;
  });
}

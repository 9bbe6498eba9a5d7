/**
 * Flask-Session's entries in a folder, as cachelib keeps them: a file for each, named by the MD5 of its key.
 *
 * Four bytes say until when, in seconds, little-endian, 0 for ever; the pickle follows. A file is written beside and renamed, so nobody
 * reads half of one. Files know no compare-and-swap: we compare just before we rename, one write at a time in this process, and in the
 * moment between the two Flask may still be overwritten, as its own processes overwrite each other. The file that counts the others
 * is left alone; cachelib corrects it when it next clears up. It deletes sessions above SESSION_FILE_THRESHOLD (500), living ones too.
 */
import { createHash } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environment } from '../../core/environment.js';
import { Turns } from '../../core/turns.js';
import { failure } from '../../errors.js';
import { unreadable } from './bounds.js';
import type { Entry, Shelf } from './shelf.js';

const NAME = 'flask-session in files';
/** SESSION_FILE_MODE of Flask-Session: for the owner alone. */
const MODE = 0o600;
/** What cachelib ends the names of unfinished files with, and so knows what to clear up. */
const UNFINISHED = '.__wz_cache';

/**
 * SESSION_FILE_DIR, for `flaskSession`. The user that Node runs as must be the one that Flask runs as.
 * @example flaskSession(flaskFiles('/var/lib/shop/flask_session'), { format: 'pickle' })
 */
export function flaskFiles(folder: string): Shelf {
  if (typeof folder !== 'string' || folder === '')
    throw failure('SOJOURN_OPTION', {
      option: 'folder of flaskFiles',
      wanted: 'must be the SESSION_FILE_DIR of Flask',
    });
  const turns = new Turns();
  const pathOf = (key: string) => join(folder, createHash('md5').update(key).digest('hex'));

  return {
    name: NAME,
    read: (key) => asking('load', () => entryAt(pathOf(key))),
    swap(key, entry, bytes, expiresAt) {
      const path = pathOf(key);
      return turns.take(key, () =>
        asking('commit', async () => {
          if (!isSame(await entryAt(path), entry)) return false;
          await put(path, bytes, expiresAt);
          return true;
        }),
      );
    },
    remove(key, entry) {
      const path = pathOf(key);
      return turns.take(key, () =>
        asking('destroy', async () => {
          const present = await entryAt(path).catch(() => null);
          if (entry !== undefined && !isSame(present, entry)) return false;
          await rm(path, { force: true });
          return present !== null;
        }),
      );
    },
  };
}

const EXPIRY_BYTES = 4;

async function entryAt(path: string): Promise<Entry | null> {
  const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (file === null) return null;
  if (file.length < EXPIRY_BYTES) throw unreadable('its file ends too early');
  const seconds = file.readUInt32LE();
  // Good until the end of that second.
  const expiresAt = seconds === 0 ? undefined : (seconds + 1) * 1000;
  return { bytes: file.subarray(EXPIRY_BYTES), expiresAt, seen: seconds };
}

function isSame(present: Entry | null, entry: Entry | null): boolean {
  if (present === null || entry === null) return present === entry;
  return present.seen === entry.seen && Buffer.compare(present.bytes, entry.bytes) === 0;
}

async function put(path: string, bytes: Uint8Array, expiresAt: number): Promise<void> {
  const file = Buffer.alloc(EXPIRY_BYTES + bytes.length);
  file.writeUInt32LE(Math.min(Math.floor(expiresAt / 1000), 0xffff_ffff));
  file.set(bytes, EXPIRY_BYTES);
  const unfinished = `${path}${Buffer.from(environment.random(8)).toString('hex')}${UNFINISHED}`;
  try {
    await writeFile(unfinished, file, { mode: MODE, flag: 'wx' });
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) throw error;
    if (code === 'ENOSPC') throw failure('SOJOURN_STORE_FULL', { store: NAME, limit: 'ENOSPC: the disk' }, error);
    throw failure('SOJOURN_STORE', { store: NAME, operation, problem: `the system answered ${code}` }, error);
  }
}

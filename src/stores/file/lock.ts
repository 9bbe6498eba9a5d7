/**
 * One writer at a time for a session, among all processes: a lock that outlives nobody for long, and is never held by two.
 *
 * A lock is a hard link to the owner file of who holds it: it is made in one step, with what it says inside, or not at all. Its
 * holder removes it. When he was killed first, somebody else must, and exactly one: who looks, sees a dead holder and removes the lock
 * could remove the next one's. So first the dead holder's own file is renamed to `<his nonce>.by.<mine>`, which works for one; he alone
 * may remove that holder's locks, and then gives the right back. If he dies with it, it is taken over in the same way. The file of a
 * holder is therefore kept for a week after he is gone (sweep.ts); where a power cut took it, one process makes it again.
 *
 * Rejected: locks that end by age (a process that was stopped for a minute writes after it), flock (Node has none), lock servers.
 */
import { link, open, readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environment, pause } from '../../core/environment.js';
import { FILE_MODE, inFolder, isCode } from './disk.js';
import { isGone, type Owner, ownerIn, thisProcess, written } from './owner.js';

/** Between two looks at a lock that is held: a write takes about as long. */
const LOOK_LEAST_MS = 1;
const LOOK_MOST_MS = 5;
/** So often: about two seconds. The engine has given up by then. */
const LOOKS = 700;
const BY = '.by.';
const LOST = '.lost';

/** Somebody who is alive held the lock all the time; or nobody that it names. */
export class Held extends Error {
  constructor(holder: Owner | null) {
    super(
      holder === null
        ? 'its lock names nobody: remove the file that ends in .lock beside it'
        : `process ${holder.pid} has held its lock for two seconds`,
    );
  }
}

export class Locks {
  readonly #owners: string;
  readonly #self: Owner;
  #file: Promise<string> | undefined;

  constructor(owners: string, nonce: string) {
    this.#owners = owners;
    this.#self = thisProcess(nonce);
  }

  /** Runs `act` while nobody else has that lock. Throws `Held` when somebody has it for too long. */
  async holding<T>(lock: string, act: () => Promise<T>): Promise<T> {
    await this.#take(lock);
    try {
      return await act();
    } finally {
      await unlink(lock);
    }
  }

  async close(): Promise<void> {
    const file = await this.#file?.catch(() => undefined);
    if (file !== undefined) await unlink(file).catch(() => undefined);
  }

  async #take(lock: string): Promise<void> {
    let holder: Owner | null = null;
    for (let looks = 0; looks < LOOKS; looks++) {
      try {
        const own = await this.#ownFile();
        await inFolder(lock, () => link(own, lock));
        return;
      } catch (error) {
        if (isCode(error, 'ENOENT'))
          this.#file = undefined; // somebody has cleared away our own file
        else if (!isCode(error, 'EEXIST')) throw error;
      }
      const seen = await look(lock);
      if (seen === null) continue;
      holder = seen.owner;
      if (holder?.nonce === this.#self.nonce) {
        // Our own, and within this store writes of a session take turns: the disk did not let it be removed.
        await unlink(lock);
        continue;
      }
      if (holder !== null && isGone(holder, seen.silentMs)) await this.#clear(lock, holder);
      await pause(LOOK_LEAST_MS, LOOK_MOST_MS);
    }
    throw new Held(holder);
  }

  /** Removes the lock of somebody who is gone, unless somebody else is at it. */
  async #clear(lock: string, gone: Owner): Promise<void> {
    const [file, right] = [join(this.#owners, gone.nonce), join(this.#owners, `${gone.nonce}${BY}${this.#self.nonce}`)];
    const rights = (await readdir(this.#owners)).filter(
      (name) => name === gone.nonce || name.startsWith(gone.nonce + BY),
    );
    if (rights.length === 0) return this.#restore(file, gone);
    const [name = ''] = rights;
    if (name !== gone.nonce && !(await this.#isDead(name))) return;
    try {
      await rename(join(this.#owners, name), right);
    } catch (error) {
      if (isCode(error, 'ENOENT')) return;
      throw error;
    }
    // From here on nobody but us removes this holder's locks, and nobody makes new ones.
    if ((await look(lock))?.owner?.nonce === gone.nonce) await unlink(lock);
    await rename(right, file);
  }

  /** Makes the file of a holder again of whom only a lock is left. Of all processes one does so, once. */
  async #restore(file: string, gone: Owner): Promise<void> {
    try {
      await (await open(file + LOST, 'wx', FILE_MODE)).close();
    } catch (error) {
      if (isCode(error, 'EEXIST')) return;
      throw error;
    }
    await writeFile(file, written(gone), { mode: FILE_MODE });
  }

  /** Whether he who took over the right that this file stands for is gone, too. */
  async #isDead(name: string): Promise<boolean> {
    const heir = await look(join(this.#owners, name.slice(name.indexOf(BY) + BY.length)));
    return heir?.owner == null || isGone(heir.owner, heir.silentMs);
  }

  #ownFile(): Promise<string> {
    this.#file ??= this.#makeOwnFile().catch((error: unknown) => {
      this.#file = undefined; // The next one who wants a lock tries again: the disk may have room by then.
      throw error;
    });
    return this.#file;
  }

  async #makeOwnFile(): Promise<string> {
    const file = join(this.#owners, this.#self.nonce);
    await inFolder(file, () => writeFile(file, written(this.#self), { mode: FILE_MODE, flush: true }));
    return file;
  }
}

interface Seen {
  readonly owner: Owner | null;
  readonly silentMs: number;
}

/** Whom a lock or an owner file tells of; null when it is not there. Links count as changes: so its time is that of his last lock. */
export async function look(file: string): Promise<Seen | null> {
  try {
    const [text, { ctimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    return { owner: ownerIn(text), silentMs: environment.now() - ctimeMs };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/**
 * The door: no process writes to the folder while another one opens or closes it.
 *
 * Why: LMDB keeps the number of the newest transaction in memory that all processes share, and lmdb-js (3.5.6, mdb_env_open2)
 * sets it whenever a process opens the file, to what it had read from the file some microseconds before. A transaction that
 * commits in between is forgotten: the next writer starts from the one before, an acknowledged write is gone, pages are used
 * twice. Three processes that start and write as fast as they can lost a write in up to every fifth run.
 *
 * How: who opens makes the file `opening`, then waits until nobody writes. Who writes marks a file of its own, then looks for
 * `opening`; if it is there, takes the mark back and waits. Whoever comes second sees the other (Dekker's rule). For a writer
 * that is three system calls for all that it writes in one turn of the event loop. What a process leaves behind when it dies
 * here counts until its process is gone, or for ten seconds.
 *
 * Rejected: one lock for all writers (each would wait for the others' event loops), real file locks (Node has none), opening
 * in a quiet moment (there is none).
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** How long what stands in the door is believed. To open takes milliseconds, and so does a batch of writes. */
const BELIEVED_MS = 10_000;
const NAP_MS = 1;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

const WRITING = '1';
const QUIET = '0';

/** Shuts the door for all other processes, and returns the way to open it again. Blocks while another process has it shut. */
export function shut(folder: string): () => void {
  const opening = openingOf(folder);
  while (!isMade(opening)) nap();
  return () => rmSync(opening, { force: true });
}

/** Blocks until nobody writes. Call it with the door shut: those who write finish what they are at, and nobody begins. */
export function drain(folder: string): void {
  const writers = writersOf(folder);
  mkdirSync(writers, { recursive: true, mode: FOLDER_MODE });
  for (const name of readdirSync(writers)) {
    const file = join(writers, name);
    while (isWriting(file)) nap();
    if (!isAlive(pidOf(name))) rmSync(file, { force: true });
  }
}

/** One writer at the door. */
export class Writer {
  private readonly opening: string;
  private readonly file: string;
  private readonly descriptor: number;
  private inside = 0;
  /** Nobody was opening in this turn of the event loop, and nobody can have begun: our mark stands. */
  private isClear = false;

  /** Call it with the door shut, or nobody waits for this writer. */
  constructor(folder: string) {
    this.opening = openingOf(folder);
    this.file = join(writersOf(folder), `${process.pid}.${Math.random().toString(36).slice(2)}`);
    this.descriptor = openSync(this.file, 'wx', FILE_MODE);
    this.mark(QUIET);
  }

  /** True: write, and `leave` when that has settled. False: somebody is opening; ask again in a moment. */
  enter(): boolean {
    if (!this.isClear) {
      this.mark(WRITING);
      if (isPresent(this.opening)) {
        if (this.inside === 0) this.mark(QUIET);
        return false;
      }
      this.isClear = true;
      setImmediate(() => {
        this.isClear = false;
      });
    }
    this.inside++;
    return true;
  }

  leave(): void {
    if (--this.inside > 0) return;
    this.isClear = false;
    this.mark(QUIET);
  }

  /** Takes the file away. */
  remove(): void {
    closeSync(this.descriptor);
    rmSync(this.file, { force: true });
  }

  private mark(state: string): void {
    writeSync(this.descriptor, state, 0);
  }
}

function openingOf(folder: string): string {
  return join(folder, 'opening');
}

function writersOf(folder: string): string {
  return join(folder, 'writers');
}

/** Makes a file that must not be there. Takes over one that nobody believes in any more. */
function isMade(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', FILE_MODE));
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The folder was removed under a store that is being closed: nobody else can be there.
    if (code === 'ENOENT') return true;
    if (code !== 'EEXIST') throw error;
    if (!isPresent(file)) rmSync(file, { force: true });
    return false;
  }
}

function isPresent(file: string): boolean {
  return existsSync(file) && isRecent(file);
}

function isWriting(file: string): boolean {
  try {
    return readFileSync(file, 'latin1') === WRITING && isRecent(file) && isAlive(pidOf(file));
  } catch {
    // It has been removed.
    return false;
  }
}

/** Also false for a time in the future: then somebody has set the clock back since. */
function isRecent(file: string): boolean {
  return Math.abs(Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)) < BELIEVED_MS;
}

/** The name of a writer's file begins with the id of its process. */
function pidOf(file: string): number {
  return Number(/(\d+)\.[^./]*$/.exec(file)?.[1]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Sleeps without giving way to the event loop: the constructor of a store is synchronous. */
function nap(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, NAP_MS);
}

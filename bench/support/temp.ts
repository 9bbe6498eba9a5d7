/**
 * Folders for stores, in the system's own place for such things; gone when a run ends. One that is broken off in the middle of
 * LMDB's work may leave its folder behind, of a few megabytes. Where
 * that place is memory rather than a disk, flushing costs nothing, and the report has to say so.
 */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The number by which Linux knows a file system that is memory. */
const TMPFS = 0x01021994;

export function tempFolder(): string {
  if (folders.length === 0) process.once('exit', removeAll);
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Where the files of this run lie: flushing to memory costs nothing, so that has to be said beside a figure. */
export function tempDisk(): string {
  return statfsSync(tmpdir()).type === TMPFS ? 'memory (tmpfs): a flush costs nothing here' : 'a disk';
}

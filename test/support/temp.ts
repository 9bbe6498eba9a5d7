/**
 * Folders for tests: fresh, private, gone afterwards.
 *
 * Names are short on purpose: a Unix socket inside must stay under 108 bytes.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeLater } from './cleanup.js';

/** A new empty folder, readable by its owner only. It is removed with all it holds after the last test of the file. */
export function tempFolder(label = 't'): string {
  const folder = mkdtempSync(join(tmpdir(), `sj-${label}-`));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  removeLater({ remove, removeNow: () => quietly(remove) });
  return folder;
}

function quietly(run: () => void): void {
  try {
    run();
  } catch {
    // The process is ending; what is left lies in the system's own folder for such things.
  }
}

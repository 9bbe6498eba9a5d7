/**
 * Files that the tool reads and writes: small, whole, and with a sentence for everything that can go wrong.
 *
 * A file is read up to a bound, so a wrong path (a log, a device) cannot fill the memory. Writing never replaces a file: the
 * table that is lost by a slip of the hand may be the only one.
 */
import { closeSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { isRefusal, type Refusal } from '../command.js';
import { quoted } from '../visible.js';

/** A table of 256 nodes and five copies is a sixth of this. */
const MAX_BYTES = 1024 * 1024;

/** The text of a file. `option` is the one that named it. */
export function textOf(option: string, path: string): string | Refusal {
  const bytes = attempt(`${option} ${quoted(path)}`, () => bounded(path));
  if (isRefusal(bytes)) return bytes;
  if (bytes.length > MAX_BYTES)
    return {
      refused: `${option} ${quoted(path)} is larger than 1 MiB, which no table or list of nodes is; give another file`,
    };
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return { refused: `${option} ${quoted(path)} is not a text in UTF-8; give the file as sojourn has written it` };
  }
}

/** Writes a new file, or says why not. */
export function writeNew(option: string, path: string, text: string): Refusal | undefined {
  const done = attempt(`${option} ${quoted(path)}`, () => {
    try {
      writeFileSync(path, text, { flag: 'wx' });
    } catch (error) {
      // Half a file would only be found out by whoever reads it.
      if (codeOf(error) === 'ENOSPC') rmSync(path, { force: true });
      throw error;
    }
    return {};
  });
  return isRefusal(done) ? done : undefined;
}

function bounded(path: string): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(MAX_BYTES + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read)
      read = readSync(file, buffer, length, buffer.length - length, null);
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; look at the path',
  EACCES: 'may not be opened by this user; look at its permissions',
  EPERM: 'may not be opened by this user; look at its permissions',
  EISDIR: 'is a folder; name a file in it',
  ENOTDIR: 'goes through something that is no folder; look at the path',
  EEXIST: 'is there already; remove it, or choose another name',
  ENOSPC: 'could not be written, because the disk is full',
  EROFS: 'could not be written, because this disk is read-only',
  ENAMETOOLONG: 'is too long for a path',
  ERR_INVALID_ARG_VALUE: 'cannot be a path',
};

function attempt<T extends object>(what: string, run: () => T): T | Refusal {
  try {
    return run();
  } catch (error) {
    const code = codeOf(error);
    return { refused: `${what} ${problems[code] ?? `could not be used (${code})`}` };
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'unknown trouble';
}

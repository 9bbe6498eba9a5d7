/**
 * What lmdb-js reports, as an error of ours.
 *
 * A transaction that fails rejects everything in it with 'Commit failed', and tells the reason in a promise of its own,
 * `commitError`: which must be listened to, or the process ends with an unhandled rejection. A full disk shows up as EIO, because
 * LMDB finds a short write and does not ask why; so the file system is asked how much is left.
 */
import { statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { failure, isFailure, type SojournError } from '../../errors.js';

/** With less than this, a short write is a full disk. */
const FULL_BELOW_BYTES = 1024 ** 2;

const { ENOSPC, EDQUOT, EFBIG, EIO } = constants.errno;

/** The reason of a transaction that failed, or null for any other error. */
export async function failedTransaction(error: unknown): Promise<Error | null> {
  const { commitError } = error as { readonly commitError?: Promise<unknown> };
  if (commitError === undefined) return null;
  return commitError.then(
    () => error as Error,
    (reason: Error) => reason,
  );
}

export async function trouble(store: string, folder: string, operation: string, error: unknown): Promise<SojournError> {
  if (isFailure(error)) return error;
  const reason = (await failedTransaction(error)) ?? error;
  const problem = reason instanceof Error ? reason.message : String(reason);
  if (isFullDisk(reason, folder))
    return failure('SOJOURN_STORE_FULL', { store, limit: `the disk: ${problem}` }, reason);
  return failure('SOJOURN_STORE', { store, operation, problem }, reason);
}

function isFullDisk(reason: unknown, folder: string): boolean {
  const { code } = reason as { readonly code?: unknown };
  if (code === EIO) return freeBytes(folder) < FULL_BELOW_BYTES;
  return code === ENOSPC || code === EDQUOT || code === EFBIG;
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

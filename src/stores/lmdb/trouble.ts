/** What lmdb-js reports, as an error of ours. A failed transaction tells its reason in a promise of its own, `commitError`. */
import { failure, isFailure, type SojournError } from '../../errors.js';

/** The file system's ways to say that nothing more fits: ENOSPC, EDQUOT, EFBIG; and LMDB's. */
const FULL = /no space left|quota exceeded|file too large|MDB_MAP_FULL/i;

export async function trouble(store: string, operation: string, error: unknown): Promise<SojournError> {
  if (isFailure(error)) return error;
  const reason = await reasonOf(error);
  const problem = reason instanceof Error ? reason.message : String(reason);
  if (FULL.test(problem)) return failure('SOJOURN_STORE_FULL', { store, limit: `the disk: ${problem}` }, error);
  return failure('SOJOURN_STORE', { store, operation, problem }, error);
}

async function reasonOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> };
  if (commitError === undefined) return error;
  return commitError.then(
    () => error,
    (reason) => reason,
  );
}

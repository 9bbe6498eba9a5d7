/**
 * What the file system reports, as an error of ours.
 *
 * A full disk, damage of one session and every other trouble are three different answers. Only the code is passed on: paths hold
 * nothing secret, but tell visitors where things are. The whole stays in `cause`.
 */
import { failure, isFailure, type SojournError } from '../../errors.js';
import { Held } from './lock.js';

const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What to look at first. */
const advice: Readonly<Record<string, string>> = {
  EACCES: 'the folder belongs to somebody else: run as the same user as the other servers',
  EPERM: 'the file system forbids it; one without hard links will not do',
  ENOTSUP: 'the file system has no hard links',
  EROFS: 'the file system is read-only',
  EMFILE: 'this process has too many files open: raise its limit (ulimit -n)',
  ENFILE: 'the machine has too many files open',
  ENOTDIR: 'a file stands where a folder should be',
  EIO: 'the disk fails',
};

export function trouble(store: string, operation: string, error: unknown): SojournError {
  if (isFailure(error)) return error;
  if (error instanceof Held) return failure('SOJOURN_STORE', { store, operation, problem: error.message }, error);
  const code = String((error as NodeJS.ErrnoException | null)?.code ?? '');
  if (full.has(code)) return failure('SOJOURN_STORE_FULL', { store, limit: `the disk: ${code}` }, error);
  const known = Object.hasOwn(advice, code) ? ` (${advice[code]})` : '';
  const problem = /^[A-Z]{3,20}$/.test(code) ? `the file system answered ${code}${known}` : 'it failed (see cause)';
  return failure('SOJOURN_STORE', { store, operation, problem }, error);
}

/**
 * What MongoDB and its driver report, as an error of ours.
 *
 * Names of errors are passed on; their texts quote documents, and addresses with passwords in them. The whole stays in `cause`. Nothing is
 * tried again here: the driver does that by itself, once, where it is safe (retryWrites).
 */
import { failure, isFailure, type SojournError } from '../../errors.js';

const DUPLICATE_KEY = 11000;

/** By the server's own names. */
const advice: Readonly<Record<string, string>> = {
  Unauthorized: 'its user may not do this: it needs readWrite on the database',
  AuthenticationFailed: 'it refuses the user or the password',
  // What the driver says, and what the server says.
  RangeError: 'a session may take 16 MiB there: lower limits.bytes',
  BSONObjectTooLarge: 'a session may take 16 MiB there: lower limits.bytes',
  NotWritablePrimary: 'it is a secondary: the driver must find the primary',
};

const full = new Set(['OutOfDiskSpace']);

export function isTwice(error: unknown): boolean {
  return (error as { readonly code?: unknown } | null)?.code === DUPLICATE_KEY;
}

export function trouble(store: string, operation: string, error: unknown): SojournError {
  if (isFailure(error)) return error;
  const { codeName, name } = (error ?? {}) as { readonly codeName?: unknown; readonly name?: unknown };
  const what = [codeName, name].find((word) => typeof word === 'string' && /^\w{1,60}$/.test(word)) as
    | string
    | undefined;
  if (what !== undefined && full.has(what)) {
    return failure('SOJOURN_STORE_FULL', { store, limit: `MongoDB's disk: ${what}` }, error);
  }
  const known = what !== undefined && Object.hasOwn(advice, what) ? ` (${advice[what]})` : '';
  const problem =
    what === undefined ? 'its driver failed (see cause)' : `MongoDB or its driver answered ${what}${known}`;
  return failure('SOJOURN_STORE', { store, operation, problem }, error);
}

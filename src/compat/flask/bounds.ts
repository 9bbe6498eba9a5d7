/**
 * What an entry or a cookie of Flask's may cost, and how a reader says that it cannot be read.
 *
 * Everything in this folder reads what anybody may have sent or stored. The bounds hold before anything is allocated; they are far
 * above what a session is, and one set for all formats, so that what one of them reads another one can write.
 */
import { failure, type SojournError } from '../../errors.js';

/** Bytes of an entry in a store, or of a cookie's payload when it is inflated. */
export const MAX_BYTES = 1_048_576;
/** How deep lists and dicts may be nested. Python's own limit is about a thousand calls. */
export const MAX_DEPTH = 300;
/** Values in one session, counting what is shared as often as it would be written. */
export const MAX_VALUES = 200_000;
/** Digits of one int: Python refuses more, too (CVE-2020-10735). */
export const MAX_DIGITS = 4300;

/** SOJOURN_CORRUPT. `problem` says what, and never quotes what was read. */
export function unreadable(problem: string): SojournError {
  return failure('SOJOURN_CORRUPT', { what: "Flask's session", problem });
}

/** For what came with a list as a key, or with a key of thousands of characters. */
export const unreadableKey = (): SojournError =>
  unreadable('it has a key that Python has no hash for, or one that is too long');

/** SOJOURN_VALUE, for what Python or this format has no place for. */
export function unwritable(path: string, problem: string): SojournError {
  return failure('SOJOURN_VALUE', { path, problem });
}

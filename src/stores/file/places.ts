/**
 * What stands where in the folder. Everything is for its owner only (0700, 0600).
 *
 *   sessions/<abc>/<rest>            a session, by SHA-256 of its id: the first three hex digits, then 29 more
 *   sessions/<abc>/<rest>.lock       a hard link to the owner file of who is writing it (lock.ts)
 *   users/<abc>/<hash>.<session>     an empty file: this user has (or had) that session
 *   owners/<nonce>                   one file per open store, which says whose it is (owner.ts)
 *   new/<nonce>.<n>                  files that are being written, and are moved to their place when they are whole
 *
 * Hashes, because file systems fold case, have reserved names and short ones; ids are told apart by case, and are what somebody sends.
 * In 4096 folders a million sessions are 250 each.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

const FOLDER_DIGITS = 3;
const DIGITS = 32;

export const LOCK = '.lock';

export interface Places {
  readonly root: string;
  readonly sessions: string;
  readonly users: string;
  readonly owners: string;
  readonly unfinished: string;
}

export function placesIn(root: string): Places {
  const [sessions, users] = [join(root, 'sessions'), join(root, 'users')];
  return { root, sessions, users, owners: join(root, 'owners'), unfinished: join(root, 'new') };
}

/** The name of a session: what its file, and its entry in the index, are called by. */
export function nameOf(id: string): string {
  return digest(id);
}

export function sessionFile({ sessions }: Places, name: string): string {
  return join(sessions, name.slice(0, FOLDER_DIGITS), name.slice(FOLDER_DIGITS));
}

/** The name of the session whose file that is; undefined for a lock, and for what is none of ours. */
export function nameIn(folder: string, file: string): string | undefined {
  const name = folder + file;
  return name.length === DIGITS && /^[0-9a-f]+$/.test(name) ? name : undefined;
}

/** The folder of a user's entries, and what they begin with. */
export function userEntries({ users }: Places, user: string): { readonly folder: string; readonly start: string } {
  const hash = digest(user);
  return { folder: join(users, hash.slice(0, FOLDER_DIGITS)), start: `${hash.slice(FOLDER_DIGITS)}.` };
}

/** Of the name of an entry the part that names the session. */
export function sessionOfEntry(entry: string): string {
  return entry.slice(entry.indexOf('.') + 1);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, DIGITS);
}

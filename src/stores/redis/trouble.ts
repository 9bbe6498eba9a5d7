/**
 * What Redis and its clients report, as an error of ours.
 *
 * A Redis error begins with a code. The code is all that is passed on: the rest may quote the command, and with it a value. A client's own
 * error is known by its code or its class. The whole stays in `cause`. Damage of one session, a full server and every other trouble
 * are three different answers.
 */
import { failure, isFailure, type SojournError } from '../../errors.js';

/** What to look at first, where the code alone does not say it. */
const advice: Readonly<Record<string, string>> = {
  MISCONF: 'it cannot save its snapshot, and refuses writes until it can',
  READONLY: 'it is a replica: the client must find the master',
  NOREPLICAS: 'too few replicas are in reach',
  LOADING: 'it is still loading its data',
  MASTERDOWN: 'it is a replica that has lost its master',
  BUSY: 'a script has blocked it for too long',
  NOPERM: 'its user may not do this: see check()',
  NOAUTH: 'it wants a password',
  WRONGPASS: 'it refused the password',
  CLUSTERDOWN: 'parts of the cluster are missing',
};

/** A reply that cannot be the one to our command: the client has lost step with its connection, and gives everybody another's. */
export class OutOfStep extends Error {}

/** Under this id stands what was written for another: somebody renamed a key, or restored it under another name. */
export function misplaced(id: string): SojournError {
  return failure('SOJOURN_CORRUPT', {
    what: `Session ${id}`,
    problem: 'what is stored under its id belongs to another session',
  });
}

/** The error to throw for `error` of a command about session `id`. */
export function trouble(store: string, operation: string, error: unknown, id?: string): SojournError {
  if (isFailure(error)) return error;
  const code = codeOf(error);
  const what = id === undefined ? 'A stored session' : `Session ${id}`;
  if (code === 'CORRUPT')
    return failure('SOJOURN_CORRUPT', { what, problem: String((error as Error).message).slice(8) });
  if (code === 'WRONGTYPE') {
    return failure('SOJOURN_CORRUPT', {
      what,
      problem: 'wrong-type: its key holds another kind of value, not written by this store',
    });
  }
  if (code === 'OOM')
    return failure('SOJOURN_STORE_FULL', { store, limit: 'OOM: maxmemory of the Redis server' }, error);
  if (error instanceof OutOfStep)
    return failure(
      'SOJOURN_STORE',
      { store, operation, problem: 'its client gave the reply to another command' },
      error,
    );
  const problem = code === undefined ? `its client failed${named(error)}` : `Redis answered ${code}${advised(code)}`;
  return failure('SOJOURN_STORE', { store, operation, problem }, error);
}

/** The code of a Redis error: capitals in front. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? /^-?([A-Z][A-Z0-9]{1,30})(?= |$)/.exec(error.message)?.[1] : undefined;
}

function advised(code: string): string {
  const text = Object.hasOwn(advice, code) ? advice[code] : undefined;
  return text === undefined ? '' : ` (${text})`;
}

/** `with ECONNREFUSED`, or the name of the error's class. */
function named(error: unknown): string {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const name = typeof code === 'string' ? code : error instanceof Error ? error.constructor.name : '';
  return /^[\w.-]{1,40}$/.test(name) && name !== 'Error' ? ` with ${name}` : ' (see cause)';
}

/**
 * Every error that sojourn throws, in one table: code, whose fault it is, the HTTP status that fits, and the message.
 *
 * Fault `usage`: the application's code or configuration must change. `input`: this one request is refused. `store`: the
 * place where sessions are kept is in trouble. Messages name the field, what was wrong and what to do; never a value of a
 * session, a token or a secret. Expected outcomes (a session that is gone, a token that is unknown) are not errors.
 */
import type { HeaderLine } from './contract.js';

export type Fault = 'usage' | 'input' | 'store';

const table = {
  SOJOURN_OPTION: {
    fault: 'usage',
    status: 500,
    message: (d: { option: string; wanted: string; got?: string }): string =>
      `Option ${d.option}: ${d.wanted}${d.got === undefined ? '' : `, got ${d.got}`}.`,
  },
  SOJOURN_VALUE: {
    fault: 'usage',
    status: 500,
    message: (d: { path: string; problem: string }): string =>
      `Cannot keep ${fromRoot(d.path)} in the session: ${d.problem}.`,
  },
  SOJOURN_LIMIT: {
    fault: 'usage',
    status: 500,
    message: (d: { what: string; size: number; limit: number; option: string }): string =>
      `${d.what}: ${d.size} is over the limit of ${d.limit} (option ${d.option}). Keep large data elsewhere and its key in the session.`,
  },
  SOJOURN_TOO_LATE: {
    fault: 'usage',
    status: 500,
    message: (d: { call: string }): string =>
      `session.${d.call}() came after the answer had begun, so it could not be saved. Change the session before the first byte leaves.`,
  },
  SOJOURN_SAVING: {
    fault: 'usage',
    status: 500,
    message: (d: { call: string }): string =>
      `session.${d.call}() came while session.save() was under way. Await save() before changing the session again.`,
  },
  SOJOURN_NO_SESSION: {
    fault: 'usage',
    status: 500,
    message: (): string => 'This request has no session. Put the session middleware before the code that asks for it.',
  },
  SOJOURN_INSECURE: {
    fault: 'usage',
    status: 500,
    message: (d: { proxied: boolean }): string =>
      d.proxied
        ? 'The session cookie is Secure, and this request came through a proxy that is not trusted. If your proxy ends TLS and sets X-Forwarded-Proto, turn on trustProxy in the adapter (Express: app.set("trust proxy", ...)).'
        : 'The session cookie is Secure, and this request came over plain http from another machine. Serve https; or, behind a proxy that ends TLS, turn on trustProxy in the adapter; or choose cookie({ secure: false }) knowing what it means.',
  },
  SOJOURN_TOKEN_SIZE: {
    fault: 'usage',
    status: 500,
    message: (d: { size: number; limit: number; fields: string }): string =>
      `The session does not fit into its token: ${d.size} characters, and ${d.limit} is the most that travels. Its fields, the largest first: ${d.fields}. Keep large data elsewhere and its key in the session; or allow more cookies, cookie({ parts: 2 }).`,
  },
  SOJOURN_SEALED: {
    fault: 'usage',
    status: 500,
    message: (d: { call: string }): string =>
      `session.${d.call}() needs a store: a session that travels in its cookie has no secret to replace, and the old cookie would go on to open it. Use login() on a change of privilege, and \`revocations\` to sign out.`,
  },
  SOJOURN_CONFLICT: {
    fault: 'input',
    status: 409,
    message: (d: { field: string }): string =>
      `Another request changed field "${d.field}" first, and mutations: 'reject' is on. Nothing was saved. Use session.update() for changes that build on the old value.`,
  },
  SOJOURN_NOT_FRESH: {
    fault: 'input',
    status: 401,
    message: (): string => 'This needs a recent sign-in. Ask for the password again and call session.login().',
  },
  SOJOURN_STORE: {
    fault: 'store',
    status: 503,
    message: (d: { store: string; operation: string; problem: string; ids?: readonly string[] }): string =>
      `Session store ${d.store} could not ${d.operation}: ${d.problem}.`,
  },
  SOJOURN_STORE_FULL: {
    fault: 'store',
    status: 503,
    message: (d: { store: string; limit: string }): string =>
      `Session store ${d.store} is full (${d.limit}). Nothing was written. Raise the limit, or shorten the idle timeout.`,
  },
  SOJOURN_DEGRADED: {
    fault: 'store',
    status: 503,
    message: (d: { call: string }): string =>
      `session.${d.call}() came on a stand-in: the session store did not answer when this request began, so nothing can be changed. Look at session.degraded first, or try again later.`,
  },
  SOJOURN_CONTENDED: {
    fault: 'store',
    status: 503,
    message: (d: { attempts: number }): string =>
      `The same fields of one session were changed by others ${d.attempts} times in a row. Nothing was saved.`,
  },
  SOJOURN_CORRUPT: {
    fault: 'store',
    status: 500,
    message: (d: { what: string; problem: string }): string => `${d.what} cannot be read back: ${d.problem}.`,
  },
  SOJOURN_PACKAGE: {
    fault: 'usage',
    status: 500,
    message: (d: { feature: string; install: string }): string =>
      `${d.feature} needs a package that is not here. Run: npm install ${d.install}`,
  },
} as const;

export type ErrorCode = keyof typeof table;
type Details<C extends ErrorCode> = Parameters<(typeof table)[C]['message']>[0];

/** What sojourn throws. `code` is stable; `status` is the HTTP status that fits; `details` are the parts of the message. */
export class SojournError extends Error {
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;
  /** Lines that the answer is to carry although it fails: a logout clears the cookie, whether or not the store has answered. */
  declare headerLines?: readonly HeaderLine[];

  constructor(code: ErrorCode, message: string, details: Record<string, unknown>, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'SojournError';
    this.code = code;
    this.fault = table[code].fault;
    this.status = table[code].status;
    this.details = details;
  }
}

/** A codec knows no field: its paths are relative, `.a[2]` or '', and the engine puts the name of the field in front. */
function fromRoot(path: string): string {
  return /^(?:$|[.[])/.test(path) ? `value${path}` : path;
}

/** Makes an error of the table. The details are typed by its message. */
export function failure<C extends ErrorCode>(code: C, details: Details<C>, cause?: unknown): SojournError {
  const message = (table[code].message as (d: Details<C>) => string)(details);
  return new SojournError(code, message, (details ?? {}) as Record<string, unknown>, cause);
}

/** True for an error of ours, with that code if one is named. Works across copies of the package. */
export function isFailure(error: unknown, code?: ErrorCode): error is SojournError {
  return (
    error instanceof Error &&
    error.name === 'SojournError' &&
    (code === undefined || (error as SojournError).code === code)
  );
}

/** What `read` returns, or null for what cannot be read: for walks, which pass damage by. `load` is where it is reported. */
export function unlessCorrupt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isFailure(error, 'SOJOURN_CORRUPT')) return null;
    throw error;
  }
}

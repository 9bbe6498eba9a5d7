/**
 * sojourn for Express 5 and 4: `app.use(session(s))`.
 *
 * Handlers find the session at `s.from(req)`, typed by the application's own data, or at `req.session`, typed once by
 * declaring `Register`. Whether the connection is secure is Express's own judgement (`req.secure`, with its setting
 * "trust proxy"). A store that cannot be read ends in the application's error handler with `status` 503; a commit that
 * fails replaces the answer with a plain 503, because at that point the handlers are done.
 */
import { IncomingMessage, type ServerResponse } from 'node:http';
import type { MaybePromise, OnReadError, OpenOptions, Session, Sessions } from '../contract.js';
import { carriedBy } from '../core/carried.js';
import { isPromise } from '../core/maybe.js';
import { checked } from '../core/options.js';
import { applicationPrototype } from './application-prototype.js';
import { holdUntilCommitted } from './node-answer.js';
import { NodeRequest } from './node-request.js';

/**
 * The application's session data, for `req.session`. Declare it once:
 * @example declare module 'sojourn/express' { interface Register { data: { views: number; cart: string[] } } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be filled in by applications.
export interface Register {}
export type RegisteredData = Register extends { data: infer T extends object } ? T : Record<string, unknown>;

declare global {
  namespace Express {
    interface Request {
      session: Session<RegisteredData>;
    }
  }
}

/** The parts of an Express request that we look at; every version has them. */
interface ExpressRequest extends IncomingMessage {
  readonly secure?: boolean;
  readonly app?: { get(setting: string): unknown };
  session?: unknown;
}
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void;

export interface ExpressOptions {
  /** For these routes, what becomes of a request whose session cannot be loaded: public pages may do with an anonymous one. Default: as `sessions()` says. */
  readonly onReadError?: OnReadError;
}

/** The middleware. Put it before everything that asks for the session. */
export function session<T extends object, S>(sessions: Sessions<T, S>, options?: ExpressOptions): Middleware {
  const { onReadError } = checked('session()', options, ['onReadError']);
  const choice: OpenOptions | undefined = onReadError && { onReadError };

  return (req: ExpressRequest, res, next) => {
    let opened: MaybePromise<Session<T>>;
    try {
      opened = sessions.open(new NodeRequest(req, trusts), req, choice);
    } catch (error) {
      return next(error);
    }
    if (isPromise(opened)) opened.then((visit) => hand(req, res, visit, next), next);
    else hand(req, res, opened, next);
  };

  function hand(req: ExpressRequest, res: ServerResponse, visit: Session<T>, next: () => void): void {
    show(req, visit);
    holdUntilCommitted(res, (status) => sessions.save(visit, status));
    next();
  }
}

/** Express's own judgement of the proxy that this request came through. */
function trusts(req: ExpressRequest): boolean {
  const trustsAddress = req.app?.get('trust proxy fn');
  return typeof trustsAddress === 'function' && trustsAddress(req.socket.remoteAddress, 0) === true;
}

const prototypes = new WeakSet<object>();

/** `req.session`, as a property of Express's own request prototype (application-prototype.ts says why): the newest session. */
function show(req: ExpressRequest, visit: unknown): void {
  const prototype = applicationPrototype(req, IncomingMessage.prototype);
  if (prototype === undefined) {
    req.session = visit;
    return;
  }
  if (prototypes.has(prototype)) return;
  prototypes.add(prototype);
  Object.defineProperty(prototype, 'session', {
    configurable: true,
    enumerable: true,
    get(this: object) {
      return carriedBy(this)?.sessions.at(-1)?.session;
    },
    set(this: object, value: unknown) {
      Object.defineProperty(this, 'session', { value, configurable: true, enumerable: true, writable: true });
    },
  });
}

/**
 * sojourn for Express 5 and 4: `app.use(session(s))`.
 *
 * Handlers find the session at `s.from(req)`, typed by the application's own data, or at `req.session`, typed once by
 * declaring `Register`. Whether the connection is secure is Express's own judgement (`req.secure`, with its setting
 * "trust proxy"). A store that cannot be read ends in the application's error handler with `status` 503; a commit that
 * fails replaces the answer with a plain 503, because at that point the handlers are done.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MaybePromise, RequestView, Session, Sessions } from '../contract.js';
import { isPromise } from '../core/maybe.js';
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

/** The middleware. Put it before everything that asks for the session. */
export function session<T extends object, S>(sessions: Sessions<T, S>): Middleware {
  return (req: ExpressRequest, res, next) => {
    let opened: MaybePromise<Session<T>>;
    try {
      opened = sessions.open(view(req), req);
    } catch (error) {
      return next(error);
    }
    if (isPromise(opened)) opened.then((visit) => hand(req, res, visit, next), next);
    else hand(req, res, opened, next);
  };

  function hand(req: ExpressRequest, res: ServerResponse, visit: Session<T>, next: () => void): void {
    req.session = visit;
    holdUntilCommitted(res, (status) => sessions.save(visit, status));
    next();
  }
}

function view(req: ExpressRequest): RequestView {
  const trusts = req.app?.get('trust proxy fn');
  const isTrusted = typeof trusts === 'function' && trusts(req.socket.remoteAddress, 0) === true;
  return new NodeRequest(req, isTrusted);
}

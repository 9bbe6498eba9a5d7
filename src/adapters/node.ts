/**
 * sojourn for node:http: `createServer(session(s, handler))`.
 *
 * The handler gets the session as its third argument; code further inside finds it by `s.from(req)`. The session is open
 * before the handler runs and committed before the first byte of its answer. A handler that throws is answered with 500;
 * what it had changed until then is saved with that answer, as with every other answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MaybePromise, OnReadError, OpenOptions, Session, Sessions } from '../contract.js';
import { isPromise } from '../core/maybe.js';
import { checked, flag } from '../core/options.js';
import { answerFailure, breakOff, holdUntilCommitted } from './node-answer.js';
import { NodeRequest } from './node-request.js';

export interface NodeOptions {
  /**
   * Believe `X-Forwarded-Proto`. Turn it on only when every request comes through a proxy that sets this header itself:
   * otherwise any client can claim to have come over https. Default false.
   */
  readonly trustProxy?: boolean;
  /** For these requests, what becomes of them when their session cannot be loaded: public pages may do with an anonymous one. Default: as `sessions()` says. */
  readonly onReadError?: OnReadError;
}

export type Handler<T extends object> = (req: IncomingMessage, res: ServerResponse, session: Session<T>) => unknown;

/**
 * A request listener with a session.
 * @example const listener = session(s, (req, res, visit) => { visit.update('views', (n = 0) => n + 1); res.end('hello'); });
 */
export function session<T extends object, S>(
  sessions: Sessions<T, S>,
  handler: Handler<T>,
  options?: NodeOptions,
): (req: IncomingMessage, res: ServerResponse) => void {
  const { trustProxy = false, onReadError } = checked('session()', options, ['trustProxy', 'onReadError']);
  const choice: OpenOptions | undefined = onReadError && { onReadError };
  const isTrusted = flag('trustProxy', trustProxy);
  const trusts = (): boolean => isTrusted;

  return (req, res) => {
    const failed = (error: unknown): void => answerFailure(res, error);
    let opened: MaybePromise<Session<T>>;
    try {
      opened = sessions.open(new NodeRequest(req, trusts), req, choice);
    } catch (error) {
      return failed(error);
    }
    if (isPromise(opened)) opened.then((visit) => handle(req, res, visit), failed);
    else handle(req, res, opened);
  };

  function handle(req: IncomingMessage, res: ServerResponse, visit: Session<T>): void {
    holdUntilCommitted(res, (status) => sessions.save(visit, status));
    try {
      const done = handler(req, res, visit);
      if (isPromise(done)) done.then(undefined, (error) => breakOff(res, error));
    } catch (error) {
      breakOff(res, error);
    }
  }
}

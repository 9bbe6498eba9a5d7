/**
 * Errors become answers here. A refusal is status 233 with its text, as the clients of this API expect; a sojourn error
 * and a bad body carry their own status; anything else is a fault of ours: logged, and answered without detail.
 *
 * An outage of the session store is answered, not logged: it would be a line for every request. `storeDown` tells it once.
 */
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { isFailure } from 'sojourn';
import { say } from '../domain/messages.js';
import { Refusal } from '../domain/refusal.js';

const REFUSED = 233;
const COME_BACK = { 'Retry-After': '1', 'Cache-Control': 'no-store' };

export function notFound(): RequestHandler {
  return (_req, res) => void res.status(404).json({ message: say.notFound });
}

export function answerErrors(log: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, _req, res, next) => {
    if (res.headersSent) return next(error);
    if (error instanceof Refusal) return void res.status(REFUSED).json({ message: error.message });
    if (isOutage(error)) return void res.status(503).set(COME_BACK).json({ message: say.sessionsAway });
    const status = statusOf(error);
    if (status >= 500) log(error);
    res.status(status).json({ message: textOf(status) });
  };
}

function isOutage(error: unknown): boolean {
  return isFailure(error) && error.fault === 'store' && error.status === 503;
}

function statusOf(error: unknown): number {
  const { status } = (error ?? {}) as { status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}

function textOf(status: number): string {
  if (status === 503) return say.unavailable;
  if (status >= 500) return say.serverError;
  return status === 401 ? say.loginFirst : say.badRequest;
}

/**
 * The errors that a door makes itself. Everything that Redis or a client says passes through as it is.
 *
 * A client that was never connected, or that was closed, is a mistake of the program rather than an outage, and clients word it in
 * ways that hide the cause ("The client is closed", "Cannot read properties of undefined"). These say what to do.
 */
import { failure, type SojournError } from '../../../errors.js';

/** Never connected, or closed again: a client cannot tell these two apart, so neither can we. */
export function closed(cause?: unknown): SojournError {
  return unreachable(
    'the client is closed; connect it when the program starts (await client.connect()), and close it after the last request',
    cause,
  );
}

export function connecting(cause?: unknown): SojournError {
  return unreachable('the client is still connecting; await client.connect() before the first request', cause);
}

/** The masters that the client knows do not own all keys: the cluster changed, and the client has not noticed yet. */
export function shapeUnknown(cause?: unknown): SojournError {
  return unreachable('the cluster is changing its shape; try again', cause);
}

/** An option of the client that would make sessions wrong rather than slow. */
export function refusedSetting(name: string, why: string): SojournError {
  return failure('SOJOURN_OPTION', { option: 'client of redis()', wanted: `must be a client without ${name}: ${why}` });
}

/** Redis said it, rather than the client: its errors begin with a code. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message);
}

function unreachable(problem: string, cause?: unknown): SojournError {
  return failure('SOJOURN_STORE', { store: 'redis', operation: 'send a command', problem }, cause);
}

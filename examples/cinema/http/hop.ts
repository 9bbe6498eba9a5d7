/**
 * Headers on their way through the gateway. They travel as they came, in order, with their own spelling and as often as
 * they occur (two Set-Cookie stay two), except those that belong to one connection only (RFC 9110, section 7.6.1).
 *
 * What a client says about its own address is dropped, and replaced by what the gateway sees: the login limits count by it.
 */
import type { IncomingMessage } from 'node:http';

const ONE_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
];
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port'];

/** Name, value, name, value: the form that node:http takes and keeps as it is. */
export function forwardedHeaders(req: IncomingMessage): string[] {
  const flat = without(req, new Set([...ONE_HOP, ...FORWARDED, ...namedByConnection(req)]));
  if (req.headers['transfer-encoding'] !== undefined) flat.push('Transfer-Encoding', 'chunked');
  flat.push('X-Forwarded-For', req.socket.remoteAddress ?? '');
  flat.push('X-Forwarded-Proto', 'http');
  if (req.headers.host !== undefined) flat.push('X-Forwarded-Host', req.headers.host);
  return flat;
}

export function returnedHeaders(answer: IncomingMessage): string[] {
  return without(answer, new Set([...ONE_HOP, ...namedByConnection(answer)]));
}

function without({ rawHeaders }: IncomingMessage, dropped: ReadonlySet<string>): string[] {
  const flat: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (!dropped.has(rawHeaders[i]!.toLowerCase())) flat.push(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return flat;
}

function namedByConnection({ headers }: IncomingMessage): string[] {
  return (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
}

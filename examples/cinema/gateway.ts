/**
 * The gateway: one address in front of several servers, on node:http alone. Round robin, no stickiness: consecutive
 * requests of one visitor reach different servers, which is the point of the example.
 *
 * When a server dies, its visitors should not notice. A request moves on to the next server when nothing of it can have
 * been accepted (the connection was refused), or when repeating it does no harm (an idempotent method without a body) and
 * not one byte of an answer came. Anything else that breaks is 502: a payment is not sent twice on suspicion. Idempotent
 * requests share kept-alive connections; others get a fresh one each, so that an idle connection that the server is just
 * closing cannot swallow a payment.
 */
import {
  Agent,
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { forwardedHeaders, returnedHeaders } from './http/hop.js';
import { rotation, type Upstream } from './rotation.js';

const CONNECT_TIMEOUT_MS = 2000;
/** A server that took the request and says nothing for so long is answered for: 504. */
const ANSWER_TIMEOUT_MS = 30_000;
const KEPT_CONNECTIONS = 64;
const KEPT_BODY_BYTES = 64 * 1024;

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

/** A gateway that does not listen yet. Closing it closes what it keeps open to the servers. */
export function createGateway(upstreams: readonly Upstream[]): Server {
  const turns = rotation(upstreams);
  const kept = new Agent({ keepAlive: true, maxFreeSockets: KEPT_CONNECTIONS });
  const server = createServer((req, res) => {
    const passage = { req, res, left: turns.next(), kept, failed: turns.failed };
    if (isHarmless(req)) keepBody(req, (body) => tryNext({ ...passage, harmless: true, body }));
    else tryNext({ ...passage, harmless: false });
  });
  return server.once('close', () => {
    turns.close();
    kept.destroy();
  });
}

/** One request on its way. */
interface Passage {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** May be repeated although somebody may have acted on it. */
  harmless: boolean;
  /** What is sent, when it was kept. Otherwise the body flows through as it comes. */
  readonly body?: Buffer;
  /** Servers that have not been tried, best first. */
  readonly left: Upstream[];
  readonly kept: Agent;
  failed(upstream: Upstream): void;
}

function isHarmless({ method = '', headers }: IncomingMessage): boolean {
  const isSmall =
    headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) <= KEPT_BODY_BYTES;
  return IDEMPOTENT.has(method) && isSmall;
}

function keepBody(req: IncomingMessage, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  req.on('data', (chunk: Buffer) => chunks.push(chunk));
  req.on('end', () => then(Buffer.concat(chunks)));
}

function tryNext(passage: Passage): void {
  const upstream = passage.left.shift();
  if (upstream) send(passage, upstream);
  else apologise(passage, 503, 'Service Unavailable');
}

function send(passage: Passage, upstream: Upstream): void {
  const { req, res, harmless, kept, body } = passage;
  const outgoing = request({
    host: upstream.host,
    port: upstream.port,
    method: req.method,
    path: req.url,
    headers: forwardedHeaders(req),
    agent: harmless ? kept : false,
  });
  let accepted = false;
  whenConnected(outgoing, () => {
    accepted = true;
    outgoing.setTimeout(ANSWER_TIMEOUT_MS, () => outgoing.destroy(new AnswerTimeout()));
    if (body) outgoing.end(body);
    else req.pipe(outgoing);
  });
  outgoing.on('response', (answer) => giveBack(answer, res));
  outgoing.on('error', (error) => recover(passage, upstream, accepted, error));
  res.on('close', () => outgoing.destroy());
}

class AnswerTimeout extends Error {}

/** The body starts to flow only then, so that until then it can still go to another server. */
function whenConnected(outgoing: ClientRequest, go: () => void): void {
  outgoing.setTimeout(CONNECT_TIMEOUT_MS, () => outgoing.destroy(new Error('connect timeout')));
  outgoing.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', go);
    else go();
  });
}

function giveBack(answer: IncomingMessage, res: ServerResponse): void {
  res.writeHead(answer.statusCode ?? 502, answer.statusMessage, returnedHeaders(answer));
  answer.pipe(res);
  // The server died in mid-answer: break off here too, so that nobody takes half an answer for a whole one.
  answer.on('error', () => res.destroy());
  answer.on('aborted', () => res.destroy());
}

function recover(passage: Passage, upstream: Upstream, accepted: boolean, error: Error): void {
  const { res, req, harmless } = passage;
  if (res.headersSent || res.destroyed) {
    res.destroy();
    return;
  }
  passage.failed(upstream);
  if (accepted) req.unpipe();
  if (error instanceof AnswerTimeout) apologise(passage, 504, 'Gateway Timeout');
  else if (accepted && !harmless) apologise(passage, 502, 'Bad Gateway');
  else {
    passage.harmless &&= !accepted; // what may have been acted on is sent once more, and not a third time
    tryNext(passage);
  }
}

function apologise({ req, res }: Passage, status: number, message: string): void {
  req.resume();
  const body = JSON.stringify({ message });
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) };
  // Signed, so that the page can tell "no server" from a server's own 503.
  const signed = { ...headers, 'X-Served-By': 'gateway', 'Cache-Control': 'no-store', 'Retry-After': '1' };
  res.writeHead(status, signed).end(body);
}

/**
 * Holding back the first byte of a node:http answer until the session is committed.
 *
 * Whatever begins an answer (writeHead, write, end, flushHeaders; and with them pipe, sendFile, redirect, json) goes
 * through four functions that wait for the commit. Where the commit is done at once, as for every read-only request, the
 * call goes straight on. Otherwise calls are kept in order and replayed, `write` answers false so that a pipe pauses, and
 * `headersSent` says true, because to the application the answer has begun. A commit that fails replaces the answer.
 *
 * The four are shared functions set on the response, or on the prototype of the framework that it belongs to
 * (application-prototype.ts says why); what is known of an answer is carried by its request, and an answer that nobody
 * holds passes. Rejected: the `on-headers` package, which cannot wait; wrapping Node's own prototype, which would reach into
 * servers that are not ours.
 */
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { HeaderLine, MaybePromise } from '../contract.js';
import { carriedBy, carry } from '../core/carried.js';
import { mergedCacheControl, mergedVary } from '../core/headers.js';
import { chain, isPromise } from '../core/maybe.js';
import { isFailure } from '../errors.js';
import { applicationPrototype } from './application-prototype.js';

/** Commits a session and hands over the lines to add to an answer of this status. */
export type CommitSession = (status: number) => MaybePromise<readonly HeaderLine[]>;
type Method = 'writeHead' | 'write' | 'end' | 'flushHeaders';
/** The overloads of four Node methods, only ever called with the arguments they came with. */
type AnyMethod = Function;
type Methods = Readonly<Record<Method, AnyMethod>>;
interface Call {
  readonly method: Method;
  readonly args: unknown[];
}

/** What is known of one answer. */
interface Answer {
  /** open: nothing has begun. waiting: begun, the commit is under way. free: everything passes. failed: everything is dropped. */
  phase: 'open' | 'waiting' | 'free' | 'failed';
  /** One for each session of the request: an application may have two, under different cookies. */
  readonly commits: CommitSession[];
  held: readonly Call[];
  /** What the four functions were before. */
  readonly original: Methods;
}

const NO_CALLS: readonly Call[] = Object.freeze([]);

/** The prototypes that we have put our functions on, with what was there before. */
const prototypes = new WeakMap<object, Methods>();

/** From now on nothing of this answer leaves before `commit(status)` has handed over its header lines. */
export function holdUntilCommitted(response: ServerResponse, commit: CommitSession): void {
  const carried = carry(carrierOf(response));
  const answer = carried.answer as Answer | undefined;
  if (answer !== undefined) answer.commits.push(commit);
  else
    carried.answer = {
      phase: 'open',
      commits: [commit],
      held: NO_CALLS,
      original: intercept(response),
    } satisfies Answer;
}

/** Node links every response to its request. */
function carrierOf(response: ServerResponse): object {
  return response.req ?? response;
}

function answerOf(response: ServerResponse): Answer | undefined {
  return carriedBy(carrierOf(response))?.answer as Answer | undefined;
}

/** Has the four functions go through us, and returns what they were. */
function intercept(response: ServerResponse): Methods {
  const prototype = applicationPrototype(response, ServerResponse.prototype);
  const installed = prototype && prototypes.get(prototype);
  if (installed) return installed;
  // The first answer of a framework. If a middleware before us has wrapped it, that has not met our functions yet: go around it.
  const original = prototype && install(prototype);
  return original && !isWrapped(response) ? original : replaceOn(response);
}

/** Node's own responses share a hidden class, and go on sharing one with four more properties. */
function replaceOn(response: ServerResponse): Methods {
  const original = methodsOf(response);
  put(response, own);
  return original;
}

function methodsOf({ writeHead, write, end, flushHeaders }: ServerResponse): Methods {
  return { writeHead, write, end, flushHeaders };
}

function isWrapped(response: ServerResponse): boolean {
  return Object.hasOwn(response, 'end') || Object.hasOwn(response, 'write') || Object.hasOwn(response, 'writeHead');
}

function install(prototype: object): Methods {
  const original = methodsOf(prototype as ServerResponse);
  put(prototype, holding(original));
  prototypes.set(prototype, original);
  return original;
}

/** By name, so that responses that share a hidden class go on sharing one. */
function put(target: object, { writeHead, write, end, flushHeaders }: Methods): void {
  const on = target as Record<Method, AnyMethod>;
  on.writeHead = writeHead;
  on.write = write;
  on.end = end;
  on.flushHeaders = flushHeaders;
}

/** The four functions. `original` is for answers that nobody holds. */
function holding(original?: Methods): Methods {
  return {
    writeHead(this: ServerResponse, ...args: unknown[]): unknown {
      const answer = answerOf(this);
      return answer === undefined ? original!.writeHead.apply(this, args) : heldWriteHead(this, answer, args);
    },
    write(this: ServerResponse, ...args: unknown[]): unknown {
      const answer = answerOf(this);
      return answer === undefined ? original!.write.apply(this, args) : heldWrite(this, answer, args);
    },
    end(this: ServerResponse, ...args: unknown[]): unknown {
      const answer = answerOf(this);
      return answer === undefined ? original!.end.apply(this, args) : heldEnd(this, answer, args);
    },
    flushHeaders(this: ServerResponse): void {
      const answer = answerOf(this);
      if (answer === undefined) original!.flushHeaders.call(this);
      else heldFlushHeaders(this, answer);
    },
  };
}
/** For a single response, which is held for certain. */
const own: Methods = holding();

/** Answers with the status that fits the error, and with nothing of what the application had prepared. */
export function answerFailure(response: ServerResponse, error: unknown): void {
  const status = isFailure(error) ? error.status : 500;
  if (!isFailure(error) || error.fault === 'usage') process.emitWarning(error instanceof Error ? error : String(error));
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.statusCode = status;
  response.statusMessage = '';
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  if (status === 503) response.setHeader('Retry-After', '1');
  if (isFailure(error) && error.headerLines !== undefined) addLines(response, error.headerLines);
  response.end(MESSAGES[status] ?? 'Internal Server Error');
}

/** For a handler that failed: an answer that has not begun becomes a 500, one that has begun and not ended is cut off. */
export function breakOff(response: ServerResponse, error: unknown): void {
  const answer = answerOf(response);
  if (answer === undefined || answer.phase === 'open') {
    answerFailure(response, error);
    return;
  }
  process.emitWarning(error instanceof Error ? error : String(error));
  const hasEnded = response.writableEnded || answer.held[answer.held.length - 1]?.method === 'end';
  if (!hasEnded) response.destroy();
}

/** Nothing about the cause: that is in the events and in the process's warnings. */
const MESSAGES: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  409: 'Conflict',
  503: 'Service Unavailable',
};

function heldWriteHead(response: ServerResponse, answer: Answer, args: unknown[]): unknown {
  if (answer.phase === 'free') return answer.original.writeHead.apply(response, args);
  if (answer.phase === 'open') {
    // The headers given here must meet ours, so they become set headers like any other.
    const [status, reason, headers] = typeof args[1] === 'string' ? args : [args[0], undefined, args[1]];
    response.statusCode = status as number;
    if (reason !== undefined) response.statusMessage = reason as string;
    setAll(response, headers as OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined);
    if (begin(response, answer)) answer.original.writeHead.call(response, response.statusCode);
    else hold(answer, 'writeHead', [response.statusCode]);
  }
  return response;
}

function heldWrite(response: ServerResponse, answer: Answer, args: unknown[]): unknown {
  return mayPass(response, answer) ? answer.original.write.apply(response, args) : keep(answer, 'write', args);
}

function heldEnd(response: ServerResponse, answer: Answer, args: unknown[]): unknown {
  if (mayPass(response, answer)) answer.original.end.apply(response, args);
  else keep(answer, 'end', args);
  return response;
}

function heldFlushHeaders(response: ServerResponse, answer: Answer): void {
  if (mayPass(response, answer)) answer.original.flushHeaders.call(response);
  else keep(answer, 'flushHeaders', []);
}

/** True when the answer is free to go, or has just become so. */
function mayPass(response: ServerResponse, answer: Answer): boolean {
  return answer.phase === 'free' || (answer.phase === 'open' && begin(response, answer));
}

/** Keeps a call for later; what comes after an `end` is dropped, as Node would. Always false: "do not send more yet". */
function keep(answer: Answer, method: Method, args: unknown[]): false {
  if (answer.phase === 'waiting' && answer.held[answer.held.length - 1]?.method !== 'end') hold(answer, method, args);
  return false;
}

function hold(answer: Answer, method: Method, args: unknown[]): void {
  if (answer.held === NO_CALLS) answer.held = [{ method, args }];
  else (answer.held as Call[]).push({ method, args });
}

/** Starts the commit. True when it is done and the answer may go on at once. */
function begin(response: ServerResponse, answer: Answer): boolean {
  try {
    const lines = commitAll(answer.commits, response.statusCode, 0);
    if (!isPromise(lines)) {
      addLines(response, lines);
      answer.phase = 'free';
      return true;
    }
    answer.phase = 'waiting';
    Object.defineProperty(response, 'headersSent', { value: true, configurable: true });
    lines.then((done) => release(response, answer, done)).catch((error) => fail(response, answer, error));
  } catch (error) {
    fail(response, answer, error);
  }
  return false;
}

function commitAll(
  commits: readonly CommitSession[],
  status: number,
  from: number,
): MaybePromise<readonly HeaderLine[]> {
  const lines = commits[from]!(status);
  if (from + 1 === commits.length) return lines;
  return chain(lines, (mine) => chain(commitAll(commits, status, from + 1), (theirs) => [...mine, ...theirs]));
}

/** Lets the answer go: our lines first, then every call in its order. */
function release(response: ServerResponse, answer: Answer, lines: readonly HeaderLine[]): void {
  showHeadersSent(response);
  addLines(response, lines);
  answer.phase = 'free';
  const { held } = answer;
  for (const { method, args } of held) answer.original[method].apply(response, args);
  // A pipe that was told to wait goes on, unless the socket itself asks for a pause and will say so when it is over.
  if (held[held.length - 1]?.method !== 'end' && !response.writableNeedDrain) response.emit('drain');
}

function fail(response: ServerResponse, answer: Answer, error: unknown): void {
  showHeadersSent(response);
  if (answer.phase === 'free') {
    // The headers have left already: all that can be said is that this answer is not whole.
    response.destroy(error instanceof Error ? error : undefined);
    return;
  }
  answer.phase = 'free';
  answerFailure(response, error);
  answer.phase = 'failed';
  response.emit('drain');
}

function showHeadersSent(response: ServerResponse): void {
  if (Object.hasOwn(response, 'headersSent')) Reflect.deleteProperty(response, 'headersSent');
}

function addLines(response: ServerResponse, lines: readonly HeaderLine[]): void {
  for (const [name, value] of lines) {
    if (name === 'Vary') response.setHeader(name, mergedVary(textOf(response.getHeader(name)), value));
    else if (name === 'Cache-Control')
      response.setHeader(name, mergedCacheControl(textOf(response.getHeader(name)), value));
    else response.appendHeader(name, value);
  }
}

function textOf(header: OutgoingHttpHeader | undefined): string | undefined {
  return header === undefined ? undefined : String(header);
}

/** The three forms that writeHead takes: an object, a flat list of names and values, a list of pairs. */
function setAll(response: ServerResponse, headers: OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined): void {
  if (headers === undefined || headers === null) return;
  if (!Array.isArray(headers)) {
    for (const name of Object.keys(headers)) {
      const value = headers[name];
      if (value !== undefined) response.setHeader(name, value);
    }
    return;
  }
  const pairs = Array.isArray(headers[0]) ? (headers as unknown as [string, string][]) : paired(headers);
  for (const name of new Set(pairs.map(([name]) => String(name)))) response.removeHeader(name);
  for (const [name, value] of pairs) response.appendHeader(String(name), value as string);
}

function paired(flat: OutgoingHttpHeader[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) pairs.push([String(flat[i]), flat[i + 1] as string]);
  return pairs;
}

/**
 * Flask-Session's entries in memcached: a value under the key, with flags that say what Python's client has done to it.
 *
 * Spoken over a connection of our own: values are bytes, and the package `memcached` turns them into text on the way. A few lines of the text
 * protocol are all it takes: gets, cas, add, delete. Commands wait for each other on one connection; when one is not answered in time,
 * or the answer makes no sense, the connection is dropped with all that waited, and the next command opens another.
 *
 * More than thirty days are sent as a date, or memcached would take them for one of 1970. It forgets when memory runs short, and then
 * people are signed out.
 */
import { connect, type Socket } from 'node:net';
import { inflateSync } from 'node:zlib';
import { environment } from '../../core/environment.js';
import { checked, wholeNumber } from '../../core/options.js';
import { failure } from '../../errors.js';
import { MAX_BYTES, unreadable } from './bounds.js';
import type { Entry, Shelf } from './shelf.js';

export interface FlaskMemcachedOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 11211. */
  readonly port?: number;
}

const NAME = 'flask-session in memcached';
const DEADLINE_MS = 3000;
const LONGEST_SECONDS = 30 * 86_400;
/** memcached's own limit, in bytes. */
const MAX_KEY = 250;
/** What waits for an answer, at most. */
const MAX_WAITING = 10_000;
/** Flags of python-memcached. */
const [INTEGER, LONG, COMPRESSED] = [2, 4, 8];

/**
 * The memcached of SESSION_MEMCACHED, for `flaskSession`; `format` is 'pickle-0' for Flask-Session before 0.6.
 * @example flaskSession(flaskMemcached({ host: '10.0.0.7' }), { format: 'pickle-0' })
 */
export function flaskMemcached(options?: FlaskMemcachedOptions): Shelf {
  const own = checked('flaskMemcached', options, ['host', 'port']);
  const line = new Line(own.host ?? '127.0.0.1', wholeNumber('port of flaskMemcached', own.port ?? 11_211, 1, 65_535));
  return {
    name: NAME,
    async read(key) {
      const answer = await line.ask('load', `gets ${checkedKey(key)}`);
      return answer.value === undefined ? null : entryOf(answer.value);
    },
    async swap(key, entry, bytes, expiresAt) {
      const times = `0 ${expiryOf(expiresAt)} ${bytes.length}`;
      const command =
        entry === null ? `add ${checkedKey(key)} ${times}` : `cas ${checkedKey(key)} ${times} ${String(entry.seen)}`;
      const { word } = await line.ask('commit', command, bytes);
      if (word === 'STORED') return true;
      if (word === 'EXISTS' || word === 'NOT_FOUND' || word === 'NOT_STORED') return false;
      throw failure('SOJOURN_STORE_FULL', { store: NAME, limit: 'memcached refused the value' });
    },
    async remove(key, entry) {
      if (entry === undefined) return (await line.ask('destroy', `delete ${checkedKey(key)}`)).word === 'DELETED';
      // There is no conditional delete: an empty value that is gone in a second takes its place first.
      const { word } = await line.ask('destroy', `cas ${checkedKey(key)} 0 -1 0 ${String(entry.seen)}`, NOTHING);
      return word === 'STORED';
    },
    close: async () => line.close(),
  };
}

const NOTHING = new Uint8Array(0);

/** Blanks and control characters would be another command. */
function checkedKey(key: string): string {
  if (Buffer.byteLength(key) <= MAX_KEY && /^[^\s\p{Cc}]+$/u.test(key)) return key;
  throw failure('SOJOURN_STORE', {
    store: NAME,
    operation: 'load',
    problem: 'a key has no blanks, and at most 250 bytes',
  });
}

function expiryOf(expiresAt: number): number {
  const seconds = Math.max(1, Math.ceil((expiresAt - environment.now()) / 1000));
  return seconds > LONGEST_SECONDS ? Math.ceil(expiresAt / 1000) : seconds;
}

function entryOf({ bytes, flags, cas }: Value): Entry {
  if ((flags & (INTEGER | LONG)) !== 0) throw unreadable('memcached has a number there');
  return { bytes: (flags & COMPRESSED) === 0 ? bytes : inflated(bytes), expiresAt: undefined, seen: cas };
}

function inflated(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_BYTES });
  } catch {
    throw unreadable('its value is compressed in a way that nobody can read, or far too long');
  }
}

interface Value {
  readonly bytes: Buffer;
  readonly flags: number;
  readonly cas: string;
}

interface Answer {
  /** The first word of the line that ended it. */
  readonly word: string;
  readonly value?: Value;
}

interface Waiting {
  readonly operation: string;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
  readonly stop: () => void;
}

/** One connection, commands and answers in the same order. */
class Line {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | undefined;
  #waiting: Waiting[] = [];
  #heard: Buffer = Buffer.alloc(0);
  #value: Value | undefined;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  ask(operation: string, command: string, data?: Uint8Array): Promise<Answer> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(failed(operation, 'too many commands wait'));
    return new Promise((resolve, reject) => {
      const stop = environment.every(DEADLINE_MS, () => this.#drop(`it did not answer within ${DEADLINE_MS} ms`));
      this.#waiting.push({ operation, resolve, reject, stop });
      const socket = this.#open();
      socket.write(`${command}\r\n`);
      if (data !== undefined) {
        socket.write(data);
        socket.write('\r\n');
      }
    });
  }

  close(): void {
    this.#drop('it is closed');
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#port, this.#host);
    socket.unref();
    socket.on('data', (bytes) => this.#socket === socket && this.#hear(bytes));
    socket.on('error', () => {});
    socket.on('close', () => this.#socket === socket && this.#drop('the connection was lost'));
    this.#socket = socket;
    return socket;
  }

  #drop(problem: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#heard = Buffer.alloc(0);
    this.#value = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
    for (const { stop, reject, operation } of waiting) {
      stop();
      reject(failed(operation, problem));
    }
  }

  #hear(bytes: Buffer): void {
    this.#heard = Buffer.concat([this.#heard, bytes]);
    for (let end = this.#heard.indexOf('\r\n'); end !== -1; end = this.#heard.indexOf('\r\n')) {
      const words = this.#heard.toString('latin1', 0, end).split(' ');
      if (words[0] !== 'VALUE') {
        this.#heard = this.#heard.subarray(end + 2);
        this.#answer(words[0]!);
        continue;
      }
      const [, , flags, size, cas = ''] = words;
      const from = end + 2;
      const length = Number(size);
      if (!(length <= 8 * MAX_BYTES)) return void this.#drop('it answered something else');
      if (this.#heard.length < from + length + 2) return;
      this.#value = { bytes: Buffer.from(this.#heard.subarray(from, from + length)), flags: Number(flags), cas };
      this.#heard = this.#heard.subarray(from + length + 2);
    }
  }

  #answer(word: string): void {
    const first = this.#waiting.shift();
    const value = this.#value;
    this.#value = undefined;
    if (first === undefined || !WORDS.has(word)) {
      if (first !== undefined) this.#waiting.unshift(first);
      return void this.#drop('it answered something else');
    }
    first.stop();
    first.resolve(value === undefined ? { word } : { word, value });
  }
}

const WORDS: ReadonlySet<string> = new Set([
  'END',
  'STORED',
  'NOT_STORED',
  'EXISTS',
  'NOT_FOUND',
  'DELETED',
  'SERVER_ERROR',
]);

function failed(operation: string, problem: string): Error {
  return failure('SOJOURN_STORE', { store: NAME, operation, problem });
}

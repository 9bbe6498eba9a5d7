/**
 * One keep-alive connection of the load generator, without a parser: the first answer of a turn tells how long answers
 * are, the others are counted in bytes and looked at in three places for their status. Only one of another length (a version in
 * a cookie that got a digit more) is read for its own. On two cores the
 * generator must cost clearly less than the server, or the server waits for it and the ratios come out too kind.
 */
import { connect, type Socket } from 'node:net';

const BUFFER_BYTES = 16 * 1024;
const STATUS_AT = 'HTTP/1.1 '.length;

/** What all connections share while a turn lasts. */
export interface Turn {
  /** Requests as text, one for each session; taken in order, over and over. */
  readonly requests: readonly string[];
  next: number;
  answered: number;
  /** Bytes of one answer; 0 until the first has come. */
  answerBytes: number;
  over: boolean;
  /** Connections that still wait for an answer. */
  open: number;
  finished(): void;
  failed(error: Error): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #buffer: Buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #turn: Turn | undefined;
  #received = 0;

  private constructor(port: number, connected: (connection: Connection) => void, failed: (error: Error) => void) {
    const callback = (bytes: number): boolean => this.#heard(bytes);
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: this.#buffer, callback } });
    this.#socket.once('connect', () => connected(this));
    this.#socket.on('error', (error) => (this.#turn === undefined ? failed(error) : this.#turn.failed(error)));
    this.#socket.on('close', () => this.#turn?.failed(new Error('The server closed a connection in mid-turn.')));
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => void new Connection(port, resolve, reject));
  }

  begin(turn: Turn): void {
    this.#turn = turn;
    turn.open++;
    this.#send(turn);
  }

  #send(turn: Turn): void {
    this.#received = 0;
    const { requests, next } = turn;
    turn.next = next + 1 === requests.length ? 0 : next + 1;
    this.#socket.write(requests[next]!, 'latin1');
  }

  #heard(bytes: number): boolean {
    const turn = this.#turn;
    if (turn === undefined) return true;
    if (this.#received === 0 && !isSuccess(this.#buffer)) {
      turn.failed(new Error(`An answer was no success: ${this.#buffer.toString('latin1', 0, 40)}`));
      return true;
    }
    if (this.#received === 0 && bytes !== turn.answerBytes) turn.answerBytes = lengthOf(this.#buffer, bytes);
    this.#received += bytes;
    if (this.#received > turn.answerBytes) turn.failed(new Error('More came than one answer.'));
    else if (this.#received === turn.answerBytes) this.#answered(turn);
    return true;
  }

  #answered(turn: Turn): void {
    turn.answered++;
    if (turn.over) this.#rest(turn);
    else this.#send(turn);
  }

  #rest(turn: Turn): void {
    this.#turn = undefined;
    turn.open--;
    if (turn.open === 0) turn.finished();
  }
}

function isSuccess(buffer: Buffer): boolean {
  return buffer[STATUS_AT] === 0x32 && buffer[STATUS_AT + 1] === 0x30 && buffer[STATUS_AT + 2] === 0x30;
}

/** From its head, which comes in one piece. */
function lengthOf(buffer: Buffer, bytes: number): number {
  const text = buffer.toString('latin1', 0, bytes);
  const end = text.indexOf('\r\n\r\n');
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  if (end === -1 || length === undefined) throw new Error('The load generator needs answers with a Content-Length.');
  return end + 4 + Number(length);
}

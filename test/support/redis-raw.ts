/**
 * One Redis command over a plain socket, for tests that must not rely on the client they test.
 *
 * RESP2, one connection per command: slow, and without any state to get wrong.
 */
import { connect } from 'node:net';

export type RawReply = string | number | null | readonly RawReply[];

const DEADLINE_MS = 5_000;

/** Rejects with the text of a Redis error, when the connection fails, and after five seconds. */
export async function rawCommand(
  port: number,
  args: readonly (string | number | Buffer)[],
  password?: string,
): Promise<RawReply> {
  const commands = password === undefined ? [args] : [['AUTH', password], args];
  const replies = await exchange(port, commands);
  const failed = replies.find((reply) => reply instanceof Error);
  if (failed) throw failed;
  return replies.at(-1) as RawReply;
}

type Parsed = RawReply | Error;

function exchange(
  port: number,
  commands: readonly (readonly (string | number | Buffer)[])[],
): Promise<readonly Parsed[]> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    const finish = (settle: () => void) => {
      socket.destroy();
      settle();
    };
    socket.setTimeout(DEADLINE_MS, () => finish(() => reject(new Error(`No answer within ${DEADLINE_MS} ms.`))));
    socket.once('error', (error) => finish(() => reject(error)));
    socket.once('close', () => reject(new Error('The server closed the connection before it answered.')));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      try {
        const replies = readReplies(Buffer.concat(chunks), commands.length);
        if (replies) finish(() => resolve(replies));
      } catch (error) {
        finish(() => reject(error));
      }
    });
    for (const command of commands) socket.write(encoded(command));
  });
}

function encoded(args: readonly (string | number | Buffer)[]): Buffer {
  const parts = args.map((arg) => (Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))));
  const bulk = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]);
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...bulk]);
}

function readReplies(bytes: Buffer, count: number): Parsed[] | undefined {
  const replies: Parsed[] = [];
  let at = 0;
  for (let n = 0; n < count; n++) {
    const next = readReply(bytes, at);
    if (!next) return undefined;
    replies.push(next.value);
    at = next.end;
  }
  return replies;
}

function readReply(bytes: Buffer, at: number): { value: Parsed; end: number } | undefined {
  const eol = bytes.indexOf('\r\n', at);
  if (eol < 0) return undefined;
  const line = bytes.toString('utf8', at + 1, eol);
  const end = eol + 2;
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case '+':
      return { value: line, end };
    case '-':
      return { value: new Error(line), end };
    case ':':
      return { value: Number(line), end };
    case '$':
      return readBulk(bytes, end, Number(line));
    case '*':
      return readArray(bytes, end, Number(line));
    default:
      throw new Error(`Not a RESP2 reply: ${bytes.toString('utf8', at, at + 40)}`);
  }
}

function readBulk(bytes: Buffer, at: number, length: number): { value: Parsed; end: number } | undefined {
  if (length < 0) return { value: null, end: at };
  if (bytes.length < at + length + 2) return undefined;
  return { value: bytes.toString('utf8', at, at + length), end: at + length + 2 };
}

function readArray(bytes: Buffer, at: number, length: number): { value: Parsed; end: number } | undefined {
  if (length < 0) return { value: null, end: at };
  const items: RawReply[] = [];
  let end = at;
  for (let n = 0; n < length; n++) {
    const next = readReply(bytes, end);
    if (!next) return undefined;
    items.push(next.value instanceof Error ? next.value.message : next.value);
    end = next.end;
  }
  return { value: items, end };
}

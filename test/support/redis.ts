/**
 * A Redis of one's own: empty, on loopback, with its files in a temporary folder, gone when the test file ends.
 *
 * A test that wants to break it can: crash it, freeze it, start it again on the same port, and talk to it past the client under
 * test. That is what `raw` is for: one command on a socket of its own, since client libraries hide a dead server behind queues
 * and retries. A server counts as ready when it answers with the process id that we started: on a machine where several
 * test files start servers, somebody else's may have got the port a moment earlier. Nothing is written to disk by itself.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { need } from './needs.js';
import { onFreePort } from './ports.js';
import { type RawReply, rawCommand } from './redis-raw.js';
import { type Exit, type Program, start } from './spawn.js';
import { tempFolder } from './temp.js';

export interface RedisOptions {
  /** Added to the command line: `['--maxmemory', '2mb']`, `['--enable-debug-command', 'yes']`. */
  readonly args?: readonly string[];
  /** Sets `requirepass`. */
  readonly password?: string;
}

export interface RedisServer {
  readonly port: number;
  /** `redis://127.0.0.1:port`, with the password if there is one. */
  readonly url: string;
  readonly folder: string;
  /** The process as of now; after a restart it is another one. */
  readonly program: Program;
  /** What `raw` authenticates with. Set it after a CONFIG SET requirepass. */
  password: string | undefined;
  /**
   * One command on a connection of its own. Bulk strings arrive as text; a Redis error rejects with its own text. Rejects after
   * five seconds without an answer.
   */
  raw(...args: readonly (string | number | Buffer)[]): Promise<RawReply>;
  /** Crashes it (SIGKILL) and resolves when it is gone. */
  kill(): Promise<Exit>;
  /** Freezes it (SIGSTOP): connections stay open, nothing is answered. */
  stop(): void;
  /** Wakes a frozen one. */
  cont(): void;
  /**
   * Starts it again on the same port, after stopping it if it still runs. It keeps its data when it still ran and `empty` is not
   * asked for; one that was killed comes back empty in any case, since nothing had been saved.
   */
  restart(options?: { readonly empty?: boolean; readonly args?: readonly string[] }): Promise<void>;
}

/** Starts a fresh server and resolves when it answers. Use under `need('redis')`. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const password = options.password === undefined ? [] : ['--requirepass', options.password];
  return startServer([...password, ...(options.args ?? [])], options.password);
}

/** Any server of the redis-server program, on a port of its own. */
export function startServer(args: Arguments, password?: string): Promise<RedisServer> {
  return onFreePort(async (port) => {
    const folder = tempFolder('rd');
    const commandLine = typeof args === 'function' ? await args(port, folder) : withDefaults(args, port, folder);
    const server = new Server(port, folder, commandLine, password);
    await server.launch();
    return server;
  });
}

/** What is added to an ordinary server's command line, or the whole of it. */
export type Arguments = readonly string[] | ((port: number, folder: string) => CommandLine | Promise<CommandLine>);
type CommandLine = readonly string[];

function withDefaults(args: readonly string[], port: number, folder: string): CommandLine {
  return [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
    ...['--save', '', '--appendonly', 'no', '--loglevel', 'warning'],
    ...args,
  ];
}

const DEADLINE_MS = 20_000;
const PAUSE_MS = 10;

class Server implements RedisServer {
  readonly port: number;
  readonly folder: string;
  password: string | undefined;
  readonly #args: CommandLine;
  #program: Program | undefined;
  #running = false;

  constructor(port: number, folder: string, args: CommandLine, password: string | undefined) {
    this.port = port;
    this.folder = folder;
    this.#args = args;
    this.password = password;
  }

  get url(): string {
    const password = this.password === undefined ? '' : `:${encodeURIComponent(this.password)}@`;
    return `redis://${password}127.0.0.1:${this.port}`;
  }

  get program(): Program {
    if (!this.#program) throw new Error('This Redis was never started.');
    return this.#program;
  }

  raw(...args: readonly (string | number | Buffer)[]): Promise<RawReply> {
    return rawCommand(this.port, args, this.password);
  }

  async kill(): Promise<Exit> {
    this.program.signal('SIGKILL');
    return this.program.exited;
  }

  stop(): void {
    this.program.signal('SIGSTOP');
  }

  cont(): void {
    this.program.signal('SIGCONT');
  }

  async restart({ empty = false, args = [] }: { empty?: boolean; args?: readonly string[] } = {}): Promise<void> {
    if (this.#running) {
      this.cont();
      if (!empty) await this.raw('SAVE');
      await this.program.stop();
    }
    if (empty) rmSync(join(this.folder, 'dump.rdb'), { force: true });
    await this.launch(args);
  }

  async launch(more: readonly string[] = []): Promise<void> {
    const program = await start(need('redis').path(), [...this.#args, ...more], { cwd: this.folder });
    this.#program = program;
    this.#running = true;
    void program.exited.then(() => {
      if (this.#program === program) this.#running = false;
    });
    await this.#answers(program);
  }

  /** Ready: it answers PING (not LOADING), and it is our process that answers. */
  async #answers(program: Program): Promise<void> {
    const deadline = Date.now() + DEADLINE_MS;
    for (let last: unknown = 'nothing'; ; await pause()) {
      if (!this.#running) throw new Error(`redis-server ended at once. It wrote:\n${program.output()}`);
      try {
        last = await this.raw('PING');
        const pid = Number(/^process_id:(\d+)/m.exec(String(await this.raw('INFO', 'server')))?.[1]);
        if (last === 'PONG' && pid === program.pid) return;
        last = `${last} of process ${pid}`;
      } catch (error) {
        last = error;
      }
      if (Date.now() < deadline) continue;
      await program.stop('SIGKILL');
      throw new Error(`redis-server was not ready. Last answer: ${last}. It wrote:\n${program.output()}`);
    }
  }
}

/** Asks again and again until the answer pleases, as clusters and sentinels need some seconds to agree among themselves. */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  for (let last: unknown; ; await pause()) {
    try {
      if (await holds()) return;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`Waited ${DEADLINE_MS} ms in vain: ${what}.`, { cause: last });
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/**
 * A memcached of one's own: empty, on loopback, gone when the test file ends.
 *
 * A test that wants to break it can: crash it, freeze it, start it again on the same port. It counts as ready when it answers `version`
 * on a socket of ours, for the client hides a dead server behind retries.
 */
import { connect } from 'node:net';
import type Memcached from 'memcached';
import { type ClientOptions, memcachedAt } from '../programs/memcached-client.js';
import { removeLater } from './cleanup.js';
import { need } from './needs.js';
import { onFreePort } from './ports.js';
import { type Program, start } from './spawn.js';

export interface MemcachedServer {
  readonly port: number;
  /** As the client takes it. */
  readonly address: string;
  /** The process as of now; after a restart it is another one. */
  readonly program: Program;
  /** Starts it again on the same port, empty, after crashing it if it still runs. */
  restart(): Promise<void>;
}

const DEADLINE_MS = 20_000;

/** Starts a fresh server and resolves when it answers. Use under `need('memcached')`. */
export function startMemcached(args: readonly string[] = []): Promise<MemcachedServer> {
  return onFreePort(async (port) => {
    let program = await launch(port, args);
    return {
      port,
      address: `127.0.0.1:${port}`,
      get program() {
        return program;
      },
      async restart() {
        await program.stop('SIGKILL');
        program = await launch(port, args);
      },
    };
  });
}

async function launch(port: number, more: readonly string[]): Promise<Program> {
  const asRoot = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const args = [...asRoot, '-l', '127.0.0.1', '-p', String(port), '-U', '0', '-m', '64', ...more];
  const program = await start(need('memcached').path(), args);
  let isOver = false;
  void program.exited.then(() => {
    isOver = true;
  });
  for (const deadline = Date.now() + DEADLINE_MS; !(await answers(port)); ) {
    if (isOver || Date.now() > deadline) throw new Error(`memcached was not ready. It wrote:\n${program.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  // Somebody else's server may have answered on this port, and ours have ended because of that.
  if (isOver) throw new Error(`memcached ended at once: address already in use? It wrote:\n${program.output()}`);
  return program;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('version\r\n'));
    const end = (yes: boolean): void => {
      socket.destroy();
      resolve(yes);
    };
    socket.setTimeout(1000, () => end(false));
    socket.once('data', (data) => end(String(data).startsWith('VERSION')));
    socket.once('error', () => end(false));
  });
}

/** A client with settings that an application would choose. Closed after the test file. */
export function memcachedClient(servers: string | readonly string[], options: ClientOptions = {}): Memcached {
  const client = memcachedAt(servers, options);
  removeLater({ remove: () => client.end(), removeNow: () => {} });
  return client;
}

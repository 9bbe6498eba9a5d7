/**
 * The fleet's side of redis-nodes.ts: three Redis servers of different weight, named by their order, which are a ring of two copies.
 *
 * Should the process that keeps them die, it cannot take them along; then they are ended from here, by the process ids it told.
 */
import { fork } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NodeNews, PAUSE_MS } from './redis-nodes-news.js';

export interface KeptNode {
  readonly name: string;
  readonly weight: number;
  readonly port: number;
  /** Of the process that runs now. */
  pid: number;
}

export interface KeptNodes {
  readonly nodes: readonly KeptNode[];
  /** Ends them, and removes what they had on disk. */
  stop(): Promise<void>;
  kill(): void;
}

const program = fileURLToPath(new URL('./redis-nodes.js', import.meta.url));
const SERVERS = ['redis-server', 'valkey-server'];
const NODES = [
  ['redis-1', 15],
  ['redis-2', 20],
  ['redis-3', 10],
] as const;
export const NODE_COUNT: number = NODES.length;

/** The program that a Redis server is, or a sentence for who has none. */
export function findRedis(): string {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = folders.flatMap((folder) => SERVERS.map((name) => join(folder, name)));
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found !== undefined) return found;
  throw new Error(
    '--ring wants redis-server, which is not installed. On Debian or Ubuntu: sudo apt-get install redis-server; on a Mac: brew install redis.',
  );
}

/** Resolves when all of them answer. */
export function startNodes(redis: string, ports: readonly number[], say: (line: string) => void): Promise<KeptNodes> {
  const nodes = NODES.map(([name, weight], i) => ({ name, weight, port: ports[i]!, pid: 0 }));
  const words = nodes.map(({ name, port }) => `${name}=${port}`);
  const keeper = fork(program, [redis, ...words], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let stopping = false;
  const ended = new Promise<void>((resolve) => void keeper.once('exit', () => resolve()));
  const kept: KeptNodes = {
    nodes,
    stop() {
      stopping = true;
      keeper.kill('SIGTERM');
      return ended;
    },
    kill() {
      stopping = true;
      keeper.kill('SIGKILL');
      for (const { pid } of nodes) end(pid);
    },
  };
  return new Promise((resolve, reject) => {
    let isReady = false;
    keeper.on('message', (news: NodeNews) => {
      const node = nodes.find(({ name }) => name === news.name)!;
      if (news.is === 'unable') {
        const sentence = `${news.name} could not be started: ${news.why}`;
        if (isReady) say(sentence);
        else reject(new Error(sentence));
      } else if (news.is === 'died') {
        node.pid = 0;
        say(
          `${news.name} died (pid ${news.pid}, ${news.how}), with all it had; it starts again, empty, in ${PAUSE_MS / 1000} s.`,
        );
      } else {
        node.pid = news.pid;
        if (isReady) say(`${news.name} is back (pid ${news.pid})`);
        isReady ||= nodes.every(({ pid }) => pid !== 0);
        if (isReady) resolve(kept);
      }
    });
    void ended.then(() => {
      if (stopping) return;
      for (const { pid } of nodes) end(pid);
      reject(new Error('The process that keeps the Redis servers has ended.'));
      say(
        'The process that keeps the Redis servers has died, and they with it. Sessions are away: start the cinema again.',
      );
    });
  });
}

function end(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}

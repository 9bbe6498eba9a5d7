/**
 * A second process that answers questions: a program of test/programs/, forked with a channel, asked and answered in JSON.
 */
import { fork } from 'node:child_process';
import { removeLater } from './cleanup.js';

export interface Worker {
  readonly pid: number;
  /** Sends a question; resolves with the answer, rejects with what the worker threw or when it ends. Questions may overlap. */
  ask<A = unknown>(question: unknown): Promise<A>;
  kill(): void;
  stop(): Promise<void>;
}

type Reply = { readonly n: number; readonly answer?: unknown; readonly error?: string };

/** Starts `build/test/programs/<name>.js`. The program ends when its channel closes. */
export function startWorker(name: string, args: readonly string[] = []): Worker {
  const child = fork(`build/test/programs/${name}.js`, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const open = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  let asked = 0;

  child.on('message', ({ n, answer, error }: Reply) => {
    const question = open.get(n);
    open.delete(n);
    if (error === undefined) question?.resolve(answer as never);
    else question?.reject(new Error(`${name}: ${error}`));
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const { reject } of open.values()) reject(new Error(`${name} ended (${signal ?? code})`));
      resolve();
    });
  });
  const remove = () => {
    child.kill('SIGKILL');
    return ended;
  };
  removeLater({ remove, removeNow: () => void child.kill('SIGKILL') });

  return {
    pid: child.pid ?? -1,
    ask: (question) =>
      new Promise((resolve, reject) => {
        asked++;
        open.set(asked, { resolve, reject });
        child.send({ n: asked, question });
      }),
    kill: () => void child.kill('SIGKILL'),
    stop: () => {
      if (child.connected) child.disconnect();
      return ended;
    },
  };
}

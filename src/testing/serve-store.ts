/**
 * Lets another process use a store over stdin and stdout: the half of `twoProcessKit` that runs in the script of a store's author.
 *
 * A line is a call `{ n, verb, args }`, and for each comes a line `{ n, answer }` or `{ n, error }`, in any order: calls overlap as they do
 * in a server. The end of the input closes the store.
 */
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Delta, MaybePromise, Store, Stored } from '../contract.js';
import { read, write } from './process/wire.js';

export interface Streams {
  /** Default: process.stdin. */
  readonly input?: Readable;
  /** Default: process.stdout. The script must write nothing else there; stderr is free. */
  readonly output?: Writable;
}

/**
 * Answers calls until the input ends, then closes the store.
 * A script of two lines is enough: import the store, then `await serveStore(myStore(process.argv[2]))`.
 */
export async function serveStore(store: Store, streams: Streams = {}): Promise<void> {
  const { input = process.stdin, output = process.stdout } = streams;
  const running = new Set<Promise<void>>();
  const lines = createInterface({ input });
  lines.on('line', (line) => {
    const done = answer(store, line).then((text) => void output.write(`${text}\n`));
    running.add(done);
    void done.finally(() => running.delete(done));
  });
  await new Promise((ended) => lines.once('close', ended));
  await Promise.all(running);
  await store.close?.();
}

async function answer(store: Store, line: string): Promise<string> {
  const { n, verb, args } = read(line) as { n: number; verb: string; args: readonly unknown[] };
  try {
    return write({ n, answer: await call(store, verb, args) });
  } catch (error) {
    return write({ n, error: String(error) });
  }
}

function call(store: Store, verb: string, [id, argument]: readonly unknown[]): MaybePromise<unknown> {
  switch (verb) {
    case 'load':
      return store.load(id as string);
    case 'create':
      return store.create(id as string, argument as Stored);
    case 'commit':
      return store.commit(id as string, argument as Delta);
    case 'destroy':
      return store.destroy(id as string);
    default:
      throw new Error(`serveStore knows no verb ${verb}`);
  }
}

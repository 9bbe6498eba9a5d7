/**
 * Child processes that are asked and answer: each part of the benchmark, each server and the load generator is one, so that
 * none inherits another's heap, compiled code or timers.
 *
 * A child ends when the channel to its parent does; so an interrupted run leaves nothing behind. On Linux a child can be
 * bound to one core (`taskset`, part of every distribution); elsewhere, or on a single core, the scheduler decides.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

type Message = { readonly live: string } | { readonly n: number; readonly answer?: unknown; readonly error?: string };

export interface Child {
  ask<A>(question: unknown): Promise<A>;
  stop(): Promise<void>;
}

/** True where children can be bound to a core. */
export const canPin: boolean = process.platform === 'linux' && availableParallelism() > 1;

/** Starts build/bench/<program>.js. `live` hears what it has to say about its progress. */
export function startChild(
  program: string,
  args: readonly string[],
  { core, live = sayLive }: { readonly core?: number; readonly live?: (text: string) => void } = {},
): Child {
  const script = fileURLToPath(new URL(`../${program}.js`, import.meta.url));
  const node = [process.execPath, script, ...args];
  const [command = '', ...rest] = core === undefined || !canPin ? node : ['taskset', '-c', String(core), ...node];
  return new Asked(program, spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }), live);
}

/** The child's side: `reply` answers each question. */
export function answer(reply: (question: never) => unknown): void {
  process.on('message', ({ n, question }: { n: number; question: never }) => {
    Promise.resolve()
      .then(() => reply(question))
      .then(
        (value) => process.send?.({ n, answer: value ?? null }),
        (error: unknown) => process.send?.({ n, error: error instanceof Error ? String(error.stack) : String(error) }),
      );
  });
  process.on('disconnect', () => process.exit(0));
  // Ctrl-C reaches every process of a terminal at once. The first one ends by it, the others by its end, and tidily.
  process.on('SIGINT', () => {});
  // A parent that has gone while this program was still loading never says so.
  if (!process.connected) process.exit(0);
}

/** Tells the parent how far this process is. Passed on as it is by every process in between. */
export function sayLive(text: string): void {
  process.send?.({ live: text });
}

class Asked implements Child {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #open = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  #asked = 0;

  constructor(program: string, child: ChildProcess, live: (text: string) => void) {
    this.#child = child;
    child.on('message', (message: Message) => this.#heard(message, live));
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        for (const { reject } of this.#open.values()) reject(new Error(`${program} ended (${signal ?? code}).`));
        resolve();
      });
      child.once('error', (error) => {
        for (const { reject } of this.#open.values()) reject(error);
        resolve();
      });
    });
  }

  ask<A>(question: unknown): Promise<A> {
    const n = this.#asked++;
    return new Promise<A>((resolve, reject) => {
      this.#open.set(n, { resolve, reject });
      this.#child.send({ n, question }, (error) => error && reject(error));
    });
  }

  stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    return this.#ended;
  }

  #heard(message: Message, live: (text: string) => void): void {
    if ('live' in message) {
      live(message.live);
      return;
    }
    const asked = this.#open.get(message.n);
    this.#open.delete(message.n);
    if (message.error !== undefined) asked?.reject(new Error(message.error));
    else asked?.resolve(message.answer as never);
  }
}

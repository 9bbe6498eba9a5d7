/**
 * A store in a process of its own, spoken to over its stdin and stdout: the kit's half of `serveStore`.
 *
 * It is a `Store` like any other, so tests do not know that a process lies in between. When that ends, every call that waits is
 * told how, and what it wrote to stderr: the usual reason is in the author's own script.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Delta, Outcome, Store, Stored } from '../../contract.js';
import { read, write } from './wire.js';

/** How much of what the process wrote to stderr a failure tells. */
const TOLD_BYTES = 4096;

export interface Command {
  /** Program and arguments, without a shell. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export class RemoteStore implements Store {
  readonly name = 'remote';
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  readonly #ended: Promise<void>;
  #calls = 0;
  #over: string | undefined;
  #stderr = '';

  constructor({ command: [program = '', ...args], env, cwd }: Command) {
    const stdio: ['pipe', 'pipe', 'pipe'] = ['pipe', 'pipe', 'pipe'];
    this.#child = spawn(program, args, { stdio, env: { ...process.env, ...env }, ...(cwd !== undefined && { cwd }) });
    this.#child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#stderr = (this.#stderr + text).slice(-TOLD_BYTES);
    });
    this.#child.stdin.on('error', () => {}); // A broken pipe is told by the end of the process, with its reason.
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#answered(line));
    this.#ended = new Promise((ended) => {
      this.#child.once('error', (error) => ended(this.#end(`could not be started: ${error.message}`)));
      this.#child.once('close', (code, signal) => ended(this.#end(`ended with ${signal ?? `code ${code}`}`)));
    });
  }

  load(id: string): Promise<Stored | null> {
    return this.#call('load', id) as Promise<Stored | null>;
  }

  create(id: string, session: Stored): Promise<'ok' | 'exists'> {
    return this.#call('create', id, session) as Promise<'ok' | 'exists'>;
  }

  commit(id: string, delta: Delta): Promise<Outcome> {
    return this.#call('commit', id, delta) as Promise<Outcome>;
  }

  async destroy(id: string): Promise<void> {
    await this.#call('destroy', id);
  }

  /** The orderly end: the process sees the end of its input. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#ended;
  }

  /** The disorderly end: SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  #call(verb: string, ...args: unknown[]): Promise<unknown> {
    const n = ++this.#calls;
    return new Promise((resolve, reject) => {
      if (this.#over !== undefined) return reject(new Error(this.#over));
      this.#waiting.set(n, { resolve, reject });
      this.#child.stdin.write(`${write({ n, verb, args })}\n`);
    });
  }

  #answered(line: string): void {
    const { n, answer, error } = parsed(line);
    const call = this.#waiting.get(n);
    this.#waiting.delete(n);
    if (error !== undefined) call?.reject(new Error(`The store in the other process threw: ${error}`));
    else call?.resolve(answer);
  }

  #end(how: string): void {
    this.#over = `The process of the store ${how}. It wrote to stderr: ${this.#stderr.trim() || '(nothing)'}`;
    for (const call of this.#waiting.values()) call.reject(new Error(this.#over));
    this.#waiting.clear();
  }
}

/** A line that is no answer (a stray print) belongs to no call. */
function parsed(line: string): { n: number; answer?: unknown; error?: string } {
  try {
    return { n: 0, ...(read(line) as object) };
  } catch {
    return { n: 0 };
  }
}

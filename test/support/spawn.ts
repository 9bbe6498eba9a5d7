/**
 * Programs that a test runs beside itself: servers, examples, second processes.
 *
 * A program is started without a shell in between (killing a shell leaves its child running), counts as started when it has
 * said so, and is watched while we wait: one that dies at start-up fails the test at once, with what it wrote to stderr, instead of
 * hanging until the deadline. It is stopped by its own process id, at the latest when the test file ends or the runner does.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { removeLater } from './cleanup.js';

export interface StartOptions {
  /** What the program writes (to either stream) when it is ready. Without it, a program is ready when it is there. */
  readonly ready?: RegExp;
  /** How long it may take to become ready. Default 20 seconds: a bound for a hang, not a measure. */
  readonly deadlineMs?: number;
  /** Added to this process's own environment; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Run as another user: for servers that refuse to be root. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Program {
  readonly pid: number;
  /** What matched `ready`, with its groups: a program that prints its address hands it over this way. */
  readonly ready: RegExpExecArray | null;
  /** Settles when the program has ended, by itself or by us. */
  readonly exited: Promise<Exit>;
  /** All it has written so far, both streams in order of arrival; of long output the last 256 KB. */
  output(): string;
  /** Resolves once `output()` matches; rejects with the output when the program ends first or `deadlineMs` (20 s) passes. */
  saw(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray>;
  /** Sends a signal and returns at once: SIGSTOP and SIGCONT to freeze and wake it, SIGKILL for a crash. */
  signal(signal: NodeJS.Signals): void;
  /** Asks it to end (SIGTERM), insists after five seconds (SIGKILL), and resolves when it is gone. Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

const DEADLINE_MS = 20_000;
const PATIENCE_MS = 5_000;
const OUTPUT_LIMIT = 256 * 1024;

/** Starts a program and resolves when it is ready. The error of one that was never ready carries all it wrote. */
export async function start(command: string, args: readonly string[], options: StartOptions = {}): Promise<Program> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  });
  const program = new Child([command, ...args].join(' '), child);
  removeLater({ remove: () => program.stop().then(() => undefined), removeNow: () => program.signal('SIGKILL') });
  try {
    await program.spawned;
    if (options.ready) program.ready = await program.saw(options.ready, options.deadlineMs);
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
  return program;
}

/** Starts a JavaScript program under this very Node: `startNode('build/test/programs/writer.js', ['a'], { ready: /ready/ })`. */
export function startNode(script: string, args: readonly string[] = [], options: StartOptions = {}): Promise<Program> {
  return start(process.execPath, [script, ...args], options);
}

class Child implements Program {
  ready: RegExpExecArray | null = null;
  readonly exited: Promise<Exit>;
  readonly spawned: Promise<void>;
  readonly #title: string;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  #text = '';
  #ended = false;

  constructor(title: string, child: ChildProcess) {
    this.#title = title;
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => this.#heard(chunk));
    }
    this.spawned = new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`${title} could not be started: ${error.message}`)));
    });
    // 'close' rather than 'exit': by then the last of its output has arrived. A program that never started only errs.
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', () => resolve({ code: null, signal: null }));
    });
    void this.exited.then(() => this.#end());
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  output(): string {
    return this.#text;
  }

  saw(pattern: RegExp, deadlineMs: number = DEADLINE_MS): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#listeners.delete(look);
        settle();
      };
      const look = () => {
        const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).exec(this.#text);
        if (match) finish(() => resolve(match));
        else if (this.#ended) finish(() => reject(this.#disappointment(pattern, `ended (${this.#how()})`)));
      };
      const timer = setTimeout(
        () => finish(() => reject(this.#disappointment(pattern, `ran for ${deadlineMs} ms`))),
        deadlineMs,
      );
      this.#listeners.add(look);
      look();
    });
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(signal);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    this.signal(signal);
    this.signal('SIGCONT'); // a frozen program does not hear that it should end
    const insist = setTimeout(() => this.signal('SIGKILL'), PATIENCE_MS);
    const exit = await this.exited;
    clearTimeout(insist);
    return exit;
  }

  #heard(chunk: string): void {
    this.#text = (this.#text + chunk).slice(-OUTPUT_LIMIT);
    this.#tell();
  }

  #end(): void {
    this.#ended = true;
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #how(): string {
    return this.#child.signalCode ?? `exit code ${this.#child.exitCode}`;
  }

  #disappointment(pattern: RegExp, what: string): Error {
    return new Error(
      `${this.#title} ${what} without writing ${pattern}. It wrote:\n${this.#text.trim() || '(nothing)'}`,
    );
  }
}

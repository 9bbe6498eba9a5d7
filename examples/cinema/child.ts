/**
 * One server of the fleet, kept alive: started, watched, started again when it dies, stopped when asked.
 *
 * A server that dies again and again is given longer pauses, up to five seconds; one that was never ready is not started
 * again, for it will not be better the next time. It keeps its port for life, so the gateway never has to be told anything.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RingNews } from './ring-news.js';

export type Say = (line: string) => void;

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
/** Having lived this long, a server has earned a quick restart. */
const HEALTHY_MS = 3000;

const program = fileURLToPath(new URL('./server.js', import.meta.url));

export class KeptServer {
  readonly host = '127.0.0.1';
  /** Settles when it has been ready once; rejects when it ended before. */
  readonly ready: Promise<void>;
  #child!: ChildProcess;
  #wasReady = false;
  #stopping = false;
  #pauseMs = FIRST_PAUSE_MS;
  #startedAt = 0;

  constructor(
    readonly name: string,
    readonly port: number,
    private readonly env: NodeJS.ProcessEnv,
    private readonly say: Say,
    /** Hears what it tells of its ring. Undefined: it has died, and what it told is void. */
    private readonly onRing: (news: RingNews | undefined) => void = () => undefined,
  ) {
    this.ready = new Promise((resolve, reject) => this.#start(resolve, reject));
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends it, gently and for good. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (hasEnded(child)) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  /** Ends it at once. */
  kill(): void {
    this.#stopping = true;
    this.#child.kill('SIGKILL');
  }

  #start(whenReady: () => void, whenNever: (error: Error) => void): void {
    const env = { ...process.env, ...this.env, NAME: this.name, PORT: String(this.port) };
    const child = fork(program, [], { env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    this.#startedAt = Date.now();
    child.on('message', (message: { ready: true } | { ring: RingNews }) => {
      if ('ring' in message) return this.onRing(message.ring);
      this.#wasReady = true;
      whenReady();
    });
    child.once('exit', (code, signal) => {
      this.onRing(undefined);
      const how = signal ?? `exit code ${code}`;
      if (!this.#wasReady) whenNever(new Error(`${this.name} ended before it was ready (${how}).`));
      else if (!this.#stopping) this.#startAgain(`${this.name} died (pid ${child.pid}, ${how})`);
    });
  }

  #startAgain(news: string): void {
    if (Date.now() - this.#startedAt > HEALTHY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.say(`${news}; starting it again. Nobody is signed out.`);
    setTimeout(() => {
      if (!this.#stopping)
        this.#start(
          () => this.say(`${this.name} is back (pid ${this.pid})`),
          () => undefined,
        );
    }, this.#pauseMs);
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

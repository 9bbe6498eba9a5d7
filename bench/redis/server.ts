/**
 * A Redis of the benchmark's own: default settings, nothing written to disk, on loopback, gone with the run. It shares a core
 * with the load generator, so that the server under test has one to itself.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../support/ports.js';
import { canPin } from '../support/processes.js';
import { tempFolder } from '../support/temp.js';

const PROGRAM = 'redis-server';
const PATIENCE_MS = 5_000;
const PAUSE_MS = 10;

export interface RedisServer {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** `7.0.15`, or undefined where there is none. */
export function redisVersion(): string | undefined {
  const { stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return /v=(\S+)/.exec(stdout ?? '')?.[1];
}

/** `core`: where it is bound to. Without one the scheduler decides. */
export function startRedis(core?: number): Promise<RedisServer> {
  if (redisVersion() === undefined) throw new Error(`${PROGRAM} is not installed (Debian package redis-server).`);
  return freePort((port) => startOn(port, core));
}

async function startOn(port: number, core: number | undefined): Promise<RedisServer> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', tempFolder()];
  const settings = ['--save', '', '--appendonly', 'no', '--loglevel', 'warning'];
  const [command = '', ...rest] = [
    ...(canPin && core !== undefined ? ['taskset', '-c', String(core)] : []),
    PROGRAM,
    ...args,
    ...settings,
  ];
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => void child.once('exit', () => resolve()));
  const killed = (): void => void child.kill('SIGKILL');
  process.once('exit', killed);
  await answers(child, port);
  return {
    port,
    pid: child.pid!,
    stop() {
      process.off('exit', killed);
      child.kill();
      return ended;
    },
  };
}

/** Ready when the process that we started answers on this port, and not somebody else's. */
async function answers(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await asked(port)).includes(`process_id:${child.pid}\r\n`)) {
    if (child.exitCode !== null) throw Object.assign(new Error(`${PROGRAM} ended at once.`), { code: 'EADDRINUSE' });
    if (performance.now() > deadline) throw new Error(`${PROGRAM} does not answer.`);
    await pause(PAUSE_MS);
  }
}

function asked(port: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => void socket.end('INFO server\r\n'));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => {}).on('close', () => resolve(text));
  });
}

/**
 * The Redis servers of `npm start -- --ring`: a process of their own, which starts them, starts those again that die, and takes
 * them along when it ends.
 *
 * It ends when it is told to, and when the channel to the fleet closes, also after a `kill -9`: redis-server itself would go on for
 * ever. Nothing is written to disk that stays: no snapshots, no log, and a folder that is removed. So a server that died
 * comes back empty, which is what the ring is shown with.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NodeNews, PAUSE_MS } from './redis-nodes-news.js';

const READY = /Ready to accept connections/;
const MOST_OUTPUT = 4096;

const [program = 'redis-server', ...wanted] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'cinema-ring-'));
const running = new Set<ChildProcess>();
let leaving = false;

process.on('exit', () => {
  for (const server of running) server.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});
process.on('SIGTERM', leave);
process.on('SIGINT', () => undefined); // Ctrl-C reaches the whole terminal; the fleet decides.
process.on('disconnect', leave);
if (process.connected) for (const node of wanted) start(node);
else leave();

/** `node`: name=port. */
function start(node: string): void {
  const [name = '', port = ''] = node.split('=');
  const args = ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  // A group of its own: Ctrl-C is for the fleet, which wants to close its connections first.
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let output = '';
  let isReady = false;
  const listen = (chunk: Buffer): void => {
    if (isReady) return;
    output = (output + chunk.toString('latin1')).slice(-MOST_OUTPUT);
    isReady = READY.test(output);
    if (isReady) tell({ is: 'started', name, pid: server.pid! });
  };
  server.stdout.on('data', listen);
  server.stderr.on('data', listen);
  running.add(server);
  server.once('error', ({ message }) => tell({ is: 'unable', name, why: message }));
  server.once('close', (code, signal) => {
    running.delete(server);
    if (leaving) return leave();
    const how = signal ?? `exit code ${code}`;
    if (!isReady) return tell({ is: 'unable', name, why: output.trim().split('\n').at(-1) ?? how });
    tell({ is: 'died', name, pid: server.pid!, how });
    setTimeout(() => !leaving && start(node), PAUSE_MS);
  });
}

function tell(news: NodeNews): void {
  if (process.connected) process.send?.(news);
}

/** Nothing has to be saved. It waits for their end, or nobody would take note of it. */
function leave(): void {
  leaving = true;
  for (const server of running) server.kill('SIGKILL');
  if (running.size === 0) process.exit(0);
}

/**
 * Servers of the benchmark's own, for the stores that need one: started when their turn comes, on loopback, gone after it. Which programs there
 * are, scripts/needs.js knows of tests; here a missing one is a line of the output.
 *
 * Databases write as they do by default, but wait for no disk: what is compared is their work and ours, not the machine's disk.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis } from '../redis/server.js';
import { freePort } from '../support/ports.js';
import { tempFolder } from '../support/temp.js';

export interface Server {
  readonly address: string;
  stop(): Promise<void>;
}

type Identity = { readonly uid?: number; readonly gid?: number };

const PATIENCE_MS = 60_000;
const DEBIAN_POSTGRES = '/usr/lib/postgresql';
const isRoot = process.getuid?.() === 0;

export async function redisServer(): Promise<Server> {
  const { port, stop } = await startRedis();
  return { address: `redis://127.0.0.1:${port}`, stop };
}

export function memcachedServer(): Promise<Server> {
  return launch((port) => ({
    command: ['memcached', '-l', '127.0.0.1', '-p', String(port), '-U', '0', ...(isRoot ? ['-u', 'nobody'] : [])],
    address: `memcached://127.0.0.1:${port}`,
  }));
}

export async function postgresServer(): Promise<Server> {
  const folder = tempFolder();
  const owner = isRoot ? accountOf('postgres') : {};
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
  const [data, bin] = [join(folder, 'd'), postgresFolder()];
  install(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8'], owner);
  return launch(
    (port) => ({
      command: [join(bin, 'postgres'), '-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-F'],
      address: `postgres://postgres@127.0.0.1:${port}/postgres`,
    }),
    { owner, ready: /ready to accept connections/ },
  );
}

export async function mariadbServer(): Promise<Server> {
  const folder = tempFolder();
  const common = ['--no-defaults', `--datadir=${join(folder, 'd')}`, ...(isRoot ? ['--user=root'] : [])];
  install('mariadb-install-db', [...common, '--auth-root-authentication-method=normal', '--skip-name-resolve'], {});
  const files = [`--socket=${join(folder, 's')}`, `--pid-file=${join(folder, 'p')}`];
  const settings = ['--innodb-flush-log-at-trx-commit=0', '--skip-log-bin', '--skip-name-resolve'];
  return launch(
    (port) => ({
      command: ['mariadbd', ...common, ...files, ...settings, '--bind-address=127.0.0.1', `--port=${port}`],
      // The installation brings this database; the tables of the benchmark are dropped again.
      address: `mysql://root@127.0.0.1:${port}/test`,
    }),
    { ready: /ready for connections/ },
  );
}

/** mongo-java-server, an independent server of MongoDB's protocol, if `npm test` has fetched it. It is not MongoDB. */
export async function mongoServer(): Promise<Server> {
  const jars = 'build/mongo-java-server';
  if (!existsSync(jars)) throw new Error('npm test fetches mongo-java-server; or name a server in STORES');
  const launcher = 'test/support/mongo-java-server/MongoTest.java';
  return launch(
    (port) => ({
      command: ['java', '-cp', `${jars}/*`, launcher, String(port)],
      address: `mongodb://127.0.0.1:${port}/bench`,
    }),
    { ready: /^ready/m },
  );
}

interface Launch {
  readonly command: readonly string[];
  readonly address: string;
}

function launch(
  at: (port: number) => Launch,
  { owner = {}, ready }: { readonly owner?: Identity; readonly ready?: RegExp } = {},
): Promise<Server> {
  return freePort(async (port) => {
    const { command, address } = at(port);
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: process.cwd(), ...owner });
    const ended = new Promise<void>(
      (resolve) => void child.once('exit', () => resolve()).once('error', () => resolve()),
    );
    const killed = (): void => void child.kill('SIGKILL');
    process.once('exit', killed);
    await isReady(child, port, ready);
    const stop = (): Promise<void> => {
      process.off('exit', killed);
      child.kill('SIGKILL');
      return ended;
    };
    return { address, stop };
  });
}

/** When it has said so, or where it says nothing, when it takes a connection. */
async function isReady(child: ChildProcess, port: number, ready: RegExp | undefined): Promise<void> {
  let output = '';
  let failed: Error | undefined;
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.once('error', (error) => {
    failed = error;
  });
  const deadline = performance.now() + PATIENCE_MS;
  while (!(ready === undefined ? await takesConnections(port) : ready.test(output))) {
    if (failed) throw failed;
    if (child.exitCode !== null) {
      const code = /address already in use/i.test(output) ? 'EADDRINUSE' : 'ENDED';
      throw Object.assign(new Error(`it ended at once: ${output.trim().split('\n').at(-1)}`), { code });
    }
    if (performance.now() > deadline) throw new Error('it was not ready in a minute');
    await pause(20);
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });
}

function install(program: string, args: readonly string[], owner: Identity): void {
  const { status, stderr, error } = spawnSync(program, args, { ...owner, cwd: '/', encoding: 'utf8' });
  if (status !== 0) throw error ?? new Error(stderr.trim().split('\n').at(-1));
}

/** Debian does not put its programs into PATH. */
function postgresFolder(): string {
  const releases = existsSync(DEBIAN_POSTGRES) ? readdirSync(DEBIAN_POSTGRES) : [];
  const newest = releases.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? '' : join(DEBIAN_POSTGRES, newest, 'bin');
}

/** PostgreSQL refuses to run as root. */
function accountOf(name: string): Identity {
  const entry = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8'));
  if (entry === null) throw new Error(`there is no user ${name} to run it as`);
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

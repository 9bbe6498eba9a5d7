/**
 * A PostgreSQL of one's own: empty, on loopback, with its files in a temporary folder, gone when the test file ends.
 *
 * The program itself is started rather than `pg_ctl`, which puts the server out of reach of signals sent to a child. It refuses
 * to run as root; there it runs as the user that its Debian package made. Durability is off: these databases live for seconds.
 */
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { need } from './needs.js';
import { onFreePort } from './ports.js';
import { type Program, start } from './spawn.js';
import { tempFolder } from './temp.js';

export interface Postgres {
  /** What an application takes as DATABASE_URL. Any password will do. */
  readonly url: string;
  readonly port: number;
  /** The server process: freeze it with SIGSTOP, crash it with SIGKILL, `stop()` it. */
  readonly program: Program;
}

/** Starts a fresh server and resolves when it takes connections. Use under `need('postgres')`. */
export async function startPostgres(): Promise<Postgres> {
  const user = serverUser();
  const folder = tempFolder('pg');
  if (user) chownSync(folder, user.uid, user.gid);
  const bin = dirname(need('postgres').path());
  createCluster(bin, join(folder, 'd'), user);
  return onFreePort(async (port) => {
    const program = await start(join(bin, 'postgres'), serverArguments(folder, port), {
      ...user,
      cwd: folder,
      ready: /ready to accept connections/,
    });
    return { url: `postgres://postgres@127.0.0.1:${port}/postgres`, port, program };
  });
}

type ServerUser = { readonly uid: number; readonly gid: number } | undefined;

/** Ourselves (undefined), unless we are root. */
function serverUser(): ServerUser {
  if (process.getuid?.() !== 0) return undefined;
  const entry = /^postgres:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  if (!entry) throw new Error('PostgreSQL does not run as root, and there is no user postgres to run it as.');
  return { uid: Number(entry[1]), gid: Number(entry[2]) };
}

function createCluster(bin: string, data: string, user: ServerUser): void {
  mkdirSync(data, { mode: 0o700 });
  if (user) chownSync(data, user.uid, user.gid);
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale=C'];
  const { status, stderr, error } = spawnSync(join(bin, 'initdb'), args, {
    ...user,
    cwd: dirname(data),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`initdb failed: ${error?.message ?? stderr}`);
}

function serverArguments(folder: string, port: number): string[] {
  const settings = ['full_page_writes=off', 'synchronous_commit=off'].flatMap((setting) => ['-c', setting]);
  return ['-D', join(folder, 'd'), '-h', '127.0.0.1', '-p', String(port), '-k', folder, '-F', ...settings];
}

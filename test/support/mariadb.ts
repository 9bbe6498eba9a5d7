/**
 * A MariaDB of one's own: empty, on loopback, with its files in a temporary folder, gone when the test file ends.
 *
 * Its installation script is the slow half; it runs once for each server, since a copied folder saves too little to be worth a cache
 * between files. As root the server has to be told that it may. Durability is off: these databases live for seconds.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { need } from './needs.js';
import { onFreePort } from './ports.js';
import { type Program, start } from './spawn.js';
import { tempFolder } from './temp.js';

export interface MariaDb {
  /** `mysql://root@127.0.0.1:port/sessions`. */
  readonly url: string;
  readonly port: number;
  readonly program: Program;
}

const SETTINGS = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-buffer-pool-size=32M',
  '--skip-log-bin',
  '--skip-name-resolve',
];

/** Starts a fresh server with an empty database and resolves when it takes connections. Use under `need('mariadb')`. */
export async function startMariaDb(): Promise<MariaDb> {
  const program = need('mariadb').path();
  const folder = tempFolder('my');
  const user = process.getuid?.() === 0 ? ['--user=root'] : [];
  const data = join(folder, 'd');
  install(data, user);
  return onFreePort(async (port) => {
    const files = [`--datadir=${data}`, `--socket=${join(folder, 's')}`, `--pid-file=${join(folder, 'p')}`];
    const args = ['--no-defaults', ...user, ...files, '--bind-address=127.0.0.1', `--port=${port}`, ...SETTINGS];
    const started = await start(program, args, { cwd: folder, ready: /ready for connections/ });
    return { url: `mysql://root@127.0.0.1:${port}/sessions`, port, program: started };
  });
}

function install(data: string, user: readonly string[]): void {
  const args = ['--no-defaults', `--datadir=${data}`, ...user];
  const how = ['--auth-root-authentication-method=normal', '--skip-test-db', '--skip-name-resolve'];
  const { status, stdout, stderr, error } = spawnSync('mariadb-install-db', [...args, ...how], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`mariadb-install-db failed: ${error?.message ?? stdout + stderr}`);
}

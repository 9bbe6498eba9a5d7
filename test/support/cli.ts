/**
 * The program `sojourn` as its users run it: the built file, a process of its own, its two streams and its exit code.
 *
 * Streams are pipes here, so output is without colours; the environment is this process's own, without what would change that.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const CLI: string = resolve('dist/admin/cli.js');

/** An installation of its own under this folder, beside which only these packages are installed. Returns the program. */
export function installed(folder: string, packages: readonly string[]): string {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'sojourn'), { recursive: true });
  cpSync(resolve('dist'), join(modules, 'sojourn', 'dist'), { recursive: true });
  cpSync(resolve('package.json'), join(modules, 'sojourn', 'package.json'));
  for (const name of packages) symlinkSync(resolve('node_modules', name), join(modules, name));
  return join(modules, 'sojourn', 'dist', 'admin', 'cli.js');
}

/** Runs `sojourn` with these words, in this folder. */
export function sojourn(args: readonly string[], cwd: string = process.cwd(), program: string = CLI): Promise<Ran> {
  if (!existsSync(program)) throw new Error(`${program} is missing. Run: npm run build`);
  return new Promise((done) => {
    execFile(process.execPath, [program, ...args], { cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      done({ exit: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

/**
 * The program `sojourn` as its users run it: the built file, a process of its own, its two streams and its exit code.
 *
 * Streams are pipes here, so output is without colours; the environment is this process's own, without what would change that.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const CLI: string = resolve('dist/admin/cli.js');

/** Runs `sojourn` with these words, in this folder. */
export function sojourn(args: readonly string[], cwd: string = process.cwd()): Promise<Ran> {
  if (!existsSync(CLI)) throw new Error(`${CLI} is missing. Run: npm run build`);
  return new Promise((done) => {
    execFile(process.execPath, [CLI, ...args], { cwd, timeout: 60_000 }, (error, stdout, stderr) => {
      done({ exit: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

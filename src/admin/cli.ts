#!/usr/bin/env node
/**
 * The program `sojourn` of package.json: the process's own arguments, streams and exit code around `run`, and nothing else.
 *
 * The exit code is set, not called, so that a pipe gets all of the output. A reader that has seen enough (`| head`) is no
 * fault; output that cannot be written (a full disk behind `>`) is one.
 */
import { lookOf } from './printer.js';
import { run } from './run.js';

const { stdout, stderr, exit } = run(
  process.argv.slice(2),
  lookOf(process.stdout, process.env),
  lookOf(process.stderr, process.env),
);

process.exitCode = exit;
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.exitCode = 1;
  process.stderr.write(`sojourn: the output could not be written (${error.code}).\n`);
});
process.stderr.on('error', () => {});
process.stdout.write(stdout);
process.stderr.write(stderr);

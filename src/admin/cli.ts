#!/usr/bin/env node
/**
 * The program `sojourn` of package.json: the process's own arguments, streams and exit code around `run`, and nothing else.
 *
 * The exit code is set, not called, so that a pipe gets all of the output. A reader that has seen enough (`| head`) is no
 * fault; output that cannot be written (a full disk behind `>`) is one.
 */
import { lookOf } from './printer.js';
import { run } from './run.js';
import { stage } from './stage.js';

const look = lookOf(process.stdout, process.env);
/** As shells count a program that was interrupted. */
const EXIT_INTERRUPTED = 130;
const leaving = new AbortController();

process.on('SIGINT', leave);
process.on('SIGTERM', leave);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  process.exitCode = 1;
  process.stderr.write(`sojourn: the output could not be written (${error.code}).\n`);
});
process.stderr.on('error', () => {});

const { stdout, stderr, exit } = await run(process.argv.slice(2), look, lookOf(process.stderr, process.env), (isJson) =>
  stage({
    look,
    isTerminal: process.stdout.isTTY === true,
    isJson,
    write: (text) => process.stdout.write(text),
    leave: leaving.signal,
    now: () => performance.now(),
  }),
);
process.exitCode = exit;
process.stdout.write(stdout);
process.stderr.write(stderr);

/** The first time a command may leave tidily; it does so within a second or two. */
function leave(): void {
  if (leaving.signal.aborted) process.exit(EXIT_INTERRUPTED);
  leaving.abort();
}

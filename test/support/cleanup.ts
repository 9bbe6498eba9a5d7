/**
 * What a test file made, taken away again: folders, servers, programs.
 *
 * Whoever makes something says here how it goes away. After the last test of the file everything goes, newest first, so
 * that a server stops before its folder vanishes. Should the runner be interrupted instead, there is no time left for
 * promises: then only the synchronous half runs. Rejected: leaving it to each test's own `afterAll`, which is forgotten
 * exactly in the test that fails half way through its set-up.
 */
import { afterAll } from 'vitest';

export interface Leftover {
  /** The orderly way, awaited after the last test of the file. Must be idempotent. */
  remove(): Promise<void> | void;
  /** The hasty way, when the process is about to end. Synchronous, must not throw. */
  removeNow(): void;
}

const leftovers: Leftover[] = [];

/** Has `leftover` removed after this test file, or when the runner is interrupted. */
export function removeLater(leftover: Leftover): void {
  if (leftovers.length === 0) watchForTheEnd();
  leftovers.push(leftover);
}

afterAll(async () => {
  const failures: unknown[] = [];
  for (let next = leftovers.pop(); next; next = leftovers.pop()) {
    try {
      await next.remove();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, 'Some things that this test file made could not be removed.');
});

let watching = false;

function watchForTheEnd(): void {
  if (watching) return;
  watching = true;
  process.once('exit', removeAllNow);
  // A runner that is killed leaves its worker processes behind; they notice by the channel between them, and end here.
  process.once('disconnect', () => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      removeAllNow();
      process.kill(process.pid, signal); // `once` has taken this listener off: the signal does now what it always does
    });
  }
}

function removeAllNow(): void {
  for (let next = leftovers.pop(); next; next = leftovers.pop()) next.removeNow();
}

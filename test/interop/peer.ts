/**
 * Asking Flask's own libraries (peer.py): all questions at once, in one process of Debian's Python, which has them installed.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Typed } from './typed.js';

export interface Answer {
  readonly refused?: string;
  readonly cookie?: string;
  readonly pickle?: string;
  readonly value?: Typed;
}

const SCRIPT = fileURLToPath(new URL('peer.py', import.meta.url));
/** Debian's, whatever else is called python3 here: its packages are for this one. */
export const PYTHON = '/usr/bin/python3';

export function askPeer(questions: readonly object[]): Answer[] {
  const { stdout, stderr, status } = spawnSync(PYTHON, [SCRIPT], {
    input: JSON.stringify(questions),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 120_000,
  });
  if (status !== 0) throw new Error(`peer.py ended with ${status}:\n${stderr}`);
  return JSON.parse(stdout) as Answer[];
}

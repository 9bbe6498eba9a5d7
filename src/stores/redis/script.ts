/**
 * Scripts on the server: each verb that writes is one, so that reading, deciding and writing are one step for everybody.
 *
 * A script is called by its hash, and sent whole once more when the server has lost it (it was restarted, or somebody flushed its
 * scripts). A script that does not know itself is never run half: NOSCRIPT comes before its first line. Functions (Redis 7) were
 * rejected: they have to be installed, and an operator's FLUSHALL does not bring them back.
 */
import { createHash } from 'node:crypto';
import type { Argument, Reply } from './door.js';

export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** How a command about one key gets to its server. */
export type Send = (key: string, args: readonly Argument[]) => Promise<Reply>;

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}

/** Runs a script on one key. */
export async function run(send: Send, { text, sha }: Script, key: string, args: readonly Argument[]): Promise<Reply> {
  try {
    return await send(key, ['EVALSHA', sha, '1', key, ...args]);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return send(key, ['EVAL', text, '1', key, ...args]);
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

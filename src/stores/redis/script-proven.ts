/**
 * The script of a second look: a session as it stands, with proof that the reply is to this question.
 *
 * KEYS[1] the session. ARGV: 1 a token that nobody else uses. Reply: the token, and the value or nil. Only for a value that came in
 * reply to a GET and belongs to another session: if this reply has the token, replies are in their order, and the value is what
 * stands there. A script rather than an ECHO beside the GET: pools and clusters send two commands by two ways.
 */
import type { Reply } from './door.js';
import { type Script, script } from './script.js';
import { OutOfStep } from './trouble.js';

export const provenScript: Script = script("return { ARGV[1], redis.pcall('GET', KEYS[1]) }");

/** The value. Throws OutOfStep for the reply to another command. */
export function provenReply(reply: Reply, token: string): Buffer | null {
  if (!Array.isArray(reply) || reply.length !== 2 || String(reply[0]) !== token) throw new OutOfStep();
  const [, value] = reply as readonly Reply[];
  if (value !== null && !Buffer.isBuffer(value)) throw new OutOfStep();
  return value;
}

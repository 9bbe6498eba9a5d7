/**
 * Replies as RESP2 has them, whatever the client and its protocol made of them.
 *
 * A RESP3 connection has maps, sets, booleans, doubles and verbatim text, and client majors disagree on what these become. Commands
 * of the store mostly answer with bytes, integers, nil and arrays, which pass through untouched; the rest is brought back to what
 * RESP2 would have said: maps and sets are arrays, true is 1, text is bytes.
 */
import type { Reply } from '../door.js';

/** The reply in RESP2's terms. An error inside an array rejects the whole reply: nobody asked for a half answer. */
export function plain(reply: unknown): Reply {
  if (Buffer.isBuffer(reply) || reply === null || typeof reply === 'number') return reply;
  if (Array.isArray(reply)) return reply.every(isPlain) ? (reply as Reply[]) : reply.map(plain);
  if (typeof reply === 'string') return Buffer.from(reply);
  if (typeof reply === 'boolean') return reply ? 1 : 0;
  if (typeof reply === 'bigint') return Buffer.from(String(reply));
  if (reply === undefined) return null;
  if (reply instanceof Error) throw reply;
  if (reply instanceof Set) return [...reply].map(plain);
  return pairs(reply).map(plain);
}

function isPlain(reply: unknown): boolean {
  return Buffer.isBuffer(reply) || reply === null || typeof reply === 'number';
}

function pairs(reply: unknown): unknown[] {
  return (reply instanceof Map ? [...reply] : Object.entries(reply as object)).flat(1);
}

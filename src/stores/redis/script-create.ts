/**
 * The script of `create`: puts a session where there is none.
 *
 * KEYS[1] the session. ARGV: 1 the value; 2 the caller's clock, or ''; 3 index prefix, or '' (a cluster: the caller has filed it); 4 id;
 * 5 expiresAt, digits; 6 '=' and the user, or ''.
 * Replies: 1 done, 0 something stands there. The very value that we bring is ours, sent again by a client that had lost its
 * connection; secrets are random, so nobody else's can be equal. What cannot be read stands there, too.
 */
import type { Head } from '../../contract.js';
import type { Argument, Reply } from './door.js';
import { type Script, script } from './script.js';
import { READ_RECORD } from './script-record.js';

export const createScript: Script = script(`${READ_RECORD}
local key, value, given, index, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local expiresAt, now = tonumber(ARGV[5]), clock(ARGV[2])

local present = redis.pcall('GET', key)
if type(present) == 'table' then
  if sub(present.err, 1, 9) == 'WRONGTYPE' then return 0 end
  return present
end
if present then
  if present == value then return 1 end
  local isRead, session = pcall(read, present)
  if not isRead or session.expiresAt > now then return 0 end
end

if ARGV[6] ~= '' and index ~= '' then
  local bucket, member = entry(index, sub(ARGV[6], 2), id)
  local failed = file(bucket, member, filedUntil(expiresAt), now)
  if failed then return failed end
end
return put(key, value, expiresAt, now, given) or 1
`);

export function createArguments(value: Buffer, now: string, index: string, id: string, head: Head): Argument[] {
  return [value, now, index, id, String(head.expiresAt), head.user === undefined ? '' : `=${head.user}`];
}

/** Whether it came to the writing, by its reply. */
export function hasCreated(reply: Reply): boolean {
  return reply === 1;
}

/**
 * The script of `destroy`: takes a session away, with its entry in the index, and tells those who listen.
 *
 * KEYS[1] the session. ARGV: 1 index prefix, or '' (a cluster: the caller removes the entry); 2 id; 3 channel; 4 tag of this process;
 * 5 the caller's clock, or ''. Reply: the id, and the user of the session that was there, or nil. DEL is the first write: Redis lets a
 * script that is out of memory delete, and then go on. What stands there and cannot be read goes as well; its entry, if it has one, goes
 * with its time.
 */
import type { Reply } from './door.js';
import { type Script, script } from './script.js';
import { READ_RECORD } from './script-record.js';
import { OutOfStep } from './trouble.js';

export const destroyScript: Script = script(`${READ_RECORD}
local key, index, id = KEYS[1], ARGV[1], ARGV[2]

local value = redis.pcall('GET', key)
local isRead, head = pcall(read, value)
local user = isRead and head.user

local deleted = redis.pcall('DEL', key)
if type(deleted) == 'table' then return deleted end
if user and index ~= '' then redis.pcall('ZREM', entry(index, user, id)) end
-- By the caller's clock it may have expired: then nobody ended it. Redis' own has taken it away by then.
local now = tonumber(ARGV[5])
local hasExpired = now and isRead and head.expiresAt <= now
-- Without the right to publish there are no events on other servers; the session has ended all the same.
if deleted == 1 and not hasExpired then redis.pcall('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. id) end
return { id, user or false }
`);

/** The user of the session that has ended, if it had one. Throws OutOfStep for a reply that is about another session. */
export function destroyReply(reply: Reply, id: string): string | undefined {
  if (!Array.isArray(reply) || String(reply[0]) !== id) throw new OutOfStep();
  const [, user] = reply as readonly Reply[];
  return user === null ? undefined : String(user);
}

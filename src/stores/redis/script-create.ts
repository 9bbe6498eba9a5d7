/**
 * The script of `create`: puts a session where there is none.
 *
 * KEYS[1] the session. ARGV: 1 the value; 2 the caller's clock, or ''; 3 and 4 the lifetime as SET is told; and if it is to be filed in
 * the index: 5 the bucket, 6 the entry, 7 until which second.
 * Replies: 1 done, 0 something stands there, plus twice the check of the id, so that no other session's reply is taken for it. The very value that we bring is ours, sent again by a client that had lost its
 * connection; secrets are random, so nobody else's can be equal. What cannot be read stands there, too.
 */
import type { Argument, Reply } from './door.js';
import type { Filing } from './keys.js';
import { type Script, script } from './script.js';
import { lifetimeArguments, READ_RECORD } from './script-record.js';
import { OutOfStep } from './trouble.js';
import { checkOf } from './value.js';

export const createScript: Script = script(`${READ_RECORD}
local key, value, now = KEYS[1], ARGV[1], clock(ARGV[2])
local high, low = byte(value, 2, 3)
local EXISTS = 2 * (256 * high + low)
local DONE = EXISTS + 1

local present = redis.pcall('GET', key)
if type(present) == 'table' then
  if sub(present.err, 1, 9) == 'WRONGTYPE' then return EXISTS end
  return present
end
if present then
  if present == value then return DONE end
  local isRead, head = pcall(read, present)
  if not isRead or head.expiresAt > now then return EXISTS end
end

if ARGV[5] then
  local failed = file(ARGV[5], ARGV[6], tonumber(ARGV[7]), now)
  if failed then return failed end
end
return put(key, value, ARGV[3], ARGV[4]) or DONE
`);

export function createArguments(
  value: Buffer,
  expiresAt: number,
  now: number | undefined,
  filing?: Filing,
): Argument[] {
  const clock = now === undefined ? '' : String(now);
  const filed = filing ? [filing.bucket, filing.entry, String(filing.till)] : [];
  return [value, clock, ...lifetimeArguments(expiresAt, now), ...filed];
}

/** Whether it came to the writing, by its reply. */
export function hasCreated(reply: Reply): boolean {
  return typeof reply === 'number' && reply % 2 === 1;
}

/** What the script's reply means. Throws OutOfStep for one that is about another session. */
export function createReply(reply: Reply, id: string): 'ok' | 'exists' {
  const status = typeof reply === 'number' ? reply - 2 * checkOf(id) : Number.NaN;
  if (status !== 0 && status !== 1) throw new OutOfStep();
  return status === 1 ? 'ok' : 'exists';
}

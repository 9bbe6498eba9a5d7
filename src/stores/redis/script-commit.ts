/**
 * The script of `commit`: the five steps of core/delta.ts, on a packed value.
 *
 * KEYS[1] the session. ARGV, as `commitArguments` gives them:
 *    1 mark of this operation      2 the caller's clock, or ''      3 index prefix, or '' (a cluster: the caller files)
 *    4 id                          5 until which second the caller has filed it already
 *    6 generation that was read    7 '=' and the secret that must stand there, or ''
 *    8 flags to clear              9 flags to set
 *   10 expiresAt, packed          11 expiresAt, digits             12 generation, or ''
 *   13 secret, packed, or ''      14 previous, packed, or ''       15 '=' and the user, or ''     16 signedInAt, packed, or ''
 *   from 17 the writes: two letters and the name, then what the letters announce. The first says what must be there (`*` anything, `-` no
 *   such field, `=` the bytes that follow), the second what shall be (`-` no such field, `=` the bytes that follow).
 *
 * Replies: [0] gone; [1, version] done; [2, value, ...] conflict, with what the swapped fields hold, in the order of the delta;
 * [3, user, second] nothing done: file the session in the index first. Errors are Redis' own, or begin with CORRUPT.
 */
import type { Delta, Outcome, Write } from '../../contract.js';
import { checkField, headParts } from '../../core/record.js';
import type { Argument, Reply } from './door.js';
import { type Script, script } from './script.js';
import { READ_RECORD } from './script-record.js';
import { OutOfStep } from './trouble.js';

export const commitScript: Script = script(`${READ_RECORD}
local key, given, index, id = KEYS[1], ARGV[2], ARGV[3], ARGV[4]

local value = redis.pcall('GET', key)
if not value then return { 0 } end
if type(value) == 'table' then return value end
local isRead, session = pcall(read, value)
if not isRead then return redis.error_reply(CORRUPT) end

-- Sent again by a client that had lost its connection: done already, with the version that it made.
for n = 1, session.marks do
  local first, last = sub(value, 6 * n - 4, 6 * n), byte(value, 6 * n + 1)
  if first .. char(last - last % 16) == ARGV[1] then return { 1, session.version - session.marks + n } end
end

-- 1. Expired, or signed in anew: gone.
local now = clock(given)
if session.expiresAt <= now or session.generation ~= tonumber(ARGV[6]) then return { 0 } end

-- What the delta says of fields, and what is there now. 'kept' is all that it does not name, in one piece between two gaps.
local writes, named, n = {}, {}, 17
while ARGV[n] do
  local op, write = ARGV[n], { name = ARGV[n + 1] }
  write.must, n = sub(op, 1, 1), n + 2
  if write.must == '=' then write.expect, n = ARGV[n], n + 1 end
  if sub(op, 2, 2) == '=' then write.value, n = ARGV[n], n + 1 end
  writes[#writes + 1] = write
  named[write.name] = write
end
local kept, size, from = {}, session.size, session.from
local isWalked = pcall(session.fields, function(name, start, valueFrom, behind)
  local write = named[name]
  if not write then return end
  write.present = sub(value, valueFrom, behind - 1)
  kept[#kept + 1] = sub(value, from, start - 1)
  from, size = behind, size - 1
end)
if not isWalked then return redis.error_reply(CORRUPT) end
kept[#kept + 1] = sub(value, from)

-- 2. Somebody rotated first, or a swap lost: conflict, with the present values of all swapped fields.
local isLost = ARGV[7] ~= '' and (session.secret == '' or ARGV[7] ~= '=' .. sub(session.secret, 2))
local present = { 2 }
for _, write in ipairs(writes) do
  if write.must ~= '*' then
    present[#present + 1] = write.present or false
    if write.present ~= write.expect then isLost = true end
  end
end
if isLost then return present end

-- 3. The head: what is named changes, the rest stays, the version grows. A secret whose grace is over is forgotten.
local function either(new, old) if new ~= '' then return new else return old end end
local flags = session.flags
if session.till and session.till <= now then
  flags, session.previous = bit.band(flags, 121), ''
end
flags = bit.bor(bit.band(flags, bit.bnot(tonumber(ARGV[8]))), tonumber(ARGV[9]))
local expiresAt = tonumber(ARGV[11])
local user = session.user
if ARGV[15] ~= '' then user = sub(ARGV[15], 2) end
local version = session.version + 1

-- The index before the session: an entry too many costs a look, one too few leaves somebody signed in.
if user then
  local till = filedUntil(expiresAt)
  if user ~= session.user or till > filedUntil(session.expiresAt) then
    if index ~= '' then
      local bucket, member = entry(index, user, id)
      local failed = file(bucket, member, till, now)
      if failed then return failed end
    elseif till > tonumber(ARGV[5]) then
      return { 3, user, till }
    end
  end
end

-- Marks of the last two minutes, seven of them at most, and our own.
local stamp, marks = floor(now / 16000) % 16, {}
for n = max(1, session.marks - 6), session.marks do
  local age = (stamp - byte(value, 6 * n + 1)) % 16
  if age <= 8 then marks[#marks + 1] = sub(value, 6 * n - 4, 6 * n + 1) end
end
marks[#marks + 1] = sub(ARGV[1], 1, 5) .. char(byte(ARGV[1], 6) + stamp)

-- 4. The fields: those that stay in front, then those that are written.
for _, write in ipairs(writes) do
  if write.value then
    kept[#kept + 1] = char(#write.name) .. packed(#write.value) .. write.name .. write.value
    size = size + 1
  end
end

-- 5. Both, or neither.
local failed = put(key, char(#marks) .. table.concat(marks)
  .. char(1, flags) .. session.createdAt .. ARGV[10] .. packed(version)
  .. packed(ARGV[12] ~= '' and tonumber(ARGV[12]) or session.generation)
  .. either(ARGV[13], session.secret) .. either(ARGV[14], session.previous)
  .. (user and packed(#user) .. user or '') .. either(ARGV[16], session.signedInAt)
  .. packed(size) .. table.concat(kept), expiresAt, now, given)
if failed then return failed end
if session.user and user ~= session.user and index ~= '' then
  redis.call('ZREM', entry(index, session.user, id))
end
return { 1, version }
`);

/** What every call of a script says about itself. */
export interface CommitCall {
  readonly mark: Buffer;
  /** Digits, or '' for the server's own clock. */
  readonly now: string;
  readonly index: string;
  readonly id: string;
  /** Until which second the caller has filed the session under the user that it will have. 0: it has not. */
  readonly filed: number;
}

export function commitArguments(call: CommitCall, delta: Delta): Argument[] {
  const { head, replaces } = delta;
  const parts = headParts(head);
  const args: Argument[] = [call.mark, call.now, call.index, call.id, String(call.filed)];
  args.push(String(delta.generation), replaces === undefined ? '' : Buffer.concat([GIVEN, replaces]));
  args.push(String(parts.flags[0]), String(parts.flags[1]), parts.expiresAt, String(head.expiresAt));
  args.push(head.generation === undefined ? '' : String(head.generation));
  args.push(parts.secret, parts.previous, head.user === undefined ? '' : `=${head.user}`, parts.signedInAt);
  for (const [name, write] of delta.fields) pushWrite(args, name, write);
  return args;
}

const GIVEN = Buffer.from('=');

function pushWrite(args: Argument[], name: string, write: Write): void {
  const expect = write.op === 'swap' ? write.expect : null;
  const value = write.op === 'delete' ? null : write.value;
  checkField(name, value?.length ?? 0);
  const must = write.op !== 'swap' ? '*' : expect === null ? '-' : '=';
  args.push(must + (value === null ? '-' : '='), name);
  if (expect !== null) args.push(bufferOf(expect));
  if (value !== null) args.push(bufferOf(value));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The session has to be in the index before it may have this user, or this deadline. */
export interface FileFirst {
  readonly status: 'file first';
  readonly user: string;
  readonly till: number;
}

/** Whether it came to the writing, by its reply. */
export function hasCommitted(reply: Reply): boolean {
  return Array.isArray(reply) && reply[0] === 1;
}

/** What the script's reply means. Throws OutOfStep for one that this script cannot have given to this delta. */
export function commitReply(reply: Reply, delta: Delta): Outcome | FileFirst {
  // Bytes would come apart into numbers below, and the first byte of a session reads like "done".
  if (!Array.isArray(reply)) throw new OutOfStep();
  const [status, ...rest] = reply as readonly Reply[];
  if (status === 0) return { status: 'gone' };
  if (status === 1) return { status: 'ok', version: rest[0] as number };
  if (status === 3) return { status: 'file first', user: String(rest[0]), till: rest[1] as number };
  const fields = new Map<string, Uint8Array | null>();
  const swapped = [...delta.fields].filter(([, { op }]) => op === 'swap');
  if (status !== 2 || rest.length !== swapped.length) throw new OutOfStep();
  for (const [i, [name]] of swapped.entries()) fields.set(name, rest[i] as Buffer | null);
  return { status: 'conflict', fields };
}

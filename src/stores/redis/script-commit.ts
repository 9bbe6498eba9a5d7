/**
 * The script of `commit`: the five steps of core/delta.ts, on a packed value.
 *
 * KEYS[1] the session. ARGV: 1 the delta, packed; 2 the caller's clock, or ''; 3 index prefix, or '' (a cluster: the caller files);
 * 4 id; 5 and 6 the lifetime as SET is told. The delta is one argument rather than twenty, since each costs the client a buffer:
 *
 *   6 bytes       mark of this operation
 *   3 floats      generation that was read, expiresAt, the second until which the caller has filed the session (0: it has not)
 *   3 bytes       flags to clear, flags to set, which of the following six there are
 *   parts         1 generation   2 the secret that must stand there   4 secret   8 previous   16 user   32 signedInAt: as in a record
 *   each write    one byte: 0 sets whatever is there, 1 wants that there is nothing, 2 wants the value that follows; plus 4 if a new
 *                 value follows, otherwise the field goes. Then the name with its length in a byte, the values with theirs as a count
 *
 * Replies begin with a status, plus four times the mark's first two bytes, so that no other commit's reply is taken for it: [0] gone; [1, version] done; [2, value, ...] conflict, with what the swapped fields hold, in the order of the delta;
 * [3, user, second] nothing done: file the session in the index first. Errors are Redis' own, or begin with CORRUPT.
 */
import type { Delta, Outcome, Write } from '../../contract.js';
import { countBytes } from '../../core/packed-fields.js';
import { checkField, headParts, packedHash, writeCount } from '../../core/record.js';
import type { Argument, Reply } from './door.js';
import { type Script, script } from './script.js';
import { lifetimeArguments, READ_RECORD } from './script-record.js';
import { OutOfStep } from './trouble.js';

export const commitScript: Script = script(`${READ_RECORD}
local function packed(count)
  local bytes = ''
  while count >= 128 do
    bytes, count = bytes .. char(count % 128 + 128), floor(count / 128)
  end
  return bytes .. char(count)
end

local function packedTime(ms)
  local since = ms - 1704067200000
  if since >= 0 and since < 1099511627775 and since % 1 == 0 then return struct.pack('<I5', since) end
  return '\\255\\255\\255\\255\\255' .. struct.pack('<d', ms)
end

-- The parts of the head that are named: 'from' and 'behind' by the number of the part.
local function partsOf(delta, at, has)
  local from, behind = {}, {}
  local function part(bit, next)
    if has % (2 * bit) < bit then return end
    from[bit], at = at, next()
    behind[bit] = at
  end
  local function counted() local _, next = count(delta, at) return next end
  local function hash(start) return start + 1 + byte(delta, start) end
  part(1, counted)
  part(2, function() return hash(at) end)
  part(4, function() return hash(at) end)
  part(8, function() local _, next = time(delta, at) return hash(next) end)
  part(16, function() local length, next = count(delta, at) return next + length end)
  part(32, function() local _, next = time(delta, at) return next end)
  return from, behind, at
end

-- The writes in their order, and by name.
local function writesOf(delta, at)
  local writes, named, length = {}, {}
  while at <= #delta do
    local op, nameLength = byte(delta, at, at + 1)
    local write = { must = op % 4, name = sub(delta, at + 2, at + 1 + nameLength) }
    at = at + 2 + nameLength
    if write.must == 2 then
      length, at = count(delta, at)
      write.expect, at = sub(delta, at, at + length - 1), at + length
    end
    if op >= 4 then
      local from = at
      length, at = count(delta, at)
      write.valueBytes, at = sub(delta, from, at + length - 1), at + length
    end
    writes[#writes + 1], named[write.name] = write, write
  end
  return writes, named
end

-- Notes where the named fields stand, in their order; returns them and the end of all fields.
local function walk(value, at, size, named)
  local found = {}
  for _ = 1, size do
    local nameLength, length = byte(value, at, at + 1)
    local nameFrom = at + 2
    if length >= 128 then length, nameFrom = count(value, at + 1) end
    local valueFrom = nameFrom + nameLength
    local write = named[sub(value, nameFrom, valueFrom - 1)]
    if write then
      write.from, write.valueFrom, write.behind = at, valueFrom, valueFrom + length
      found[#found + 1] = write
    end
    at = valueFrom + length
  end
  return found, at
end

local key, delta, given, index, id = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local high, low = byte(delta, 1, 2)
local tag = 4 * (256 * high + low)

local value = redis.pcall('GET', key)
if not value then return { tag } end
if type(value) == 'table' then return value end
local isRead, head = pcall(read, value)
if not isRead then return redis.error_reply(CORRUPT) end

-- Sent again by a client that had lost its connection: done already, with the version that it made.
local mark, last, marks = sub(delta, 1, 5), byte(delta, 6), head.marks
for n = 1, marks do
  local at = 6 * n + 1
  local noted = byte(value, at)
  if noted - noted % 16 == last and sub(value, at - 5, at - 1) == mark then return { tag + 1, head.version - marks + n } end
end

-- 1. Expired, or signed in anew: gone.
local generation, expiresAt, filed, clear, set, has, at = struct.unpack('<dddBBB', delta, 7)
local now = clock(given)
if head.expiresAt <= now or head.generation ~= generation then return { tag } end

local from, behind = {}, {}
if has > 0 then from, behind, at = partsOf(delta, at, has) end
local writes, named = writesOf(delta, at)
local isWalked, found, stop = pcall(walk, value, head.fieldsFrom, head.size, named)
if not isWalked or stop ~= #value + 1 then return redis.error_reply(CORRUPT) end

-- 2. Somebody rotated first, or a swap lost: conflict, with the present values of all swapped fields.
local isLost = from[2] and sub(delta, from[2], behind[2] - 1) ~= sub(value, head.secretFrom, head.previousFrom - 1)
local present = { tag + 2 }
for _, write in ipairs(writes) do
  if write.must > 0 then
    local is = write.from and sub(value, write.valueFrom, write.behind - 1)
    present[#present + 1] = is or false
    if (is or nil) ~= write.expect then isLost = true end
  end
end
if isLost then return present end

-- 3. The head: what is named changes, the rest stays, the version grows. A secret whose grace is over is forgotten.
local flags, user, version = head.flags, head.user, head.version + 1
local isPast = head.till and head.till <= now
local middle
if has == 0 and not isPast then
  middle = sub(value, head.secretFrom, head.sizeFrom - 1)
else
  local function either(part, old, next)
    if from[part] then return sub(delta, from[part], behind[part] - 1) end
    return sub(value, old, next - 1)
  end
  if isPast then flags = flags - flags % 8 + flags % 2 end
  middle = either(4, head.secretFrom, head.previousFrom)
    .. either(8, isPast and head.userFrom or head.previousFrom, head.userFrom)
    .. either(16, head.userFrom, head.signedInFrom) .. either(32, head.signedInFrom, head.sizeFrom)
  if from[16] then
    local _, userFrom = count(delta, from[16])
    user = sub(delta, userFrom, behind[16] - 1)
  end
end
flags = bit.bor(bit.band(flags, bit.bnot(clear)), set)
generation = from[1] and sub(delta, from[1], behind[1] - 1) or packed(generation)

-- The index before the session: an entry too many costs a look, one too few leaves somebody signed in.
if user then
  local till = filedUntil(expiresAt)
  if user ~= head.user or till > filedUntil(head.expiresAt) then
    if index ~= '' then
      local bucket, member = entry(index, user, id)
      local failed = file(bucket, member, till, now)
      if failed then return failed end
    elseif till > filed then
      return { tag + 3, user, till }
    end
  end
end

-- Marks of the last two minutes, seven of them at most, and our own.
local stamp, first = floor(now / 16000) % 16, max(1, marks - 6)
while first <= marks and (stamp - byte(value, 6 * first + 1)) % 16 > 8 do first = first + 1 end
marks = char(marks - first + 2) .. sub(value, 6 * first - 4, 6 * marks + 1) .. mark .. char(last + stamp)

-- 4. The fields: those that stay in front, in one piece between two gaps, then those that are written.
local parts, n, size, keptFrom = { '' }, 1, head.size, head.fieldsFrom
for _, write in ipairs(found) do
  parts[n + 1] = sub(value, keptFrom, write.from - 1)
  n, size, keptFrom = n + 1, size - 1, write.behind
end
if keptFrom <= #value then
  parts[n + 1] = sub(value, keptFrom)
  n = n + 1
end
for _, write in ipairs(writes) do
  if write.valueBytes then
    local _, valueFrom = count(write.valueBytes, 1)
    parts[n + 1] = char(#write.name) .. sub(write.valueBytes, 1, valueFrom - 1) .. write.name
    parts[n + 2] = sub(write.valueBytes, valueFrom)
    n, size = n + 2, size + 1
  end
end
local check = sub(value, head.createdFrom - 4, head.createdFrom - 3)
parts[1] = marks .. check .. char(1, flags) .. sub(value, head.createdFrom, head.expiresFrom - 1) .. packedTime(expiresAt)
  .. packed(version) .. generation .. middle .. packed(size)

-- 5. Both, or neither.
local failed = put(key, table.concat(parts), ARGV[5], ARGV[6])
if failed then return failed end
if head.user and user ~= head.user and index ~= '' then
  redis.call('ZREM', entry(index, head.user, id))
end
return { tag + 1, version }
`);

export interface CommitCall {
  readonly mark: Buffer;
  /** Undefined for the server's own clock. */
  readonly now: number | undefined;
  readonly index: string;
  readonly id: string;
  /** Until which second the caller has filed the session under the user that it will have. 0: it has not. */
  readonly filed: number;
}

export function commitArguments({ mark, now, index, id, filed }: CommitCall, delta: Delta): Argument[] {
  const clock = now === undefined ? '' : String(now);
  return [packedDelta(mark, filed, delta), clock, index, id, ...lifetimeArguments(delta.head.expiresAt, now)];
}

/** Mark, three floats, three bytes. */
const FIXED_BYTES = 33;

function packedDelta(mark: Buffer, filed: number, { generation, replaces, head, fields }: Delta): Buffer {
  const { clear, set, ...parts } = headParts(head);
  const optional = [
    parts.generation,
    replaces && packedHash(replaces),
    parts.secret,
    parts.previous,
    parts.user,
    parts.signedInAt,
  ];
  let size = FIXED_BYTES;
  for (const part of optional) if (part) size += part.length;
  for (const [name, write] of fields) size += writeBytes(name, write);

  const bytes = Buffer.allocUnsafe(size);
  let at = mark.copy(bytes);
  for (const number of [generation, head.expiresAt, filed]) at = bytes.writeDoubleLE(number, at);
  at = bytes.writeUInt8(clear, at);
  at = bytes.writeUInt8(set, at);
  at = bytes.writeUInt8(
    optional.reduce((has, part, i) => (part ? has + 2 ** i : has), 0),
    at,
  );
  for (const part of optional) if (part) at += part.copy(bytes, at);
  for (const [name, write] of fields) at = putWrite(bytes, at, name, write);
  return bytes;
}

const WANTS_NOTHING = 1;
const WANTS_VALUE = 2;
const HAS_VALUE = 4;

function writeBytes(name: string, write: Write): number {
  const expect = write.op === 'swap' ? write.expect : null;
  const value = write.op === 'delete' ? null : write.value;
  return 2 + checkField(name, value?.length ?? 0) + countedBytes(expect) + countedBytes(value);
}

function countedBytes(value: Uint8Array | null): number {
  return value === null ? 0 : countBytes(value.length) + value.length;
}

function putWrite(bytes: Buffer, from: number, name: string, write: Write): number {
  const expect = write.op === 'swap' ? write.expect : null;
  const value = write.op === 'delete' ? null : write.value;
  const wants = write.op !== 'swap' ? 0 : expect === null ? WANTS_NOTHING : WANTS_VALUE;
  const nameBytes = bytes.write(name, from + 2);
  bytes[from] = wants + (value === null ? 0 : HAS_VALUE);
  bytes[from + 1] = nameBytes;
  return putCounted(bytes, putCounted(bytes, from + 2 + nameBytes, expect), value);
}

function putCounted(bytes: Buffer, at: number, value: Uint8Array | null): number {
  if (value === null) return at;
  const from = writeCount(bytes, at, value.length);
  bytes.set(value, from);
  return from + value.length;
}

const STATUSES = 4;
const [GONE, DONE, CONFLICT, FILE_FIRST] = [0, 1, 2, 3];

/** Whether it came to the writing, by its reply. */
export function hasCommitted(reply: Reply): boolean {
  return Array.isArray(reply) && reply[0] % STATUSES === DONE;
}

/** The session has to be in the index before it may have this user, or this deadline. */
export interface FileFirst {
  readonly status: 'file first';
  readonly user: string;
  readonly till: number;
}

/** What the script's reply means. Throws OutOfStep for one that this script has not given to this delta. */
export function commitReply(reply: Reply, mark: Buffer, delta: Delta): Outcome | FileFirst {
  // Bytes would come apart into numbers below, and the first byte of a session reads like "done".
  if (!Array.isArray(reply)) throw new OutOfStep();
  const [first, ...rest] = reply as readonly Reply[];
  const status = Number(first) - STATUSES * mark.readUInt16BE(0);
  if (status === GONE) return { status: 'gone' };
  if (status === DONE) return { status: 'ok', version: rest[0] as number };
  if (status === FILE_FIRST) return { status: 'file first', user: String(rest[0]), till: rest[1] as number };
  const fields = new Map<string, Uint8Array | null>();
  const swapped = [...delta.fields].filter(([, { op }]) => op === 'swap');
  if (status !== CONFLICT || rest.length !== swapped.length) throw new OutOfStep();
  for (const [i, [name]] of swapped.entries()) fields.set(name, rest[i] as Buffer | null);
  return { status: 'conflict', fields };
}

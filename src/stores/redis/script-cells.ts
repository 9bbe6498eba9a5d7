/**
 * The scripts of cells: replace and remove by comparison of marks, and the fence that closes slots.
 *
 * A cell is a string as core/cell.ts packs it, and may be a megabyte: Lua is handed its first bytes only (GETRANGE), where the mark,
 * the time and the user stand, and all of it when the comparison fails and the caller needs it. The fence of a slot is looked up in the same
 * script, eight bytes out of one string: a key for each slot would cost as much to look up, and more to keep.
 *
 * What stands there and is no cell is handed over as it is: the caller says what is wrong with it.
 */
import { type Script, script } from './script.js';
import { FILE_AND_PUT } from './script-record.js';

const READ_CELL = `${FILE_AND_PUT}
local key, expect = KEYS[1], ARGV[1]

-- Bytes as Lua counts them: 1 format, 2 to 9 mark, 10 to 17 keepUntil, 18 and 19 one more than the length of the user, who follows.
local function hasEnded(head, now)
  return #head >= 19 and struct.unpack('<d', head, 10) <= now
end

-- The user whose name a head has room for, or has not: then the rest is fetched.
local function userOf(head)
  local length = struct.unpack('<I2', head, 18) - 1
  if length < 0 then return nil end
  if #head < 19 + length then head = redis.call('GETRANGE', key, 0, 18 + length) end
  return sub(head, 20, 19 + length)
end
`;

/**
 * KEYS[1] the cell. ARGV: 1 the mark that is expected, or '' for nothing; 2 the cell; 3 and 4 its lifetime as SET is told; 5 the caller's clock,
 * or ''; 6 index prefix; 7 id; 8 until which second it is filed, if it has a user; and if there is a fence: 9 the string of fences,
 * 10 and 11 where to look, 12 the epoch.
 * Replies: 1 done; 2 done before, the mark is there; [0, what is there] something else was expected; [1, epoch] fenced.
 */
export const replaceScript: Script = script(`${READ_CELL}
local next, given = ARGV[2], ARGV[5]
local length = struct.unpack('<I2', next, 18)

local head = redis.pcall('GETRANGE', key, 0, 17 + max(length, 1))
if type(head) == 'table' then return head end
if given ~= '' and head ~= '' and hasEnded(head, tonumber(given)) then head = '' end

local mark = sub(head, 2, 9)
if head ~= '' and mark == sub(next, 2, 9) then return 2 end

if ARGV[9] then
  local epoch = redis.pcall('GETRANGE', ARGV[9], ARGV[10], ARGV[11])
  if type(epoch) == 'table' then return epoch end
  if epoch ~= '' and epoch ~= ARGV[12] and struct.unpack('>d', epoch) > struct.unpack('>d', ARGV[12]) then
    return { 1, epoch }
  end
end

if mark ~= expect or (head ~= '' and #head < 19) then
  return { 0, head ~= '' and redis.call('GET', key) }
end

-- The index before the cell. Nothing to do where time and user stay; and where only the time moves, once in a half hour.
local before
if sub(head, 10) ~= sub(next, 10, 18 + max(length, 1)) then
  before = head ~= '' and userOf(head) or nil
  local user = length > 0 and sub(next, 20, 18 + length) or nil
  if user and (user ~= before or tonumber(ARGV[8]) > filedUntil(struct.unpack('<d', head, 10))) then
    local bucket, member = entry(ARGV[6], user, ARGV[7])
    local failed = file(bucket, member, tonumber(ARGV[8]), clock(given))
    if failed then return failed end
  end
  if before == user then before = nil end
end

local failed = put(key, next, ARGV[3], ARGV[4])
if failed then return failed end
if before then redis.call('ZREM', entry(ARGV[6], before, ARGV[7])) end
return 1
`);

/** KEYS[1] the cell. ARGV: 1 the mark that is expected; 2 the caller's clock, or ''; 3 index prefix; 4 id. Reply: 1 done, 0 it is another one. */
export const removeScript: Script = script(`${READ_CELL}
local head = redis.pcall('GETRANGE', key, 0, 18)
if type(head) == 'table' then return head end
if #head < 19 or sub(head, 2, 9) ~= expect then return 0 end
if ARGV[2] ~= '' and hasEnded(head, tonumber(ARGV[2])) then return 0 end
local user = userOf(head)
local deleted = redis.pcall('DEL', key)
if type(deleted) == 'table' then return deleted end
if user then redis.pcall('ZREM', entry(ARGV[3], user, ARGV[4])) end
return 1
`);

/** KEYS[1] the string of fences. ARGV: 1 the epoch; 2 slots, two bytes each. Reply: 1. */
export const fenceScript: Script = script(`
local key, epoch, slots = KEYS[1], ARGV[1], ARGV[2]
for at = 1, #slots, 2 do
  local from = 8 * struct.unpack('<I2', slots, at)
  local kept = redis.pcall('GETRANGE', key, from, from + 7)
  if type(kept) == 'table' then return kept end
  if kept == '' or struct.unpack('>d', kept) < struct.unpack('>d', epoch) then
    local done = redis.pcall('SETRANGE', key, from, epoch)
    if type(done) == 'table' then return done end
  end
end
return 1
`);

/**
 * The scripts of cells: replace and remove by comparison of marks, and the fence that closes slots.
 *
 * A cell is a string as core/cell.ts packs it, and may be a megabyte: Lua is handed its first bytes only (GETRANGE), where the mark,
 * the time and the user stand, and all of it when the comparison fails and the caller needs it. The fence of a slot is looked up in the same
 * script, and is a key of its own: most slots have none, and to find nothing is cheapest. One string of all epochs (GETRANGE) cost
 * the server up to half a microsecond more, and so did a hash. As it is, a write with a fence costs the server 9 % more than one without, 11 % in a slot that
 * was closed once. What can be told from the key is not sent: every argument costs as much as a comparison.
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

-- Where the index stands, and the id: the key is prefix, '=' and id, and no prefix holds a '='.
local function parts()
  local at = string.find(key, '=', 1, true)
  return sub(key, 1, at - 1) .. 'index:', sub(key, at + 1)
end
`;

/**
 * KEYS[1] the cell. ARGV: 1 the mark that is expected, or '' for nothing; 2 the cell; 3 its lifetime as SET is told; 4 the caller's clock, or
 * ''; and if there is a fence: 5 the key of the slot, 6 the epoch.
 * Replies: 1 done; 2 done before, the mark is there; [0, what is there] something else was expected; [1, epoch] fenced.
 */
export const replaceScript: Script = script(`${READ_CELL}
local next, given = ARGV[2], ARGV[4]
local length = struct.unpack('<I2', next, 18)

local head = redis.pcall('GETRANGE', key, 0, 17 + max(length, 1))
if type(head) == 'table' then return head end
if given ~= '' and head ~= '' and hasEnded(head, tonumber(given)) then head = '' end

local mark = sub(head, 2, 9)
if head ~= '' and mark == sub(next, 2, 9) then return 2 end

if ARGV[5] then
  local epoch = redis.pcall('GET', ARGV[5])
  if type(epoch) == 'table' then return epoch end
  if epoch and epoch ~= ARGV[6] and tonumber(epoch) > tonumber(ARGV[6]) then return { 1, epoch } end
end

if mark ~= expect or (head ~= '' and #head < 19) then
  return { 0, head ~= '' and redis.call('GET', key) }
end

-- The index before the cell. Nothing to do where time and user stay; and where only the time moves, once in a half hour.
local before, index, id
if sub(head, 10) ~= sub(next, 10, 18 + max(length, 1)) then
  before = head ~= '' and userOf(head) or nil
  index, id = parts()
  local user = length > 0 and sub(next, 20, 18 + length) or nil
  if user then
    local till = filedUntil(struct.unpack('<d', next, 10))
    if user ~= before or till > filedUntil(struct.unpack('<d', head, 10)) then
      local bucket, member = entry(index, user, id)
      local failed = file(bucket, member, till, clock(given))
      if failed then return failed end
    end
  end
  if before == user then before = nil end
end

local failed = put(key, next, given == '' and 'PXAT' or 'PX', ARGV[3])
if failed then return failed end
if before then redis.call('ZREM', entry(index, before, id)) end
return 1
`);

/** KEYS[1] the cell. ARGV: 1 the mark that is expected; 2 the caller's clock, or ''. Reply: 1 done, 0 it is another one. */
export const removeScript: Script = script(`${READ_CELL}
local head = redis.pcall('GETRANGE', key, 0, 18)
if type(head) == 'table' then return head end
if #head < 19 or sub(head, 2, 9) ~= expect then return 0 end
if ARGV[2] ~= '' and hasEnded(head, tonumber(ARGV[2])) then return 0 end
local user = userOf(head)
local deleted = redis.pcall('DEL', key)
if type(deleted) == 'table' then return deleted end
if user then
  local index, id = parts()
  redis.pcall('ZREM', entry(index, user, id))
end
return 1
`);

/** KEYS[1] what keys of slots begin with. ARGV: 1 the epoch; the others: slots. Reply: 1. */
export const fenceScript: Script = script(`
local epoch = tonumber(ARGV[1])
for n = 2, #ARGV do
  local key = KEYS[1] .. ARGV[n]
  local kept = redis.pcall('GET', key)
  if type(kept) == 'table' then return kept end
  if not kept or tonumber(kept) < epoch then
    local done = redis.pcall('SET', key, ARGV[1])
    if done.err then return done end
  end
end
return 1
`);

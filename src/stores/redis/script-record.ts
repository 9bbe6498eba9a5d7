/**
 * The Lua that all scripts begin with: the clock, filing in the user index, writing; and for those about sessions, reading one.
 *
 * It reads what value.ts and core/record.ts write, in the same order and with the same care: what ends too early, goes on too long or
 * is of another format is refused, and the reply begins with CORRUPT. Lua's numbers are 64-bit floats like ours, so every number is
 * exact. Parts that only travel are known by where they stand: in Redis' Lua, a string of 1 KB costs as much as ten of everything
 * else here, so the fewer are made the better.
 *
 * Every write is a `redis.pcall` whose error is the reply: since Redis 7 an error that `redis.call` throws carries the script's
 * name behind the message, before that it stood in front.
 */

/** For every script: the clock, the index, the writing. */
export const FILE_AND_PUT = `
local byte, char, sub = string.byte, string.char, string.sub
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

-- Milliseconds: the caller's clock if it has one, else the server's.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000 + floor(time[2] / 1000)
end

-- Until which second an entry of the index is kept: see filedUntil.
local function filedUntil(expiresAt)
  return (ceil(min(max(expiresAt, 0), 4503599627370496) / 1800000) + 1) * 1800
end

-- Where an entry of the index stands, and what it is: see userEntries.
local function entry(index, user, id)
  local hash = redis.sha1hex(user)
  return index .. sub(hash, 1, 3), sub(hash, 4, 11) .. id
end

-- Files an entry, or keeps it for longer. Those that are out of date go on the way, the whole set with its last entry.
local function file(bucket, member, till, now)
  local added = redis.pcall('ZADD', bucket, 'GT', till, member)
  if type(added) == 'table' then return added end
  redis.call('ZREMRANGEBYSCORE', bucket, '-inf', floor(now / 1000))
  local left = till * 1000 - now
  if redis.call('PTTL', bucket) < left then redis.call('PEXPIRE', bucket, ceil(left)) end
end

-- Writes the value. A key that was written has no reader any more that hears of changes; reading it once more keeps the near cache of
-- this connection told.
local function put(key, value, lifetime, ms)
  local done = redis.pcall('SET', key, value, lifetime, ms)
  if done.err then return done end
  redis.call('EXISTS', key)
end
`;

/** The same, and reading a session. */
export const READ_RECORD: string = `${FILE_AND_PUT}
local CORRUPT = 'CORRUPT it is torn, or not written by this store'

-- A count, seven bits a byte, low ones first: what it is, and where the next thing begins.
local function count(bytes, at)
  local total, unit, digit = 0, 1
  repeat
    digit = byte(bytes, at)
    total, unit, at = total + digit % 128 * unit, unit * 128, at + 1
  until digit < 128
  return total, at
end

-- A time of five bytes since 2024, or a float behind five bytes 0xff; and where the next thing begins.
local function time(bytes, at)
  local ms, behind = struct.unpack('<I5', bytes, at)
  if ms < 1099511627775 then return ms + 1704067200000, behind end
  return struct.unpack('<d', bytes, behind)
end

-- Everything in front of the fields. Fails for what is too short to hold it; what is longer shows when the fields are walked over.
local function read(value)
  local marks = byte(value, 1)
  local at = 4 + 6 * marks -- behind the check of the id
  local format, flags = byte(value, at, at + 1)
  if marks > 8 or format ~= 1 or flags > 127 then error('not ours') end
  local head, length, _ = { marks = marks, flags = flags, createdFrom = at + 2 }
  _, head.expiresFrom = time(value, at + 2)
  head.expiresAt, at = time(value, head.expiresFrom)
  head.version, at = count(value, at)
  head.generation, at = count(value, at)
  head.secretFrom = at
  if flags % 2 >= 1 then at = at + 1 + byte(value, at) end
  head.previousFrom = at
  if flags % 4 >= 2 then
    head.till, at = time(value, at)
    at = at + 1 + byte(value, at)
  end
  head.userFrom = at
  if flags % 16 >= 8 then
    length, at = count(value, at)
    head.user, at = sub(value, at, at + length - 1), at + length
  end
  head.signedInFrom = at
  if flags % 32 >= 16 then _, at = time(value, at) end
  head.sizeFrom = at
  head.size, head.fieldsFrom = count(value, at)
  return head
end
`;

/** Later than any deadline, and early enough for Redis to add it to the time. */
const LONGEST_MS = 2 ** 52;

/**
 * How long a session lives, as SET is told: until its deadline by the server's clock, or, where another clock is given, for as long as
 * that has to go. Redis drops a key when its time is over; we, when it is reached.
 */
export function lifetimeArguments(expiresAt: number, now: number | undefined): [option: string, ms: string] {
  const ms = now === undefined ? Math.ceil(expiresAt) - 1 : Math.ceil(expiresAt - now);
  return [now === undefined ? 'PXAT' : 'PX', String(Math.min(Math.max(ms, 1), LONGEST_MS))];
}

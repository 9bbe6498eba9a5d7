/**
 * The Lua that all scripts begin with: the clock, reading a value, filing a session in the user index.
 *
 * It reads what value.ts and core/record.ts write, in the same order and with the same care: what ends too early, goes on too long or
 * is of another format is refused, and the reply begins with CORRUPT. Parts that only travel (hashes, times) stay strings. Lua's
 * numbers are 64-bit floats like ours, so every number is exact.
 *
 * Every write is a `redis.pcall` whose error is the reply: since Redis 7 an error that `redis.call` throws carries the script's
 * name behind the message, before that it stood in front.
 */

export const READ_RECORD = `
local byte, char, sub = string.byte, string.char, string.sub
local floor, ceil, max, min = math.floor, math.ceil, math.max, math.min

-- Milliseconds: the caller's clock if it has one, else the server's.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return time[1] * 1000 + floor(time[2] / 1000)
end

-- A count: seven bits a byte, low ones first.
local function packed(count)
  local bytes = ''
  while count >= 128 do
    bytes = bytes .. char(count % 128 + 128)
    count = floor(count / 128)
  end
  return bytes .. char(count)
end

-- Everything in front of the fields. A length that points nowhere fails somewhere below, or at the end of the walk.
local function read(value)
  local session = { marks = byte(value, 1) }
  if session.marks > 8 then error('not ours') end
  local at = 2 + 6 * session.marks

  local function count()
    local total, unit, b = 0, 1
    repeat
      b = byte(value, at)
      at = at + 1
      total = total + b % 128 * unit
      unit = unit * 128
    until b < 128
    return total
  end
  local function bytes(length)
    at = at + length
    return sub(value, at - length, at - 1)
  end
  local function time()
    local ms = struct.unpack('<I5', value, at)
    if ms < 1099511627775 then return ms + 1704067200000, bytes(5) end
    return struct.unpack('<d', value, at + 5), bytes(13)
  end
  local function hash() return bytes(1 + byte(value, at)) end

  local format, flags = byte(value, at, at + 1)
  if format ~= 1 or flags > 127 then error('not ours') end
  at = at + 2
  session.flags = flags
  local _
  _, session.createdAt = time()
  session.expiresAt = time()
  session.version = count()
  session.generation = count()
  session.secret = flags % 2 >= 1 and hash() or ''
  session.previous = ''
  if flags % 4 >= 2 then
    local till, raw = time()
    session.till, session.previous = till, raw .. hash()
  end
  if flags % 16 >= 8 then session.user = bytes(count()) end
  session.signedInAt = ''
  if flags % 32 >= 16 then _, session.signedInAt = time() end
  session.size = count()

  -- Walks over the fields: visit(name, from, valueFrom, behind).
  function session.fields(visit)
    for _ = 1, session.size do
      local from = at
      local nameLength = byte(value, at)
      at = at + 1
      local valueLength = count()
      local nameFrom = at
      at = at + nameLength + valueLength
      visit(sub(value, nameFrom, nameFrom + nameLength - 1), from, at - valueLength, at)
    end
    if at ~= #value + 1 then error('torn') end
  end
  session.from = at
  return session
end

local CORRUPT = 'CORRUPT it is torn, or not written by this store'

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

-- Writes the value, to expire with its session: Redis drops a key when its time is over, we when it is reached. A key that was
-- written in a script has no reader any more; reading it once more keeps the near cache of this connection told.
local function put(key, value, expiresAt, now, given)
  local done
  if given ~= '' then
    done = redis.pcall('SET', key, value, 'PX', min(max(ceil(expiresAt - now), 1), 4503599627370496))
  else
    done = redis.pcall('SET', key, value, 'PXAT', min(max(ceil(expiresAt) - 1, 1), 4503599627370496))
  end
  if done.err then return done end
  redis.call('EXISTS', key)
end
`;

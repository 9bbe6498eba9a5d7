/**
 * Flask-Session's entries in Redis: a string with a lifetime, which both sides write. Through the application's own client, as
 * `redis()` does; reading is one call, and a write one script that looks at what is there.
 *
 * The value itself is compared, not a hash of it: a script has no other hash than SHA-1.
 */
import { doorOf } from '../../stores/redis/clients/door-of.js';
import type { RedisClient } from '../../stores/redis/clients/shapes.js';
import type { Reply } from '../../stores/redis/door.js';
import { run, type Script, script } from '../../stores/redis/script.js';
import { trouble } from '../../stores/redis/trouble.js';
import type { Entry, Shelf } from './shelf.js';

const NAME = 'flask-session in redis';

/** The value, and how many milliseconds it has left; -1 for ever. */
const readScript: Script = script(`
local value = redis.call('GET', KEYS[1])
if not value then return false end
return { value, redis.call('PTTL', KEYS[1]) }
`);

/** 1 whether something has to be there; 2 what; 3 what comes there; 4 for how many milliseconds. */
const swapScript: Script = script(`
local value = redis.call('GET', KEYS[1])
if ARGV[1] == '0' then
  if value then return 0 end
elseif value ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
return 1
`);

/** 1 whether it has to be one value; 2 which. */
const removeScript: Script = script(`
if ARGV[1] == '1' and redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
return redis.call('DEL', KEYS[1])
`);

const NOTHING = Buffer.alloc(0);

export function redisShelf(client: RedisClient, now: () => number): Shelf {
  const door = doorOf(client);
  const asked = async (operation: string, what: Script, key: string, args: readonly (string | Buffer)[]) => {
    try {
      return await run(door.send, what, key, args);
    } catch (error) {
      throw trouble(NAME, operation, error);
    }
  };
  return {
    name: NAME,
    async read(key) {
      const reply = await asked('load', readScript, key, []);
      return reply === null ? null : entryOf(reply, now());
    },
    async swap(key, entry, bytes, expiresAt) {
      const lifetime = String(Math.max(1, Math.ceil(expiresAt - now())));
      const args = [entry === null ? '0' : '1', bufferOf(entry?.bytes ?? NOTHING), bufferOf(bytes), lifetime];
      return (await asked('commit', swapScript, key, args)) === 1;
    },
    async remove(key, entry) {
      const args = [entry === undefined ? '0' : '1', bufferOf(entry?.bytes ?? NOTHING)];
      return (await asked('destroy', removeScript, key, args)) === 1;
    },
  };
}

function entryOf(reply: Reply, now: number): Entry {
  const [bytes, left] = reply as readonly [Buffer, number];
  return { bytes, expiresAt: left < 0 ? undefined : now + left, seen: undefined };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

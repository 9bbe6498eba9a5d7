/**
 * From the client that the user handed in to the one `Door` that the store speaks through.
 *
 * Clients are told by their members, never by `instanceof`: that would need their packages here, and fails when an application
 * has two copies of one. Whatever is not a client is refused at once, in the words of the mistake that was probably made. Whether the
 * client is connected is not asked here: many programs make their sessions first and connect after.
 */
import { failure } from '../../../errors.js';
import type { Door } from '../door.js';
import { type IoRedis, ioredisDoor } from './ioredis.js';
import { type NodeRedis, nodeRedisDoor } from './node-redis.js';
import type { RedisClient } from './shapes.js';

/**
 * The door for this client.
 *
 * - node-redis clients must be connected by their owner (`await client.connect()`): until then, and again after `close()`, every
 *   command is SOJOURN_STORE at once. ioredis and iovalkey connect by themselves, `lazyConnect` included; after `quit()` or
 *   `disconnect()` every command is SOJOURN_STORE.
 * - While a client has lost its server it queues commands and sends them later, or refuses them; both by its own settings. How long
 *   anybody waits is the guard's affair: nothing in here has a clock.
 * - node-redis throws an `error` event that nobody listens to, which ends the process at the first lost connection. The door listens
 *   to it, so that an outage of Redis cannot end the application; the errors themselves reach the application with the
 *   commands that fail by them. To log them, listen as well. ioredis does without.
 * - MOVED and ASK are the clients' own affair. A node-redis cluster is helped to find the replica of a crashed master: ./relearn.ts.
 */
export function doorOf(client: RedisClient): Door {
  const candidate: unknown = client;
  if (isIoRedis(candidate)) return ioredisDoor(candidate);
  if (isNodeRedis(candidate)) return nodeRedisDoor(candidate);
  throw failure('SOJOURN_OPTION', { option: 'client of redis()', wanted: WANTED, got: mistaken(candidate) });
}

const WANTED = 'must be a client of the package redis (5 or 6), ioredis (5 or 6) or iovalkey';

function isIoRedis(it: unknown): it is IoRedis {
  return (
    has(it, 'callBuffer', 'createBuiltinCommand') &&
    'status' in it &&
    typeof it.status === 'string' &&
    !('isPipeline' in it)
  );
}

function isNodeRedis(it: unknown): it is NodeRedis {
  return has(it, 'sendCommand', 'withTypeMapping', 'connect', 'on') && 'isOpen' in it && typeof it.isOpen === 'boolean';
}

/** What they gave us instead, and what they should do. Never the value: a URL has a password in it. */
function mistaken(it: unknown): string {
  if (typeof it === 'string' || it instanceof URL)
    return 'a URL; write createClient({ url }) of the package redis, await its connect(), and hand in the client';
  if (has(it, 'then')) return 'a promise; await it first';
  if (typeof it === 'function') return 'a class or function; hand in the client it makes';
  if (has(it, 'createClient')) return 'the package redis itself; call its createClient()';
  if (has(it, 'customCommand')) return 'a client of valkey-glide, which is not supported';
  if (has(it, 'release') && has(it, 'sendCommand')) return 'a leased client; hand in the sentinel client it came from';
  if (has(it, 'exec')) return 'a pipeline or transaction; hand in the client it came from';
  if (has(it, 'internal_send_command')) return 'a client of redis 3; install redis 6';
  if (has(it, 'executeIsolated')) return 'a client of redis 4; install redis 6';
  if (has(it, 'sendCommand')) return 'a client of an older interface (legacy mode, or redis before 5)';
  return it === null ? 'null' : Array.isArray(it) ? 'a list' : typeof it === 'object' ? 'some other object' : typeof it;
}

function has<N extends string>(it: unknown, ...methods: readonly N[]): it is Record<N, () => unknown> & object {
  if ((typeof it !== 'object' && typeof it !== 'function') || it === null) return false;
  return methods.every((name) => typeof (it as Record<string, unknown>)[name] === 'function');
}

/**
 * The right kind of link for the client that the user handed in.
 *
 * Clients are told apart by their members, as in clients/door-of.ts, which has refused by now whatever is none. A method of `Door`
 * was rejected: a door sends commands, and knows nothing of connections.
 */
import type { RedisClient } from './clients/shapes.js';
import type { Dialing } from './link.js';
import { ioredisDialing } from './link-ioredis.js';
import { nodeRedisDialing } from './link-node-redis.js';

export function dialingFor(client: RedisClient): Dialing {
  return 'callBuffer' in client ? ioredisDialing(client) : nodeRedisDialing(client);
}

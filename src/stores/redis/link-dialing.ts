/** The right kind of link for the client that the user handed in, told by its members like in clients/door-of.ts. */
import type { RedisClient } from './clients/shapes.js';
import type { Dialing } from './link.js';
import { ioredisDialing } from './link-ioredis.js';
import { nodeRedisDialing } from './link-node-redis.js';

export function dialingFor(client: RedisClient): Dialing {
  return 'callBuffer' in client ? ioredisDialing(client) : nodeRedisDialing(client);
}

/** The Redis store on real servers: the promises of every store, and its own. */
import { need } from '../../test/support/needs.js';
import { type RedisServer, startRedis } from '../../test/support/redis.js';
import { redisClients } from '../../test/support/redis-clients.js';
import { storeKit } from '../testing/store-kit.js';
import type { RedisClient } from './redis/clients/shapes.js';
import { redis } from './redis.js';

const mustHave = ['byUser', 'list'] as const;

const { describe, test } = need('redis');

describe('one server', () => {
  let made = 0;
  const kind = redisClients.single[0]!;
  let server: Promise<RedisServer> | undefined;
  let client: Promise<{ client: RedisClient }> | undefined;
  const connected = () => {
    server ??= startRedis();
    client ??= server.then((started) => kind.connect(started));
    return client;
  };
  storeKit(
    { describe, test },
    async ({ now }) => redis((await connected()).client, { now, prefix: `kit:${made++}:` }),
    {
      name: kind.name,
      mustHave,
      races: 50,
    },
  );
});

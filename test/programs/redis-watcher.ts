/**
 * A program that watches sessions in Redis, closes its own client, and has nothing more to do: it must end by itself.
 *
 * Arguments: the client's package, the URL.
 */
import { Redis as IoRedis } from 'ioredis';
import { Redis as IoValkey } from 'iovalkey';
import { createClient } from 'redis';
import { type RedisClient, redis } from '../../src/stores/redis.js';

const [name, url = ''] = process.argv.slice(2);

async function connected(): Promise<{ readonly client: RedisClient; close(): void }> {
  if (name === 'node-redis') {
    const client = createClient({ url });
    await client.connect();
    return { client, close: () => client.destroy() };
  }
  const client = name === 'ioredis' ? new IoRedis(url) : new IoValkey(url);
  return { client, close: () => client.disconnect() };
}

const { client, close } = await connected();
const store = redis(client);
const keepAlive = setInterval(() => {}, 1000);
await store.watch(
  {
    changed() {},
    deaf() {},
    heard() {
      console.log('watched');
      close();
      clearInterval(keepAlive);
    },
  },
  50,
);

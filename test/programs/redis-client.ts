/** The Redis client of a program: node-redis or ioredis, connected. */
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import type { RedisClient } from 'sojourn/redis';

export interface Connected {
  readonly client: RedisClient;
  close(): void;
}

export async function connected(name: string, url: string): Promise<Connected> {
  if (name.startsWith('ioredis')) {
    const client = new Redis(url);
    client.on('error', () => {});
    return { client, close: () => client.disconnect() };
  }
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  return { client, close: () => client.destroy() };
}

/**
 * Every Redis client that we support, over every kind of server it can talk to.
 *
 * One table, so that a test of the store is a test with each client: `for (const { name, connect } of redisClients.single)`. Clients are
 * made with the settings an application would use, and the tests that want others make their own. They are closed after the
 * test file; `close` closes one earlier.
 */
import * as ioredis6 from 'ioredis';
import * as ioredis5 from 'ioredis5';
import * as iovalkey from 'iovalkey';
import * as redis6 from 'redis';
import * as redis5 from 'redis5';
import type { RedisClient } from '../../src/stores/redis/clients/shapes.js';
import { removeLater } from './cleanup.js';
import type { RedisServer } from './redis.js';
import type { RedisCluster } from './redis-cluster.js';
import type { RedisSentinel } from './redis-sentinel.js';

export interface ConnectedClient {
  readonly client: RedisClient;
  /** At once, with commands under way if there are any. Idempotent. */
  close(): Promise<void>;
}

export interface ClientKind<Server> {
  /** As in `node-redis 6` or `ioredis 5 (RESP2)`: unique in its list. */
  readonly name: string;
  /** A client that is connected and ready. */
  connect(server: Server): Promise<ConnectedClient>;
}

export const redisClients: {
  readonly single: readonly ClientKind<Pick<RedisServer, 'url'>>[];
  readonly cluster: readonly ClientKind<RedisCluster>[];
  readonly sentinel: readonly ClientKind<RedisSentinel>[];
} = {
  single: [
    { name: 'node-redis 6', connect: ({ url }) => nodeRedis(redis6.createClient({ url })) },
    { name: 'node-redis 6 (RESP2)', connect: ({ url }) => nodeRedis(redis6.createClient({ url, RESP: 2 })) },
    { name: 'node-redis 6 pool', connect: ({ url }) => nodeRedis(redis6.createClientPool({ url })) },
    { name: 'node-redis 5', connect: ({ url }) => nodeRedis(redis5.createClient({ url })) },
    { name: 'node-redis 5 (RESP3)', connect: ({ url }) => nodeRedis(redis5.createClient({ url, RESP: 3 })) },
    { name: 'node-redis 5 pool', connect: ({ url }) => nodeRedis(redis5.createClientPool({ url })) },
    { name: 'ioredis 6', connect: ({ url }) => ioRedis(new ioredis6.Redis(url)) },
    { name: 'ioredis 6 (RESP2)', connect: ({ url }) => ioRedis(new ioredis6.Redis(url, { protocol: 2 })) },
    { name: 'ioredis 5', connect: ({ url }) => ioRedis(new ioredis5.Redis(url)) },
    { name: 'iovalkey', connect: ({ url }) => ioRedis(new iovalkey.Redis(url)) },
  ],
  cluster: [
    {
      name: 'node-redis 6',
      connect: (cluster) => nodeRedis(redis6.createCluster({ rootNodes: urls(cluster) })),
    },
    {
      name: 'node-redis 5',
      connect: (cluster) => nodeRedis(redis5.createCluster({ rootNodes: urls(cluster) })),
    },
    { name: 'ioredis 6', connect: (cluster) => ioRedis(new ioredis6.Cluster(hosts(cluster.nodes))) },
    { name: 'ioredis 5', connect: (cluster) => ioRedis(new ioredis5.Cluster(hosts(cluster.nodes))) },
    { name: 'iovalkey', connect: (cluster) => ioRedis(new iovalkey.Cluster(hosts(cluster.nodes))) },
  ],
  sentinel: [
    {
      name: 'node-redis 6',
      connect: ({ name, sentinels }) => nodeRedis(redis6.createSentinel({ name, sentinelRootNodes: hosts(sentinels) })),
    },
    {
      name: 'node-redis 5',
      connect: ({ name, sentinels }) => nodeRedis(redis5.createSentinel({ name, sentinelRootNodes: hosts(sentinels) })),
    },
    {
      name: 'ioredis 6',
      connect: ({ name, sentinels }) => ioRedis(new ioredis6.Redis({ name, sentinels: hosts(sentinels) })),
    },
    {
      name: 'ioredis 5',
      connect: ({ name, sentinels }) => ioRedis(new ioredis5.Redis({ name, sentinels: hosts(sentinels) })),
    },
    {
      name: 'iovalkey',
      connect: ({ name, sentinels }) => ioRedis(new iovalkey.Redis({ name, sentinels: hosts(sentinels) })),
    },
  ],
};

/** One of each kind on one server: for tests that are long, and alike for all the others. */
export const twoKinds: readonly ClientKind<Pick<RedisServer, 'url'>>[] = redisClients.single.filter(({ name }) =>
  ['node-redis 6', 'ioredis 6'].includes(name),
);

const urls = (cluster: RedisCluster) => cluster.nodes.map(({ url }) => ({ url }));

const hosts = (servers: readonly RedisServer[]) => servers.map(({ port }) => ({ host: '127.0.0.1', port }));

type NodeRedis = RedisClient & {
  readonly isOpen: boolean;
  on(event: 'error', listener: () => void): unknown;
  connect(): Promise<unknown>;
  destroy(): unknown;
};

async function nodeRedis(client: NodeRedis): Promise<ConnectedClient> {
  client.on('error', () => {}); // as its documentation asks of every application
  await client.connect();
  return closable(client, () => {
    if (client.isOpen) return client.destroy();
  });
}

type IoRedis = RedisClient & {
  readonly status: string;
  on(event: 'error', listener: () => void): unknown;
  once(event: 'ready' | 'end', listener: () => void): unknown;
  disconnect(): void;
};

async function ioRedis(client: IoRedis): Promise<ConnectedClient> {
  client.on('error', () => {});
  if (client.status !== 'ready') await new Promise<void>((resolve) => client.once('ready', resolve));
  return closable(client, () => client.disconnect());
}

function closable(client: RedisClient, end: () => unknown): ConnectedClient {
  const close = async () => {
    await end();
  };
  removeLater({ remove: close, removeNow: () => {} });
  return { client, close };
}

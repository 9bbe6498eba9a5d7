/**
 * What this store needs to see of a user's client, as types of our own.
 *
 * Importing the packages' types would make three optional packages necessary for every TypeScript user, and would tie us to one
 * major version of each. So a client is whatever has these members: enough to tell clients from URLs, promises and leases at compile
 * time. How the members are called is known to ./node-redis.ts and ./ioredis.ts alone.
 */

/** The user's own client: of `redis` (node-redis) 5 or 6, of `ioredis` 5 or 6, or of `iovalkey`; one server, cluster or sentinel. */
export type RedisClient = NodeRedisClient | IoRedisClient;

/** `createClient()`, `createClientPool()`, `createCluster()` or `createSentinel()` of the package redis. */
export interface NodeRedisClient {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  sendCommand(...args: never[]): Promise<unknown>;
  withTypeMapping(...args: never[]): unknown;
}

/** `new Redis()` or `new Cluster()` of the package ioredis or iovalkey. */
export interface IoRedisClient {
  readonly status: string;
  callBuffer(...args: never[]): Promise<unknown>;
  createBuiltinCommand(...args: never[]): { buffer: unknown };
}

/** A client of the package memcached, which has no types, with settings that an application would choose. */
import { createRequire } from 'node:module';
import type { MemcachedClient } from 'sojourn/memcached';

export interface ClientOptions {
  readonly [option: string]: number | boolean | string;
}
export type ClosableClient = MemcachedClient & { end(): void; readonly servers: readonly string[] };

const Memcached = createRequire(import.meta.url)('memcached') as new (
  servers: string | readonly string[],
  options?: ClientOptions,
) => ClosableClient;

const quick = { timeout: 500, retries: 1, retry: 200, reconnect: 200, minTimeout: 50, maxTimeout: 200, failures: 1000 };

/** Close it with `end`. */
export function memcachedAt(servers: string | readonly string[], options: ClientOptions = {}): ClosableClient {
  return new Memcached(servers, { ...quick, ...options });
}

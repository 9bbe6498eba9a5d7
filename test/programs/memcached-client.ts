/** A client of the package memcached, with settings that an application would choose. */
import Memcached from 'memcached';

export type ClientOptions = Memcached.options;

const quick = {
  timeout: 10_000,
  retries: 1,
  retry: 200,
  reconnect: 200,
  minTimeout: 50,
  maxTimeout: 200,
  failures: 1000,
};

/** Close it with `end`. */
export function memcachedAt(servers: string | readonly string[], options: ClientOptions = {}): Memcached {
  return new Memcached(servers as Memcached.Location, { ...quick, ...options });
}

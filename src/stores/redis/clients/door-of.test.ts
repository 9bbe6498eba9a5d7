/** Mistakes at the door: what people hand in instead of a client, and what they are told. */
import * as ioredis6 from 'ioredis';
import * as redis6 from 'redis';
import * as redis5 from 'redis5';
import { describe, expect, test } from 'vitest';
import { doorOf } from './door-of.js';
import type { RedisClient } from './shapes.js';

const lazy = { lazyConnect: true };

const mistakes: Record<string, [unknown, RegExp]> = {
  nothing: [undefined, /got undefined/],
  null: [null, /got null/],
  'a URL as text': ['redis://:s3cret@host', /got a URL; write createClient\(\{ url \}\)/],
  'a URL': [new URL('redis://:s3cret@host'), /got a URL; write createClient/],
  'a promise of a client': [Promise.resolve(redis6.createClient()), /got a promise; await it first/],
  'the options of a client': [{ url: 'redis://:s3cret@host' }, /got some other object/],
  'a list of nodes': [[{ port: 6379 }], /got a list/],
  'the package': [redis6, /got the package redis itself; call its createClient\(\)/],
  'a class': [ioredis6.Redis, /got a class or function; hand in the client it makes/],
  'a legacy client': [redis6.createClient().legacy(), /got a client of an older interface/],
  'a transaction': [redis6.createClient().multi(), /got a pipeline or transaction/],
  'an ioredis pipeline': [new ioredis6.Redis(lazy).pipeline(), /got a pipeline or transaction/],
  'a client of redis 4': [
    { sendCommand() {}, executeIsolated() {}, isOpen: true },
    /got a client of redis 4; install redis 6/,
  ],
  'a client of redis 3': [
    { internal_send_command() {}, send_command() {} },
    /got a client of redis 3; install redis 6/,
  ],
  'a client of valkey-glide': [{ customCommand() {} }, /got a client of valkey-glide, which is not supported/],
  'a lease of a sentinel client': [{ sendCommand() {}, withTypeMapping() {}, release() {} }, /got a leased client/],
};

describe('what is not a client is refused in the words of the mistake', () => {
  for (const [what, [value, message]] of Object.entries(mistakes)) {
    test(what, () => {
      const opening = () => doorOf(value as RedisClient);
      expect(opening).toThrow(message);
      expect(opening).toThrow(/^Option client of redis\(\): must be a client of the package redis \(5 or 6\), ioredis/);
      expect(opening).not.toThrow(/s3cret/);
      expect(opening).toThrow(expect.objectContaining({ code: 'SOJOURN_OPTION' }));
    });
  }
});

describe('settings that would make sessions wrong are refused', () => {
  const clients: Record<string, [RedisClient, RegExp]> = {
    'ioredis keyPrefix': [
      new ioredis6.Redis({ ...lazy, keyPrefix: 'app:' }),
      /without keyPrefix: name the prefix as an option/,
    ],
    'ioredis stringNumbers': [new ioredis6.Redis({ ...lazy, stringNumbers: true }), /without stringNumbers/],
    'a keyPrefix for the nodes of a cluster': [
      new ioredis6.Cluster([{ port: 1 }], { ...lazy, redisOptions: { keyPrefix: 'app:' } }),
      /without keyPrefix/,
    ],
    'reads from replicas': [
      new ioredis6.Cluster([{ port: 1 }], { ...lazy, scaleReads: 'slave' }),
      /without scaleReads: a session read from a replica may be older/,
    ],
    'node-redis keyPrefix': [redis6.createClient({ keyPrefix: 'app:' }), /without keyPrefix/],
    'node-redis keyPrefix of a pool': [redis6.createClientPool({ keyPrefix: 'app:' }), /without keyPrefix/],
    'node-redis keyPrefix of a cluster': [
      redis6.createCluster({ rootNodes: [], keyPrefix: 'app:' }),
      /without keyPrefix/,
    ],
    'node-redis keyPrefix of a sentinel client': [
      redis6.createSentinel({ name: 'm', sentinelRootNodes: [], keyPrefix: 'app:' }),
      /without keyPrefix/,
    ],
  };
  for (const [what, [client, message]] of Object.entries(clients)) {
    test(what, () => {
      expect(() => doorOf(client)).toThrow(message);
    });
  }
});

test('a client seen through a mapping of the application is a client all the same', () => {
  expect(doorOf(redis6.createClient().withTypeMapping({})).client).toBe('node-redis');
  expect(doorOf(redis5.createClient().withTypeMapping({})).client).toBe('node-redis');
});

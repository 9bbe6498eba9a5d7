/**
 * What the stores say of themselves in the README's table, held against the stores: their abilities, and the commands that a network sees.
 * No server is asked: clients are made and not connected.
 */
import { readdirSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { createClient } from 'redis';
import type { Store } from 'sojourn';
import { expect, test } from 'vitest';
import { facts as fileFacts } from '../src/stores/file/facts.js';
import { file } from '../src/stores/file.js';
import { facts as lmdbFacts } from '../src/stores/lmdb/facts.js';
import { lmdb } from '../src/stores/lmdb.js';
import { facts as memcachedFacts } from '../src/stores/memcached/facts.js';
import { memcached } from '../src/stores/memcached.js';
import { facts as memoryFacts } from '../src/stores/memory/facts.js';
import { memory } from '../src/stores/memory.js';
import { facts as mongoFacts } from '../src/stores/mongodb/facts.js';
import { mongodb } from '../src/stores/mongodb.js';
import { facts as noneFacts } from '../src/stores/none/facts.js';
import { none } from '../src/stores/none.js';
import { facts as redisFacts } from '../src/stores/redis/facts.js';
import { redis } from '../src/stores/redis.js';
import { facts as sqlFacts } from '../src/stores/sql/facts.js';
import { sql } from '../src/stores/sql.js';
import { memcachedAt } from './programs/memcached-client.js';
import { sqlClient } from './programs/sql-client.js';
import { tempFolder } from './support/temp.js';

const abilities = ['byUser', 'list', 'sweep', 'watch', 'listen', 'cells'] as const;

const stores = [
  [memoryFacts, () => memory()],
  [lmdbFacts, () => lmdb(tempFolder())],
  [fileFacts, () => file(tempFolder())],
  [redisFacts, () => redis(createClient())],
  [sqlFacts, () => sql(sqlClient('sqlite::memory:').db)],
  [mongoFacts, () => mongodb(new MongoClient('mongodb://127.0.0.1:1').db().collection('s'))],
  [memcachedFacts, () => memcached(memcachedAt('127.0.0.1:1'))],
  [noneFacts, () => none()],
] as const;

test.each(stores.map(([facts, open]) => [facts.name, facts, open] as const))(
  '%s can what it says it can, and no more',
  (name, facts, open) => {
    const store: Store = open();
    expect(store.name).toBe(name);
    expect(abilities.filter((ability) => ability in store && Reflect.get(store, ability) !== undefined)).toEqual(
      facts.can,
    );
  },
);

test('every store is in the table', () => {
  const folders = readdirSync('src/stores', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(stores.map(([{ name }]) => name).sort());
});

/** The places that several processes share, each with the condition under which it can be tried: what promises of all stores are tested on. */
import { databases } from './databases.js';
import { exam } from './exam.js';
import { startMemcached } from './memcached.js';
import { mongoConditions, startMongo } from './mongo.js';
import { type Conditional, need, skipUnless } from './needs.js';
import { startRedis } from './redis.js';
import { tempFolder } from './temp.js';

export interface SharedPlace {
  readonly name: string;
  readonly when: Conditional;
  /** Starts it, the first time, and resolves with the address that test/programs/place.ts understands. */
  address(): Promise<string>;
}

const all: readonly SharedPlace[] = [
  { name: 'LMDB', when: skipUnless(true, ''), address: async () => `lmdb:${tempFolder('lmdb')}` },
  { name: 'Redis', when: need('redis'), address: async () => (await startRedis()).url },
  { name: 'files', when: skipUnless(true, ''), address: async () => `file:${tempFolder('file')}` },
  {
    name: 'memcached',
    when: need('memcached'),
    address: async () => `memcached://${(await startMemcached()).address}`,
  },
  { name: 'MongoDB', when: mongoConditions, address: startMongo },
  ...databases.map(({ name, when, start }) => ({ name, when, address: async () => (await start()).url })),
];

/** LMDB and Redis have tests of their own; here they only complete the long form's table. */
export const places: readonly SharedPlace[] = exam
  ? all
  : all.filter(({ name }) => name !== 'LMDB' && name !== 'Redis');

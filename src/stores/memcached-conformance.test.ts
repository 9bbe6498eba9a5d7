/** The promises of every store, over a real memcached. */
import { runs } from '../../test/support/exam.js';
import { type MemcachedServer, memcachedClient, startMemcached } from '../../test/support/memcached.js';
import { need } from '../../test/support/needs.js';
import { storeKit } from '../testing/store-kit.js';
import { memcached } from './memcached.js';

const { describe, test } = need('memcached');

let server: Promise<MemcachedServer> | undefined;
let client: ReturnType<typeof memcachedClient> | undefined;
let prefixes = 0;

storeKit(
  { describe, test },
  async ({ now }) => {
    server ??= startMemcached();
    client ??= memcachedClient((await server).address);
    return memcached(client, { prefix: `kit${prefixes++}:`, now });
  },
  { name: 'memcached', races: runs(25, 200), parallel: runs(40, 100), largestValueBytes: 500_000 },
);

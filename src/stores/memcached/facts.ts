/**
 * What this store says of itself in the README's table.
 *
 * It may forget at any time, which its type says as well.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'memcached',
  needs: 'memcached; your client of `memcached` 2',
  sharedBy: 'all machines',
  can: [],
  trips: { open: 1, save: 2 },
  atomicBy: '`cas`',
  loses: { crash: 'nothing, but **memcached itself may drop any session at any time**', powerCut: 'everything' },
};

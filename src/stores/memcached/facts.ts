/** What the store says of itself in the README's table (../facts.ts says what each line means). `node scripts/store-table.js --write` after a change. */
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

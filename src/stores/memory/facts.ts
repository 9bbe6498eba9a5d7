/**
 * What this store says of itself in the README's table.
 *
 * Nothing is shared and nothing is kept: for tests, for development, and for one server that may forget.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'memory',
  needs: 'nothing',
  sharedBy: 'one process',
  can: ['byUser', 'list', 'sweep', 'cells'],
  trips: { open: 0, save: 0 },
  atomicBy: 'one thread',
  loses: { crash: 'everything', powerCut: 'everything' },
};

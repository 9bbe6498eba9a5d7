/**
 * What this store says of itself in the README's table.
 *
 * It keeps nothing, and says so to the first who writes.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'none',
  needs: 'nothing',
  sharedBy: 'nobody',
  can: [],
  trips: { open: 0, save: 0 },
  atomicBy: 'refusing all writes',
  loses: { crash: 'nothing', powerCut: 'nothing' },
};

/**
 * What this store says of itself in the README's table.
 *
 * One round trip for a save: what a change expects is the filter of an update.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'mongodb',
  needs: 'MongoDB 4.4 or later; a collection of your client of `mongodb` 6 or 7',
  sharedBy: 'all machines',
  can: ['byUser', 'list', 'sweep'],
  trips: { open: 1, save: 1 },
  atomicBy: 'one update whose filter is what the change expects',
  loses: { crash: 'nothing', powerCut: 'what your write concern lets it lose' },
};

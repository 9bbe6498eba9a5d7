/**
 * What this store says of itself in the README's table.
 *
 * The one to begin with: no server, and quicker than anything behind a network.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'lmdb',
  needs: 'the package `lmdb` (comes along)',
  sharedBy: 'all processes of one machine',
  can: ['byUser', 'list', 'sweep', 'cells'],
  trips: { open: 0, save: 0 },
  atomicBy: "a conditional put in LMDB's transaction",
  loses: { crash: 'nothing', powerCut: 'nothing (`durable: false`: the last second, at worst the file)' },
};

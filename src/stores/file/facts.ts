/**
 * What this store says of itself in the README's table.
 *
 * For where no binary may be installed, and for who wants to look. LMDB is quicker.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'file',
  needs: 'nothing; a local file system with hard links',
  sharedBy: 'all processes of one machine',
  can: ['byUser', 'list', 'sweep'],
  trips: { open: 0, save: 0 },
  atomicBy: 'a lock by hard link, then a rename',
  loses: { crash: 'nothing', powerCut: 'nothing (`durable: false`: the last seconds)' },
};

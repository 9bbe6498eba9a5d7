/** What the store says of itself in the README's table (../facts.ts says what each line means). `node scripts/store-table.js --write` after a change. */
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

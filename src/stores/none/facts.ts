/** What the store says of itself in the README's table (../facts.ts says what each line means). `node scripts/store-table.js --write` after a change. */
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

/** What the store says of itself in the README's table (../facts.ts says what each line means). `node scripts/store-table.js --write` after a change. */
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

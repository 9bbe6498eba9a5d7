/** What the store says of itself in the README's table (../facts.ts says what each line means). `node scripts/store-table.js --write` after a change. */
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

/** What the store says of itself in the README's table (../facts.ts says what each line means). `node scripts/store-table.js --write` after a change. */
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

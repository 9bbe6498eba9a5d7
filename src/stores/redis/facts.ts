/** What the store says of itself in the README's table (../facts.ts says what each line means). `node scripts/store-table.js --write` after a change. */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'redis',
  needs: 'Redis 6.2 or later, or Valkey; your client of `redis` 5 or 6, `ioredis` 5 or 6, or `iovalkey`',
  sharedBy: 'all machines',
  can: ['byUser', 'list', 'watch', 'listen', 'cells'],
  trips: { open: 1, save: 1 },
  atomicBy: 'one script on the server',
  loses: { crash: 'nothing', powerCut: 'what Redis has not written to its own disk: see its `appendfsync`' },
};

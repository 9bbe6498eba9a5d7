/**
 * What this store says of itself in the README's table.
 *
 * The one store whose changes are heard, and so the one for a near cache.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
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

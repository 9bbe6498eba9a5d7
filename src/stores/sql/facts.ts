/**
 * What this store says of itself in the README's table.
 *
 * Two round trips for a save: one to read the row, one to replace it if it is still the same.
 *
 * What each line means stands in ../facts.ts. After a change: `node scripts/store-table.js --write`.
 */
import type { StoreFacts } from '../facts.js';

export const facts: StoreFacts = {
  name: 'sql',
  needs: 'PostgreSQL, MariaDB or MySQL, or SQLite; your instance of `kysely` 0.28 or 0.29',
  sharedBy: 'all machines (SQLite: one)',
  can: ['byUser', 'list', 'sweep', 'cells'],
  trips: { open: 1, save: 2 },
  atomicBy: 'an update of the row whose mark was read',
  loses: { crash: 'nothing', powerCut: "what the database's own settings let it lose" },
};

/**
 * A transaction that is tried again when the database asks for it.
 *
 * PostgreSQL ends one of two transactions that wait for each other, and SQLite one that waited too long for its turn.
 * Neither is anybody's fault, and nothing of it was written; running the whole once more is what both manuals advise.
 */
import type { Database } from './schema.js';

const ATTEMPTS = 4;
/** PostgreSQL: serialization_failure, deadlock_detected. SQLite: another process held the write lock. */
const WORTH_RETRYING: ReadonlySet<unknown> = new Set(['40001', '40P01', 'SQLITE_BUSY']);

export async function transact<R>(db: Database, work: (tx: Database) => Promise<R>): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (attempt === ATTEMPTS || !WORTH_RETRYING.has((error as { code?: unknown }).code)) throw error;
    }
  }
}

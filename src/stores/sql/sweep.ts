/**
 * Removing what has expired, a bounded number of rows at a time.
 *
 * First the ids are read, then the rows are deleted by id if they are still expired: MySQL takes no limit inside a subquery, and
 * a touch in between must win. Each delete is a transaction of its own, and locks no row that lives.
 *
 * After each batch the sweep rests for as long as the batch took: what commits wait for is not locks but the machine, and on SQLite, whose
 * waiting writers look again at lengthening intervals, a sweep without rests hardly ever lets another process in (docs/decisions/0014).
 */
import { performance } from 'node:perf_hooks';
import { pause } from '../../core/environment.js';
import type { Db } from './tables.js';
import { patiently } from './trouble.js';

/** Rows that one statement deletes: a few milliseconds, for which SQLite's other writers wait. */
const ROWS_AT_ONCE = 50;
/** A rest is never longer, whatever a batch waited for. */
const LONGEST_REST_MS = 100;

/** Removes at most `limit` rows. Returns how many. */
export async function sweep(db: Db, table: 'sessions' | 'cells', limit: number, nowMs: number): Promise<number> {
  const now = Math.floor(nowMs);
  let removed = 0;
  while (removed < limit) {
    const begun = performance.now();
    const most = Math.min(limit - removed, ROWS_AT_ONCE);
    const due = db.selectFrom(table).select('id').where('expires_at', '<=', now).orderBy('expires_at').limit(most);
    const ids = (await patiently(() => due.execute())).map(({ id }) => id);
    if (ids.length === 0) break;
    const drop = db.deleteFrom(table).where('id', 'in', ids).where('expires_at', '<=', now);
    removed += Number((await patiently(() => drop.executeTakeFirst())).numDeletedRows);
    if (ids.length < most) break;
    const restMs = Math.min(performance.now() - begun, LONGEST_REST_MS);
    await pause(restMs, restMs);
  }
  return removed;
}

/**
 * Removing what has expired, a bounded number of rows at a time.
 *
 * First the ids are read, then the rows are deleted by id if they are still expired: MySQL takes no limit inside a subquery, and
 * a touch in between must win. Each delete is a transaction of its own, and locks no row that lives.
 *
 * A sweep works a fifth of the time and rests for the others. On PostgreSQL and MariaDB commits wait for no lock of it, but want the machine. On SQLite
 * they wait for the one writer, and look again at lengthening intervals. There, too, whoever commits when the log has 1000 pages moves them into the
 * file: so a sweep moves its own. Without either, one commit in 260 beside it took more than 50 ms; with both, one in 6,500
 * (docs/decisions/0019-sweeps-rest.md).
 */
import { performance } from 'node:perf_hooks';
import { pause } from '../../core/environment.js';
import type { Dialect } from './dialect.js';
import { run } from './raw.js';
import type { Db } from './tables.js';
import { patiently } from './trouble.js';

/** Rows that one statement deletes: a few milliseconds, for which SQLite's other writers wait. */
const ROWS_AT_ONCE = 50;
/** Rests, as many times as long as the batch before. */
const REST = 4;
/** Whatever a batch waited for. */
const LONGEST_REST_MS = 100;

/** Removes at most `limit` rows. Returns how many. `isOver`: nobody wants it any more. */
export async function sweep(
  db: Db,
  table: 'sessions' | 'cells',
  { limit, now: nowMs, isOver }: { readonly limit: number; readonly now: number; isOver(): boolean },
): Promise<number> {
  const now = Math.floor(nowMs);
  let removed = 0;
  while (removed < limit && !isOver()) {
    const begun = performance.now();
    const most = Math.min(limit - removed, ROWS_AT_ONCE);
    const due = db.selectFrom(table).select('id').where('expires_at', '<=', now).orderBy('expires_at').limit(most);
    const ids = (await patiently(() => due.execute())).map(({ id }) => id);
    if (ids.length === 0) break;
    const drop = db.deleteFrom(table).where('id', 'in', ids).where('expires_at', '<=', now);
    removed += Number((await patiently(() => drop.executeTakeFirst())).numDeletedRows);
    if (ids.length < most) break;
    const restMs = Math.min((performance.now() - begun) * REST, LONGEST_REST_MS);
    await pause(restMs, restMs);
  }
  return removed;
}

/** On SQLite: moves what a sweep has left in the write-ahead log. Where there is none, or somebody reads at the moment, nothing happens. */
export async function settle(db: Db, dialect: Dialect): Promise<void> {
  if (dialect.kind !== 'sqlite') return;
  await run(db, dialect, 'pragma wal_checkpoint(passive)').catch(() => undefined);
}

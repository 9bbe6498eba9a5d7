/**
 * Walks in pages: over the index entries of one user, and over all keys of one server.
 *
 * Between pages nothing is held, here or in Redis, so a walk may be left at any time. SCAN and ZSCAN, since KEYS and a whole set
 * at once stop the server for everybody; the price is that what moves meanwhile may come twice.
 */
import type { Argument, Reply } from './door.js';
import type { UserEntries } from './keys.js';

/** How many keys or entries a walk asks for at a time, about. */
const PAGE = 200;

type Ask = (page: readonly Argument[]) => Promise<Reply>;

/** The ids in the entries of a user, or of one who shares hash and bucket. Some may come twice. */
export async function* entriesOf(ask: Ask, { bucket, mark }: UserEntries): AsyncGenerator<readonly string[], void> {
  for (let cursor = '0'; ; ) {
    const reply = await ask(['ZSCAN', bucket, cursor, 'MATCH', `${mark}*`, 'COUNT', String(PAGE)]);
    const [next, entries] = reply as readonly [Buffer, readonly Buffer[]];
    // Entries and scores take turns.
    yield entries.filter((_, i) => i % 2 === 0).map((entry) => entry.subarray(mark.length).toString());
    cursor = String(next);
    if (cursor === '0') return;
  }
}

/**
 * The keys of strings that begin so. While keys come and go one may come twice: SCAN says no more than that none is missed that was
 * there throughout.
 */
export async function* keysOf(ask: Ask, begin: string): AsyncGenerator<readonly string[], void> {
  for (let cursor = '0'; ; ) {
    const reply = await ask(['SCAN', cursor, 'MATCH', `${begin}*`, 'COUNT', String(PAGE), 'TYPE', 'string']);
    const [next, found] = reply as readonly [Buffer, readonly Buffer[]];
    yield found.map((key) => key.toString());
    cursor = String(next);
    if (cursor === '0') return;
  }
}

/**
 * Cells in a table beside the sessions, replaced by updates that name the mark they expect (../sql.ts).
 *
 * A write under a fence reads the slot's row in the same statement and keeps it locked until it is done: whoever closes the slot
 * waits for it, and who comes later sees it closed. For this every slot has a row from the start; a row that is not there
 * cannot be locked. SQLite has one writer at a time and needs no lock.
 */
import type { Cell, Cells, Fence, Replaced } from '../../contract.js';
import { checkFence, packCell, unpackCell } from '../../core/cell.js';
import { failure } from '../../errors.js';
import type { Dialect } from './dialect.js';
import { quoted, run } from './raw.js';
import { sweep } from './sweep.js';
import { bytesOf, type Db, filedAt, isId, type Key, markText, type Row, type TableNames, userKey } from './tables.js';
import { isTwice, isUndone, patiently } from './trouble.js';

export interface SqlCellsOptions {
  readonly store: string;
  readonly db: Db;
  readonly dialect: Dialect;
  readonly names: TableNames;
  now(): number;
  /** Runs what talks to the database, and makes an error of ours of its errors. */
  asking<T>(operation: string, ask: () => Promise<T>): Promise<T>;
}

/** How often a cell may come or go between a try and the look at what stood in its way. */
const TRIES = 8;
const SLOTS_AT_ONCE = 1024;
const PAGE = 500;
const OK: Replaced = { status: 'ok' };

/** What a write finds in the place that it is meant for: that mark, nothing, or a cell whose time is over. */
type Expected = { readonly mark: Key } | 'expired';

export class SqlCells implements Cells {
  readonly #options: SqlCellsOptions;
  readonly #table: string;
  readonly #fences: string;

  constructor(options: SqlCellsOptions) {
    this.#options = options;
    this.#table = quoted(options.dialect.kind, options.names.cells);
    this.#fences = quoted(options.dialect.kind, options.names.fences);
  }

  async read(id: string): Promise<Cell | null> {
    const record = await this.#options.asking('cells.read', () => this.#find(id));
    return record && this.#live(unpackCell(record, id));
  }

  replace(id: string, expect: Uint8Array | null, next: Cell, fence?: Fence): Promise<Replaced> {
    return this.#options.asking('cells.replace', async () => {
      if (!isId(id)) throw this.#failed('cells.replace', 'an id of a cell has 1 to 512 bytes of text without NUL');
      const row = this.#rowOf(id, next);
      for (let attempt = 0; attempt < TRIES; attempt++) {
        if (await this.#put(row, expect, fence)) return OK;
        const answer = await this.#refusal(id, expect, next, fence);
        if (answer !== null) return answer;
      }
      throw this.#failed('cells.replace', 'the cell came and went again and again');
    });
  }

  async remove(id: string, expect: Uint8Array): Promise<boolean> {
    const { db, dialect, names, asking } = this.#options;
    if (!isId(id)) return false;
    const drop = db.deleteFrom(names.cells).where('id', '=', dialect.key(id)).where('expires_at', '>', this.#now());
    const own = drop.where('mark', '=', dialect.key(markText(expect)));
    return asking('cells.remove', () =>
      this.#certainly(async () => (await own.executeTakeFirst()).numDeletedRows > 0n),
    );
  }

  async fence(slots: readonly number[], epoch: number): Promise<void> {
    checkFence(slots, epoch);
    const { db, names, asking } = this.#options;
    const all = [...new Set(slots)].sort((a, b) => a - b);
    for (let from = 0; from < all.length; from += SLOTS_AT_ONCE) {
      const close = db.updateTable(names.fences).set({ epoch }).where('epoch', '<', epoch);
      const some = close.where('slot', 'in', all.slice(from, from + SLOTS_AT_ONCE));
      await asking('cells.fence', () => patiently(() => some.execute()));
    }
  }

  byUser(user: string): AsyncIterableIterator<string> {
    return this.#walk('cells.byUser', this.#options.dialect.key(userKey(user)));
  }

  ids(): AsyncIterableIterator<string> {
    return this.#walk('cells.ids');
  }

  sweep(limit: number, isOver: () => boolean): Promise<number> {
    const { db, names, asking } = this.#options;
    return asking('sweep', () => sweep(db, names.cells, { limit, now: this.#now(), isOver }));
  }

  /** Throws unless the tables are there. */
  async check(): Promise<void> {
    const { db, names, asking } = this.#options;
    await this.read('check');
    const slot = await asking('check', () => db.selectFrom(names.fences).select('slot').limit(1).executeTakeFirst());
    if (slot === undefined) throw this.#failed('check', 'its table of fences is empty: run sqlMigration().up(db)');
  }

  // Reading

  async #find(id: string): Promise<Buffer | null> {
    if (!isId(id)) return null;
    const { db, dialect, names } = this.#options;
    const query = db.selectFrom(names.cells).select('record').where('id', '=', dialect.key(id));
    const row = await patiently(() => query.executeTakeFirst());
    return row === undefined ? null : bytesOf(row.record);
  }

  #live(cell: Cell): Cell | null {
    return cell.keepUntil <= this.#options.now() ? null : cell;
  }

  /** Why nothing was written; null when nothing that is there now would have been in the way. */
  async #refusal(id: string, expect: Uint8Array | null, next: Cell, fence?: Fence): Promise<Replaced | null> {
    const record = await this.#find(id);
    const cell = record && this.#live(unpackCell(record, id));
    if (cell && isSame(cell.mark, next.mark)) return OK;
    const epoch = fence === undefined ? 0 : await this.#epochOf(fence.slot);
    if (fence && fence.epoch < epoch) return { status: 'fenced', epoch };
    return isSame(cell?.mark ?? null, expect) ? null : { status: 'other', cell };
  }

  async #epochOf(slot: number): Promise<number> {
    const { db, names } = this.#options;
    const query = db.selectFrom(names.fences).select('epoch').where('slot', '=', slot);
    return Number((await patiently(() => query.executeTakeFirst()))?.epoch ?? 0);
  }

  async *#walk(operation: string, user?: Key): AsyncIterableIterator<string> {
    const { db, dialect, names, asking } = this.#options;
    for (let after = ''; ; ) {
      const from = db.selectFrom(names.cells).select('id').where('id', '>', dialect.key(after));
      const page = (user === undefined ? from : from.where('user_key', '=', user)).orderBy('id').limit(PAGE);
      const ids = (await asking(operation, () => patiently(() => page.execute()))).map(({ id }) => dialect.text(id));
      yield* ids;
      if (ids.length < PAGE) return;
      after = ids.at(-1)!;
    }
  }

  // Writing

  #rowOf(id: string, cell: Cell): Row {
    const { dialect } = this.#options;
    return {
      id: dialect.key(id),
      mark: dialect.key(markText(cell.mark)),
      expires_at: filedAt(cell.keepUntil),
      user_key: cell.user === undefined ? null : dialect.key(userKey(cell.user)),
      record: packCell(cell),
    };
  }

  async #put(row: Row, expect: Uint8Array | null, fence?: Fence): Promise<boolean> {
    const { dialect } = this.#options;
    // Who expects the mark that he writes has been here before.
    if (expect && markText(expect) === dialect.text(row.mark)) return false;
    if (expect) return this.#update(row, { mark: dialect.key(markText(expect)) }, fence);
    return (await this.#insert(row, fence)) || this.#update(row, 'expired', fence);
  }

  /** `insert ... select` from the slot's row: without a row whose epoch is low enough, nothing is inserted. */
  async #insert({ id, mark, expires_at, user_key, record }: Row, fence?: Fence): Promise<boolean> {
    const { db, dialect, names } = this.#options;
    const row = { id, mark, expires_at, user_key, record };
    const types = ['text', 'text', 'number', 'text', 'bytes'] as const;
    const values = types.map((type) => dialect.typed('?', type)).join(', ');
    const into = `insert into ${this.#table} (${Object.keys(row).join(', ')})`;
    const open = `from ${this.#fences} where slot = ? and epoch <= ? ${dialect.sharing}`;
    const write = async (): Promise<boolean> => {
      try {
        if (fence === undefined) {
          await db.insertInto(names.cells).values(row).execute();
          return true;
        }
        const parameters = [...Object.values(row), fence.slot, fence.epoch];
        return (await run(db, dialect, `${into} select ${values} ${open}`, parameters)) > 0;
      } catch (error) {
        if (isTwice(error)) return false;
        throw error;
      }
    };
    return patiently(write);
  }

  #update({ id, ...columns }: Row, expected: Expected, fence?: Fence): Promise<boolean> {
    const { db, dialect } = this.#options;
    const sets = Object.keys(columns).map((column) => `${column} = ?`);
    const isExpired = expected === 'expired';
    const there = isExpired ? 'expires_at <= ?' : 'mark = ? and expires_at > ?';
    const found = isExpired ? [this.#now()] : [expected.mark, this.#now()];
    const open = `and (select epoch from ${this.#fences} where slot = ? ${dialect.sharing}) <= ?`;
    const text = `update ${this.#table} set ${sets.join(', ')} where id = ? and ${there} ${fence ? open : ''}`;
    const parameters = [...Object.values(columns), id, ...found, ...(fence ? [fence.slot, fence.epoch] : [])];
    return patiently(async () => (await run(db, dialect, text, parameters)) > 0);
  }

  /** A delete that is tried again where that may help. When a later try finds nothing, nobody knows what the first one did. */
  async #certainly(drop: () => Promise<boolean>): Promise<boolean> {
    let doubt: unknown;
    const done = await patiently(() =>
      drop().catch((error: unknown) => {
        if (!isUndone(error)) doubt = error;
        throw error;
      }),
    );
    if (!done && doubt !== undefined) throw doubt;
    return done;
  }

  #now(): number {
    return Math.floor(this.#options.now());
  }

  #failed(operation: string, problem: string): Error {
    return failure('SOJOURN_STORE', { store: this.#options.store, operation, problem });
  }
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
}

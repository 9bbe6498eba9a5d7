/**
 * Cells in Redis: one GET to read, one script call to replace.
 *
 * They stand beside the sessions under names of their own (keys.ts), expire by themselves, and go over the same links while
 * somebody watches. Only where all keys are on one server: a script could not look up a fence that lives on another server of a cluster, and a ring
 * over nodes that spread their keys themselves would spread them twice.
 */
import type { Cell, Cells, Fence, Replaced } from '../../contract.js';
import { checkFence, MARK_BYTES, packCell, unpackCell } from '../../core/cell.js';
import { failure } from '../../errors.js';
import type { Argument, Door, Reply } from './door.js';
import * as keys from './keys.js';
import { run, type Script } from './script.js';
import { fenceScript, removeScript, replaceScript } from './script-cells.js';
import { lifetimeArguments } from './script-record.js';
import { OutOfStep } from './trouble.js';
import { entriesOf, keysOf } from './walks.js';
import type { Wrote } from './watch.js';

export interface RedisCellsOptions {
  /** What errors call the store. */
  readonly store: string;
  readonly door: Door;
  readonly prefix: string;
  /** Undefined for the server's own clock. */
  readonly now: (() => number) | undefined;
  /** The way of every command about a cell. */
  send(key: string, args: readonly Argument[], wrote?: Wrote): Promise<Reply>;
  /** Turns what goes wrong into errors of the store. */
  asking<T>(operation: string, id: string | undefined, ask: () => Promise<T>): Promise<T>;
}

/** So many slots are closed in one call: the server does nothing else meanwhile. */
const SLOTS_AT_ONCE = 512;
/** What stands for an expectation that no mark can meet. */
const NO_MARK = 'none';

export class RedisCells implements Cells {
  readonly #options: RedisCellsOptions;

  constructor(options: RedisCellsOptions) {
    this.#options = options;
  }

  async read(id: string): Promise<Cell | null> {
    if (!keys.isCellId(id)) return null;
    const { asking, send, prefix } = this.#options;
    const key = keys.cellKey(prefix, id);
    const cell = await asking('cells.read', id, async () => cellIn(await send(key, ['GET', key]), id));
    return cell === null || this.#hasEnded(cell) ? null : cell;
  }

  async replace(id: string, expect: Uint8Array | null, next: Cell, fence?: Fence): Promise<Replaced> {
    const { asking, now, prefix } = this.#options;
    const [mark, packed] = [markArgument(expect), packCell(next)];
    const fenced = fence === undefined ? [] : [keys.fenceKey(prefix, fence.slot), String(fence.epoch)];
    return asking('cells.replace', id, async () => {
      if (!keys.isCellId(id)) throw this.#unfit('cells.replace');
      const [, lifetime] = lifetimeArguments(next.keepUntil, now?.());
      const args = [mark, packed, lifetime, this.#clock(), ...fenced];
      return replaced(await this.#run(replaceScript, id, args, hasReplaced), id);
    });
  }

  async remove(id: string, expect: Uint8Array): Promise<boolean> {
    if (!keys.isCellId(id)) return false;
    const mark = markArgument(expect);
    return this.#options.asking('cells.remove', id, async () => {
      return (await this.#run(removeScript, id, [mark, this.#clock()])) === 1;
    });
  }

  async fence(slots: readonly number[], epoch: number): Promise<void> {
    checkFence(slots, epoch);
    const all = slots.map(String);
    const { asking, door, prefix } = this.#options;
    for (let from = 0; from < all.length; from += SLOTS_AT_ONCE) {
      const args = [String(epoch), ...all.slice(from, from + SLOTS_AT_ONCE)];
      await asking('cells.fence', undefined, () => run(door.send, fenceScript, keys.fenceKey(prefix, ''), args));
    }
  }

  async *byUser(user: string): AsyncIterableIterator<string> {
    const { asking, door, prefix } = this.#options;
    const entries = keys.userEntries(keys.cellPrefix(prefix), user);
    const ask = (page: readonly Argument[]) => asking('cells.byUser', undefined, () => door.send(entries.bucket, page));
    for await (const ids of entriesOf(ask, entries)) yield* ids;
  }

  async *ids(): AsyncIterableIterator<string> {
    const { asking, door, prefix } = this.#options;
    for (const master of await asking('cells.ids', undefined, () => door.masters())) {
      const ask = (page: readonly Argument[]) => asking('cells.ids', undefined, () => master.send(page));
      for await (const found of keysOf(ask, keys.cellKey(prefix, ''))) {
        yield* found.map((key) => keys.idOfCellKey(prefix, key)).filter((id) => id !== undefined);
      }
    }
  }

  /** By the given clock. By its own, Redis has dropped the cell before anybody can ask. */
  #hasEnded({ keepUntil }: Cell): boolean {
    const { now } = this.#options;
    return now !== undefined && keepUntil <= now();
  }

  #clock(): string {
    const { now } = this.#options;
    return now === undefined ? '' : String(now());
  }

  #run(script: Script, id: string, args: readonly Argument[], wrote?: Wrote): Promise<Reply> {
    const { send, prefix } = this.#options;
    return run((key, command) => send(key, command, wrote), script, keys.cellKey(prefix, id), args);
  }

  #unfit(operation: string): Error {
    const problem = 'an id of a cell has 1 to 511 characters of well-formed Unicode';
    return failure('SOJOURN_STORE', { store: this.#options.store, operation, problem });
  }
}

/** Copied, since a client may send it later, and a caller use it again. */
function markArgument(mark: Uint8Array | null): Argument {
  if (mark === null) return '';
  return mark.length === MARK_BYTES ? Buffer.from(mark) : NO_MARK;
}

function cellIn(value: Reply, id: string): Cell | null {
  if (value === null) return null;
  if (!Buffer.isBuffer(value)) throw new OutOfStep();
  return unpackCell(value, id);
}

/** What the reply of the script means. Throws OutOfStep for one that it cannot have given. */
function replaced(reply: Reply, id: string): Replaced {
  if (reply === 1 || reply === 2) return { status: 'ok' };
  if (!Array.isArray(reply)) throw new OutOfStep();
  const [status, what] = reply as readonly Reply[];
  if (status === 0 && what !== undefined) return { status: 'other', cell: cellIn(what, id) };
  if (status === 1 && Buffer.isBuffer(what)) return { status: 'fenced', epoch: Number(String(what)) };
  throw new OutOfStep();
}

/** Whether it came to the writing, by its reply. */
function hasReplaced(reply: Reply): boolean {
  return reply === 1;
}

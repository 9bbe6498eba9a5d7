/**
 * Telling other processes of a logout: the last ones are kept as a short list, in a cell that everybody who listens watches.
 *
 * Nodes have no messages between processes, but they tell of cells that change. So who ends a session writes its id into
 * `ring:ended` on the first node that is up, in the background; whoever listens reads the list when that cell changes, on any node.
 * It is news, not a record: of very many at once, some are not told. Sessions that expire are not told at all.
 *
 * Rejected: an own channel in each store (this needs nothing but cells), watching every session (only those that were loaded are watched).
 */
import type { Ended, MaybePromise, Watchable } from '../../contract.js';
import { controlCell, FOR_EVER, textIn } from './control.js';
import type { Node } from './node.js';
import type { Shared } from './shared.js';

const ENDED = 'ring:ended';
/** How many the list holds, how many wait to be written, and how many are known to have been told. */
const MOST_LISTED = 128;
const MOST_WAITING = 1024;
const MOST_SEEN = 4096;
const MOST_TRIES = 8;
/** How often, at least, the nodes make sure that nothing was missed. */
const EVERY_MS = 10_000;
const TAG_BYTES = 6;

type Entry = readonly [tag: string, id: string];

export class EndedNews {
  readonly #shared: Shared;
  readonly #seen = new Set<string>();
  readonly #listeners = new Set<(id: string, how: Ended) => void>();
  #waiting: Entry[] = [];
  #isWriting = false;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** This process has ended a live session. Never waits, never throws. */
  add(id: string): void {
    if (this.#waiting.length >= MOST_WAITING) return;
    const tag = Buffer.from(this.#shared.environment.random(TAG_BYTES)).toString('base64url');
    this.#remember(tag);
    this.#waiting.push([tag, id]);
    if (!this.#isWriting) void this.#write();
  }

  /** Resolves when it hears of every session that ends from now on. */
  async listen(ended: (id: string, how: Ended) => void): Promise<() => Promise<void>> {
    const own = (id: string, how: Ended): void => ended(id, how);
    const stops = await Promise.all(this.#shared.nodes.map((node) => this.#watch(node)));
    this.#listeners.add(own);
    return async () => {
      this.#listeners.delete(own);
      await Promise.all(stops.map((stop) => stop()));
    };
  }

  async #watch(node: Node): Promise<() => MaybePromise<void>> {
    let isDeaf = false;
    const stop = await (node.store as unknown as Watchable).watch(
      {
        changed: (id) => {
          if (id === ENDED) void this.#read(node);
        },
        deaf: () => {
          isDeaf = true;
        },
        heard: () => {
          // What was read is watched; after an interruption it has to be read anew.
          if (isDeaf) void this.#read(node);
          isDeaf = false;
        },
      },
      EVERY_MS,
    );
    if (this.#listeners.size === 0) await this.#read(node);
    return stop;
  }

  /** Tells what is new on this node. What fails is tried at the next change. */
  async #read(node: Node): Promise<void> {
    try {
      const cell = await node.ask('listen', () => node.cells.read(ENDED));
      // Nobody is told of nothing: without a cell there is nothing to watch, and so it is made.
      if (cell === null) await node.ask('listen', () => node.cells.replace(ENDED, null, this.#cell([])));
      for (const [tag, id] of cell === null ? [] : entriesIn(textIn(cell))) {
        if (this.#seen.has(tag)) continue;
        this.#remember(tag);
        for (const listener of this.#listeners) listener(id, 'destroyed');
      }
    } catch {
      // The node's trouble, and counted there.
    }
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#waiting.length > 0) {
        const node = this.#shared.nodes.find(({ isUp }) => isUp);
        if (node === undefined) return;
        const added = this.#waiting;
        this.#waiting = [];
        await this.#append(node, added);
      }
    } catch {
      // News that got lost.
    } finally {
      this.#isWriting = false;
    }
  }

  async #append(node: Node, added: readonly Entry[]): Promise<void> {
    let present = await node.ask('tell', () => node.cells.read(ENDED));
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const listed = present === null ? [] : entriesIn(textIn(present));
      const next = this.#cell([...listed, ...added].slice(-MOST_LISTED));
      const expect = present?.mark ?? null;
      const answer = await node.ask('tell', () => node.cells.replace(ENDED, expect, next));
      if (answer.status !== 'other') return;
      present = answer.cell;
    }
  }

  #cell(entries: readonly Entry[]) {
    return controlCell(this.#shared.environment.random, JSON.stringify(entries), FOR_EVER);
  }

  #remember(tag: string): void {
    this.#seen.add(tag);
    for (const oldest of this.#seen) {
      if (this.#seen.size <= MOST_SEEN) return;
      this.#seen.delete(oldest);
    }
  }
}

/** Whatever is there that this version can read. */
function entriesIn(text: string): readonly Entry[] {
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list)) return [];
    return list.filter((entry) => Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string');
  } catch {
    return [];
  }
}

/**
 * Helping nodes that lack something: one job for each at a time, from whatever tells that it may be possible now.
 *
 * One that was away for a day is emptied. Then comes what it lost as a whole, then what it has missed while others stood in. It counts
 * as sure again when both are done. What fails is tried again at the next beat (synced.ts). Several processes may replay the same hints; that is wasteful, and harmless.
 */
import { behindId } from './control.js';
import type { Hints } from './hints.js';
import type { Node } from './node.js';
import type { Repair } from './repair.js';
import type { Shared } from './shared.js';
import type { Synced } from './synced.js';

export interface CareSettings {
  readonly shared: Shared;
  readonly synced: Synced;
  readonly hints: Hints;
  readonly repair: Repair;
  /** Gives a node what it has to have before it is believed. */
  readonly restore: (node: Node) => Promise<void>;
}

export class Care {
  readonly #settings: CareSettings;
  readonly #jobs = new Map<Node, Promise<void>>();
  #isClosed = false;

  constructor(settings: CareSettings) {
    this.#settings = settings;
  }

  /** Begins, unless it is being done. Never throws. */
  help(node: Node): void {
    if (this.#isClosed || this.#jobs.has(node)) return;
    const job = this.#help(node)
      // What failed is a node's trouble, and counted there.
      .catch(() => {})
      .finally(() => this.#jobs.delete(node));
    this.#jobs.set(node, job);
  }

  /** A node does not answer: whoever took writes in its place may keep hints for it. */
  lost(node: Node): void {
    const { shared, synced } = this.#settings;
    for (const other of shared.nodes) if (other.isUp) synced.fallBehind(node, other);
  }

  /** Resolves when nothing is being done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#jobs.values());
  }

  async #help(node: Node): Promise<void> {
    const { synced, repair } = this.#settings;
    if (node.mark === undefined) await synced.look(node);
    if (node.isOutdated && !(await this.#beginAnew(node))) return;
    if (node.mark === null && (await repair.fill(node)) === 'whole') {
      await this.#settings.restore(node);
      await synced.markSynced(node);
    }
    for (const keeper of [...node.behind]) {
      if (keeper.isUp && !this.#isClosed) await this.#catchUp(node, keeper);
    }
  }

  /**
   * A node that was away for too long (node.ts) gets back into use without anything of what it had, once the others have all of it. Who has
   * lost the race for this may have taken away what the other one had brought already: then the mark goes once more.
   */
  async #beginAnew(node: Node): Promise<boolean> {
    const { synced, repair } = this.#settings;
    if (node.mark !== null) {
      if (!repair.hasOthers(node)) return false;
      await synced.unmark(node);
    }
    if ((await repair.empty(node)) === 'not') {
      await synced.unmark(node);
      return false;
    }
    await synced.sayAlive(node);
    return true;
  }

  async #catchUp(node: Node, keeper: Node): Promise<void> {
    const { synced, hints, repair } = this.#settings;
    const { falls } = node;
    const said = await keeper.ask('see who is behind', () => keeper.cells.read(behindId(node.name)));
    const what = await hints.replay(node, keeper);
    if (what === 'more') return;
    if (what === 'all') {
      if ((await repair.fill(node, [keeper])) === 'not') return;
      if (!(await hints.forget(node, keeper, said))) return;
    }
    synced.catchUp(node, keeper, falls);
  }
}

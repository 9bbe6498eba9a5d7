/**
 * Hints: on a node that took a write, the names of those that did not, for when they are back.
 *
 * A hint holds no data. The node that keeps it has the session, so passing it on means: read the session there, bring it to the
 * node that missed it. It gets a new mark with each write, and is removed only with the mark it had before the session was
 * read, so that what is written meanwhile is not forgotten. It is written after the session and before the write is acknowledged.
 *
 * They are kept on nodes, not in this process: who acknowledged a write may die. Their number is bounded; beyond it the node has missed
 * so much that it is filled from all others (repair.ts). Rejected: hints with the data in them (twice the bytes, and old soon).
 */
import { BEHIND_USER, behindId, controlCell, FOR_EVER, hintPrefix, hintUser, type Missed, textIn } from './control.js';
import { type Copy, cellOf, isCorrupt } from './copy.js';
import { isOutage, type Node } from './node.js';
import type { Place } from './place.js';
import { presentIn, push } from './push.js';
import { REPAIR_HORIZON_MS } from './replica.js';
import { inParallel, type Shared, trouble } from './shared.js';
import type { Synced } from './synced.js';

/** Passed on at the same time. */
const AT_A_TIME = 32;
/** How long it is enough to have said that a node is behind. Shorter than a beat is long. */
const SAID_MS = 500;

export class Hints {
  readonly #shared: Shared;
  readonly #synced: Synced;
  readonly #most: number;
  /** When this process last said on a node that another is behind: by both names. */
  readonly #said = new Map<string, number>();

  /** `most`: how many hints for one node this process writes. */
  constructor(shared: Shared, synced: Synced, most: number) {
    this.#shared = shared;
    this.#synced = synced;
    this.#most = most;
  }

  /** Leaves hints for those that were missed on one of those that were reached. Rejects when none of these can keep them. */
  async leave(place: Place, id: string, copy: Copy, missed: readonly Node[], reached: readonly Node[]): Promise<void> {
    let cause: unknown;
    for (const keeper of reached) {
      try {
        await Promise.all(missed.map((node) => this.#leave(keeper, node, id, copy)));
        return;
      } catch (error) {
        if (!isOutage(error)) throw error;
        cause = error;
      }
    }
    throw trouble(this.#shared, 'write', `no node can keep a hint for slot ${place.slot}`, cause);
  }

  /** Brings to `node` all that `keeper` has for it. 'all': there are too many for hints. */
  async replay(node: Node, keeper: Node): Promise<Missed> {
    const said = await keeper.ask('see who is behind', () => keeper.cells.read(behindId(node.name)));
    if (said !== null && textIn(said) === 'all') return 'all';
    const passed = await this.#passAll(node, keeper);
    if (said !== null) {
      await keeper.ask('see who is behind', () => keeper.cells.remove(behindId(node.name), said.mark));
      for (const what of ['hints', 'all']) this.#said.delete(`${keeper.name} ${node.name} ${what}`);
    }
    // Whoever wrote a hint since has either said so anew, or relied on what was just removed.
    const late = await this.#passAll(node, keeper);
    node.hintsPending = Math.max(0, node.hintsPending - passed - late);
    return 'hints';
  }

  /** After `node` was filled: what `keeper` kept for it is done, as far as it was there `before`. */
  async forget(node: Node, keeper: Node, before: Uint8Array | null): Promise<void> {
    if (before !== null) await keeper.ask('forget hints', () => keeper.cells.remove(behindId(node.name), before));
    await this.#passAll(node, keeper);
    node.hintsPending = 0;
  }

  async #leave(keeper: Node, node: Node, id: string, copy: Copy): Promise<void> {
    this.#synced.fallBehind(node, keeper);
    const isTooMany = node.hintsPending >= this.#most;
    await this.#say(keeper, node, isTooMany ? 'all' : 'hints');
    if (isTooMany) return;
    const { random, now } = this.#shared.environment;
    const hintId = hintPrefix(node.name) + id;
    const keepUntil = Math.max(cellOf(copy).keepUntil, now() + REPAIR_HORIZON_MS);
    const hint = controlCell(random, '', keepUntil, hintUser(node.name));
    let expect: Uint8Array | null = null;
    for (;;) {
      const answer = await keeper.ask('keep a hint', () => keeper.cells.replace(hintId, expect, hint));
      if (answer.status === 'ok') break;
      expect = answer.status === 'other' ? (answer.cell?.mark ?? null) : null;
    }
    if (expect === null) node.hintsPending++;
  }

  /** Says on `keeper` that `node` is behind, unless that was just done. 'all' is never taken back here. */
  async #say(keeper: Node, node: Node, what: Missed): Promise<void> {
    const { random, now } = this.#shared.environment;
    const key = `${keeper.name} ${node.name} ${what}`;
    const saidAt = this.#said.get(key);
    if (saidAt !== undefined && now() - saidAt < SAID_MS && now() >= saidAt) return;
    const next = controlCell(random, what, FOR_EVER, BEHIND_USER);
    const id = behindId(node.name);
    let expect: Uint8Array | null = null;
    for (;;) {
      const answer = await keeper.ask('say who is behind', () => keeper.cells.replace(id, expect, next));
      if (answer.status === 'ok') break;
      if (answer.status === 'other' && answer.cell !== null && textIn(answer.cell) === 'all') break;
      expect = answer.status === 'other' ? (answer.cell?.mark ?? null) : null;
    }
    this.#said.set(key, now());
  }

  /** Returns how many there were. */
  async #passAll(node: Node, keeper: Node): Promise<number> {
    const prefix = hintPrefix(node.name);
    let passed = 0;
    const all = keeper.walk('list hints', () => keeper.cells.byUser(hintUser(node.name)));
    await inParallel(all, AT_A_TIME, async (hintId) => {
      if (!hintId.startsWith(prefix)) return;
      const id = hintId.slice(prefix.length);
      try {
        if (await this.#pass(node, keeper, hintId, id)) passed++;
      } catch (error) {
        // Nothing can be done about it here, and the others have to go on.
        if (!isCorrupt(error)) throw error;
        this.#shared.news.tell('corrupt', { id, node: node.name });
      }
    });
    return passed;
  }

  async #pass(node: Node, keeper: Node, hintId: string, id: string): Promise<boolean> {
    const hint = await keeper.ask('read a hint', () => keeper.cells.read(hintId));
    if (hint === null) return false;
    const place = this.#shared.places.of(id);
    const copy = presentIn(await keeper.ask('read a hint', () => keeper.cells.read(id)), id);
    if (copy !== null && place.owners.includes(node)) {
      await push(this.#shared, node, place, id, null, copy);
      this.#shared.figures.replayed++;
    }
    await keeper.ask('drop a hint', () => keeper.cells.remove(hintId, hint.mark));
    return true;
  }
}

/**
 * Read repair: when copies of a session may differ, all that can be reached get what all of them know.
 *
 * In the background, a bounded number at a time. What does not fit is not done: the next read that is compared, or the
 * repair of all, finds it again.
 */
import type { Copy } from './copy.js';
import type { Node } from './node.js';
import { presentIn, push } from './push.js';
import { joinedAloud, type Shared } from './shared.js';

const MOST_UNDER_WAY = 32;

export class Mending {
  readonly #shared: Shared;
  readonly #underWay = new Set<string>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** Soon, if there is room. Never rejects. */
  later(id: string): void {
    if (this.#underWay.has(id) || this.#underWay.size >= MOST_UNDER_WAY) return;
    this.#underWay.add(id);
    // What failed is a node's trouble, and counted there.
    void this.mend(id)
      .catch(() => {})
      .finally(() => this.#underWay.delete(id));
  }

  /** Returns how many copies were brought up to date. Rejects when one of the nodes that are up does not answer. */
  async mend(id: string): Promise<number> {
    const place = this.#shared.places.of(id);
    const up = place.owners.filter(({ isUp }) => isUp);
    const copies = await Promise.all(up.map(async (node) => presentIn(await this.#read(node, id), id)));
    const whole = copies.reduce<Copy | null>((a, b) => (a && b ? joinedAloud(this.#shared, id, a, b) : (a ?? b)), null);
    if (whole === null) return 0;
    const behind = up.flatMap((node, i) => (copies[i]?.mark.equals(whole.mark) ? [] : [[node, copies[i]] as const]));
    await Promise.all(behind.map(([node, copy]) => push(this.#shared, node, place, id, copy?.mark ?? null, whole)));
    this.#shared.figures.mended += behind.length;
    return behind.length;
  }

  #read(node: Node, id: string) {
    return node.ask('compare', () => node.cells.read(id));
  }
}

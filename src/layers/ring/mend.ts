/**
 * Read repair: when copies of a session may differ, all that can be reached get what all of them know.
 *
 * In the background, a bounded number at a time. A look at what is probably in order is not done where there is no room for it. But a
 * session of which a write has failed, or was answered too late, is in *doubt*: there is no hint for it, and no node knows that another
 * has something else. It is compared again and again, until all of its owners have answered.
 */
import { type Copy, isCorrupt } from './copy.js';
import type { Node } from './node.js';
import { presentIn, push } from './push.js';
import { joinedAloud, type Shared } from './shared.js';

const MOST_UNDER_WAY = 32;
/** Of more, the oldest are left to the repair of all. */
const MOST_DOUBTED = 4096;
const AGAIN_MS = 500;

export interface Mended {
  /** How many copies were brought up to date. */
  readonly written: number;
  /** What all know together; null when nobody knows anything. */
  readonly whole: Copy | null;
}

export class Mending {
  readonly #shared: Shared;
  readonly #underWay = new Set<string>();
  readonly #doubted = new Set<string>();
  #stop: (() => void) | undefined;
  #isClosed = false;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  /** Soon, if there is room. Never rejects. */
  later(id: string): void {
    if (this.#underWay.has(id) || this.#underWay.size >= MOST_UNDER_WAY) return;
    this.#underWay.add(id);
    void this.mend(id)
      // What failed is a node's trouble, and counted there.
      .catch(() => {})
      .finally(() => this.#underWay.delete(id));
  }

  /** Until it is done. Never throws. */
  doubt(id: string): void {
    if (this.#isClosed || this.#shared.places.of(id).owners.length < 2) return;
    this.#doubted.delete(id);
    this.#doubted.add(id);
    if (this.#doubted.size > MOST_DOUBTED) this.#doubted.delete(this.#doubted.values().next().value!);
    this.#stop ??= this.#shared.environment.every(AGAIN_MS, () => this.#again());
  }

  /** Rejects when one of the nodes that are up does not answer. */
  async mend(id: string): Promise<Mended> {
    const place = this.#shared.places.of(id);
    const up = place.owners.filter(({ isUp }) => isUp);
    const copies = await Promise.all(up.map(async (node) => presentIn(await this.#read(node, id), id)));
    const whole = copies.reduce<Copy | null>((a, b) => (a && b ? joinedAloud(this.#shared, id, a, b) : (a ?? b)), null);
    if (whole === null) return { written: 0, whole };
    const behind = up.flatMap((node, i) => (copies[i]?.mark.equals(whole.mark) ? [] : [[node, copies[i]] as const]));
    await Promise.all(behind.map(([node, copy]) => push(this.#shared, node, place, id, copy?.mark ?? null, whole)));
    this.#shared.figures.mended += behind.length;
    return { written: behind.length, whole };
  }

  close(): void {
    this.#isClosed = true;
    this.#stop?.();
  }

  /** Those whose owners can all be asked. */
  #again(): void {
    if (this.#doubted.size === 0) {
      this.#stop?.();
      this.#stop = undefined;
    }
    for (const id of this.#doubted) {
      if (this.#underWay.size >= MOST_UNDER_WAY) return;
      if (this.#underWay.has(id) || !this.#shared.places.of(id).owners.every(({ isUp }) => isUp)) continue;
      this.#doubted.delete(id);
      this.#underWay.add(id);
      void this.mend(id)
        .catch((error) => !isCorrupt(error) && this.doubt(id))
        .finally(() => this.#underWay.delete(id));
    }
  }

  #read(node: Node, id: string) {
    return node.ask('compare', () => node.cells.read(id));
  }
}

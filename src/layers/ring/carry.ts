/**
 * Carrying one session to where it belongs: to every owner first, and then away from where it was.
 *
 * A session that lies on a source does not change any more, so it can be copied whenever there is time: merging makes it harmless that
 * an owner has a newer one by now. It is removed by its mark, and only when the owners have it; so whatever is left on a source is
 * what is left to do, and who carries may die at any moment. The mover does it for all, and a read for what it meets.
 */
import { MARK_BYTES } from '../../core/cell.js';
import { isCorrupt } from './copy.js';
import type { Hints } from './hints.js';
import { isOutage, type Node } from './node.js';
import { presentIn, push } from './push.js';
import { type Shared, trouble } from './shared.js';

/** Reads that carry what they met, at a time. What does not fit is left to the mover. */
const MOST_UNDER_WAY = 32;

export class Carrying {
  readonly #shared: Shared;
  readonly #hints: Hints;
  readonly #underWay = new Set<string>();

  constructor(shared: Shared, hints: Hints) {
    this.#shared = shared;
    this.#hints = hints;
  }

  /** Soon, if there is room. Never rejects. */
  later(id: string, from: readonly Node[]): void {
    if (this.#underWay.has(id) || this.#underWay.size >= MOST_UNDER_WAY) return;
    this.#underWay.add(id);
    this.#shared.figures.pulled++;
    void Promise.allSettled(from.map((node) => this.carry(id, node))).finally(() => this.#underWay.delete(id));
  }

  /** Returns how many bytes it had; undefined where there was nothing to carry. Rejects while it cannot be done. */
  async carry(id: string, from: Node): Promise<number | undefined> {
    const cell = await from.ask('carry', () => from.cells.read(id));
    if (cell === null) return undefined;
    const copy = this.#readable(id, from, () => presentIn(cell, id));
    if (copy === null) return undefined;
    const place = this.#shared.places.of(id);
    const isOwner = place.owners.includes(from);
    const [reached, missed]: [Node[], Node[]] = [isOwner ? [from] : [], []];
    await Promise.all(
      place.owners.map(async (node) => {
        if (node === from) return;
        try {
          await push(this.#shared, node, place, id, null, copy);
          reached.push(node);
        } catch (error) {
          if (!isOutage(error)) throw error;
          missed.push(node);
        }
      }),
    );
    if (missed.length > 0) {
      const names = missed.map(({ name }) => name).join(', ');
      if (reached.length === 0 || this.#shared.write === 'strict')
        throw trouble(this.#shared, 'carry', `${names} did not take it`);
      await this.#hints.leave(place, id, copy, missed, reached);
    }
    if (!isOwner) await from.ask('carry', () => from.cells.remove(id, cell.mark));
    return cell.bytes.length + MARK_BYTES;
  }

  /** What cannot be read is left where it is, and told. */
  #readable<R>(id: string, from: Node, read: () => R): R | null {
    try {
      return read();
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#shared.news.tell('corrupt', { id, node: from.name });
      return null;
    }
  }
}

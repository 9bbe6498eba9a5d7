/**
 * Who of several processes does a piece of work: a cell that its holder renews, and that anybody may take when it stands still.
 *
 * No clock is compared with another one: a lease has run out for who has watched it for a while and saw no new mark. It is there to
 * save work. Whatever is done under it is safe when two do it at once, for that can always happen.
 */
import type { Cell } from '../../contract.js';
import { controlCell, FOR_EVER, MOVER, textIn } from './control.js';
import type { Node } from './node.js';
import type { Shared } from './shared.js';

/** How long it must stand still. */
export const STILL_MS = 5000;

export class Lease {
  readonly #shared: Shared;
  #held: { readonly node: Node; readonly mark: Uint8Array } | undefined;
  /** The mark that others saw last, and since when. */
  #seen: { readonly node: Node; readonly mark: Buffer; readonly since: number } | undefined;

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  get isHeld(): boolean {
    return this.#held !== undefined;
  }

  /** Takes it if it is free. `isForced`: from whoever has it. */
  async take(text: string, isForced: boolean): Promise<boolean> {
    const node = this.#shared.nodes.find(({ isUp }) => isUp);
    if (node === undefined) return false;
    const present = await node.ask('take the lease', () => node.cells.read(MOVER));
    if (present !== null && !isForced && !this.#standsStill(node, present)) return false;
    return this.#put(node, present?.mark ?? null, text);
  }

  /** False: it is somebody else's by now. */
  async renew(text: string): Promise<boolean> {
    if (this.#held === undefined) return false;
    const { node, mark } = this.#held;
    if (node.isUp) return this.#put(node, mark, text);
    this.#held = undefined;
    return this.take(text, false);
  }

  async release(): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    if (held?.node.isUp) await held.node.ask('give up the lease', () => held.node.cells.remove(MOVER, held.mark));
  }

  async #put(node: Node, expect: Uint8Array | null, text: string): Promise<boolean> {
    const cell = controlCell(this.#shared.environment.random, text, FOR_EVER);
    const answer = await node.ask('hold the lease', () => node.cells.replace(MOVER, expect, cell));
    this.#held = answer.status === 'ok' ? { node, mark: cell.mark } : undefined;
    return answer.status === 'ok';
  }

  #standsStill(node: Node, { mark }: Cell): boolean {
    const now = this.#shared.environment.now();
    const isSame = this.#seen?.node === node && this.#seen.mark.equals(mark) && now >= this.#seen.since;
    if (!isSame) this.#seen = { node, mark: Buffer.from(mark), since: now };
    return now - this.#seen!.since >= STILL_MS;
  }
}

/** What the holder of the lease wrote last, on any of these nodes. */
export async function leaseTexts(nodes: readonly Node[]): Promise<readonly string[]> {
  const cells = await Promise.allSettled(nodes.map((node) => node.ask('read the lease', () => node.cells.read(MOVER))));
  return cells.flatMap((one) => (one.status === 'fulfilled' && one.value !== null ? textIn(one.value) : []));
}

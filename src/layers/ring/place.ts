/**
 * Where a session lives: its slot, the nodes that own it, and the fence that its writes carry.
 *
 * Everything that the table says of a slot, and later what a resize says of it, is kept in one `Place` for each slot, so
 * that nobody puts it together on the way. A place never changes; a new table makes new ones.
 */
import type { Fence } from '../../contract.js';
import { type Ring, ringOf } from '../../ring/ring.js';
import type { RingTable } from '../../ring/table.js';
import type { Node } from './node.js';

export interface Place {
  readonly slot: number;
  /** In the order in which they are asked: the home first. */
  readonly owners: readonly Node[];
  readonly fence: Fence;
}

export class Places {
  readonly nodes: readonly Node[];
  readonly table: RingTable;
  readonly fingerprint: string;
  readonly #ring: Ring<Node>;
  readonly #places: (Place | undefined)[] = [];

  /** `nodes` by name; every node of the table is among them. */
  constructor(table: RingTable, nodes: ReadonlyMap<string, Node>) {
    this.table = table;
    this.nodes = table.nodes.map(({ name }) => nodes.get(name)!);
    this.#ring = ringOf(table, ({ name }) => nodes.get(name)!);
    this.fingerprint = this.#ring.fingerprint;
  }

  of(id: string): Place {
    return this.ofSlot(this.#ring.slotOf(id));
  }

  ofSlot(slot: number): Place {
    return this.#places[slot] ?? this.#make(slot);
  }

  #make(slot: number): Place {
    const place = { slot, owners: this.#ring.nodesOf(slot), fence: { slot, epoch: this.table.epoch } };
    this.#places[slot] = place;
    return place;
  }
}

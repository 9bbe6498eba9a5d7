/**
 * Where a session lives: its slot, the nodes that own it, those that it is leaving, and the fence that its writes carry.
 *
 * Everything that the table says of a slot, and what a resize says of it, is kept in one `Place` for each slot, so
 * that nobody puts it together on the way. A place never changes; a new document makes new ones.
 *
 * While a slot moves, who owned it before and still does comes first: it has everything, and decides. A newcomer has what was
 * brought to it, and everything written since; what it lacks, one of the sources may have. Nobody writes to a source any more.
 */
import type { Fence } from '../../contract.js';
import { SLOTS } from '../../ring/nodes.js';
import { type Ring, ringOf } from '../../ring/ring.js';
import type { RingTable } from '../../ring/table.js';
import type { RingDocument } from './document.js';
import type { Node } from './node.js';

export interface Place {
  readonly slot: number;
  /** In the order in which they are asked: the home first. */
  readonly owners: readonly Node[];
  readonly fence: Fence;
  /** Owners that did not own the slot before the move. Empty when it does not move. */
  readonly newcomers: readonly Node[];
  /** Nodes that the slot is leaving, and that can be asked for what they still have. */
  readonly sources: readonly Node[];
  /** Nodes that the slot is leaving, and that were away when it was closed. They may have what nobody else has, and cannot be asked yet. */
  readonly awaited: readonly Node[];
  /** Owners and sources: everybody who may have something of it. `owners` itself when it does not move. */
  readonly holders: readonly Node[];
  /** Something of this slot is to be carried. */
  readonly isMoving: boolean;
  /** The next table has other owners for it, or another order. */
  readonly isAnnounced: boolean;
}

/** A document with its tables. */
export interface View {
  readonly document: RingDocument;
  readonly table: RingTable;
  readonly leaving: RingTable | null;
  readonly next: RingTable | null;
}

type NodeOf = (name: string) => Node;

export class Places {
  /** All nodes that this process knows, in the order of their names; some may own nothing. */
  readonly nodes: readonly Node[];
  readonly #nodeOf: NodeOf;
  #view: View;
  #ring: Ring<Node>;
  #leaving: Ring<Node> | null = null;
  #next: Ring<Node> | null = null;
  #places: (Place | undefined)[] = [];

  /** `nodeOf`: a node for each name that a table may have. */
  constructor(view: View, nodes: readonly Node[], nodeOf: NodeOf) {
    this.nodes = nodes;
    this.#nodeOf = nodeOf;
    this.#view = view;
    this.#ring = this.#ringOf(view.table);
    this.follow(view);
  }

  get view(): View {
    return this.#view;
  }

  get table(): RingTable {
    return this.#view.table;
  }

  get fingerprint(): string {
    return this.#ring.fingerprint;
  }

  /** The step of the document. */
  get step(): number {
    return this.#view.document.step;
  }

  /** Whether the ring has got such a node, or had it and has to look through it yet. */
  isPart(name: string): boolean {
    const { nodes, unfenced } = this.#view.document;
    return nodes.includes(name) || unfenced.includes(name);
  }

  get isMoving(): boolean {
    return this.#leaving !== null;
  }

  /** From now on everything is as this document says. */
  follow(view: View): void {
    this.#ring = this.#known(view.table);
    this.#leaving = view.leaving && this.#known(view.leaving);
    this.#next = view.next && this.#known(view.next);
    this.#view = view;
    this.#places = [];
  }

  of(id: string): Place {
    return this.ofSlot(this.#ring.slotOf(id));
  }

  ofSlot(slot: number): Place {
    return this.#places[slot] ?? this.#make(slot);
  }

  /** The slots that move, or that will when this is published. */
  slots(isWanted: (place: Place) => boolean): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) if (isWanted(this.ofSlot(slot))) slots.push(slot);
    return slots;
  }

  /** Rings are made once: it takes a millisecond or two. */
  #known(table: RingTable): Ring<Node> {
    return [this.#ring, this.#leaving, this.#next].find((ring) => ring?.table === table) ?? this.#ringOf(table);
  }

  #ringOf(table: RingTable): Ring<Node> {
    return ringOf(table, ({ name }) => this.#nodeOf(name));
  }

  #make(slot: number): Place {
    const place = this.#leaving === null ? this.#settled(slot) : this.#moving(slot, this.#leaving.nodesOf(slot));
    this.#places[slot] = place;
    return place;
  }

  #settled(slot: number): Place {
    const owners = this.#ring.nodesOf(slot);
    const isAnnounced = this.#next !== null && isOther(owners, this.#next.nodesOf(slot));
    const fence = { slot, epoch: this.step };
    const none = { newcomers: NONE, sources: NONE, awaited: NONE };
    return { slot, owners, fence, ...none, holders: owners, isMoving: false, isAnnounced };
  }

  #moving(slot: number, before: readonly Node[]): Place {
    const now = this.#ring.nodesOf(slot);
    const fence = { slot, epoch: this.step };
    if (!isOther(before, now)) return this.#settled(slot);
    const { unfenced, dead } = this.#view.document;
    const stayers = now.filter((node) => before.includes(node));
    const newcomers = now.filter((node) => !before.includes(node));
    const leavers = before.filter((node) => !now.includes(node) && !dead.includes(node.name));
    // Where nobody is left who could know more, a newcomer is an owner like any other.
    if (stayers.length + leavers.length === 0) return this.#settled(slot);
    const sources = leavers.filter(({ name }) => !unfenced.includes(name));
    const awaited = leavers.filter(({ name }) => unfenced.includes(name));
    const owners = [...stayers, ...newcomers];
    const isMoving = newcomers.length > 0 || leavers.length > 0;
    const holders = [...owners, ...sources];
    return { slot, owners, fence, newcomers, sources, awaited, holders, isMoving, isAnnounced: false };
  }
}

const NONE: readonly Node[] = Object.freeze([]);

function isOther(a: readonly Node[], b: readonly Node[]): boolean {
  return a.length !== b.length || a.some((node, i) => node !== b[i]);
}

/**
 * Which nodes own each slot, regardless of their order: exact quotas with as little moved as possible.
 *
 * Owners that may stay, stay. Then, slot by slot in a mixed order: 1. what is vacant is filled by a node that lacks slots;
 * 2. a node that has too many hands one to a node that lacks one; 3. where no slot allows that directly, over a third node and
 * a second slot (the shortest such chain). Of several ways the one is taken that brings pairs of nodes closest to their targets.
 * A first table is the same with everything vacant. All of it is integers, and ties go to the first name.
 *
 * Rejected: stable matching of slots and nodes over scores. It places a first table as exactly, but 100 nodes take ten times as
 * long, it knows nothing of pairs and zones, and a table that is remembered has no use for what it is good at: that two
 * tables made without knowing each other are alike.
 */
import { atOnce, bestOf, type Candidate, chainTo } from './chains.js';
import { SLOTS } from './nodes.js';
import { mayMeet, PARTS, type Square, targets } from './pairs.js';
import type { Quotas } from './quota.js';

/** No owner yet. */
export const VACANT = -1;

/** The table in the making: nodes are numbers, in the order of their names. */
export interface Placing {
  readonly quotas: Quotas;
  readonly nodes: number;
  /** Slot after slot, `quotas.owners` entries each. */
  readonly owners: Int16Array;
  /** The first owner of each slot, or VACANT. It is also among the owners. */
  readonly homes: Int16Array;
  /** Slots in the order in which they are looked at. */
  readonly order: Uint16Array;
}

/** Gives every slot its owners. Afterwards each node has exactly its quota, as far as zones allow. */
export function placeCopies(placing: Placing): void {
  const copies = new Copies(placing);
  for (const slot of placing.order) copies.fill(slot);
  while (copies.surplus > 0 && copies.handOverOnce()) {}
  copies.handOverInChains();
}

class Copies {
  /** Copies that are where they are too many. 0 when all quotas are met. */
  surplus = 0;
  readonly #placing: Placing;
  readonly #width: number;
  readonly #held: Int32Array;
  /** How many slots with a vacancy a node could still be put into. One that lacks as many must be in all of them. */
  readonly #room: Int32Array;
  /** Target minus count for each pair, in parts of a slot, doubled since a target and its mirror image are added. */
  readonly #lack: Square;

  constructor(placing: Placing) {
    const { quotas, nodes, owners } = placing;
    this.#placing = placing;
    this.#width = quotas.owners;
    this.#held = new Int32Array(nodes);
    this.#room = new Int32Array(nodes);
    this.#lack = pairTargets(placing);
    for (let slot = 0; slot < SLOTS; slot++) {
      this.#countRoom(owners.subarray(slot * this.#width, (slot + 1) * this.#width), 1);
      for (let k = 0; k < this.#width; k++) {
        const node = owners[slot * this.#width + k]!;
        if (node === VACANT) continue;
        this.#held[node]!++;
        for (let j = 0; j < k; j++) {
          const partner = owners[slot * this.#width + j]!;
          if (partner !== VACANT) this.#count(node, partner, 1);
        }
      }
    }
    for (let node = 0; node < nodes; node++) this.surplus += Math.max(0, -this.#lacks(node));
  }

  /** Fills what is vacant in a slot: by nodes that lack slots, or else by any that may, which hands one over later. */
  fill(slot: number): void {
    const begin = slot * this.#width;
    const vacant = this.#placing.owners.indexOf(VACANT, begin);
    if (vacant === VACANT || vacant >= begin + this.#width) return;
    const before = this.#placing.owners.slice(begin, begin + this.#width);
    for (let k = begin; k < begin + this.#width; k++) {
      if (this.#placing.owners[k] === VACANT)
        this.#put(slot, k, this.#best(slot, k, true) ?? this.#best(slot, k, false)!);
    }
    this.#countRoom(before, -1);
  }

  /** Goes through all slots once, each handing over at most one copy. False when nothing moved. */
  handOverOnce(): boolean {
    const before = this.surplus;
    for (const slot of this.#placing.order) {
      if (this.surplus === 0) break;
      this.#handOver(slot);
    }
    return this.surplus < before;
  }

  /** Hands over in chains until all quotas are met, or no chain helps any more: then the zones do not allow it. */
  handOverInChains(): void {
    while (this.surplus > 0) {
      const before = this.surplus;
      const chain = this.#shortestChain();
      if (chain.length === 0) return;
      const hops = chain.slice(1).map((taker, k) => ({ giver: chain[k]!, taker }));
      const wanted = Math.min(-this.#lacks(chain[0]!), this.#lacks(chain.at(-1)!));
      const count = Math.min(atOnce(wanted), ...hops.map(({ giver, taker }) => this.#candidates(giver, taker).length));
      for (const { giver, taker } of hops.reverse()) {
        for (const { slot } of bestOf(this.#candidates(giver, taker), count)) {
          this.#put(slot, this.#placeOf(slot, giver), taker);
        }
      }
      if (this.surplus >= before) return;
    }
  }

  #handOver(slot: number): void {
    const begin = slot * this.#width;
    let best = Number.NEGATIVE_INFINITY;
    let from = VACANT;
    let to = VACANT;
    for (let k = begin; k < begin + this.#width; k++) {
      const giver = this.#placing.owners[k]!;
      if (this.#lacks(giver) >= 0) continue;
      const taker = this.#best(slot, k, true);
      if (taker === undefined) continue;
      const gain = this.#fit(slot, k, taker) - this.#fit(slot, k, giver);
      if (gain <= best) continue;
      [best, from, to] = [gain, k, taker];
    }
    if (from !== VACANT) this.#put(slot, from, to);
  }

  /** The node that fits best in this place: among those that lack slots, or among all. */
  #best(slot: number, place: number, onlyLacking: boolean): number | undefined {
    let found: number | undefined;
    let bestFit = 0;
    let bestLack = 0;
    let bestMust = false;
    for (let node = 0; node < this.#placing.nodes; node++) {
      const lack = this.#lacks(node);
      if (onlyLacking ? lack <= 0 : this.#placing.quotas.copies[node] === 0) continue;
      if (!this.#mayOwn(slot, place, node)) continue;
      const fit = this.#fit(slot, place, node);
      const must = lack >= this.#room[node]!;
      const isWorse = must !== bestMust ? bestMust : fit < bestFit || (fit === bestFit && lack <= bestLack);
      if (found !== undefined && isWorse) continue;
      [found, bestFit, bestLack, bestMust] = [node, fit, lack, must];
    }
    return found;
  }

  /** How much the pairs want this node beside the other owners of the slot. */
  #fit(slot: number, place: number, node: number): number {
    const begin = slot * this.#width;
    let fit = 0;
    for (let k = begin; k < begin + this.#width; k++) {
      const partner = this.#placing.owners[k]!;
      if (k !== place && partner !== VACANT) fit += this.#lack[node * this.#placing.nodes + partner]!;
    }
    return fit;
  }

  /** Whether the node may take this place beside the other owners: once per slot, and not too many of its zone. */
  #mayOwn(slot: number, place: number, node: number): boolean {
    const { quotas, owners } = this.#placing;
    const begin = slot * this.#width;
    let neighbours = 0;
    for (let k = begin; k < begin + this.#width; k++) {
      const other = owners[k]!;
      if (k === place || other === VACANT) continue;
      if (other === node) return false;
      if (quotas.zones[other] === quotas.zones[node]) neighbours++;
    }
    return neighbours < quotas.perZone;
  }

  /** From a node with too many to one with too few, over nodes that pass one on. Empty when there is no way. */
  #shortestChain(): number[] {
    const { nodes } = this.#placing;
    const from = new Int16Array(nodes).fill(VACANT);
    const reached = Array.from({ length: nodes }, (_, node) => node).filter((node) => this.#lacks(node) < 0);
    for (const node of reached) from[node] = node;
    for (const giver of reached) {
      for (const taker of this.#takersOf(giver, from)) {
        from[taker] = giver;
        reached.push(taker);
        if (this.#lacks(taker) > 0) return chainTo(taker, from);
      }
    }
    return [];
  }

  /** Nodes not reached yet to which `giver` could hand some slot, in the order of names. */
  #takersOf(giver: number, reached: Int16Array): number[] {
    const { nodes, order, quotas } = this.#placing;
    let open = Array.from({ length: nodes }, (_, n) => n).filter((n) => reached[n] === VACANT && quotas.copies[n]! > 0);
    const takers: number[] = [];
    for (const slot of order) {
      if (open.length === 0) break;
      const place = this.#placeOf(slot, giver);
      if (place === VACANT) continue;
      const able = open.filter((node) => this.#mayOwn(slot, place, node));
      if (able.length === 0) continue;
      takers.push(...able);
      open = open.filter((node) => !able.includes(node));
    }
    return takers.sort((a, b) => a - b);
  }

  #candidates(giver: number, taker: number): Candidate[] {
    const found: Candidate[] = [];
    for (const slot of this.#placing.order) {
      const place = this.#placeOf(slot, giver);
      if (place === VACANT || !this.#mayOwn(slot, place, taker)) continue;
      found.push({ slot, gain: this.#fit(slot, place, taker) - this.#fit(slot, place, giver) });
    }
    return found;
  }

  #placeOf(slot: number, node: number): number {
    const begin = slot * this.#width;
    for (let k = begin; k < begin + this.#width; k++) if (this.#placing.owners[k] === node) return k;
    return VACANT;
  }

  #put(slot: number, place: number, node: number): void {
    const { owners, homes } = this.#placing;
    const before = owners[place]!;
    const begin = slot * this.#width;
    for (let k = begin; k < begin + this.#width; k++) {
      const partner = owners[k]!;
      if (k === place || partner === VACANT) continue;
      if (before !== VACANT) this.#count(before, partner, -1);
      this.#count(node, partner, 1);
    }
    if (before !== VACANT) {
      if (this.#lacks(before) < 0) this.surplus--;
      this.#held[before]!--;
    }
    if (this.#lacks(node) <= 0) this.surplus++;
    this.#held[node]!++;
    if (before !== VACANT && homes[slot] === before) homes[slot] = VACANT;
    owners[place] = node;
  }

  #countRoom(row: Int16Array, by: number): void {
    if (!row.includes(VACANT)) return;
    for (let node = 0; node < this.#placing.nodes; node++) if (!row.includes(node)) this.#room[node]! += by;
  }

  #lacks(node: number): number {
    return this.#placing.quotas.copies[node]! - this.#held[node]!;
  }

  #count(a: number, b: number, by: number): void {
    const { nodes } = this.#placing;
    this.#lack[a * nodes + b]! -= 2 * PARTS * by;
    this.#lack[b * nodes + a]! -= 2 * PARTS * by;
  }
}

/** Both halves of a pair's target, added up. */
function pairTargets({ quotas, nodes }: Placing): Square {
  const sums = quotas.copies.map((copies) => copies * (quotas.owners - 1));
  const half = targets(sums, sums, (a, b) => mayMeet(quotas, a, b));
  return Float64Array.from(half, (value, at) => value + half[(at % nodes) * nodes + Math.floor(at / nodes)]!);
}

/**
 * Which owner of each slot is its home, and which one is next: exact shares of homes, and a dead node's homes spread over many.
 *
 * No data moves here, only the order of owners, so a home changes where the share of homes asks for it and not otherwise. First,
 * slots without a home take the owner that lacks homes; then owners of one slot swap places; then, where no slot allows that
 * directly, in a chain over other nodes. Of several ways the one is taken that brings "home at a, next at b" closest to its
 * target, so that no survivor gets more of a dead node's homes than its part. Last, the others of a slot are put in order in
 * the same way, when there are two or more.
 *
 * Rejected: the order of arrival (the oldest nodes end up with all homes), home by hash (exact on average only).
 */
import { atOnce, bestOf, type Candidate, chainTo } from './chains.js';
import { type Placing, VACANT } from './copies.js';
import { SLOTS } from './nodes.js';
import { mayMeet, PARTS, quotient, type Square, targets } from './pairs.js';

/** Rounds of putting others in order. One is mostly enough: a second one finds nothing left to do. */
const MAX_ROUNDS = 8;
/** One slot more is this burden to a node with one home. Times a target (2^24 at most) it stays below 2^53. */
const HEAVIEST = 2 ** 24;

/** Orders the owners of every slot: the home first. */
export function placeHomes(placing: Placing): void {
  const homes = new Homes(placing);
  for (const slot of placing.order) homes.choose(slot);
  homes.swap(true);
  homes.swap(false);
  homes.swapInChains();
  homes.bringForward();
  if (placing.quotas.owners > 2) orderOthers(placing);
}

class Homes {
  readonly #placing: Placing;
  readonly #width: number;
  readonly #held: Int32Array;
  /** What one slot more is to a node: the fewer homes it has of its own, the more. */
  readonly #burden: readonly number[];
  /** Target minus count of "home at a, another copy at b", as burdens of b. */
  readonly #lack: Square;

  constructor(placing: Placing) {
    this.#placing = placing;
    this.#width = placing.quotas.owners;
    this.#held = new Int32Array(placing.nodes);
    this.#burden = placing.quotas.homes.map((homes) => quotient(HEAVIEST, Math.max(1, homes)));
    this.#lack = homeTargets(placing, this.#burden);
    for (let slot = 0; slot < SLOTS; slot++) {
      const home = placing.homes[slot]!;
      if (home !== VACANT) this.#count(slot, home, 1);
    }
  }

  /** Gives a slot without a home the owner that lacks homes, or else the one that has the fewest too many. */
  choose(slot: number): void {
    if (this.#placing.homes[slot] !== VACANT) return;
    let found = VACANT;
    let bestFit = 0;
    const { owners } = this.#placing;
    for (let k = slot * this.#width; k < (slot + 1) * this.#width; k++) {
      const node = owners[k]!;
      const fit = this.#fit(slot, node);
      if (found !== VACANT && !this.#isBetter(node, fit, found, bestFit)) continue;
      [found, bestFit] = [node, fit];
    }
    this.#placing.homes[slot] = found;
    this.#count(slot, found, 1);
  }

  /** Makes another owner the home where the home has too many and the other lacks some; at first only if the pairs gain by it. */
  swap(onlyGains: boolean): void {
    for (const slot of this.#placing.order) {
      const home = this.#placing.homes[slot]!;
      if (this.#lacks(home) >= 0) continue;
      let found = VACANT;
      let best = onlyGains ? -1 : Number.NEGATIVE_INFINITY;
      for (let k = slot * this.#width; k < (slot + 1) * this.#width; k++) {
        const node = this.#placing.owners[k]!;
        if (node === home || this.#lacks(node) <= 0) continue;
        const gain = this.#gain(slot, home, node);
        if (gain > best) [found, best] = [node, gain];
      }
      if (found !== VACANT) this.#move(slot, found);
    }
  }

  /** Brings homes from a node with too many to one with too few over others, until all are exact or there is no way. */
  swapInChains(): void {
    for (;;) {
      const chain = this.#shortestChain();
      if (chain.length === 0) return;
      const hops = chain.slice(1).map((taker, k) => ({ giver: chain[k]!, taker }));
      const wanted = Math.min(-this.#lacks(chain[0]!), this.#lacks(chain.at(-1)!));
      const count = Math.min(atOnce(wanted), ...hops.map(({ giver, taker }) => this.#candidates(giver, taker).length));
      // No node is twice in a chain, so what one hop moves takes nothing from the slots of another.
      for (const { giver, taker } of hops.reverse()) {
        for (const { slot } of bestOf(this.#candidates(giver, taker), count)) this.#move(slot, taker);
      }
    }
  }

  /** Writes the homes to the front of their slots. The others keep their order. */
  bringForward(): void {
    const { owners, homes } = this.#placing;
    for (let slot = 0; slot < SLOTS; slot++) {
      const begin = slot * this.#width;
      let place = owners.indexOf(homes[slot]!, begin);
      for (; place > begin; place--) owners[place] = owners[place - 1]!;
      owners[begin] = homes[slot]!;
    }
  }

  #shortestChain(): number[] {
    const { nodes, homes, owners } = this.#placing;
    const meets = new Uint8Array(nodes * nodes);
    for (let k = 0; k < owners.length; k++) meets[homes[Math.floor(k / this.#width)]! * nodes + owners[k]!] = 1;
    const from = new Int16Array(nodes).fill(VACANT);
    const reached = Array.from({ length: nodes }, (_, node) => node).filter((node) => this.#lacks(node) < 0);
    for (const node of reached) from[node] = node;
    for (const giver of reached) {
      for (let taker = 0; taker < nodes; taker++) {
        if (from[taker] !== VACANT || meets[giver * nodes + taker] === 0) continue;
        from[taker] = giver;
        reached.push(taker);
        if (this.#lacks(taker) > 0) return chainTo(taker, from);
      }
    }
    return [];
  }

  #candidates(giver: number, taker: number): Candidate[] {
    const found: Candidate[] = [];
    for (const slot of this.#placing.order) {
      if (this.#placing.homes[slot] !== giver || !this.#isOwner(slot, taker)) continue;
      found.push({ slot, gain: this.#gain(slot, giver, taker) });
    }
    return found;
  }

  #isBetter(node: number, fit: number, than: number, itsFit: number): boolean {
    const [lack, itsLack] = [this.#lacks(node), this.#lacks(than)];
    if (lack > 0 && itsLack > 0) return fit > itsFit || (fit === itsFit && lack > itsLack);
    return lack > itsLack;
  }

  /** How much the pairs want this owner as the home. */
  #fit(slot: number, home: number): number {
    const { nodes, owners } = this.#placing;
    let fit = 0;
    for (let k = slot * this.#width; k < (slot + 1) * this.#width; k++) {
      if (owners[k] !== home) fit += this.#lack[home * nodes + owners[k]!]!;
    }
    return fit;
  }

  #gain(slot: number, from: number, to: number): number {
    return this.#fit(slot, to) - this.#fit(slot, from);
  }

  #move(slot: number, to: number): void {
    this.#count(slot, this.#placing.homes[slot]!, -1);
    this.#placing.homes[slot] = to;
    this.#count(slot, to, 1);
  }

  #count(slot: number, home: number, by: number): void {
    this.#held[home]! += by;
    const { nodes, owners } = this.#placing;
    for (let k = slot * this.#width; k < (slot + 1) * this.#width; k++) {
      if (owners[k] !== home) this.#lack[home * nodes + owners[k]!]! -= this.#burden[owners[k]!]! * by;
    }
  }

  #lacks(node: number): number {
    return this.#placing.quotas.homes[node]! - this.#held[node]!;
  }

  #isOwner(slot: number, node: number): boolean {
    for (let k = slot * this.#width; k < (slot + 1) * this.#width; k++) {
      if (this.#placing.owners[k] === node) return true;
    }
    return false;
  }
}

/**
 * Which of the others is next after the home: what a dead node leaves goes to the nodes outside its zone in proportion to their
 * weights, since each of them then has the same share more to do. Wherever a swap brings the table closer to that, it is made.
 */
function orderOthers(placing: Placing): void {
  const { quotas, nodes, owners, order } = placing;
  const lack = nextTargets(placing);
  for (let slot = 0; slot < SLOTS; slot++) {
    const begin = slot * quotas.owners;
    lack[owners[begin]! * nodes + owners[begin + 1]!]! -= PARTS;
  }
  for (let round = 0, changed = true; changed && round < MAX_ROUNDS; round++) {
    changed = false;
    for (const slot of order) {
      const begin = slot * quotas.owners;
      const row = owners[begin]! * nodes;
      for (let k = begin + 2; k < begin + quotas.owners; k++) {
        const [next, other] = [owners[begin + 1]!, owners[k]!];
        if (lack[row + other]! - lack[row + next]! <= PARTS) continue;
        lack[row + next]! += PARTS;
        lack[row + other]! -= PARTS;
        [owners[begin + 1], owners[k]] = [other, next];
        changed = true;
      }
    }
  }
}

/** "Home at a, next at b", in parts of a slot: the homes of a, shared out by the homes of all b that it may meet. */
function nextTargets({ quotas, nodes }: Placing): Square {
  const table = new Float64Array(nodes * nodes);
  for (let a = 0; a < nodes; a++) {
    const open = quotas.homes.map((homes, b) => (mayMeet(quotas, a, b) ? homes : 0));
    const total = open.reduce((sum, homes) => sum + homes, 0);
    for (let b = 0; b < nodes; b++) {
      table[a * nodes + b] = total === 0 ? 0 : quotient(quotas.homes[a]! * PARTS * open[b]!, total);
    }
  }
  return table;
}

function homeTargets({ quotas, nodes }: Placing, burden: readonly number[]): Square {
  const rows = quotas.homes.map((homes) => homes * (quotas.owners - 1));
  const columns = quotas.copies.map((copies, n) => Math.max(0, copies - quotas.homes[n]!));
  const parts = targets(rows, columns, (a, b) => mayMeet(quotas, a, b));
  return parts.map((value, at) => quotient(value * burden[at % nodes]!, PARTS));
}

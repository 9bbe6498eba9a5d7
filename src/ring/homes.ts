/**
 * Which owner of each slot is its home, and which one is next: exact shares of homes, and no survivor overwhelmed.
 *
 * No data moves here, only the order of owners. When a node dies, each of its homes is served by the next owner. So "home at a, next
 * at b" has a limit for each pair: what b may serve after the death of a, less the homes that it has anyway. A slot keeps its
 * order if that fits; one without a home takes the order that lacks slots most. What does not fit is a flow, from slots with the same
 * owners over pairs to homes, and the flow puts as many as can be into an order that fits. If some are left, the lowest of the
 * limits that they meet are raised by a little, and so on: in the end no order of these owners does better, to a fifth of a percent.
 *
 * Rejected: swaps one by one, in chains, each for the better of pairs (what this file did before: the busiest survivor carried 1.13
 * without zones and 1.40 with them, where 1.02 and 1.15 are possible), limits of 1 (each change would turn many slots over for nothing).
 */
import { type Placing, VACANT } from './copies.js';
import { Flow } from './flow.js';
import { SLOTS } from './nodes.js';
import { mayMeet, PARTS, quotient, type Square } from './pairs.js';

/** Loads are counted in this many parts of a node's share by weight. */
const LOAD_PARTS = 1000;
/** What the busiest survivor may carry to begin with: 1.062. Below that nothing is put into another order. */
const FIRST_LIMIT = 1062;
/** From four times its share on, limits are raised by half: weights of one to a million would take thousands of steps. */
const ROUGH_LIMIT = 4000;

/** Slots with the same owners. */
interface Group {
  readonly owners: readonly number[];
  readonly slots: number[];
  /** How many of its slots have this home and next owner, by number of the pair, and fit. */
  readonly fitting: Map<number, number>;
  /** How many do not. */
  waiting: number;
  /** The arc to each of its pairs. */
  readonly arcs: Map<number, number>;
}

/** Orders the owners of every slot: the home first. */
export function placeHomes(placing: Placing): void {
  if (placing.quotas.owners === 1) return;
  chooseOrders(placing);
  new Orders(placing).settle();
}

/** Brings kept homes to the front, and gives the other slots the order that lacks slots most, from a home that lacks some. */
function chooseOrders(placing: Placing): void {
  const { quotas, nodes, owners, homes, order } = placing;
  const lack = pairTargets(placing);
  const lacking = Int32Array.from(quotas.homes);
  const count = (home: number, next: number): void => {
    lacking[home]!--;
    lack[home * nodes + next]! -= PARTS;
  };
  for (let slot = 0; slot < SLOTS; slot++) {
    if (homes[slot] === VACANT) continue;
    bringForward(placing, slot, 0, homes[slot]!);
    count(homes[slot]!, owners[slot * quotas.owners + 1]!);
  }
  for (const slot of order) {
    if (homes[slot] !== VACANT) continue;
    const row = owners.subarray(slot * quotas.owners, (slot + 1) * quotas.owners);
    const able = row.filter((node) => lacking[node]! > 0);
    let found = { home: VACANT, next: VACANT, lack: Number.NEGATIVE_INFINITY };
    for (const home of able.length > 0 ? able : row) {
      for (const next of row) {
        const its = lack[home * nodes + next]!;
        if (next !== home && its > found.lack) found = { home, next, lack: its };
      }
    }
    setOrder(placing, slot, found.home, found.next);
    count(found.home, found.next);
  }
}

/** "Home at a, next at b", in parts of a slot: the homes of a, shared out by the homes of all b that it may meet. */
function pairTargets({ quotas, nodes }: Placing): Square {
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

/** The network: source - groups - pairs - homes - sink. */
class Orders {
  readonly #placing: Placing;
  readonly #totalWeight: number;
  /** What the busiest survivor of each node may carry, in parts. */
  readonly #loads: number[];
  readonly #held: Int32Array;
  readonly #pairs: Int32Array;

  constructor(placing: Placing) {
    this.#placing = placing;
    this.#totalWeight = placing.quotas.weights.reduce((sum, weight) => sum + weight, 0);
    this.#loads = placing.quotas.weights.map(() => FIRST_LIMIT);
    this.#held = new Int32Array(placing.nodes);
    this.#pairs = new Int32Array(placing.nodes ** 2);
  }

  settle(): void {
    const { nodes, quotas } = this.#placing;
    const groups = this.#groups();
    if (groups.every(({ waiting }) => waiting === 0)) return;
    const [source, sink, firstHome, firstPair] = [0, 1, 2, 2 + nodes];
    const firstGroup = firstPair + nodes * nodes;
    const flow = new Flow(firstGroup + groups.length);
    const wide = new Map<number, number>();
    for (let home = 0; home < nodes; home++) {
      flow.lay(firstHome + home, sink, quotas.homes[home]!, this.#held[home]!);
      for (let pair = home * nodes; pair < (home + 1) * nodes; pair++) {
        const limit = this.#limit(pair);
        wide.set(pair, flow.lay(firstPair + pair, firstHome + home, limit, this.#pairs[pair]!));
      }
    }
    for (const [n, { owners, slots, fitting, waiting, arcs }] of groups.entries()) {
      if (waiting > 0) flow.lay(source, firstGroup + n, waiting, 0);
      for (const pair of pairsOf(owners, nodes)) {
        arcs.set(pair, flow.lay(firstGroup + n, firstPair + pair, slots.length, fitting.get(pair) ?? 0));
      }
    }
    for (;;) {
      const reached = flow.send(source, sink);
      const met = [...quotas.homes.keys()].filter((home) => {
        const row = reached.subarray(firstPair + home * nodes, firstPair + (home + 1) * nodes);
        return reached[firstHome + home] === 0 && row.includes(1);
      });
      // None is met when all are placed; or when owners do not allow the shares of homes, and the rest stays as it is.
      if (met.length === 0) break;
      const lowest = Math.min(...met.map((home) => this.#loads[home]!));
      for (const home of met.filter((each) => this.#loads[each] === lowest)) {
        for (const [pair, by] of this.#raise(home)) flow.widen(wide.get(pair)!, by);
      }
    }
    for (const group of groups) this.#apply(group, flow);
  }

  /** What fits stays, in the mixed order of slots; the rest waits. */
  #groups(): Group[] {
    const { quotas, nodes, owners, order } = this.#placing;
    const groups = new Map<string, Group>();
    for (const slot of order) {
      const begin = slot * quotas.owners;
      const row = owners.slice(begin, begin + quotas.owners).sort();
      const group: Group = groups.get(row.join()) ?? {
        owners: [...row],
        slots: [],
        fitting: new Map(),
        waiting: 0,
        arcs: new Map(),
      };
      groups.set(row.join(), group);
      group.slots.push(slot);
      const home = owners[begin]!;
      const pair = home * nodes + owners[begin + 1]!;
      if (this.#held[home]! < quotas.homes[home]! && this.#pairs[pair]! < this.#limit(pair)) {
        this.#held[home]!++;
        this.#pairs[pair]!++;
        group.fitting.set(pair, (group.fitting.get(pair) ?? 0) + 1);
      } else group.waiting++;
    }
    return [...groups.values()];
  }

  /** How often the pair may be home and next: what the next may carry when the home dies, less its own homes. */
  #limit(pair: number): number {
    const { nodes, quotas } = this.#placing;
    const [home, next] = [quotient(pair, nodes), pair % nodes];
    const left = this.#totalWeight - quotas.weights[home]!;
    if (left === 0) return 0;
    const carried = quotient(this.#loads[home]! * SLOTS * quotas.weights[next]!, LOAD_PARTS * left);
    // A product above 2^53 is more than all slots in any case.
    return Math.max(0, Math.min(SLOTS, carried) - quotas.homes[next]!);
  }

  /** Raises the limits for the death of one node, and says by how much for each pair. */
  #raise(home: number): [number, number][] {
    const { nodes } = this.#placing;
    const pairs = Array.from({ length: nodes }, (_, next) => home * nodes + next);
    const before = pairs.map((pair) => this.#limit(pair));
    const load = this.#loads[home]!;
    this.#loads[home] = load + quotient(load, load < ROUGH_LIMIT ? LOAD_PARTS : 2);
    return pairs.map((pair, k) => [pair, this.#limit(pair) - before[k]!]);
  }

  /** Puts slots into the orders that the flow has found. Those that already have one of them keep it. */
  #apply({ slots, arcs }: Group, flow: Flow): void {
    const { nodes, owners, quotas } = this.#placing;
    const wanted = new Map([...arcs].map(([pair, arc]) => [pair, flow.carried(arc)]));
    const others = slots.filter((slot) => {
      const pair = owners[slot * quotas.owners]! * nodes + owners[slot * quotas.owners + 1]!;
      const still = wanted.get(pair)!;
      wanted.set(pair, Math.max(0, still - 1));
      return still === 0;
    });
    for (const [pair, count] of wanted) {
      for (const slot of others.splice(0, count)) {
        setOrder(this.#placing, slot, quotient(pair, nodes), pair % nodes);
      }
    }
  }
}

/** All orders of a home and a next owner, as numbers of pairs. */
function pairsOf(owners: readonly number[], nodes: number): number[] {
  return owners.flatMap((home) => owners.filter((next) => next !== home).map((next) => home * nodes + next));
}

function setOrder(placing: Placing, slot: number, home: number, next: number): void {
  placing.homes[slot] = home;
  bringForward(placing, slot, 0, home);
  bringForward(placing, slot, 1, next);
}

/** Moves an owner to this place of its slot; those in between go back by one. */
function bringForward({ quotas, owners }: Placing, slot: number, to: number, node: number): void {
  const begin = slot * quotas.owners + to;
  let place = owners.indexOf(node, begin);
  for (; place > begin; place--) owners[place] = owners[place - 1]!;
  owners[begin] = node;
}

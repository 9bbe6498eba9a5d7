/**
 * Below what no table could go: the least that the busiest survivor of a death has to carry.
 *
 * A dead node's homes go to other nodes, and not to its zone. How many go where has fixed sums: the homes of each node, and the
 * further copies of each. So whether all survivors can stay below some load is a question of flow, and the least such load is found
 * by halving. `byNodes` asks for any table of these nodes; `byOwners` for any order of the owners that each slot has: which nodes those are
 * is decided by what moves least. Written apart from the planner, with another algorithm (one unit of room after another, depth first).
 */
import { SLOTS } from '../../src/ring/nodes.js';
import { quotas } from '../../src/ring/quota.js';
import type { RingTable } from '../../src/ring/table.js';

const PRECISION = 0.0005;

/** The least load of the busiest survivor, over its share by weight, that any table of these nodes has. */
export function leastLoadByNodes(table: RingTable): number {
  const share = quotas(table.nodes, table.copies);
  return least((load) => {
    const network = new Network();
    for (const [home, next] of pairs(table)) {
      if (share.perZone > 1 || share.zones[home] !== share.zones[next]) {
        network.lay(`home ${home}`, `next ${next}`, room(table, share.homes, home, next, load));
      }
    }
    for (const [n, homes] of share.homes.entries()) {
      network.lay('source', `home ${n}`, homes);
      network.lay(`next ${n}`, 'sink', Math.max(0, share.copies[n]! - homes));
    }
    return network.most() === SLOTS;
  });
}

/** The least that any order of the owners has which the slots of this table have. */
export function leastLoadByOwners(table: RingTable): number {
  const share = quotas(table.nodes, table.copies);
  const { width, entries } = table.owners;
  const groups = new Map<string, number>();
  for (let begin = 0; begin < entries.length; begin += width) {
    const key = entries
      .slice(begin, begin + width)
      .sort()
      .join();
    groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  return least((load) => {
    const network = new Network();
    for (const [home, next] of pairs(table)) {
      network.lay(`pair ${home} ${next}`, `home ${home}`, room(table, share.homes, home, next, load));
    }
    for (const [n, homes] of share.homes.entries()) network.lay(`home ${n}`, 'sink', homes);
    for (const [key, slots] of groups) {
      network.lay('source', key, slots);
      const owners = key.split(',');
      for (const home of owners) {
        for (const next of owners) if (home !== next) network.lay(key, `pair ${home} ${next}`, slots);
      }
    }
    return network.most() === SLOTS;
  });
}

/** How many homes of one node another could take over below this load, beside its own. */
function room({ nodes }: RingTable, homes: readonly number[], home: number, next: number, load: number): number {
  const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
  const carried = (load * SLOTS * nodes[next]!.weight) / (total - nodes[home]!.weight);
  return Math.max(0, Math.floor(carried - homes[next]!));
}

function pairs({ nodes }: RingTable): [number, number][] {
  const active = [...nodes.keys()].filter((n) => nodes[n]!.weight > 0);
  return active.flatMap((home) => active.filter((n) => n !== home).map((next): [number, number] => [home, next]));
}

/** The least load that is possible, where more is always possible, too. */
function least(isPossible: (load: number) => boolean): number {
  let [below, above] = [1, 2];
  while (!isPossible(above)) [below, above] = [above, above * 2];
  while (above - below > PRECISION) {
    const middle = (below + above) / 2;
    if (isPossible(middle)) above = middle;
    else below = middle;
  }
  return above;
}

class Network {
  readonly #room = new Map<string, Map<string, number>>();

  lay(from: string, to: string, room: number): void {
    this.#add(from, to, room);
    this.#add(to, from, 0);
  }

  /** The most that gets from the source to the sink. */
  most(): number {
    let most = 0;
    for (;;) {
      const amount = this.#push('source', Number.POSITIVE_INFINITY, new Set());
      if (amount === 0) return most;
      most += amount;
    }
  }

  #push(from: string, amount: number, been: Set<string>): number {
    if (from === 'sink') return amount;
    been.add(from);
    for (const [to, room] of this.#room.get(from) ?? []) {
      if (room === 0 || been.has(to)) continue;
      const through = this.#push(to, Math.min(amount, room), been);
      if (through === 0) continue;
      this.#add(from, to, -through);
      this.#add(to, from, through);
      return through;
    }
    return 0;
  }

  #add(from: string, to: string, room: number): void {
    const arcs = this.#room.get(from) ?? new Map<string, number>();
    this.#room.set(from, arcs.set(to, (arcs.get(to) ?? 0) + room));
  }
}

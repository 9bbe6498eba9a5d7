/**
 * What a table is worth, and what a change of tables costs: the figures that a person wants to see before it happens.
 *
 * The minimum that movement is compared with is what no other planner could go below. Two bounds, and the greater one counts:
 * every node that is to have more must be given so much; and since a node, or a zone, holds a slot once, it can only gain in
 * slots where it is not yet, so where those with a vacancy do not suffice somebody else has to make room and move as well.
 *
 * Figures are fractions, for people and tests; nothing here goes into a table.
 */
import { SLOTS } from './nodes.js';
import { type Quotas, quotas } from './quota.js';
import type { RingTable } from './table.js';

export interface Comparison {
  /** Copies that a node has to be given: what travels. */
  readonly moved: number;
  /** The fewest that any table with the same load could do with. */
  readonly minimum: number;
  /** `moved / minimum`; 1 when nothing has to move and nothing does. */
  readonly ratio: number;
  /** Slots with another home, whether or not data travels for it. */
  readonly newHomes: number;
  /** Slots with other owners, or the same in another order. */
  readonly changedSlots: number;
  /** Copies by where they come from and where they go, most first. `from` is the home where no copy is given up. */
  readonly moves: readonly { readonly from: string; readonly to: string; readonly slots: number }[];
}

export interface Load {
  readonly name: string;
  /** Slots of which the node holds a copy, and of which it is the home. */
  readonly copies: number;
  readonly homes: number;
  /** What it would hold if slots could be split: its weight's share, within the limits that the planner warns of. */
  readonly idealCopies: number;
  readonly idealHomes: number;
}

export interface Inspection {
  readonly loads: readonly Load[];
  /** The greatest `copies / idealCopies` and `homes / idealHomes`. */
  readonly worstCopies: number;
  readonly worstHomes: number;
  /** Slots with more owners in one zone than the zones make necessary. */
  readonly zoneViolations: number;
  /** For each node: if it died, the survivor with the most homes to serve, over that one's share by weight. */
  readonly deaths: readonly Death[];
}

export interface Death {
  readonly name: string;
  readonly busiest: string;
  /** Homes served by the busiest, over its share by weight among the survivors. */
  readonly load: number;
  /** What no placement could go below, since the dead node's homes stay outside its zone. */
  readonly bound: number;
}

/** What moves from one table to the next. */
export function compareTables(before: RingTable, after: RingTable): Comparison {
  const { width, entries } = after.owners;
  const moves = new Map<string, number>();
  let moved = 0;
  let newHomes = 0;
  let changedSlots = 0;
  for (let slot = 0; slot < SLOTS; slot++) {
    const old = namesOf(before, slot);
    const now = namesOf(after, slot);
    const arrived = now.filter((name) => !old.includes(name));
    const left = old.filter((name) => !now.includes(name));
    for (const [k, name] of arrived.entries()) {
      const way = `${left[k] ?? old[0]} ${name}`;
      moves.set(way, (moves.get(way) ?? 0) + 1);
    }
    moved += arrived.length;
    if (old[0] !== now[0]) newHomes++;
    if (old.join() !== now.join()) changedSlots++;
  }
  const minimum = leastMoved(before, after, entries.length / width);
  const listed = [...moves].map(([way, slots]) => {
    const [from = '', to = ''] = way.split(' ');
    return { from, to, slots };
  });
  listed.sort((a, b) => b.slots - a.slots || (`${a.from} ${a.to}` < `${b.from} ${b.to}` ? -1 : 1));
  return { moved, minimum, ratio: ratioOf(moved, minimum), newHomes, changedSlots, moves: listed };
}

/** How well a table spreads load, and what would happen if each of its nodes died. */
export function inspectTable(table: RingTable): Inspection {
  const share = quotas(table.nodes, table.copies);
  const { width, entries } = table.owners;
  const count = table.nodes.length;
  const copies = new Array<number>(count).fill(0);
  const homes = new Array<number>(count).fill(0);
  const next = new Int32Array(count * count);
  let zoneViolations = 0;
  for (let begin = 0; begin < entries.length; begin += width) {
    const row = entries.subarray(begin, begin + width);
    for (const node of row) copies[node]!++;
    homes[row[0]!]!++;
    if (width > 1) next[row[0]! * count + row[1]!]!++;
    if (mostInOneZone(row, share) > share.perZone) zoneViolations++;
  }
  const loads = table.nodes.map(({ name }, n) => ({
    name,
    copies: copies[n]!,
    homes: homes[n]!,
    idealCopies: share.ideal.copies[n]!,
    idealHomes: share.ideal.homes[n]!,
  }));
  return {
    loads,
    worstCopies: Math.max(...loads.map((load) => over(load.copies, load.idealCopies))),
    worstHomes: Math.max(...loads.map((load) => over(load.homes, load.idealHomes))),
    zoneViolations,
    deaths:
      width > 1
        ? table.nodes.flatMap((_, dead) => (homes[dead] === 0 ? [] : death(table, share, homes, next, dead)))
        : [],
  };
}

function death({ nodes }: RingTable, share: Quotas, homes: readonly number[], next: Int32Array, dead: number): Death {
  const weights = nodes.map(({ weight }) => weight);
  const total = sum(weights);
  const left = total - weights[dead]!;
  const isOpen = (n: number) => n !== dead && (share.perZone > 1 || share.zones[n] !== share.zones[dead]);
  const outside = sum(weights.filter((_, n) => isOpen(n)));
  const served = nodes.map(({ name }, n) => ({
    name,
    load: n === dead ? 0 : over(homes[n]! + next[dead * nodes.length + n]!, (SLOTS * weights[n]!) / left),
  }));
  const busiest = served.reduce((a, b) => (b.load > a.load ? b : a));
  const bound = ((outside + weights[dead]!) / outside) * (left / total);
  return { name: nodes[dead]!.name, busiest: busiest.name, load: busiest.load, bound };
}

function leastMoved(before: RingTable, after: RingTable, slots: number): number {
  const share = quotas(after.nodes, after.copies);
  const nodes = after.nodes.map((_, n) => n);
  const byNode = boundBy(nodes, share, before, after, slots);
  return share.perZone > 1 ? byNode : Math.max(byNode, boundBy(share.zones, share, before, after, slots));
}

/** How many of these owners one slot can keep: not more of a zone than may be in it. */
function mayStay(kept: readonly number[], { zones, perZone }: Quotas): number {
  const alike = new Map<number, number>();
  for (const node of kept) alike.set(zones[node]!, (alike.get(zones[node]!) ?? 0) + 1);
  return sum([...alike.values()].map((count) => Math.min(count, perZone)));
}

/** Vacancies have to be filled; what a group still lacks when it has all vacancies that it may take, somebody makes room for. */
function boundBy(groups: readonly number[], share: Quotas, before: RingTable, after: RingTable, slots: number): number {
  const lacking = groups.map(() => 0);
  const open = groups.map(() => 0);
  for (const node of after.owners.entries) lacking[groups[node]!]!++;
  const owns = new Set(after.owners.entries);
  const now = before.nodes.map(({ name }) => after.nodes.findIndex((node, n) => node.name === name && owns.has(n)));
  let vacancies = 0;
  for (let slot = 0; slot < slots; slot++) {
    const { width, entries } = before.owners;
    const kept = [...entries.subarray(slot * width, (slot + 1) * width)]
      .map((node) => now[node]!)
      .filter((n) => n >= 0);
    const there = new Set(kept.map((node) => groups[node]!));
    for (const group of there) lacking[group]!--;
    const vacant = Math.max(0, after.owners.width - mayStay(kept, share));
    vacancies += vacant;
    if (vacant > 0) for (let group = 0; group < groups.length; group++) if (!there.has(group)) open[group]!++;
  }
  const given = sum(lacking.map((lack) => Math.max(0, lack)));
  return Math.max(given, vacancies + sum(lacking.map((lack, group) => Math.max(0, lack - open[group]!))));
}

function namesOf({ nodes, owners: { width, entries } }: RingTable, slot: number): string[] {
  return Array.from(entries.subarray(slot * width, (slot + 1) * width), (node) => nodes[node]!.name);
}

function mostInOneZone(row: Uint8Array, { zones }: Quotas): number {
  let most = 0;
  for (const node of row) {
    let alike = 0;
    for (const other of row) if (zones[other] === zones[node]) alike++;
    most = Math.max(most, alike);
  }
  return most;
}

function ratioOf(moved: number, minimum: number): number {
  return moved === minimum ? 1 : moved / minimum;
}

function over(value: number, ideal: number): number {
  if (ideal > 0) return value / ideal;
  return value === 0 ? 0 : Number.POSITIVE_INFINITY;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * How many slots each node is to hold: exact shares by weight, in whole slots, by largest remainder.
 *
 * Two limits stand above weight. A node holds a slot once, so it never gets more copies than there are slots. And a zone holds
 * a slot as rarely as the zones allow: once where there are as many zones as copies. So the zones are given their quotas first,
 * with that limit, and share them out among their nodes; what a limit takes away goes to the others by weight. Homes (first
 * copies) are shared out by weight alone: a home quota is never above the copies' one, whatever the limits.
 *
 * Rejected: quotas for nodes first (a heavy zone then gets more copies than it has slots, and the zone rule breaks for a third
 * of all slots); quotas in fractions (their last bit differs between engines).
 *
 * All products stay below 2^53: 16384 slots x 5 copies x a weight of 10^6 is 2^37, and 256 such weights make 2^45.
 */
import { type RingNode, SLOTS } from './nodes.js';

export interface Quotas {
  /** How many nodes own each slot: the copies asked for, or fewer where there are not so many nodes. */
  readonly owners: number;
  /** The weight of each node. */
  readonly weights: readonly number[];
  /** The most owners of one slot that may be in one zone. 1 wherever there are as many zones as owners. */
  readonly perZone: number;
  /** The zone of each node by number, in the order of the zones' names. */
  readonly zones: readonly number[];
  /** Copies of each node, together `SLOTS * owners`. */
  readonly copies: readonly number[];
  /** Homes of each node, together `SLOTS`. */
  readonly homes: readonly number[];
  /** The shares before they were rounded, for reports only. */
  readonly ideal: { readonly copies: readonly number[]; readonly homes: readonly number[] };
  readonly warnings: readonly Warning[];
}

/** Where the nodes cannot have what their weights ask for. */
export interface Warning {
  readonly kind: 'fewNodes' | 'fewZones' | 'nodeLimit' | 'zoneLimit';
  /** The node or zone that it is about. */
  readonly name?: string;
  readonly message: string;
}

/** Quotas for nodes in the order of their names. */
export function quotas(nodes: readonly RingNode[], copies: number): Quotas {
  const weights = nodes.map(({ weight }) => weight);
  const zoneNames = [...new Set(nodes.map(({ zone }) => zone ?? ''))].sort();
  const zones = nodes.map(({ zone }) => zoneNames.indexOf(zone ?? ''));
  const members = zoneNames.map((_, zone) =>
    nodes.flatMap((node, n) => (zones[n] === zone && node.weight > 0 ? n : [])),
  );
  const sizes = members.map(({ length }) => length);
  const owners = Math.min(copies, sum(sizes));
  const perZone = smallestPerZone(sizes, owners);
  const zoneWeights = members.map((of) => sum(of.map((n) => weights[n]!)));
  const perZoneShares = shares(
    SLOTS * owners,
    zoneWeights,
    sizes.map((size) => SLOTS * Math.min(size, perZone)),
  );
  const whole = nodes.map(() => 0);
  const ideal = nodes.map(() => 0);
  for (const [zone, of] of members.entries()) {
    const within = of.map((n) => weights[n]!);
    const limits = of.map(() => SLOTS);
    const given = shares(perZoneShares.whole[zone]!, within, limits).whole;
    const before = shares(perZoneShares.ideal[zone]!, within, limits).ideal;
    for (const [k, n] of of.entries()) [whole[n], ideal[n]] = [given[k]!, before[k]!];
  }
  const homes = shares(
    SLOTS,
    weights,
    weights.map(() => SLOTS),
  );
  return {
    owners,
    weights,
    perZone,
    zones,
    copies: whole,
    // With one copy, home and copy are one: shared out over the zones, they may differ from the homes by a slot.
    homes: owners === 1 ? whole : homes.whole,
    ideal: { copies: ideal, homes: owners === 1 ? ideal : homes.ideal },
    warnings: warningsAbout(nodes, copies, { owners, perZone, zoneNames, zoneWeights, ideal }),
  };
}

/**
 * `total` shared out by weight, nobody above its limit, rounded by largest remainder; of equal remainders the first ones win.
 * Whoever is above the limit at one price is above it at any later one, since taking it out leaves more for the others: so the
 * limits are reached from above, and the loop ends.
 */
export function shares(
  total: number,
  weights: readonly number[],
  limits: readonly number[],
): { readonly whole: readonly number[]; readonly ideal: readonly number[] } {
  const whole = weights.map(() => 0);
  const ideal = weights.map(() => 0);
  let left = total;
  let open = weights.flatMap((weight, n) => (weight > 0 ? n : []));
  for (;;) {
    const sumOfWeights = sum(open.map((n) => weights[n]!));
    const full = open.filter((n) => left * weights[n]! > limits[n]! * sumOfWeights);
    for (const n of full) whole[n] = ideal[n] = limits[n]!;
    left -= sum(full.map((n) => limits[n]!));
    open = open.filter((n) => !full.includes(n));
    if (full.length > 0) continue;
    const remainders = open.map((n) => ({ n, remainder: (left * weights[n]!) % sumOfWeights }));
    for (const { n, remainder } of remainders) {
      whole[n] = (left * weights[n]! - remainder) / sumOfWeights;
      ideal[n] = (left * weights[n]!) / sumOfWeights;
    }
    const over = left - sum(open.map((n) => whole[n]!));
    remainders.sort((a, b) => b.remainder - a.remainder || a.n - b.n);
    for (const { n } of remainders.slice(0, over)) whole[n]!++;
    return { whole, ideal };
  }
}

/** As few owners of one slot in one zone as the sizes of the zones allow. */
function smallestPerZone(sizes: readonly number[], owners: number): number {
  let perZone = 1;
  while (sum(sizes.map((size) => Math.min(size, perZone))) < owners) perZone++;
  return perZone;
}

function warningsAbout(
  nodes: readonly RingNode[],
  copies: number,
  found: {
    readonly owners: number;
    readonly perZone: number;
    readonly zoneNames: readonly string[];
    readonly zoneWeights: readonly number[];
    readonly ideal: readonly number[];
  },
): Warning[] {
  const { owners, perZone, zoneNames, zoneWeights, ideal } = found;
  const total = sum(zoneWeights);
  const warnings: Warning[] = [];
  if (owners < copies) {
    const message = `${copies} copies were asked for, and there are ${owners} nodes with a weight: each slot has ${owners} until there are more.`;
    warnings.push({ kind: 'fewNodes', message });
  }
  const named = zoneNames.filter((name, zone) => name !== '' && zoneWeights[zone]! > 0);
  if (named.length > 0 && perZone > 1) {
    const message = `${owners} copies are spread over ${named.length} zones: up to ${perZone} of one slot share a zone, and are lost together with it.`;
    warnings.push({ kind: 'fewZones', message });
  }
  for (const [zone, weight] of zoneWeights.entries()) {
    if (zoneNames[zone] === '' || weight * owners <= perZone * total) continue;
    const message = `Zone ${zoneNames[zone]} has ${percent(weight, total)} of the weight, but holds each slot at most ${times(perZone)}: its nodes get less than their weight, the other zones more. Spread the weight over the zones, or add a zone.`;
    warnings.push({ kind: 'zoneLimit', name: zoneNames[zone]!, message });
  }
  for (const [n, { name, weight }] of nodes.entries()) {
    if (owners < 2 || ideal[n] !== SLOTS || weight * owners <= total) continue;
    const message = `Node ${name} has ${percent(weight, total)} of the weight, but a slot's ${owners} copies are on different nodes: it holds each slot once, and the others get more than their weight. Give it less, or add nodes.`;
    warnings.push({ kind: 'nodeLimit', name, message });
  }
  return warnings;
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}

function times(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

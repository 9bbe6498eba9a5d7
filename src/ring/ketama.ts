/**
 * The ring of memcached's clients, for reading what they have placed. For taking over data only: it moves more than it must when
 * nodes change, and its loads differ by a tenth and more.
 *
 * A node has groups in proportion to its weight, 40 for an average node; group k is the md5 of `host-k`, whose sixteen bytes are
 * four points, little-endian. A key belongs to the first point at or after the first point of its own md5, else to the first of
 * all; the list goes on clockwise, each node once.
 *
 * How many groups a share makes was never agreed on, and the three rules place two to three keys of a hundred elsewhere at 7, 14 or
 * 49 equal nodes. So the rule has to be named: `float32` is libketama's, `float64` npm hashring's, `integer` is exact (uhashring).
 */
import { hash } from 'node:crypto';
import { failure } from '../errors.js';

/** A node as these clients know it: the host is part of every point, so it must be spelled as it was. */
export interface HostNode {
  readonly host: string;
  /** A whole number from 1. */
  readonly weight: number;
}

/** How shares become groups. */
export type CountRule = 'float32' | 'float64' | 'integer';

export interface KetamaRing {
  /** Groups of each node, in the order of the list. */
  readonly groups: readonly number[];
  readonly points: number;
  /** The hosts for a key, the owner first; at most `count` of them, or all. */
  hostsFor(key: string, count?: number): readonly string[];
}

const GROUPS_PER_NODE = 40;
const POINTS_PER_GROUP = 4;

export function ketama(nodes: readonly HostNode[], rule: CountRule): KetamaRing {
  const groups = groupsOf(nodes, rule);
  const points = nodes.flatMap(({ host }, node) => pointsOf(host, groups[node]!).map((at) => ({ at, node })));
  // Of two nodes at one point the one listed first wins; a stable sort leaves them so.
  points.sort((a, b) => a.at - b.at);
  return {
    groups,
    points: points.length,
    hostsFor(key, count = nodes.length) {
      const first = firstFrom(points, hash('md5', key, 'buffer').readUInt32LE(0));
      const found = new Set<string>();
      for (let k = 0; k < points.length && found.size < count; k++) {
        found.add(nodes[points[(first + k) % points.length]!.node]!.host);
      }
      return [...found];
    },
  };
}

/** Groups of each node by that rule, in the order of the list. */
export function groupsOf(nodes: readonly HostNode[], rule: CountRule): readonly number[] {
  const countOf = COUNTS[rule];
  if (countOf === undefined) {
    throw failure('SOJOURN_OPTION', { option: 'rule of ketama', wanted: 'must be one of float32, float64, integer' });
  }
  refuseHosts('ketama', nodes);
  const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
  return nodes.map(({ weight }) => countOf(weight, total, nodes.length));
}

/** Shared with the other ring of other people's: refuses a list that no such ring was ever made of. */
export function refuseHosts(ring: string, nodes: readonly HostNode[]): void {
  const wrong = nodes.find(
    ({ host, weight }) => typeof host !== 'string' || !Number.isSafeInteger(weight) || weight < 1,
  );
  if (nodes.length > 0 && wrong === undefined) return;
  const wanted = "must be at least one of { host: 'name:port', weight: 1 or more }, as the other client had them";
  throw failure('SOJOURN_OPTION', { option: `nodes of ${ring}`, wanted });
}

const COUNTS: Readonly<Record<CountRule, (weight: number, total: number, nodes: number) => number>> = {
  float32: (weight, total, nodes) => Math.floor(Math.fround(Math.fround(weight / total) * GROUPS_PER_NODE * nodes)),
  float64: (weight, total, nodes) => Math.floor((weight / total) * GROUPS_PER_NODE * nodes),
  integer: (weight, total, nodes) => Number((BigInt(weight) * BigInt(GROUPS_PER_NODE * nodes)) / BigInt(total)),
};

function pointsOf(host: string, groups: number): number[] {
  return Array.from({ length: groups }, (_, group) => hash('md5', `${host}-${group}`, 'buffer')).flatMap((digest) =>
    Array.from({ length: POINTS_PER_GROUP }, (_, k) => digest.readUInt32LE(4 * k)),
  );
}

/** The place of the first point at or after `at`, 0 if there is none. */
function firstFrom(points: readonly { readonly at: number }[], at: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]!.at < at) low = middle + 1;
    else high = middle;
  }
  return low === points.length ? 0 : low;
}

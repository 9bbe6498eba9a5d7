/**
 * The weighted ring of the blog post that sojourn began with (Tornado sessions on several Redis servers), for reading what such
 * a deployment has placed, and as proof of what was wrong with it.
 *
 * Points are the md5 of `host-i` as one number of 128 bits, i from 0 to floor(32 * nodes * weight / total) - 1, in the order of
 * the nodes. `seed-exact` searches them as the post does, by halves although they are not sorted: 5 of 95 points are ever
 * found, and one key in eighteen falls off the end (null). `seed-fixed` is what was meant: sorted, and the end wraps around.
 *
 * Rejected: reading the digests as BigInt. Hexadecimal text of one length compares alike.
 */
import { hash } from 'node:crypto';
import { type HostNode, refuseHosts } from './ketama.js';

export type SeedRule = 'seed-exact' | 'seed-fixed';

export interface SeedRing {
  /** The digest and the host of each point, in the order in which they are searched. */
  readonly points: readonly { readonly digest: string; readonly host: string }[];
  /** Where the search for a key ends: `points.length` when it is past them all. */
  positionOf(key: string): number;
  /** The host of a key; null where the post's code ends with an IndexError (`seed-exact` only). */
  hostFor(key: string): string | null;
}

const POINTS_PER_NODE = 32;

export function seedRing(nodes: readonly HostNode[], rule: SeedRule): SeedRing {
  refuseHosts('the seed ring', nodes);
  const total = nodes.reduce((sum, { weight }) => sum + weight, 0);
  const points = nodes.flatMap(({ host, weight }) =>
    Array.from({ length: Math.floor((POINTS_PER_NODE * nodes.length * weight) / total) }, (_, i) => ({
      digest: hash('md5', `${host}-${i}`, 'hex'),
      host,
    })),
  );
  if (rule === 'seed-fixed') points.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  const positionOf = (key: string) => bisectRight(points, hash('md5', key, 'hex'));
  return {
    points,
    positionOf,
    hostFor(key) {
      const position = positionOf(key);
      return points[rule === 'seed-fixed' ? position % points.length : position]?.host ?? null;
    },
  };
}

/** Python's bisect_right, step by step: on a list that is not sorted, the steps decide. */
function bisectRight(points: readonly { readonly digest: string }[], digest: string): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (digest < points[middle]!.digest) high = middle;
    else low = middle + 1;
  }
  return low;
}

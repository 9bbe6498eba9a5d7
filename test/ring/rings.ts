/**
 * Rings that the tests of placement look at, and the changes that they go through.
 *
 * The weights 15, 20 and 10 are those of the post that the ring goes back to.
 */
import type { NodeSpec } from '../../src/ring/nodes.js';

const POST_WEIGHTS = [15, 20, 10];

/** Nodes with the weights 15, 20, 10 over and over; `zones` of them in turns. */
export function weighted(count: number, zones = 0): NodeSpec[] {
  return nodes(count, (n) => POST_WEIGHTS[n % 3]!, zones);
}

/** Nodes of one weight. */
export function equal(count: number, zones = 0): NodeSpec[] {
  return nodes(count, () => 1, zones);
}

/** Six, four and two equal nodes in three zones. */
export function lopsided(): NodeSpec[] {
  return nodes(12, () => 1).map((node, n) => ({ ...node, zone: n < 6 ? 'a' : n < 10 ? 'b' : 'c' }));
}

/** What happens to a ring: one node joins, leaves, counts double, or is drained. */
export function changes(specs: readonly NodeSpec[]): Record<string, NodeSpec[]> {
  const [first, , third] = specs;
  return {
    join: [...specs, { ...first!, name: 'new' }],
    leave: specs.slice(1),
    reweight: specs.map((node, n) => (n === 1 ? { ...node, weight: 2 * (node.weight ?? 1) } : node)),
    drain: specs.map((node) => (node === third ? { ...node, weight: 0 } : node)),
  };
}

function nodes(count: number, weightOf: (n: number) => number, zones = 0): NodeSpec[] {
  return Array.from({ length: count }, (_, n) => {
    const node = { name: `redis-${n + 1}`, weight: weightOf(n) };
    return zones === 0 ? node : { ...node, zone: `zone-${(n % zones) + 1}` };
  });
}

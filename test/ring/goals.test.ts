/**
 * The figures that placement must reach, for the rings that people have. They are arithmetic, the same on every machine.
 *
 * Two of them have a limit below which no placement can go, and where that is higher it counts: a share of 162.2 slots is
 * rounded to 163; and a node's zone may be so large a part of the ring that the nodes outside have too much to take over. After a
 * change the busiest survivor is measured by the owners that slots have then: which nodes those are is decided by what moves least.
 */
import { describe, expect, test } from 'vitest';
import { compareTables, inspectTable } from '../../src/ring/compare.js';
import { firstTable } from '../../src/ring/first-table.js';
import { nextTable } from '../../src/ring/next-table.js';
import type { RingTable } from '../../src/ring/table.js';
import { leastLoadByNodes, leastLoadByOwners } from './bounds.js';
import { changes, equal, lopsided, weighted } from './rings.js';

/** The planner raises its limits by steps of this much. */
const STEP = 1 + 1 / 500;

const rings = [
  ['3 nodes of 15, 20, 10', weighted(3), [1, 2, 3]],
  ['6 equal nodes', equal(6), [1, 2, 3]],
  ['6 nodes of 15, 20, 10', weighted(6), [1, 2, 3]],
  ['10 equal nodes', equal(10), [1, 2, 3]],
  ['10 nodes of 15, 20, 10', weighted(10), [1, 2, 3]],
  ['6 equal nodes in 3 zones', equal(6, 3), [2, 3]],
  ['12 equal nodes in 3 zones', equal(12, 3), [2, 3]],
  ['12 nodes in 3 zones of 15, 20, 10', weighted(12, 3), [2, 3]],
  ['12 nodes, 6, 4 and 2 in a zone', lopsided(), [2, 3]],
  ['12 nodes in 4 zones', weighted(12, 4), [2, 3]],
  ['100 equal nodes', equal(100), [1, 2, 3]],
  ['100 nodes of 15, 20, 10', weighted(100), [1, 2, 3]],
  ['100 nodes in 5 zones', weighted(100, 5), [2, 3]],
] as const;

const cases = rings.flatMap(([name, specs, copies]) => copies.map((count) => ({ name, specs, copies: count })));

describe.each(cases)('$name, copies: $copies', ({ specs, copies }) => {
  const isZoned = specs[0]!.zone !== undefined;
  const { table } = firstTable(specs, { copies });

  test('a first table: every node has its share, no zone twice, no survivor is overwhelmed', () => {
    const limits = specs.length > 10 ? { copies: 1.003, homes: 1.01 } : { copies: 1.001, homes: 1.01 };
    const { worstCopies, worstHomes } = inspectTable(table);
    expect(worstCopies).toBeLessThanOrEqual(limits.copies);
    expect(worstHomes).toBeLessThanOrEqual(limits.homes);
    expectSound(table, leastLoadByNodes);
  });

  const limit = isZoned ? 1.1 : copies === 1 ? 1.001 : 1.02;
  test.each(Object.entries(changes(specs)))(
    '%s: as little moves as can be, and the table is as good as a new one',
    (_, changed) => {
      const next = nextTable(table, changed).table;
      const { ratio, moved, moves } = compareTables(table, next);
      expect(ratio).toBeLessThanOrEqual(limit);
      expect(moves.reduce((sum, { slots }) => sum + slots, 0)).toBe(moved);
      expectSound(next, leastLoadByOwners);
    },
  );
});

/** Exact to the slot, no zone rule broken, and every node may die. */
function expectSound(table: RingTable, leastLoad: (table: RingTable) => number): void {
  const { loads, zoneViolations, deaths } = inspectTable(table);
  for (const { copies, idealCopies, homes, idealHomes } of loads) {
    expect(Math.abs(copies - idealCopies)).toBeLessThan(2);
    expect(Math.abs(homes - idealHomes)).toBeLessThan(2);
  }
  expect(zoneViolations).toBe(0);
  if (loads.filter(({ copies }) => copies > 0).length < 6) return;
  const busiest = Math.max(0, ...deaths.map(({ load }) => load));
  if (busiest > 1.1) expect(busiest).toBeLessThanOrEqual(leastLoad(table) * STEP);
}

/**
 * How often two nodes should share a slot: the target that copies are spread after.
 *
 * When a node dies, each of its slots is served by the next owner. So a node's partners must be many, each in proportion to what
 * it can carry. The target is the table with given row sums and column sums that is as even as those allow, with nothing where
 * two nodes may not meet (the node itself, or its zone): rows and columns are scaled in turns until both fit (Sinkhorn's
 * scaling; it keeps the table a product of two vectors, which is what "in proportion" means).
 *
 * It only guides: quotas and limits (homes.ts) are kept whatever it says, so a few rounds do, and integers with eight bits below the point.
 *
 * Rejected: filling by deficit alone (the busiest survivor carried 1.16 to 1.53 of its share), and chance alone (good for many
 * equal nodes, 1.12 and more for few or unequal ones).
 */

import type { Quotas } from './quota.js';

/** Targets are counted in parts of a slot: this many. */
export const PARTS = 256;
const ROUNDS = 12;

/** A square table of numbers, row by row. */
export type Square = Float64Array;

/** Targets in parts of a slot. The largest product is (5 copies x 16384 slots x 256)^2 < 2^49. */
export function targets(
  rows: readonly number[],
  columns: readonly number[],
  mayMeet: (a: number, b: number) => boolean,
): Square {
  const n = rows.length;
  const table = new Float64Array(n * n);
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      if (rows[a]! > 0 && columns[b]! > 0 && mayMeet(a, b)) table[a * n + b] = PARTS + columns[b]!;
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (let a = 0; a < n; a++) scale(table, a * n, 1, n, rows[a]! * PARTS);
    for (let b = 0; b < n; b++) scale(table, b, n, n, columns[b]! * PARTS);
  }
  return table;
}

/** Whether two nodes may own the same slot. */
export function mayMeet(quotas: Quotas, a: number, b: number): boolean {
  return a !== b && (quotas.perZone > 1 || quotas.zones[a] !== quotas.zones[b]);
}

/** Makes `count` cells, `step` apart, add up to `wanted`, rounded down. */
function scale(table: Square, first: number, step: number, count: number, wanted: number): void {
  let total = 0;
  for (let k = 0; k < count; k++) total += table[first + k * step]!;
  if (total === 0) return;
  for (let k = 0; k < count; k++) {
    table[first + k * step] = quotient(table[first + k * step]! * wanted, total);
  }
}

/** Division of whole numbers from 0 to 2^53, rounded down, without a fraction on the way. */
export function quotient(dividend: number, divisor: number): number {
  return (dividend - (dividend % divisor)) / divisor;
}

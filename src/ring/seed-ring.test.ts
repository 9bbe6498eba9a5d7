/** The vectors in test/ring were made with the post's own code, ported to Python 3. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { HostNode } from './ketama.js';
import { seedRing } from './seed-ring.js';

interface Vectors {
  readonly nodes: readonly HostNode[];
  readonly totalPoints: number;
  readonly pointsPerNode: Readonly<Record<string, number>>;
  readonly unsortedFirst3: readonly string[];
  readonly unsortedLast: string;
  readonly sortedFirst: string;
  readonly sortedLast: string;
  readonly vectors: readonly {
    readonly key: string;
    readonly asWritten: { readonly pos: number; readonly node: string | null; readonly crash: boolean };
    readonly sorted: { readonly pos: number; readonly nodeWithWrap: string };
  }[];
}

const file = new URL('../../test/ring/seed-ring-vectors.json', import.meta.url);
const expected: Vectors = JSON.parse(readFileSync(file, 'utf8'));
const exact = seedRing(expected.nodes, 'seed-exact');
const fixed = seedRing(expected.nodes, 'seed-fixed');

describe("the post's ring", () => {
  test('has the points of the post, in its order and sorted', () => {
    const digests = (ring: typeof exact) => ring.points.map(({ digest }) => digest);
    expect(digests(exact).slice(0, 3)).toEqual(expected.unsortedFirst3);
    expect(digests(exact).at(-1)).toBe(expected.unsortedLast);
    expect([digests(fixed)[0], digests(fixed).at(-1)]).toEqual([expected.sortedFirst, expected.sortedLast]);
    expect(exact.points.length).toBe(expected.totalPoints);
    for (const [host, count] of Object.entries(expected.pointsPerNode)) {
      expect(exact.points.filter((point) => point.host === host).length).toBe(count);
    }
  });

  test.each(expected.vectors)('$key is where the post puts it, or falls off the end', ({ key, asWritten }) => {
    expect(exact.positionOf(key)).toBe(asWritten.pos);
    expect(exact.hostFor(key)).toBe(asWritten.node);
    expect(exact.hostFor(key) === null).toBe(asWritten.crash);
  });

  test.each(expected.vectors)('$key is where the post meant it to be', ({ key, sorted }) => {
    expect(fixed.positionOf(key)).toBe(sorted.pos);
    expect(fixed.hostFor(key)).toBe(sorted.nodeWithWrap);
  });

  test('the search ends in six places, one of them past the end: 90 of 95 points are never found', () => {
    const found = new Set(Array.from({ length: 20_000 }, (_, n) => exact.positionOf(`key ${n}`)));
    expect(found.size).toBe(6);
    expect(found.has(exact.points.length)).toBe(true);
  });
});

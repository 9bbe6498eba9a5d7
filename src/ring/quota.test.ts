import { describe, expect, test } from 'vitest';
import { checkedNodes, type NodeSpec, SLOTS } from './nodes.js';
import { quotas, shares } from './quota.js';

const of = (specs: readonly NodeSpec[], copies: number) => quotas(checkedNodes(specs), copies);
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('shares', () => {
  test('are exact to the slot, the rest to the largest remainders', () => {
    expect(shares(16384, [15, 20, 10], [16384, 16384, 16384]).whole).toEqual([5461, 7282, 3641]);
  });

  test('of equal remainders the first ones win', () => {
    expect(shares(5, [1, 1, 1], [5, 5, 5]).whole).toEqual([2, 2, 1]);
  });

  test('nobody is above its limit, and what that takes away goes to the others by weight', () => {
    expect(shares(100, [90, 6, 4], [40, 100, 100]).whole).toEqual([40, 36, 24]);
  });

  test('one limit can bring another node to its own', () => {
    expect(shares(120, [80, 30, 10], [50, 50, 50]).whole).toEqual([50, 50, 20]);
  });

  test('stay exact for the largest weights there are', () => {
    const { whole } = shares(SLOTS * 5, Array(256).fill(1_000_000), Array(256).fill(SLOTS));
    expect(whole).toEqual(Array(256).fill(320));
  });
});

describe('quotas', () => {
  test('two copies of 15, 20 and 10: twice the share, and homes once', () => {
    const { copies, homes, warnings } = of(
      [
        { name: 'a', weight: 15 },
        { name: 'b', weight: 20 },
        { name: 'c', weight: 10 },
      ],
      2,
    );
    expect(copies).toEqual([10923, 14563, 7282]);
    expect(homes).toEqual([5461, 7282, 3641]);
    expect(warnings).toEqual([]);
  });

  test('a node that is too heavy holds each slot once, and the warning names it', () => {
    const { copies, warnings } = of([{ name: 'big', weight: 8 }, { name: 'x' }, { name: 'y' }], 2);
    expect(copies).toEqual([SLOTS, SLOTS / 2, SLOTS / 2]);
    expect(warnings).toMatchObject([{ kind: 'nodeLimit', name: 'big' }]);
    expect(warnings[0]?.message).toMatch(/^Node big has 80 % of the weight, but .* Give it less, or add nodes\.$/);
  });

  test('a zone that is too heavy holds each slot once, and the warning names it', () => {
    const specs = [
      { name: 'a1', zone: 'a' },
      { name: 'a2', zone: 'a' },
      { name: 'a3', zone: 'a' },
      { name: 'b1', zone: 'b' },
      { name: 'c1', zone: 'c' },
    ];
    const { copies, perZone, warnings } = of(specs, 2);
    expect(perZone).toBe(1);
    expect(sum(copies.slice(0, 3))).toBe(SLOTS);
    expect(copies.slice(3)).toEqual([SLOTS / 2, SLOTS / 2]);
    expect(warnings).toMatchObject([{ kind: 'zoneLimit', name: 'a' }]);
  });

  test('fewer zones than copies: as few as possible in one zone, and the plan says so', () => {
    const specs = ['a', 'b'].flatMap((zone) => [1, 2].map((n) => ({ name: `${zone}${n}`, zone })));
    const { perZone, warnings } = of(specs, 3);
    expect(perZone).toBe(2);
    expect(warnings).toMatchObject([{ kind: 'fewZones' }]);
  });

  test('fewer nodes than copies: as many copies as nodes, and the plan says so', () => {
    const { owners, copies, warnings } = of([{ name: 'a' }, { name: 'b', weight: 0 }], 2);
    expect(owners).toBe(1);
    expect(copies).toEqual([SLOTS, 0]);
    expect(warnings).toMatchObject([{ kind: 'fewNodes' }]);
  });

  test('weight 0 drains: it gets nothing, also in a zone of its own', () => {
    const { copies, homes, perZone } = of(
      [
        { name: 'a', zone: 'a' },
        { name: 'b', zone: 'b' },
        { name: 'c', zone: 'c', weight: 0 },
      ],
      2,
    );
    expect([copies[2], homes[2], perZone]).toEqual([0, 0, 1]);
  });

  test.each([
    ['two nodes of one name', [{ name: 'a' }, { name: 'a' }], /distinct names, but a is there twice/],
    ['no node with a weight', [{ name: 'a', weight: 0 }], /at least one node whose weight is not 0/],
    ['no node at all', [], /at least one node/],
    ['a name with a space', [{ name: 'a b' }], /name of nodes\[0\]/],
    ['a weight with a fraction', [{ name: 'a', weight: 1.5 }], /weight of node a/],
    ['a weight above a million', [{ name: 'a', weight: 1_000_001 }], /weight of node a/],
    ['a zone for some', [{ name: 'a', zone: 'x' }, { name: 'b' }], /zone each, or none at all, but b has none/],
    ['257 nodes', Array.from({ length: 257 }, (_, n) => ({ name: `n${n}` })), /not be more than 256/],
    ['a node that is none', [null as unknown as NodeSpec], /must be an object/],
    ['no list', 'abc' as unknown as NodeSpec[], /must be an array/],
  ] as [string, NodeSpec[], RegExp][])('%s is refused with what to do', (_, specs, message) => {
    expect(() => checkedNodes(specs)).toThrow(
      expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringMatching(message) }),
    );
  });
});

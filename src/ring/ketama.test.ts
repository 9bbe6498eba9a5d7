/** The vectors in test/ring come with their notes: what was checked against which client. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type CountRule, groupsOf, type HostNode, ketama } from './ketama.js';

interface Vectors {
  readonly rings: readonly {
    readonly nodes: readonly HostNode[];
    readonly groupsPerNode: Readonly<Record<string, readonly number[]>>;
    readonly points: Readonly<Record<string, number>>;
    readonly vectors: readonly (Readonly<Record<string, readonly string[]>> & { readonly key: string })[];
  }[];
}

const file = new URL('../../test/ring/ketama-vectors.json', import.meta.url);
const { rings }: Vectors = JSON.parse(readFileSync(file, 'utf8'));
const RULES: [rule: CountRule, named: string][] = [
  ['float32', 'float32'],
  ['float64', 'double'],
  ['integer', 'integer'],
];

const equal = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ host: `10.0.1.${n + 1}:11211`, weight: 1 }));

describe.each(RULES)('ketama as %s counts', (rule, named) => {
  test.each(rings.map((ring) => [ring.nodes.length, ring] as const))(
    '%i nodes: points, and every key of the vectors',
    (_, ring) => {
      const ours = ketama(ring.nodes, rule);
      expect(ours.groups).toEqual(ring.groupsPerNode[named]);
      expect(ours.points).toBe(ring.points[named]);
      for (const vector of ring.vectors) expect(ours.hostsFor(vector.key, 3)).toEqual(vector[named]);
    },
  );
});

describe('where the rules part', () => {
  test('seven equal nodes: 39 groups by float64, and three keys elsewhere', () => {
    const [hashring, exact] = [ketama(equal(7), 'float64'), ketama(equal(7), 'integer')];
    expect([hashring.points, exact.points, ketama(equal(7), 'float32').points]).toEqual([1092, 1120, 1120]);
    const hosts = (key: string) => [hashring.hostsFor(key)[0], exact.hostsFor(key)[0]];
    expect(hosts('key-32')).toEqual(['10.0.1.6:11211', '10.0.1.1:11211']);
    expect(hosts('key-93')).toEqual(['10.0.1.3:11211', '10.0.1.7:11211']);
    expect(hosts('key-122')).toEqual(['10.0.1.1:11211', '10.0.1.6:11211']);
  });

  test('equal nodes fall short of 40 groups for exactly these counts', () => {
    const short = (rule: CountRule) =>
      Array.from({ length: 200 }, (_, n) => n + 1).filter((count) => groupsOf(equal(count), rule)[0]! < 40);
    expect(short('float64')).toEqual([7, 14, 28, 49, 56, 98, 103, 112, 141, 147, 161, 196]);
    expect(short('float32')).toEqual([61, 122]);
    expect(short('integer')).toEqual([]);
  });
});

describe('a ketama ring', () => {
  test('lists each host once, all of them if nobody asks for fewer', () => {
    const hosts = ketama(equal(5), 'integer').hostsFor('any key');
    expect(hosts.toSorted()).toEqual(equal(5).map(({ host }) => host));
    expect(ketama(equal(5), 'integer').hostsFor('any key', 2)).toEqual(hosts.slice(0, 2));
  });

  test.each([
    ['no nodes', [], 'integer'],
    ['a weight of 0', [{ host: 'a:1', weight: 0 }], 'integer'],
    ['a rule that nobody has', [{ host: 'a:1', weight: 1 }], 'double'],
  ])('%s is refused', (_, nodes, rule) => {
    expect(() => ketama(nodes, rule as CountRule)).toThrow(expect.objectContaining({ code: 'SOJOURN_OPTION' }));
  });
});

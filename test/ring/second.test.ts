/**
 * The same bytes everywhere: the tables of vectors.json, and of random lists of nodes, computed twice.
 *
 * second.py is written from the rules, in another language. What it and we agree on does not hang on an engine, its sorting or
 * its numbers. The fingerprints in vectors.json hold for ever: running rings have such tables, so a change of the algorithm
 * that alters one of them needs a new format.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { firstTable } from '../../src/ring/first-table.js';
import { nextTable } from '../../src/ring/next-table.js';
import type { NodeSpec } from '../../src/ring/nodes.js';
import { quotas } from '../../src/ring/quota.js';
import { fingerprint, type RingTable } from '../../src/ring/table.js';
import { runs } from '../support/exam.js';
import { need } from '../support/needs.js';

/** A list of nodes for each epoch; with `copies` where they change. */
interface Life {
  readonly copies: number;
  readonly lists: readonly (readonly NodeSpec[] | { readonly copies: number; readonly nodes: readonly NodeSpec[] })[];
}

interface Epoch {
  readonly copies: readonly number[];
  readonly homes: readonly number[];
  readonly fingerprint: string;
}

const vectors: readonly (Life & { readonly title: string; readonly fingerprints: readonly string[] })[] = JSON.parse(
  readFileSync(new URL('vectors.json', import.meta.url), 'utf8'),
);
const python = need('python');

describe('the tables of the vectors', () => {
  test.each(vectors)('$title', ({ fingerprints, ...life }) => {
    expect(ours(life).map((epoch) => epoch.fingerprint)).toEqual(fingerprints);
  });

  python.test(
    'a second implementation agrees',
    () => {
      const epochs = theirs(vectors);
      for (const [n, { title, fingerprints }] of vectors.entries()) {
        expect([title, epochs[n]!.map((epoch) => epoch.fingerprint)]).toEqual([title, fingerprints]);
      }
    },
    600_000,
  );
});

python.test(
  'a second implementation agrees on any lists of nodes, their quotas and their tables',
  () => {
    const lives = fc.sample(anyLife, runs(4, 300));
    expect(theirs(lives)).toEqual(lives.map(ours));
  },
  3_600_000,
);

const anyNodes = (zones: number) =>
  fc
    .uniqueArray(
      fc.record({
        name: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,5}$/),
        weight: fc.oneof(fc.constantFrom(10, 15, 20), fc.integer({ min: 0, max: 1_000_000 })),
        zone: fc.stringMatching(/^[a-dA-D]$/),
      }),
      { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
    )
    .filter((nodes) => nodes.some(({ weight }) => weight > 0))
    .map((nodes) => nodes.map(({ zone, ...node }) => (zones === 0 ? node : { ...node, zone })));

/** Lists that share most of their nodes with the one before, in another order. */
const anyLife: fc.Arbitrary<Life> = fc.integer({ min: 0, max: 1 }).chain((zones) =>
  fc
    .record({
      copies: fc.integer({ min: 1, max: 4 }),
      first: anyNodes(zones),
      later: fc.array(
        fc.record({ more: anyNodes(zones), without: fc.nat(20), copies: fc.integer({ min: 1, max: 4 }) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    })
    .map(({ copies, first, later }) => {
      const lists: Life['lists'][number][] = [first];
      let nodes: readonly NodeSpec[] = first;
      for (const step of later) {
        const [joining] = step.more;
        const stay = nodes.filter(({ name }, n) => name !== joining!.name && n !== step.without);
        const next = [{ ...joining!, weight: Math.max(1, joining!.weight ?? 1) }, ...stay.toReversed()];
        lists.push(step.without % 4 === 0 ? { copies: step.copies, nodes: next } : next);
        nodes = next;
      }
      return { copies, lists };
    }),
);

function ours({ copies, lists }: Life): Epoch[] {
  let table: RingTable | undefined;
  return lists.map((list) => {
    const change = 'nodes' in list ? list : { copies: table?.copies ?? copies, nodes: list };
    const options = { copies: change.copies };
    table = (table ? nextTable(table, change.nodes, options) : firstTable(change.nodes, options)).table;
    const share = quotas(table.nodes, table.copies);
    return { copies: share.copies, homes: share.homes, fingerprint: fingerprint(table) };
  });
}

function theirs(lives: readonly Life[]): Epoch[][] {
  const script = fileURLToPath(new URL('second.py', import.meta.url));
  const { stdout, stderr, status } = spawnSync(python.path(), [script], {
    input: JSON.stringify(lives),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`second.py ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}

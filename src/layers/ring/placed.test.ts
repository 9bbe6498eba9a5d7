/** Sessions that another client's ring has placed: found where they are, and brought over with nobody signed out. */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import vectors from '../../../test/ring/seed-ring-vectors.json' with { type: 'json' };
import type { Stored } from '../../contract.js';
import { memory } from '../../stores/memory.js';
import { importFrom, type PlacedBy, placed, ring } from '../ring.js';

const HashRing = createRequire(import.meta.url)('hashring') as new (
  nodes: Record<string, { weight: number }>,
) => { get(key: string): string };

const HOSTS = { '10.0.0.1:6379': 15, '10.0.0.2:6379': 20, '10.0.0.3:6379': 10 };
const HOUR_MS = 3_600_000;
const ids = Array.from({ length: 300 }, (_, i) => `visitor-${i}`);

function session(cart: string): Stored {
  const head = {
    createdAt: Date.now(),
    expiresAt: Date.now() + HOUR_MS,
    version: 1,
    generation: 0,
    secret: Buffer.from(cart),
  };
  return { head, fields: new Map([['cart', Buffer.from(cart)]]) };
}

const cartOf = (stored: Stored | null) => stored && Buffer.from(stored.fields.get('cart')!).toString();

/** What npm hashring's users have: every session where it says, and here and there an old one where it once said so. */
async function leftByHashring(keyOf: (id: string) => string) {
  const theirs = new HashRing(Object.fromEntries(Object.entries(HOSTS).map(([host, weight]) => [host, { weight }])));
  const nodes = Object.entries(HOSTS).map(([host, weight]) => ({ host, weight, store: memory({ name: host }) }));
  for (const [i, id] of ids.entries()) {
    const home = theirs.get(keyOf(id));
    for (const { host, store } of nodes) {
      if (host === home) await store.create(id, session(`books of ${id}`));
      else if (i % 7 === 0) await store.create(id, session('left over'));
    }
  }
  return nodes;
}

const newRing = () =>
  ring(
    ['a', 'b', 'c'].map((name) => ({ name, store: memory({ name }) })),
    { copies: 2 },
  );

describe('sessions placed by npm hashring', () => {
  test.each([
    ['their ids', (id: string) => id],
    ['a prefix and their ids', (id: string) => `sess:${id}`],
  ])('by %s, come over as they are, and what was left over elsewhere does not', async (_, keyOf) => {
    const nodes = await leftByHashring(keyOf);
    const old = placed(nodes, { by: 'hashring', keyOf });
    for (const id of ids) expect(cartOf(await old.load(id)), id).toBe(`books of ${id}`);
    const before = await old.load(ids[0]!);
    const own = newRing();
    const seen: number[] = [];
    const onProgress = ({ moved }: { moved: number }) => void seen.push(moved);
    expect(await importFrom(old, own, { pace: 1_000_000, onProgress })).toEqual({ moved: ids.length, left: 0 });
    expect(seen.at(-1)).toBe(ids.length);
    for (const id of ids) {
      expect(cartOf(await own.load(id)), id).toBe(`books of ${id}`);
      expect(await old.load(id)).toBeNull();
    }
    const { head } = (await own.load(ids[0]!))!;
    expect([Buffer.from(head.secret!), head.expiresAt, head.createdAt]).toEqual([
      Buffer.from(before!.head.secret!),
      before!.head.expiresAt,
      before!.head.createdAt,
    ]);
    expect(await importFrom(old, own)).toEqual({ moved: 0, left: 0 });
    await own.close();
  });

  test('by another rule some are somewhere else, so the rule has to be named', async () => {
    const hosts = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`10.0.1.${i + 1}:11211`, { weight: 1 }]));
    const theirs = new HashRing(hosts);
    const nodes = Object.keys(hosts).map((host) => ({ host, store: memory({ name: host }) }));
    const key = 'key-32';
    await nodes.find(({ host }) => host === theirs.get(key))!.store.create(key, session('books'));
    expect(cartOf(await placed(nodes, { by: 'hashring' }).load(key))).toBe('books');
    expect(await placed(nodes, { by: 'uhashring' }).load(key)).toBeNull();
  });
});

describe("sessions placed by the post's ring", () => {
  const nodes = () => vectors.nodes.map(({ host, weight }) => ({ host, weight, store: memory({ name: host }) }));

  test.each(['seed-exact', 'seed-fixed'] as const)('%s: each is looked for where it was put', async (by) => {
    const list = nodes();
    const old = placed(list, { by });
    for (const { key, asWritten, sorted } of vectors.vectors) {
      const host = by === 'seed-exact' ? asWritten.node : sorted.nodeWithWrap;
      if (host === null) {
        expect(await old.load(key)).toBeNull();
        expect(() => old.create(key, session('books'))).toThrow(/has no node for this id/);
        continue;
      }
      await list.find((node) => node.host === host)!.store.create(key, session(`books of ${key}`));
      expect(cartOf(await old.load(key)), key).toBe(`books of ${key}`);
    }
  });
});

test('a node without a host, a rule that nobody has, and no node at all are refused by name', () => {
  const store = memory();
  expect(() => placed([], { by: 'hashring' })).toThrow(/nodes of placed: must be an array/);
  expect(() => placed([{ host: 'a', store }], { by: 'jump' as PlacedBy })).toThrow(
    /by of placed: must be one of libketama/,
  );
  expect(() => placed([{ host: 'a', store: {} as never }], { by: 'hashring' })).toThrow(
    /store of nodes\[0\] of placed/,
  );
  expect(() => placed([{ host: 'a', weight: 0, store }], { by: 'hashring' })).toThrow(/weight/);
});

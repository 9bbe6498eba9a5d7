/**
 * What set, delete and swap do to the fields, and that a delta lands whole or not at all.
 *
 * The rules are a table: a write, and the fields after it. Losing deltas are a second one: what was swapped in vain, and
 * what the conflict must hand back.
 */
import type { Delta, MaybePromise, Outcome } from '../../contract.js';
import { bytes, created, delta, HOUR_MS, remove, same, session, set, swap } from './samples.js';
import type { Kit } from './scene.js';

export function writes(kit: Kit): void {
  kit.group('commit: the fields', () => fields(kit));
  kit.group('commit: whole or not at all', () => wholes(kit));
}

function fields({ promise }: Kit): void {
  const start = { cart: 'book', views: '1', empty: '' };
  const rules: readonly [sentence: string, write: Delta, after: Readonly<Record<string, string>>][] = [
    ['set adds a field', delta(0, { more: set('x') }), { ...start, more: 'x' }],
    ['set replaces a field without looking', delta(0, { cart: set('pen') }), { ...start, cart: 'pen' }],
    ['set to no bytes keeps the field', delta(0, { cart: set('') }), { ...start, cart: '' }],
    ['delete removes a field', delta(0, { empty: remove }), { cart: 'book', views: '1' }],
    ['delete of an absent field is ok', delta(0, { never: remove }), start],
    ['swap replaces what it expects', delta(0, { views: swap('1', '2') }), { ...start, views: '2' }],
    ['swap of an absent field expects null', delta(0, { more: swap(null, 'x') }), { ...start, more: 'x' }],
    ['swap to null deletes', delta(0, { empty: swap('', null) }), { cart: 'book', views: '1' }],
    ['swap of nothing for nothing is ok', delta(0, { never: swap(null, null) }), start],
    [
      'one delta may set, delete and swap',
      delta(0, { cart: set('pen'), empty: remove, views: swap('1', '2'), more: swap(null, 'x') }),
      { cart: 'pen', views: '2', more: 'x' },
    ],
  ];
  for (const [sentence, write, after] of rules) {
    promise(sentence, 'the meaning of set, delete and swap in contract.ts, type Write', async ({ store, now }) => {
      const id = await created(store, session(now(), start));
      const change = { ...write, head: { expiresAt: now() + HOUR_MS } };
      same(await store.commit(id, change), { status: 'ok', version: 2 }, 'the outcome');
      same((await store.load(id))?.fields, session(0, after).fields, 'the fields');
    });
  }
}

function wholes({ promise }: Kit): void {
  const start = { a: '1', b: '2', empty: '' };
  const losing: readonly [what: string, writes: Delta['fields'], now: Readonly<Record<string, string | null>>][] = [
    ['a present field', delta(0, { a: swap('9', 'x') }).fields, { a: '1' }],
    ['a present field that should be absent', delta(0, { a: swap(null, 'x') }).fields, { a: '1' }],
    ['an absent field that should be present', delta(0, { never: swap('9', 'x') }).fields, { never: null }],
    ['an empty field that should be absent', delta(0, { empty: swap(null, 'x') }).fields, { empty: '' }],
    ['an absent field that should be empty', delta(0, { never: swap('', 'x') }).fields, { never: null }],
    ['the first of several', delta(0, { a: swap('9', 'x'), b: swap('2', 'y') }).fields, { a: '1', b: '2' }],
    [
      'the last of several',
      delta(0, { never: swap(null, 'x'), a: swap('1', 'y'), b: swap('9', 'z') }).fields,
      { never: null, a: '1', b: '2' },
    ],
    [
      'one beside other writes',
      delta(0, { a: set('x'), empty: remove, b: swap('9', 'z'), more: set('x') }).fields,
      { b: '2' },
    ],
  ];
  for (const [what, fields, present] of losing) {
    promise(
      `a swap that lost (${what}) writes nothing and hands back the present values of all swapped fields`,
      'check every swap before the first write, and answer with what all of them hold now',
      async ({ store, now }) => {
        const before = session(now(), start);
        const id = await created(store, before);
        const head = { expiresAt: now() + 2 * HOUR_MS, remember: true };
        same(await store.commit(id, { generation: 0, head, fields }), conflict(present), 'the outcome');
        same(await store.load(id), before, 'the session');
      },
    );
  }

  promise(
    'a commit that throws half-way leaves nothing half written',
    'collect the changes first, then write once',
    async ({ store, now }) => {
      const before = session(now(), { a: '1', b: '2' });
      const id = await created(store, before);
      const half = delta(now(), { a: set('x'), b: poisoned() }, { head: { remember: true } });
      same(
        await attempt(() => store.commit(id, half)),
        'threw',
        'the outcome of a commit whose second value cannot be read',
      );
      same(await store.load(id), before, 'the session after it');
    },
  );
}

function conflict(present: Readonly<Record<string, string | null>>): Outcome {
  const fields = Object.entries(present).map(
    ([field, value]) => [field, value === null ? null : bytes(value)] as const,
  );
  return { status: 'conflict', fields: new Map(fields) };
}

/** A write whose value cannot be read: what a half-way failure looks like from inside a store. */
function poisoned(): { readonly op: 'set'; readonly value: Uint8Array } {
  return {
    op: 'set',
    get value(): Uint8Array {
      throw new RangeError('this value cannot be read: the conformance kit is testing a failure half-way');
    },
  };
}

async function attempt(commit: () => MaybePromise<Outcome>): Promise<Outcome | 'threw'> {
  try {
    return await commit();
  } catch {
    return 'threw';
  }
}

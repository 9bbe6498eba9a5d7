/**
 * The promises in the contract's comment on `Store`, each as a test with the same words.
 *
 * These are the ones that sessions are lost or stolen by: a session that comes back after logout, an update that vanishes,
 * bytes that somebody else still holds and changes.
 */
import type { Head, Store, Stored } from '../../contract.js';
import { bytes, delta, freshId, holds, remove, same, session, sessionOf, set, swap } from './samples.js';
import type { Kit } from './scene.js';

export function promises(kit: Kit): void {
  kit.group('promises of every store', () => {
    endings(kit);
    updates(kit);
    strangers(kit);
    ownership(kit);
  });
}

function endings({ promise }: Kit): void {
  promise(
    'commit never creates',
    'commit is an update only; no upsert, no INSERT .. ON CONFLICT, no SET without XX',
    async ({ store, now }) => {
      const id = freshId();
      const outcomes = [
        await store.commit(id, delta(now(), { cart: set('book') })),
        await store.commit(id, delta(now(), { cart: swap(null, 'book') })),
        await store.commit(id, delta(now(), { cart: remove })),
        await store.commit(id, delta(now(), {})),
      ];
      for (const outcome of outcomes) same(outcome, { status: 'gone' }, 'a commit to an id that was never created');
      same(await store.load(id), null, 'the session after commits without a create');
    },
  );

  promise(
    'a session that was destroyed stays destroyed',
    'commit after destroy; a cache or write buffer that still holds the session',
    async ({ store, now }) => {
      const id = freshId();
      await store.create(id, session(now(), { cart: 'book' }));
      await store.destroy(id);
      same(await store.load(id), null, 'a destroyed session');
      same(await store.commit(id, delta(now(), { cart: set('pen') })), { status: 'gone' }, 'a commit after destroy');
      same(await store.commit(id, delta(now(), {})), { status: 'gone' }, 'a touch after destroy');
      same(await store.load(id), null, 'a destroyed session that late commits have met');
    },
  );
}

function updates({ promise }: Kit): void {
  promise(
    'two commits with disjoint fields both survive',
    'commit must apply the delta to what is stored now, field by field, not write back what was loaded',
    async ({ store, now }) => {
      const id = freshId();
      await store.create(id, session(now(), { kept: 'before' }));
      const [one, two] = [delta(now(), { cart: set('book') }), delta(now(), { views: set('1') })];
      const outcomes = await Promise.all([store.commit(id, one), store.commit(id, two)]);
      same(
        outcomes.map((outcome) => outcome.status),
        ['ok', 'ok'],
        'the outcomes of two commits with disjoint fields',
      );
      const after = (await store.load(id))?.fields;
      same(after, session(0, { kept: 'before', cart: 'book', views: '1' }).fields, 'the fields after both');
    },
  );

  promise(
    'a commit that resolved is seen by every later load through this store',
    'a cache that is not updated, or a commit that resolves before the backend has it',
    async ({ store, now }) => {
      const id = freshId();
      await store.create(id, session(now(), { views: '0' }));
      for (let views = 1; views <= 20; views++) {
        await store.load(id);
        await store.commit(id, delta(now(), { views: set(String(views)) }));
        same((await store.load(id))?.fields.get('views'), bytes(String(views)), `views after commit ${views}`);
      }
    },
  );

  promise(
    'what happens to one session leaves all others alone',
    'keys that are cut, folded in case, or matched by prefix',
    async ({ store, now }) => {
      const stem = freshId().slice(0, 20);
      const ids = [`${stem}aB`, `${stem}Ab`, `${stem}a`, stem, `${stem}a_`, `${stem}a-`];
      for (const id of ids) same(await store.create(id, session(now(), { own: id })), 'ok', `create of id ${id}`);
      await store.destroy(stem);
      await store.commit(`${stem}a`, delta(now(), { own: set('changed') }));
      same(await store.load(stem), null, 'the session that was destroyed');
      same((await store.load(`${stem}a`))?.fields.get('own'), bytes('changed'), 'the session that was changed');
      for (const id of ids) {
        if (id === stem || id === `${stem}a`) continue;
        same((await store.load(id))?.fields.get('own'), bytes(id), `session ${id}, which nobody touched`);
      }
    },
  );
}

/** Ids that nobody made, such as an operator may type or a forged token may carry. */
const strangeIds = [
  '',
  'unknown',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  'a\0b',
  'ü💥',
  "'; --",
  'x'.repeat(4096),
];

function strangers({ promise }: Kit): void {
  promise(
    'unknown ids are not errors',
    'load answers null, commit answers gone and destroy nothing, for any text at all',
    async ({ store, now }) => {
      for (const id of [freshId(), ...strangeIds]) {
        const shown = JSON.stringify(id.slice(0, 20));
        same(await store.load(id), null, `load of the unknown id ${shown}`);
        same(await store.commit(id, delta(now(), { cart: set('book') })), { status: 'gone' }, `commit to ${shown}`);
        same(await store.destroy(id), undefined, `destroy of ${shown}`);
      }
    },
  );
}

function ownership({ promise }: Kit): void {
  promise(
    'what the caller passed to create or commit may change afterwards without changing the store',
    'keep copies of buffers and maps that were handed in',
    async ({ store, now }) => {
      const id = freshId();
      const [created, value, secret] = [bytes('book'), bytes('pen'), bytes('s'.repeat(32))];
      const fields = new Map([['cart', created]]);
      await store.create(id, sessionOf(now(), fields, { secret }));
      created.fill(0);
      secret.fill(0);
      fields.set('smuggled', bytes('in'));
      await expectStored(store, id, { cart: 'book' }, { secret: bytes('s'.repeat(32)) });
      const renewed = bytes('t'.repeat(32));
      const change = delta(
        now(),
        { cart: set(value), tab: { op: 'swap', expect: null, value } },
        { head: { secret: renewed } },
      );
      await store.commit(id, change);
      value.fill(0);
      renewed.fill(0);
      await expectStored(store, id, { cart: 'pen', tab: 'pen' }, { secret: bytes('t'.repeat(32)) });
    },
  );

  promise(
    'what the caller was handed may change afterwards without changing the store',
    'hand out copies: the bytes of the store itself must not leave it',
    async ({ store, now }) => {
      const id = freshId();
      await store.create(id, session(now(), { cart: 'book' }, { secret: bytes('s'.repeat(32)) }));
      const loaded = await store.load(id);
      loaded?.fields.get('cart')?.fill(0);
      loaded?.head.secret?.fill(0);
      await expectStored(store, id, { cart: 'book' }, { secret: bytes('s'.repeat(32)) });
      const lost = await store.commit(id, delta(now(), { cart: swap('other', 'pen') }));
      if (lost.status === 'conflict') lost.fields.get('cart')?.fill(0);
      await expectStored(store, id, { cart: 'book' }, { secret: bytes('s'.repeat(32)) });
    },
  );

  promise(
    'what the caller was handed is never changed afterwards',
    'a commit must make a new session, not edit the one that load gave away; pooled read buffers must be copied',
    async ({ store, now }) => {
      const id = freshId();
      await store.create(id, session(now(), { cart: 'book' }));
      const loaded = (await store.load(id)) as Stored;
      const other = freshId();
      await store.create(other, session(now(), { cart: 'pens' }));
      await store.load(other);
      await store.commit(id, delta(now(), { cart: set('pen'), views: set('1') }, { head: { remember: true } }));
      await store.destroy(id);
      same(loaded.fields, session(0, { cart: 'book' }).fields, 'the fields of a session loaded earlier');
      holds(loaded.head.version === 1 && !loaded.head.remember, 'The head of a session loaded earlier has changed.');
    },
  );
}

async function expectStored(
  store: Store,
  id: string,
  fields: Readonly<Record<string, string>>,
  head: Partial<Head>,
): Promise<void> {
  const stored = await store.load(id);
  same(stored?.fields, session(0, fields).fields, 'the stored fields after the caller changed its own buffers');
  same(stored?.head.secret, head.secret, 'the stored secret after the caller changed its own buffers');
}

/**
 * What load, create, commit and destroy do, sentence by sentence.
 *
 * The expected behaviour is that of `apply` in core/delta.ts. model.ts compares with it at random; the tests here name the
 * single rules, so that a failure says which one is missing.
 */
import type { Head } from '../../contract.js';
import {
  bytes,
  created,
  delta,
  freshId,
  HOUR_MS,
  loginHead,
  remove,
  same,
  session,
  sessionOf,
  set,
  swap,
} from './samples.js';
import type { Kit } from './scene.js';

export function verbs(kit: Kit): void {
  kit.group('create and load', () => creates(kit));
  kit.group('commit: the head', () => heads(kit));
  kit.group('commit: generation and replaces', () => guards(kit));
  kit.group('destroy', () => destroys(kit));
}

function creates({ promise }: Kit): void {
  promise('a created session is loaded as it was given', 'encoding of head and fields', async ({ store, now }) => {
    const id = freshId();
    const given = session(now(), { cart: 'book', views: '1' }, { version: 7, generation: 3 });
    same(await store.create(id, given), 'ok', 'create under a fresh id');
    same(await store.load(id), given, 'the session');
  });

  promise(
    'previous, secret and remember survive a round trip byte-exact',
    'the encoding of the head: bytes that pass through text, properties that are not listed',
    async ({ store, now }) => {
      const secret = Uint8Array.from({ length: 32 }, (_, i) => 255 - i * 8);
      const previous = { secret: new Uint8Array(32), until: now() + 10_000, opens: 'nothing' as const };
      const heads: Partial<Head>[] = [
        { secret, previous, remember: true },
        { previous: { ...previous, opens: 'session' } },
      ];
      for (const head of heads) {
        const [id, given] = [freshId(), session(now(), {}, head)];
        await store.create(id, given);
        same(await store.load(id), given, 'the session');
      }
    },
  );

  promise(
    'a session without a secret and without fields stays so',
    'optional parts of the head',
    async ({ store, now }) => {
      const id = freshId();
      const given = {
        head: { createdAt: now(), expiresAt: now() + HOUR_MS, version: 1, generation: 0 },
        fields: new Map(),
      };
      await store.create(id, given);
      same(await store.load(id), given, 'the session');
    },
  );

  promise(
    "'exists' leaves the old one untouched",
    'create must be insert-only: SET NX, INSERT, ifNoExists',
    async ({ store, now }) => {
      const id = freshId();
      const first = session(now(), { cart: 'book' });
      await store.create(id, first);
      same(
        await store.create(id, session(now(), { other: 'one' }, { version: 9 })),
        'exists',
        'create under an id that lives',
      );
      same(await store.load(id), first, 'the session that was there first');
    },
  );
}

function heads({ promise }: Kit): void {
  promise(
    'version grows by one with every commit',
    'the store raises it: also for a touch, never the caller',
    async ({ store, now }) => {
      const id = await created(store, session(now(), { a: '1' }, { version: 41 }));
      const deltas = [
        delta(now(), {}),
        delta(now(), { a: set('2') }),
        delta(now(), { a: remove }),
        delta(now(), { a: remove }),
      ];
      for (const [i, change] of deltas.entries()) {
        same(await store.commit(id, change), { status: 'ok', version: 42 + i }, `the outcome of commit ${i + 1}`);
        same((await store.load(id))?.head.version, 42 + i, `the version after commit ${i + 1}`);
      }
    },
  );

  promise(
    'named head properties change and the rest stays',
    'merge the named properties over the stored head',
    async ({ store, now }) => {
      const previous = { secret: bytes('old'), until: now() + 10_000, opens: 'session' as const };
      const before = session(now(), { cart: 'book' }, { previous, remember: true });
      const id = await created(store, before);
      const expiresAt = now() + 2 * HOUR_MS;
      await store.commit(id, delta(now(), {}, { head: { expiresAt, remember: false } }));
      const expected = { ...before.head, expiresAt, remember: false, version: 2 };
      same((await store.load(id))?.head, expected, 'the head after remember was turned off');
    },
  );

  promise(
    'a login binds user, signedInAt, secret, previous and generation at once',
    'every property of the head that a delta may name',
    async ({ store, now }) => {
      const before = session(now(), { cart: 'book' });
      const id = await created(store, before);
      const head = loginHead(now(), 'alice');
      same(
        await store.commit(id, delta(now(), {}, { head })),
        { status: 'ok', version: 2 },
        'the outcome of the login',
      );
      const expected = { head: { ...before.head, ...head, version: 2 }, fields: before.fields };
      same(await store.load(id), expected, 'the session after the login');
      const later = delta(now(), { views: set('1') }, { generation: 1 });
      await store.commit(id, later);
      same(
        (await store.load(id))?.head,
        { ...expected.head, ...later.head, version: 3 },
        'the head after a later commit that names nothing',
      );
    },
  );

  promise(
    'a touch-only delta moves the deadline and nothing else',
    'a delta without fields',
    async ({ store, now }) => {
      const before = session(now(), { cart: 'book' });
      const id = await created(store, before);
      for (const [i, expiresAt] of [now() + 3 * HOUR_MS, now() + HOUR_MS / 2].entries()) {
        await store.commit(id, delta(now(), {}, { head: { expiresAt } }));
        const head = { ...before.head, expiresAt, version: 2 + i };
        same(await store.load(id), { head, fields: before.fields }, `the session after touch ${i + 1}`);
      }
    },
  );
}

function guards({ promise }: Kit): void {
  promise(
    "another generation answers 'gone' and nothing is written",
    'compare delta.generation first',
    async ({ store, now }) => {
      const before = session(now(), { cart: 'book' }, { generation: 2 });
      const id = await created(store, before);
      for (const generation of [1, 3]) {
        const late = delta(
          now(),
          { cart: set('pen'), more: swap(null, 'x') },
          { generation, head: { remember: true } },
        );
        same(await store.commit(id, late), { status: 'gone' }, `a commit of generation ${generation} to generation 2`);
      }
      const losing = delta(now(), { cart: swap('never', 'x') }, { generation: 1, replaces: bytes('wrong') });
      same(
        await store.commit(id, losing),
        { status: 'gone' },
        'a commit that is of another generation and also in conflict',
      );
      same(await store.load(id), before, 'the session');
    },
  );

  promise(
    'writes that were begun before a login do not land after it',
    'the generation of the stored head',
    async ({ store, now }) => {
      const id = await created(store, session(now(), { cart: 'book' }));
      const begun = delta(now(), { cart: set('planted') });
      await store.commit(id, delta(now(), {}, { head: loginHead(now(), 'alice') }));
      same(await store.commit(id, begun), { status: 'gone' }, 'a write that was begun before the login');
      same((await store.load(id))?.fields.get('cart'), bytes('book'), 'the field');
    },
  );

  promise(
    "another secret than `replaces` answers 'conflict' with no fields, and nothing is written",
    'compare delta.replaces with the stored secret; absent is different from everything',
    async ({ store, now }) => {
      const heads: Partial<Head>[] = [{ secret: bytes('current') }, { secret: new Uint8Array(0) }];
      const opaque = {
        head: { createdAt: now(), expiresAt: now() + HOUR_MS, version: 1, generation: 0 },
        fields: new Map(),
      };
      for (const before of [...heads.map((head) => session(now(), { cart: 'book' }, head)), opaque]) {
        const id = await created(store, before);
        const parts = { replaces: bytes('older'), head: { secret: bytes('mine') } };
        const outcome = await store.commit(id, delta(now(), { cart: set('pen') }, parts));
        same(outcome, { status: 'conflict', fields: new Map() }, 'the outcome of a rotation that came second');
        same(await store.load(id), before, 'the session');
      }
    },
  );

  promise('a rotation whose `replaces` is current lands', 'compare bytes, not objects', async ({ store, now }) => {
    const id = await created(store, session(now(), {}, { secret: bytes('current') }));
    const previous = { secret: bytes('current'), until: now() + 10_000, opens: 'session' as const };
    const rotation = delta(now(), {}, { replaces: bytes('current'), head: { secret: bytes('next'), previous } });
    same(await store.commit(id, rotation), { status: 'ok', version: 2 }, 'the outcome of the rotation');
    const head = (await store.load(id))?.head;
    same([head?.secret, head?.previous], [bytes('next'), previous], 'secret and previous after it');
  });
}
function destroys({ promise }: Kit): void {
  promise('destroy is idempotent', 'destroying what is not there', async ({ store, now }) => {
    const id = await created(store, session(now(), { cart: 'book' }));
    for (let times = 0; times < 3; times++) same(await store.destroy(id), undefined, 'the answer of destroy');
    same(await store.load(id), null, 'the session');
  });

  promise('destroy forgets the fields too', 'every key that belongs to the session', async ({ store, now }) => {
    const id = await created(store, sessionOf(now(), new Map([['cart', bytes('book')]])));
    await store.commit(id, delta(now(), { more: set('x') }));
    await store.destroy(id);
    same(await store.commit(id, delta(now(), { cart: swap('book', 'pen') })), { status: 'gone' }, 'a late swap');
    same(await store.load(id), null, 'the session');
  });
}

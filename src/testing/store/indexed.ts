/**
 * `byUser`: never one too few. This is what "log out everywhere" trusts, so every race here is between a login and a look.
 *
 * A superset of entries inside the store is allowed (it can be verified), a subset is not: somebody would stay signed in.
 * Only answers are looked at, never the index itself, whose form is the store's own affair.
 */
import type { Head, Indexed, Store } from '../../contract.js';
import { abilityPromise } from './abilities.js';
import { userNames } from './bytes.js';
import { expired } from './expiry.js';
import { bytes, delta, freshId, HOUR_MS, holds, loginHead, same, session, swap } from './samples.js';
import { type Kit, turns } from './scene.js';

export function indexed(kit: Kit): void {
  kit.group('byUser', () => {
    finds(kit);
    forgets(kit);
    races(kit);
  });
}

const verify = 'what an index entry points to must be loaded and compared: live, and of that very user';
const order = 'write the entry before the session is bound, remove it after the session is gone';

function finds(kit: Kit): void {
  abilityPromise(kit, 'byUser', 'byUser yields all live sessions of that user only', verify, async ({ store, now }) => {
    const alices = [
      await bound(store, now(), 'alice'),
      await bound(store, now(), 'alice'),
      await bound(store, now(), 'alice'),
    ];
    await bound(store, now(), 'bob');
    await store.create(freshId(), session(now()));
    const found = await collect(store, 'alice');
    same([...found.keys()].sort(), alices.sort(), 'the ids of alice');
    for (const [id, head] of found) same(head, (await store.load(id))?.head, 'the head of a session of alice');
    same((await collect(store, 'nobody')).size, 0, 'the number of sessions of a user who has none');
  });

  abilityPromise(
    kit,
    'byUser',
    'a session is found when the commit that binds it has resolved',
    order,
    async ({ store, now }) => {
      const ids: string[] = [];
      for (let logins = 0; logins < 20; logins++) {
        ids.push(await bound(store, now(), 'alice'));
        same([...(await collect(store, 'alice')).keys()].sort(), [...ids].sort(), `the ids after ${logins + 1} logins`);
      }
    },
  );

  abilityPromise(
    kit,
    'byUser',
    'a session that changes its user is found under the new one only',
    verify,
    async ({ store, now }) => {
      const id = await bound(store, now(), 'alice');
      await store.commit(id, delta(now(), {}, { generation: 1, head: loginHead(now(), 'bob', 2) }));
      same([...(await collect(store, 'alice')).keys()], [], 'the ids of the user before');
      same([...(await collect(store, 'bob')).keys()], [id], 'the ids of the user after');
      await store.commit(id, delta(now(), {}, { generation: 2, head: loginHead(now(), 'alice', 3) }));
      same([...(await collect(store, 'alice')).keys()], [id], 'the ids of the first user, who is back');
    },
  );

  abilityPromise(
    kit,
    'byUser',
    'users with odd names are never mixed up',
    'how the user becomes part of a key',
    async ({ store, now }) => {
      const ids = new Map<string, string>();
      for (const user of userNames) ids.set(user, await bound(store, now(), user));
      for (const [user, id] of ids) {
        same([...(await collect(store, user)).keys()], [id], `the ids of user ${JSON.stringify(user.slice(0, 20))}`);
      }
    },
  );
}

function forgets(kit: Kit): void {
  abilityPromise(kit, 'byUser', 'a destroyed session is not found', verify, async ({ store, now }) => {
    const [kept, ended] = [await bound(store, now(), 'alice'), await bound(store, now(), 'alice')];
    await store.destroy(ended);
    same([...(await collect(store, 'alice')).keys()], [kept], 'the ids of alice');
  });

  abilityPromise(kit, 'byUser', 'an expired session is not found', verify, async (scene) => {
    await expired(scene, 'alice');
    same([...(await collect(scene.store, 'alice')).keys()], [], 'the ids of alice');
    const id = await bound(scene.store, scene.now(), 'alice');
    same([...(await collect(scene.store, 'alice')).keys()], [id], 'the ids of alice, who came back');
  });

  abilityPromise(kit, 'byUser', 'a login that lost is not found', verify, async ({ store, now }) => {
    const id = freshId();
    await store.create(id, session(now(), { cart: 'book' }));
    const lost = await store.commit(id, delta(now(), { cart: swap('pen', 'x') }, { head: loginHead(now(), 'alice') }));
    const late = await store.commit(id, delta(now(), {}, { generation: 5, head: loginHead(now(), 'alice') }));
    same([lost.status, late.status], ['conflict', 'gone'], 'the outcomes of two logins that lost');
    same([...(await collect(store, 'alice')).keys()], [], 'the ids of alice');
    await store.commit(id, delta(now(), {}, { head: loginHead(now(), 'alice') }));
    same([...(await collect(store, 'alice')).keys()], [id], 'the ids of alice after a login that landed');
  });
}

function races(kit: Kit): void {
  abilityPromise(
    kit,
    'byUser',
    'never one too few while logins, destroys and looks run in parallel',
    `${order}; drop an entry whose session is absent only when it is older than any login can take`,
    async ({ store, now, settings }) => {
      let old = await bound(store, now(), 'alice');
      for (let round = 0; round < settings.races; round++) {
        // A user with one session is looked up fastest: only such a look can fall between an entry and its login.
        const user = round % 2 ? 'alice' : `user ${round}`;
        const id = freshId();
        await store.create(id, session(now()));
        await Promise.all([
          turns(round % 9).then(() => store.commit(id, delta(now(), {}, { head: loginHead(now(), user) }))),
          ...[round % 7, round % 11, round % 23].map((late) => turns(late).then(() => collect(store, user))),
          turns(round % 5).then(() => store.destroy(old)),
        ]);
        const found = [...(await collect(store, user)).keys()];
        holds(found.includes(id), `Round ${round}: a session whose login had resolved was not found.`);
        holds(!found.includes(old), `Round ${round}: a session whose destroy had resolved was found.`);
        old = id;
      }
    },
  );

  abilityPromise(
    kit,
    'byUser',
    'a login against a destroy: what was destroyed is not found',
    order,
    async ({ store, now, settings }) => {
      for (let round = 0; round < settings.races; round++) {
        const [id, user] = [freshId(), `user ${round}`];
        await store.create(id, session(now()));
        await Promise.all([
          turns(round % 8).then(() => store.commit(id, delta(now(), {}, { head: loginHead(now(), user) }))),
          turns(round % 11).then(() => store.destroy(id)),
        ]);
        same([...(await collect(store, user)).keys()], [], `the ids of the user in round ${round}`);
      }
    },
  );
}

/** A session that a user has signed in to. */
export async function bound(store: Store, nowMs: number, user: string): Promise<string> {
  const id = freshId();
  await store.create(id, session(nowMs, { cart: 'book' }));
  const login = delta(
    nowMs,
    {},
    { head: { ...loginHead(nowMs, user), expiresAt: nowMs + HOUR_MS, secret: bytes(id) } },
  );
  same((await store.commit(id, login)).status, 'ok', 'the outcome of a login');
  return id;
}

export async function collect(store: Indexed, user: string): Promise<Map<string, Head>> {
  const found = new Map<string, Head>();
  for await (const [id, head] of store.byUser(user)) found.set(id, head);
  return found;
}

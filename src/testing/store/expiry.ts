/**
 * Expiry: a stored deadline that the store obeys to the millisecond, by whatever clock it has.
 *
 * With the kit's clock nothing waits. A store with a clock of its own is given short real deadlines and asked until it
 * agrees; how long that took is never judged, only what it answers once it has said that the session is gone.
 */
import { delta, freshId, HOUR_MS, holds, same, session, set, swap } from './samples.js';
import { eventually, type Kit, type Scene } from './scene.js';

/** How often a test with real deadlines may start again when the machine was too slow for them. */
const TRIES = 5;

export function expiry(kit: Kit): void {
  kit.group('expiry', () => {
    ends(kit);
    touches(kit);
    if (kit.settings.clock === 'given') exact(kit);
  });
}

const byNow = 'every verb compares expiresAt with the clock, and <= now is gone; a TTL alone fires late';

function ends({ promise }: Kit): void {
  promise('an expired session is never returned', byNow, async (scene) => {
    const id = await expired(scene);
    for (let times = 0; times < 3; times++) same(await scene.store.load(id), null, 'an expired session');
  });

  promise('a commit to an expired session is gone, and brings nothing back', byNow, async (scene) => {
    const { store, now } = scene;
    const id = await expired(scene);
    same(await store.commit(id, delta(now(), { cart: set('pen') })), { status: 'gone' }, 'a commit after expiry');
    same(await store.commit(id, delta(now(), {})), { status: 'gone' }, 'a touch after expiry');
    same(
      await store.commit(id, delta(now(), { cart: swap('other', null) })),
      { status: 'gone' },
      'a lost swap after expiry',
    );
    same(await store.load(id), null, 'the session');
    same(await store.destroy(id), undefined, 'destroy after expiry');
  });

  promise('a session created with a deadline in the past is never returned', byNow, async ({ store, now }) => {
    for (const expiresAt of [now() - 1, now() - 86_400_000, 0]) {
      const id = freshId();
      await store.create(id, session(now(), { cart: 'book' }, { expiresAt }));
      same(await store.load(id), null, `a session that expired ${now() - expiresAt} ms before it was created`);
      same(await store.commit(id, delta(now(), {})), { status: 'gone' }, 'a touch of it');
    }
  });

  promise('a commit may end a session at once', 'a delta whose deadline has passed', async ({ store, now }) => {
    const id = freshId();
    await store.create(id, session(now(), { cart: 'book' }));
    await store.commit(id, delta(now(), {}, { head: { expiresAt: now() - 1 } }));
    same(await store.load(id), null, 'the session');
    same(await store.commit(id, delta(now(), {})), { status: 'gone' }, 'a touch of it');
  });
}

function touches({ promise }: Kit): void {
  promise(
    'a touch keeps a session beyond its first deadline',
    'the deadline that commit moves must be the one that load obeys, and any TTL beside it',
    async (scene) => {
      for (let tries = 0; tries < TRIES; tries++) if (await touchedInTime(scene)) return;
      holds(false, `In ${TRIES} tries no touch came before the deadline: raise patienceMs.`);
    },
  );
}

/** False when the touch itself came too late: a machine may stand still for a while, and real deadlines do not wait for it. */
async function touchedInTime(scene: Scene): Promise<boolean> {
  const { store, now } = scene;
  const firstDeadline = scene.soon();
  const [touched, witness] = [freshId(), freshId()];
  for (const id of [touched, witness]) await store.create(id, session(now(), {}, { expiresAt: firstDeadline }));
  const expiresAt = firstDeadline + HOUR_MS;
  const outcome = await store.commit(touched, delta(now(), {}, { head: { expiresAt } }));
  if (now() >= firstDeadline) return false;
  same(outcome, { status: 'ok', version: 2 }, 'the touch');
  await scene.pass(firstDeadline, async () => (await store.load(witness)) === null);
  same(await store.load(witness), null, 'a session beside it that was not touched');
  same((await store.load(touched))?.head.expiresAt, expiresAt, 'the deadline of the touched session');
  return true;
}

function exact({ promise }: Kit): void {
  promise(
    'a session lives until the last millisecond and is gone at its deadline',
    byNow,
    async ({ store, now, pass }) => {
      const id = freshId();
      const deadline = now() + 1000;
      await store.create(id, session(now(), { cart: 'book' }, { expiresAt: deadline }));
      await pass(deadline - 1, () => true);
      holds((await store.load(id)) !== null, 'One millisecond before its deadline the session is absent already.');
      const kept = await store.commit(id, delta(now(), {}, { head: { expiresAt: deadline } }));
      same(kept, { status: 'ok', version: 2 }, 'a commit one millisecond before the deadline');
      await pass(deadline, () => true);
      same(await store.load(id), null, 'the session at the millisecond of its deadline');
      same(await store.commit(id, delta(now(), {})), { status: 'gone' }, 'a touch at the millisecond of the deadline');
    },
  );
}

/** The id of a session that was live and has reached its deadline. */
export async function expired(scene: Scene, user?: string): Promise<string> {
  const { store, now, settings } = scene;
  const id = freshId();
  await store.create(id, session(now(), { cart: 'book' }));
  if (user !== undefined) await store.commit(id, delta(now(), {}, { head: { user } }));
  const deadline = scene.soon();
  const outcome = await store.commit(id, delta(now(), {}, { head: { expiresAt: deadline } }));
  same(outcome.status, 'ok', 'a commit that brings the deadline nearer');
  const gone = async (): Promise<boolean> => (await store.load(id)) === null;
  await scene.pass(deadline, gone);
  const patience = settings.clock === 'own' ? settings.patienceMs : 0;
  holds(await eventually(patience, gone), 'The session is still returned after its deadline.');
  return id;
}

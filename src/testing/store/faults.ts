/**
 * Faults: a call fails before it reached the store, or its answer is lost; for layers, so does every call to what they stand on.
 *
 * A caller that saw an error knows nothing. What it may rely on is that asking again tells the truth, that what was
 * acknowledged is there, that nothing is half done, and that the dead stay dead.
 */
import type { MaybePromise, Outcome, Store } from '../../contract.js';
import { isFailure } from '../../errors.js';
import { FaultPlan, type FaultSide, faulty } from '../../layers/faulty.js';
import { bytes, delta, freshId, holds, same, session, set, swap } from './samples.js';
import type { Kit, Scene } from './scene.js';

/** A layer may make many calls for one of ours, but not more than this in the whole story. */
const MAX_CALLS = 500;

export function faults(kit: Kit): void {
  kit.group('faults', () => {
    answersLost(kit);
    innerCalls(kit);
  });
}

function answersLost({ promise }: Kit): void {
  promise(
    'a call that never reached the store changed nothing',
    'state kept outside the store',
    async ({ store, now }) => {
      const plan = new FaultPlan();
      const shaky = faulty(store, plan);
      const id = freshId();
      plan.failAt(1, { verbs: ['create'] });
      same(await told(() => shaky.create(id, session(now()))), 'failed', 'a create that never arrived');
      same(await store.load(id), null, 'the session after it');
      const before = session(now(), { cart: 'book' });
      same(await shaky.create(id, before), 'ok', 'the same create again');
      plan.fail();
      same(
        await told(() => shaky.commit(id, delta(now(), { cart: set('pen') }))),
        'failed',
        'a commit that never arrived',
      );
      same(await told(() => shaky.destroy(id)), 'failed', 'a destroy that never arrived');
      plan.heal();
      same(await shaky.load(id), before, 'the session after them');
    },
  );

  promise(
    'after a lost answer, asking again tells the truth',
    'create, swap and destroy must be safe to repeat',
    async ({ store, now }) => {
      const plan = new FaultPlan();
      const shaky = faulty(store, plan);
      const id = freshId();
      const before = session(now(), { views: '1' });
      plan.fail({ side: 'after' });
      await told(() => shaky.create(id, before));
      await told(() => shaky.commit(id, delta(now(), { views: swap('1', '2') })));
      plan.heal();
      same(await shaky.create(id, session(now())), 'exists', 'the create whose answer was lost, again');
      const again = await shaky.commit(id, delta(now(), { views: swap('1', '2') }));
      same(
        again,
        { status: 'conflict', fields: new Map([['views', bytes('2')]]) },
        'the swap whose answer was lost, again',
      );
      plan.fail({ side: 'after' });
      await told(() => shaky.destroy(id));
      plan.heal();
      same(await shaky.destroy(id), undefined, 'the destroy whose answer was lost, again');
      same(await shaky.commit(id, delta(now(), {})), { status: 'gone' }, 'a touch after it');
    },
  );
}

function innerCalls({ promise, settings }: Kit): void {
  for (const side of ['before', 'after'] as const) {
    promise(
      `a layer keeps its promises when any one call to an inner store fails (${side})`,
      'what the layer remembers when an inner call throws: a cache entry, a copy, a half-done move',
      async (scene) => {
        if (!(await hasInner(scene))) {
          if (side === 'before')
            console.log(`${settings.name}: inner faults not checked, because makeStore never called inner().`);
          return;
        }
        for (let call = 1; await survives(scene, call, side); call++) {
          holds(call < MAX_CALLS, `One short story made more than ${MAX_CALLS} inner calls.`);
        }
      },
    );
  }
}

async function hasInner(scene: Scene): Promise<boolean> {
  let called = false;
  const store = await scene.open((inner) => {
    called = true;
    return inner;
  });
  await store.close?.();
  return called;
}

/** Plays a short story in which the `call`-th inner call fails. False once the story has fewer calls than that. */
async function survives(scene: Scene, call: number, side: FaultSide): Promise<boolean> {
  const plan = new FaultPlan();
  const store = await scene.open((inner) => faulty(inner, plan));
  try {
    plan.failAt(call, { side });
    const [kept, ended] = [await keptStory(store, scene), await endedStory(store, scene)];
    const failed = !plan.pending;
    plan.heal();
    const where = `inner call ${call} (${plan.calls[call - 1]?.verb}) failed`;
    await checkKept(store, scene, kept, where);
    await checkEnded(store, scene, ended, where);
    return failed;
  } finally {
    plan.heal();
    await store.close?.();
  }
}

interface Kept {
  readonly id: string;
  readonly created: boolean;
  /** The last value whose commit was acknowledged. */
  readonly sure: number;
}

async function keptStory(store: Store, { now }: Scene): Promise<Kept> {
  const id = freshId();
  const created = (await told(() => store.create(id, session(now(), { a: '0', b: '0' })))) === 'ok';
  let sure = 0;
  for (let value = 1; value <= 3; value++) {
    await told(() => store.load(id));
    const outcome = await told(() => store.commit(id, delta(now(), { a: set(String(value)), b: set(String(value)) })));
    if (isOk(outcome)) sure = value;
  }
  return { id, created, sure };
}

async function checkKept(store: Store, { now }: Scene, { id, created, sure }: Kept, where: string): Promise<void> {
  const stored = await store.load(id);
  holds(!created || stored !== null, `A session whose create was acknowledged is absent after ${where}.`);
  if (stored === null) return;
  const a = Buffer.from(stored.fields.get('a') ?? bytes('')).toString();
  same(stored.fields.get('b'), bytes(a), `field b, which was always written together with field a, after ${where}`);
  holds(Number(a) >= sure, `An acknowledged commit (${sure}) is not seen by load (${a}) after ${where}.`);
  const outcome = await store.commit(id, delta(now(), { a: swap(a, 'last') }));
  same(outcome.status, 'ok', `a swap of what load had just shown, after ${where}`);
  same((await store.load(id))?.fields.get('a'), bytes('last'), `the field after that swap, after ${where}`);
}

async function endedStory(store: Store, { now }: Scene): Promise<{ readonly id: string; readonly destroyed: boolean }> {
  const id = freshId();
  await told(() => store.create(id, session(now(), { a: '0' })));
  await told(() => store.load(id));
  await told(() => store.commit(id, delta(now(), { a: set('1') })));
  const destroyed = (await told(() => store.destroy(id))) !== 'failed';
  await told(() => store.commit(id, delta(now(), { a: set('2') })));
  return { id, destroyed };
}

async function checkEnded(
  store: Store,
  { now }: Scene,
  ended: { id: string; destroyed: boolean },
  where: string,
): Promise<void> {
  if (!ended.destroyed) await store.destroy(ended.id);
  same(await store.load(ended.id), null, `a session whose destroy was acknowledged, after ${where}`);
  same(await store.commit(ended.id, delta(now(), {})), { status: 'gone' }, `a touch of it, after ${where}`);
  same(await store.load(ended.id), null, `the session after that touch, after ${where}`);
}

/** What a call answered, or 'failed' for trouble with the store; anything else that is thrown breaks the contract. */
async function told<T>(call: () => MaybePromise<T>): Promise<T | 'failed'> {
  try {
    return await call();
  } catch (error) {
    holds(
      isFailure(error, 'SOJOURN_STORE'),
      `A failed store call must throw SOJOURN_STORE, but threw: ${String(error)}`,
    );
    return 'failed';
  }
}

function isOk(outcome: Outcome | 'failed'): boolean {
  return outcome !== 'failed' && outcome.status === 'ok';
}

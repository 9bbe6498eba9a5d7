/**
 * Concurrency: what many requests do to one session at the same time, in one process.
 *
 * A race that is lost once in a thousand loads is a support case for years. So each round starts its rivals a few turns of
 * the event loop apart, another number in every round: whatever the store awaits inside, some round falls into it.
 */
import type { Outcome, Store } from '../../contract.js';
import { bytes, delta, freshId, HOUR_MS, holds, loginHead, same, session, set, swap } from './samples.js';
import { type Kit, turns } from './scene.js';

const oneStep =
  'reading and writing must be one step for the backend: a lane, a transaction, a script or a conditional write';

export function concurrency(kit: Kit): void {
  kit.group('concurrency', () => {
    updates(kit);
    endings(kit);
    winners(kit);
  });
}

function updates({ promise, settings }: Kit): void {
  const { parallel } = settings;
  promise(
    `${parallel} parallel commits of ${parallel} different fields all survive`,
    oneStep,
    async ({ store, now }) => {
      const id = freshId();
      await store.create(id, session(now()));
      const names = Array.from({ length: parallel }, (_, i) => `field${i}`);
      const outcomes = await Promise.all(
        names.map(async (name) => store.commit(id, delta(now(), { [name]: set(name) }))),
      );
      holds(outcomes.every(isOk), 'A commit of a field that nobody else wrote did not answer ok.');
      const stored = await store.load(id);
      same(stored?.fields, session(0, Object.fromEntries(names.map((name) => [name, name]))).fields, 'the fields');
      same(stored?.head.version, 1 + parallel, 'the version');
      const versions = outcomes.flatMap((outcome) => (outcome.status === 'ok' ? [outcome.version] : []));
      same(new Set(versions).size, parallel, 'the number of different versions in the answers');
    },
  );

  promise(`${parallel} parallel increments of one field by swap lose none`, oneStep, async ({ store, now }) => {
    const id = freshId();
    await store.create(id, session(now(), { views: '0' }));
    await Promise.all(Array.from({ length: parallel }, () => increment(store, id, now(), parallel)));
    same((await store.load(id))?.fields.get('views'), bytes(String(parallel)), 'the field');
  });
}

function endings({ promise, settings }: Kit): void {
  promise(
    'destroy against commits: the session never comes back',
    'a commit that checks, awaits and then writes; a cache that is filled after the destroy',
    async ({ store, now }) => {
      for (let round = 0; round < settings.races; round++) {
        const id = freshId();
        await store.create(id, session(now(), { views: '0' }));
        const commits = [delta(now(), { views: set('1') }), delta(now(), {}), delta(now(), { more: swap(null, 'x') })];
        const outcomes = await Promise.all([
          ...commits.map(async (change, i) => turns(round % (i + 2)).then(() => store.commit(id, change))),
          turns(round % 40).then(() => store.destroy(id)),
          turns(round % 7).then(() => store.load(id)),
        ]);
        for (const outcome of outcomes.slice(0, commits.length) as Outcome[]) {
          holds(outcome.status !== 'conflict', `Round ${round}: a commit that met a destroy answered conflict.`);
        }
        same(await store.load(id), null, `the destroyed session in round ${round}`);
        same(await store.commit(id, delta(now(), {})), { status: 'gone' }, `a late touch in round ${round}`);
        same(await store.load(id), null, `the destroyed session in round ${round}, after a late touch`);
      }
    },
  );

  promise(
    'a login against writes of the old generation: what lands after it is gone',
    'the generation must be compared in the same step that writes',
    async ({ store, now }) => {
      for (let round = 0; round < settings.races; round++) {
        const id = freshId();
        await store.create(id, session(now(), { cart: 'book' }));
        const [login, write] = await Promise.all([
          turns(round % 9).then(() => store.commit(id, delta(now(), {}, { head: loginHead(now(), 'alice') }))),
          turns(round % 5).then(() => store.commit(id, delta(now(), { cart: set('planted') }))),
        ]);
        same(login.status, 'ok', `the login in round ${round}`);
        const landed = isOk(write) && isOk(login) && write.version < login.version;
        same(
          (await store.load(id))?.fields.get('cart'),
          bytes(landed ? 'planted' : 'book'),
          `the field in round ${round}`,
        );
        holds(landed || write.status === 'gone', `Round ${round}: a write after the login answered ${write.status}.`);
      }
    },
  );
}

function winners({ promise, settings }: Kit): void {
  promise(
    "of parallel creates under one id exactly one is 'ok'",
    'create must be insert-only in one step',
    async ({ store, now }) => {
      for (let round = 0; round < settings.races; round++) {
        const id = freshId();
        const rivals = ['1', '2', '3', '4'];
        const answers = await Promise.all(
          rivals.map((rival, i) => turns((round * i) % 6).then(() => store.create(id, session(now(), { rival })))),
        );
        same(
          answers.filter((answer) => answer === 'ok').length,
          1,
          `the number of creates that were ok in round ${round}`,
        );
        const winner = rivals[answers.indexOf('ok')]!;
        same((await store.load(id))?.fields.get('rival'), bytes(winner), `the session in round ${round}`);
      }
    },
  );

  promise(
    'of parallel rotations exactly one wins',
    'compare `replaces` in the same step that writes',
    async ({ store, now }) => {
      for (let round = 0; round < settings.races; round++) {
        const id = freshId();
        await store.create(id, session(now(), {}, { secret: bytes('first') }));
        const outcomes = await rivals(round, (rival) => {
          const previous = { secret: bytes('first'), until: now() + 10_000, opens: 'session' as const };
          const head = { secret: bytes(`rival ${rival}`), previous };
          return store.commit(id, delta(now(), {}, { replaces: bytes('first'), head }));
        });
        const winner = onlyWinner(outcomes, 'conflict', round);
        same((await store.load(id))?.head.secret, bytes(`rival ${winner}`), `the secret in round ${round}`);
      }
    },
  );

  promise(
    'of parallel logins exactly one wins',
    'compare the generation in the same step that writes',
    async ({ store, now }) => {
      for (let round = 0; round < settings.races; round++) {
        const id = freshId();
        await store.create(id, session(now()));
        const outcomes = await rivals(round, (rival) => {
          const head = { expiresAt: now() + HOUR_MS, user: `user ${rival}`, signedInAt: now(), generation: 1 };
          return store.commit(id, delta(now(), { owner: set(String(rival)) }, { head }));
        });
        const winner = onlyWinner(outcomes, 'gone', round);
        const stored = await store.load(id);
        same(
          [stored?.head.user, stored?.fields.get('owner')],
          [`user ${winner}`, bytes(String(winner))],
          `owner in round ${round}`,
        );
      }
    },
  );
}

/**
 * Adds one to `views` as the engine's `update` does: swap, and on a conflict again with what came back. No rival of `rivals` loses
 * more often than there are rivals; twice that is where it stops.
 */
export async function increment(store: Store, id: string, nowMs: number, rivals: number): Promise<void> {
  let views = textOf((await store.load(id))?.fields.get('views') ?? bytes('0'));
  for (let runs = 0; runs <= 2 * rivals; runs++) {
    const outcome = await store.commit(id, delta(nowMs, { views: swap(views, String(Number(views) + 1)) }));
    if (outcome.status === 'ok') return;
    holds(outcome.status === 'conflict', 'A live session answered gone.');
    const present = outcome.status === 'conflict' && outcome.fields.get('views');
    if (!present) return holds(false, 'A conflict did not hand back the present value of the swapped field.');
    views = textOf(present);
  }
  holds(false, `A swap lost ${2 * rivals} times in a row: what a conflict hands back is not what is stored.`);
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString();
}

function isOk(outcome: Outcome): outcome is Extract<Outcome, { status: 'ok' }> {
  return outcome.status === 'ok';
}

async function rivals(round: number, run: (rival: number) => Outcome | Promise<Outcome>): Promise<Outcome[]> {
  return Promise.all([0, 1, 2, 3].map((rival) => turns((round * rival) % 11).then(() => run(rival))));
}

function onlyWinner(outcomes: readonly Outcome[], otherwise: Outcome['status'], round: number): number {
  const statuses = outcomes.map((outcome) => outcome.status);
  same(statuses.filter((status) => status === 'ok').length, 1, `the number of winners in round ${round}`);
  same(
    statuses.filter((status) => status === otherwise).length,
    3,
    `the number of rivals that were told '${otherwise}' in round ${round}`,
  );
  return statuses.indexOf('ok');
}

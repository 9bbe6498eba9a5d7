/**
 * Every store that processes share, from several processes: the promises that only show then, fifty requests at once, and logouts
 * against slow requests. LMDB and Redis have files of their own, with what only they can do.
 *
 * The long form, `SOJOURN_EXAM=1 npx vitest run test/places.test.ts`, ends with a table of all stores; `-t memcached` leaves the others out.
 */
import fc from 'fast-check';
import { type Sessions, type Store, sessions, type } from 'sojourn';
import { afterAll, beforeAll, expect } from 'vitest';
import { twoProcessKit } from '../src/testing/index.js';
import { openPlace } from './programs/place.js';
import { exam, runs } from './support/exam.js';
import { places } from './support/places.js';
import { slowed } from './support/slowed.js';
import { visitor } from './support/visitor.js';
import { startWorker } from './support/worker.js';

interface Fields {
  n: number;
  text: string;
}
const TRIALS = runs(3, 100);
const RACES = runs(30, 2000);
const ROUNDS = runs(10, 50);
const FIFTY = Array.from({ length: 50 }, (_, i) => i);

type Actor = 'set' | 'update' | 'read' | 'rotate' | 'login' | 'save twice';
const kinds = fc.constantFrom<Actor>('set', 'update', 'read', 'rotate', 'login', 'save twice');
const actors = fc.array(fc.record({ does: kinds, on: fc.constantFrom(0, 1) }), { minLength: 1, maxLength: 4 });

/** What was seen, for each store that was there. */
const seen: Record<string, { 'updates kept': string; revived: string; lossy: boolean }> = {};
afterAll(() => {
  if (exam) console.table(seen);
});

for (const { name, when, address } of places) {
  const variable = `SOJOURN_PLACE_${name.replace(/\W/g, '_')}`;
  when.describe(name, () => {
    beforeAll(async () => {
      process.env[variable] = await address(); // for the programs, which inherit it
    });

    const command = [process.execPath, 'build/test/programs/place-served.js', variable];
    twoProcessKit(when, { name: 'two processes', command, rounds: ROUNDS });

    when.test(
      `from three processes 50 of 50 fields and 50 of 50 updates of one counter, ${TRIALS} times`,
      async () => {
        const workers = FIFTY.slice(0, 3).map((n) => startWorker('place-worker', [process.env[variable]!, String(n)]));
        const { store, close } = await openPlace(process.env[variable]!);
        const s = sessions({ data: type<Record<string, number>>(), store, sweep: false, deadline: '1m' });
        const line = lineOf(name, store);
        for (let trial = 0; trial < TRIALS; trial++) {
          const ann = visitor(s);
          await ann.visit((session) => session.set('n', 0));
          await Promise.all(workers.map((worker) => worker.ask(ann.header ?? '')));
          await ann.visit((session) => {
            line['updates kept'] = `${session.get('n')} of 50, in trial ${trial + 1} of ${TRIALS}`;
            expect(session.get('n')).toBe(50);
            expect(FIFTY.filter((i) => session.get(`field${i}`) === i)).toHaveLength(50);
          });
        }
        line['updates kept'] = `50 of 50, ${TRIALS} times`;
        await Promise.all(workers.map((worker) => worker.stop()));
        await s.close();
        await close();
      },
      300_000,
    );

    when.test(
      `a destroyed session is never seen again, in ${RACES} races of two servers`,
      async () => {
        const opened = [await openPlace(process.env[variable]!), await openPlace(process.env[variable]!)];
        const stores = opened.map(({ store }) => store);
        const line = lineOf(name, stores[0]!);
        let raced = 0;
        const calm = sessions({ data: type<Fields>(), store: stores[0]!, sweep: false, deadline: '1m' });
        const property = fc.asyncProperty(fc.scheduler(), actors, async (scheduler, who) => {
          line.revived = `in race ${++raced}`;
          await race(stores, calm, scheduler, who);
        });
        await fc.assert(property, { numRuns: RACES });
        line.revived = `0 in ${raced} races`;
        for (const { close } of opened) await close();
      },
      600_000,
    );
  });
}

function lineOf(name: string, store: Store) {
  seen[name] ??= { 'updates kept': '?', revived: '?', lossy: 'lossy' in store };
  return seen[name];
}

/** One race. Whose turn it is, is decided by the scheduler, each time somebody waits for a store. */
async function race(
  stores: readonly Store[],
  calm: Sessions<Fields, Store>,
  scheduler: fc.Scheduler,
  who: readonly { readonly does: Actor; readonly on: number }[],
): Promise<void> {
  const servers = stores.map((store) =>
    sessions({ data: type<Fields>(), store: slowed(store, scheduler), sweep: false, deadline: '1m' }),
  );
  const ann = visitor(calm);
  const id = await ann.visit((session) => {
    session.login('ann');
    session.set('n', 1);
    return session.id;
  });
  const requests = who.map(async ({ does, on }) => {
    const { session, end } = await visitor(servers[on]!, new Map(ann.cookies)).begin();
    await scheduler.schedule(Promise.resolve(), `${does} thinks`);
    if (does === 'set') session.set('text', 'late');
    if (does === 'update' || does === 'save twice') session.update('n', (n = 0) => n + 1);
    if (does === 'read') session.get('n');
    if (does === 'rotate') session.rotate();
    if (does === 'login') session.login('ann');
    if (does === 'save twice') {
      await session.save();
      session.set('text', 'later still');
    }
    await end();
  });
  await scheduler.waitFor(Promise.all([...requests, servers[0]!.destroy(id)]));
  for (const store of stores) expect(await store.load(id)).toBeNull();
  expect(await visitor(calm, new Map(ann.cookies)).visit((session) => session.user)).toBeUndefined();
}

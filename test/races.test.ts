/**
 * Destroy against slow writers and readers, at every point where one of them waits.
 *
 * fast-check's scheduler decides the order in which the waits of all requests end: one race is one order. Whatever it is,
 * a session that was destroyed must never be seen again: not by its old cookie, not in the store.
 */
import fc from 'fast-check';
import type { Store } from 'sojourn';
import { memory, sessions, type } from 'sojourn';
import { lmdb } from 'sojourn/lmdb';
import { expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { slowed } from './support/slowed.js';
import { tempFolder } from './support/temp.js';
import { visitor } from './support/visitor.js';

interface Fields {
  n: number;
  text: string;
}
const RACES = runs(10_000, 100_000);

type Actor = 'set' | 'update' | 'read' | 'rotate' | 'login' | 'save twice' | 'remember';
const actors: fc.Arbitrary<Actor[]> = fc.array(
  fc.constantFrom<Actor>('set', 'update', 'read', 'rotate', 'login', 'save twice', 'remember'),
  { minLength: 1, maxLength: 4 },
);

async function race(store: Store, scheduler: fc.Scheduler, who: Actor[]): Promise<void> {
  const calm = sessions({ data: type<Fields>(), store, sweep: false });
  const s = sessions({ data: type<Fields>(), store: slowed(store, scheduler), sweep: false });
  const ann = visitor(calm);
  const id = await ann.visit((session) => {
    session.login('ann');
    session.set('n', 1);
    return session.id;
  });
  const before = new Map(ann.cookies);

  const requests = who.map(async (actor) => {
    const { session, end } = await visitor(s, new Map(before)).begin();
    await scheduler.schedule(Promise.resolve(), `${actor} thinks`);
    if (actor === 'set') session.set('text', 'late');
    if (actor === 'update' || actor === 'save twice') session.update('n', (n = 0) => n + 1);
    if (actor === 'read') session.get('n');
    if (actor === 'rotate') session.rotate();
    if (actor === 'login') session.login('ann');
    if (actor === 'remember') session.remember();
    if (actor === 'save twice') {
      await session.save();
      session.set('text', 'later still');
    }
    await end();
  });
  // A login that lands first makes the logout's own token worthless: then it is somebody else who ends the session, by its id.
  const ending = who.includes('login')
    ? s.destroy(id)
    : visitor(s, new Map(before)).visit((session) => session.destroy());
  await scheduler.waitFor(Promise.all([...requests, ending]));

  expect(await store.load(id)).toBeNull();
  expect(await visitor(calm, new Map(before)).visit((session) => session.user)).toBeUndefined();
}

/** Races run side by side, so that a store that waits for the disk can serve many with one wait. */
const SIDE_BY_SIDE = 50;

test.each<[string, Store]>([
  ['memory', memory({ maxSessions: 1_000_000 })],
  ['LMDB', lmdb(tempFolder())],
])(
  `a destroyed session is never seen again, in ${RACES} races: %s`,
  async (_, store) => {
    const property = fc.asyncProperty(fc.scheduler(), actors, (scheduler, who) => race(store, scheduler, who));
    await Promise.all(
      Array.from({ length: SIDE_BY_SIDE }, () => fc.assert(property, { numRuns: RACES / SIDE_BY_SIDE })),
    );
    await store.close?.();
  },
  300_000,
);

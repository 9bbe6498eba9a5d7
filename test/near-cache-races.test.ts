/**
 * Destroy against slow readers and writers on two servers with near caches, at every point where one of them waits.
 *
 * fast-check's scheduler decides the order in which calls go there and back and messages of the link arrive: one race is one
 * order. The server that ended the session never shows it again, from the moment of its answer; the other one not after the
 * message, and if that is lost, not after the bound.
 */
import fc from 'fast-check';
import { type Sessions, sessions, type } from 'sojourn';
import { cached } from 'sojourn/cached';
import { expect, test } from 'vitest';
import { runs } from './support/exam.js';
import { toyStore } from './support/toy-store.js';
import { visitor } from './support/visitor.js';

interface Fields {
  n: number;
  text: string;
}
type Server = 0 | 1;
type Link = 'up' | 'cut' | 'half open';
interface Actor {
  readonly does: 'set' | 'update' | 'read' | 'rotate' | 'login' | 'remember';
  readonly on: Server;
}

const RACES = runs(10_000, 100_000);
const STALENESS_MS = 2000;

const server = fc.constantFrom<Server>(0, 1);
const actors: fc.Arbitrary<Actor[]> = fc.array(
  fc.record({
    does: fc.constantFrom<Actor['does']>('set', 'update', 'read', 'read', 'rotate', 'login', 'remember'),
    on: server,
  }),
  { minLength: 1, maxLength: 4 },
);
const links = fc.constantFrom<Link>('up', 'up', 'cut', 'half open');

async function race(scheduler: fc.Scheduler, who: readonly Actor[], endOn: Server, link: Link): Promise<number> {
  let time = 0;
  const monotonic = (): number => time;
  const waits = (label: string) => scheduler.schedule(Promise.resolve(), label);
  const first = toyStore({ monotonic, every: () => () => {}, slow: waits, pace: () => waits('message') });
  const toys = [first, first.another()] as const;
  const caches = toys.map((toy) => cached(toy, { monotonic, staleness: STALENESS_MS }));
  const servers: Sessions<Fields, (typeof caches)[0]>[] = caches.map((store) =>
    sessions({ data: type<Fields>(), store, sweep: false }),
  );
  const on = (at: Server, cookies: Map<string, string>) => visitor(servers[at]!, cookies);

  const cookies = new Map<string, string>();
  const signingIn = on(0, cookies).visit((session) => {
    session.login('ann');
    session.set('n', 1);
    return session.id;
  });
  const id = await scheduler.waitFor(signingIn);
  // Both servers hold a copy when the race begins.
  for (const at of [0, 1, 0, 1] as const) {
    await scheduler.waitFor(on(at, new Map(cookies)).visit((session) => session.user));
    await scheduler.waitIdle();
  }

  const requests = who.map(async ({ does, on: at }) => {
    const { session, end } = await on(at, new Map(cookies)).begin();
    await waits(`${does} thinks`);
    if (does === 'set') session.set('text', 'late');
    if (does === 'update') session.update('n', (n = 0) => n + 1);
    if (does === 'read') session.get('n');
    if (does === 'rotate') session.rotate();
    if (does === 'login') session.login('ann');
    if (does === 'remember') session.remember();
    await end();
  });
  if (link === 'cut') toys[endOn === 0 ? 1 : 0].link.cut();
  if (link === 'half open') toys[endOn === 0 ? 1 : 0].link.swallow();
  // By its id: after a login or a rotation the cookie from before proves nothing.
  const ending = servers[endOn]!.destroy(id).then(async () => {
    const user = await on(endOn, new Map(cookies)).visit((session) => session.user);
    expect(user, 'a request that began after the destroy, on the same server').toBeUndefined();
  });
  await scheduler.waitFor(Promise.all([...requests, ending]));
  await scheduler.waitIdle();

  expect(first.live(id)).toBeNull();
  if (link === 'half open') time += STALENESS_MS + 1;
  for (const at of [0, 1] as const) {
    const look = on(at, new Map(cookies)).visit((session) => session.user);
    expect(await scheduler.waitFor(look), `server ${at}`).toBeUndefined();
    expect(caches[at]!.stale(id, STALENESS_MS)).toBeNull();
  }
  return caches.reduce((hits, { figures }) => hits + figures.hits, 0);
}

test(`a destroyed session is never seen again, in ${RACES} races of two servers with near caches`, async () => {
  let hits = 0;
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), actors, server, links, async (scheduler, who, endOn, link) => {
      hits += await race(scheduler, who, endOn, link);
    }),
    { numRuns: RACES },
  );
  expect(hits).toBeGreaterThan(RACES);
}, 900_000);

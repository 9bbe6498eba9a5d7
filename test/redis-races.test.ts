/**
 * Destroy against slow readers and writers of two servers on one Redis, at every point where one of them waits.
 *
 * Every call waits before it reaches Redis and before its answer reaches the server, for as long as fast-check's scheduler says: one
 * race is one order. Redis, the clients and the links of the near cache are real. A destroyed session must never be seen again: not on
 * the server that ended it, from its answer on; not on the other one, once it was told; not in Redis.
 */
import fc from 'fast-check';
import { type Sessions, type Store, sessions, type, type Watchable } from 'sojourn';
import { cached } from 'sojourn/cached';
import { redis } from 'sojourn/redis';
import { expect } from 'vitest';
import { runs } from './support/exam.js';
import { need } from './support/needs.js';
import { type FaultProxy, faultProxy } from './support/proxy.js';
import { startRedis, until } from './support/redis.js';
import { twoKinds } from './support/redis-clients.js';
import { slowed } from './support/slowed.js';
import { visitor } from './support/visitor.js';

const { test } = need('redis');

interface Fields {
  n: number;
  text: string;
}
type Server = 0 | 1;
interface Actor {
  readonly does: 'set' | 'update' | 'read' | 'rotate' | 'login' | 'save twice' | 'remember';
  readonly on: Server;
}
type Application = Sessions<Fields, Store>;

const RACES = runs(2500, 25_000);
/** Races run side by side, so that one wait for the network serves many. */
const SIDE_BY_SIDE = 50;
/** One race in so many cuts the links of the server that does not end the session. */
const CUTS = 200;

const server = fc.constantFrom<Server>(0, 1);
const actors: fc.Arbitrary<Actor[]> = fc.array(
  fc.record({
    does: fc.constantFrom<Actor['does']>('set', 'update', 'read', 'rotate', 'login', 'save twice', 'remember'),
    on: server,
  }),
  { minLength: 1, maxLength: 4 },
);
const chance = fc.nat(CUTS - 1).map((dice) => dice === 0);

interface Stage {
  readonly stores: readonly Store[];
  readonly servers: readonly Application[];
  readonly proxies: readonly FaultProxy[];
  /** Whose calls wait, and who says for how long: by the id of the session. */
  readonly schedulers: Map<string, fc.Scheduler>;
  hits(): number;
}

for (const kind of twoKinds) {
  for (const mode of ['bare', 'cached'] as const) {
    test(`${kind.name}, ${mode}: a destroyed session is never seen again, in ${RACES} races of two servers`, async () => {
      const stage = await set(kind, mode);
      const ended: Map<string, string>[] = [];
      const property = fc.asyncProperty(fc.scheduler(), actors, server, chance, async (scheduler, who, endOn, cuts) => {
        ended.push(await race(stage, scheduler, who, endOn, cuts));
      });
      await Promise.all(
        Array.from({ length: SIDE_BY_SIDE }, () => fc.assert(property, { numRuns: RACES / SIDE_BY_SIDE })),
      );

      expect(ended).toHaveLength(RACES);
      for (const cookies of ended)
        for (const s of stage.servers) expect(await userOf(s, cookies), 'long after').toBeUndefined();
      if (mode === 'cached') expect(stage.hits()).toBeGreaterThan(RACES);
      for (const s of stage.servers) await s.close();
    }, 1_800_000);
  }
}

/** One race. Returns the cookies of a session that has ended. */
async function race(
  { stores, servers, proxies, schedulers }: Stage,
  scheduler: fc.Scheduler,
  who: readonly Actor[],
  endOn: Server,
  cuts: boolean,
): Promise<Map<string, string>> {
  const ann = visitor(servers[0]!);
  const id = await ann.visit((session) => {
    session.login('ann');
    session.set('n', 1);
    return session.id;
  });
  // Without the cookie that asks for a version (it has no secret): it would keep copies out of the race.
  const cookies = new Map([...ann.cookies].filter(([, value]) => value.includes('.')));
  for (const s of servers) expect(await userOf(s, cookies)).toBe('ann');

  schedulers.set(id, scheduler);
  const requests = who.map(async ({ does, on }) => {
    const { session, end } = await visitor(servers[on]!, new Map(cookies)).begin();
    await scheduler.schedule(Promise.resolve(), `${does} thinks`);
    if (does === 'set') session.set('text', 'late');
    if (does === 'update' || does === 'save twice') session.update('n', (n = 0) => n + 1);
    if (does === 'read') session.get('n');
    if (does === 'rotate') session.rotate();
    if (does === 'login') session.login('ann');
    if (does === 'remember') session.remember();
    if (does === 'save twice') {
      await session.save();
      session.set('text', 'later still');
    }
    await end();
  });
  if (cuts) for (const link of proxies[1 - endOn]!.links) if (link.tracking || link.subscribed) link.cut();
  // By its id: after a login or a rotation the cookie from before proves nothing.
  const ending = servers[endOn]!.destroy(id).then(async () => {
    expect(await userOf(servers[endOn]!, cookies), 'on the server that ended it, at once').toBeUndefined();
  });
  await scheduler.waitFor(Promise.all([...requests, ending]));
  schedulers.delete(id);

  expect(await stores[0]!.load(id), 'in Redis').toBeNull();
  expect(await userOf(servers[endOn]!, cookies), 'on the server that ended it').toBeUndefined();
  await until('the other server has been told', async () => (await userOf(servers[1 - endOn]!, cookies)) === undefined);
  return cookies;
}

/** Two servers of one application, each with a client of its own behind a proxy of its own. */
async function set(kind: (typeof twoKinds)[number], mode: 'bare' | 'cached'): Promise<Stage> {
  const redisServer = await startRedis();
  const schedulers: Stage['schedulers'] = new Map();
  const proxies = await Promise.all([0, 1].map(() => faultProxy(redisServer.port)));
  const clients = await Promise.all(proxies.map(({ port }) => kind.connect({ url: `redis://127.0.0.1:${port}` })));
  const stores = clients.map(({ client }) => redis(client));
  const gated = stores.map((store) => waiting(store, schedulers));
  const caches = mode === 'cached' ? gated.map((store) => cached(store)) : [];
  // Calls wait for the scheduler, which knows no time; so there is no deadline.
  const options = { data: type<Fields>(), sweep: false, deadline: '1m' } as const;
  const servers = (mode === 'cached' ? caches : gated).map((store: Store) => sessions({ ...options, store }));
  return {
    stores,
    servers,
    proxies,
    schedulers,
    hits: () => caches.reduce((sum, { figures }) => sum + figures.hits, 0),
  };
}

/** The store, whose calls about a session that takes part in a race wait as the race's scheduler says. */
function waiting<S extends Store & Watchable>(store: S, schedulers: Stage['schedulers']): Store & Watchable {
  const of = (id: string): Store => {
    const scheduler = schedulers.get(id);
    return scheduler ? slowed(store, scheduler) : store;
  };
  return {
    name: store.name,
    load: (id) => of(id).load(id),
    create: (id, session) => store.create(id, session),
    commit: (id, delta) => of(id).commit(id, delta),
    destroy: (id) => of(id).destroy(id),
    watch: (watcher, everyMs) => store.watch(watcher, everyMs),
    listen: (ended) => store.listen(ended),
    close: () => store.close?.(),
  };
}

function userOf(s: Application, cookies: ReadonlyMap<string, string>): Promise<string | undefined> {
  return visitor(s, new Map(cookies)).visit((session) => session.user);
}

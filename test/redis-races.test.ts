/**
 * Destroy against slow readers and writers of two servers on one Redis, at every point where one of them waits.
 *
 * Every call waits before it reaches Redis and before its answer reaches the server, for as long as fast-check's scheduler says: one
 * race is one order. Redis, the clients and the links of the near cache are real. A destroyed session must never be seen again: not on
 * the server that ended it, from its answer on; not on the other one, once it was told; not in Redis.
 */
import fc from 'fast-check';
import { type MaybePromise, type Sessions, type Store, sessions, type, type Watchable } from 'sojourn';
import { cached } from 'sojourn/cached';
import { redis } from 'sojourn/redis';
import { expect } from 'vitest';
import { runs } from './support/exam.js';
import { need } from './support/needs.js';
import { type FaultProxy, faultProxy } from './support/proxy.js';
import { startRedis, until } from './support/redis.js';
import { twoKinds } from './support/redis-clients.js';
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
/** One race in so many cuts links. */
const CUTS = 200;

/** Of the event loop, for a message of a link to come. */
const TURNS = 4;

const writers = ['set', 'update', 'rotate', 'login', 'save twice', 'remember'] as const;
const server = fc.constantFrom<Server>(0, 1);
const actors: fc.Arbitrary<Actor[]> = fc.array(
  fc.record({
    // Most read: a server that writes as well learns by that how things are.
    does: fc.oneof(fc.constant<Actor['does']>('read'), fc.constantFrom<Actor['does']>(...writers)),
    on: server,
  }),
  { minLength: 1, maxLength: 4 },
);
interface Circumstances {
  readonly endOn: Server;
  /** Both servers know the session, and with a near cache both keep it; else only the one that will end it does. */
  readonly isWarm: boolean;
  /** The links of the server that does not end the session are cut. */
  readonly isCut: boolean;
}
const circumstances: fc.Arbitrary<Circumstances> = fc.record({
  endOn: server,
  isWarm: fc.boolean(),
  isCut: fc.nat(CUTS - 1).map((dice) => dice === 0),
});

interface Race {
  readonly scheduler: fc.Scheduler;
  /** On their way to Redis or back. */
  calls: number;
}

interface Stage {
  readonly stores: readonly Store[];
  readonly servers: readonly Application[];
  readonly proxies: readonly FaultProxy[];
  /** Those that go on, by the id of their session: its calls wait. */
  readonly races: Map<string, Race>;
  hits(): number;
}

for (const kind of twoKinds) {
  for (const mode of ['bare', 'cached'] as const) {
    test(`${kind.name}, ${mode}: a destroyed session is never seen again, in ${RACES} races of two servers`, async () => {
      const stage = await set(kind, mode);
      const ended: Map<string, string>[] = [];
      const property = fc.asyncProperty(fc.scheduler(), actors, circumstances, async (scheduler, who, how) => {
        ended.push(await race(stage, scheduler, who, how));
      });
      await Promise.all(
        Array.from({ length: SIDE_BY_SIDE }, () => fc.assert(property, { numRuns: RACES / SIDE_BY_SIDE })),
      );

      expect(ended).toHaveLength(RACES);
      for (const cookies of ended)
        for (const s of stage.servers) expect(await userOf(s, cookies), 'long after').toBeUndefined();
      if (mode === 'cached') expect(stage.hits()).toBeGreaterThan(RACES / 4);
      for (const s of stage.servers) await s.close();
    }, 1_800_000);
  }
}

/** One race. Returns the cookies of a session that has ended. */
async function race(
  { stores, servers, proxies, races }: Stage,
  scheduler: fc.Scheduler,
  who: readonly Actor[],
  { endOn, isWarm, isCut }: Circumstances,
): Promise<Map<string, string>> {
  const ann = visitor(servers[endOn]!);
  const id = await ann.visit((session) => {
    session.login('ann');
    session.set('n', 1);
    return session.id;
  });
  // Without the cookie that asks for a version (it has no secret): it would keep copies out of the race.
  const cookies = new Map([...ann.cookies].filter(([, value]) => value.includes('.')));
  if (isWarm) for (const s of servers) expect(await userOf(s, cookies)).toBe('ann');

  const own: Race = { scheduler, calls: 0 };
  races.set(id, own);
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
  if (isCut) for (const link of proxies[1 - endOn]!.links) if (link.tracking || link.subscribed) link.cut();
  // By its id: after a login or a rotation the cookie from before proves nothing.
  const ending = servers[endOn]!.destroy(id).then(async () => {
    expect(await userOf(servers[endOn]!, cookies), 'on the server that ended it, at once').toBeUndefined();
  });
  await drive(own, Promise.all([...requests, ending]));
  races.delete(id);

  expect(await stores[0]!.load(id), 'in Redis').toBeNull();
  expect(await userOf(servers[endOn]!, cookies), 'on the server that ended it').toBeUndefined();
  await until('the other server has been told', async () => (await userOf(servers[1 - endOn]!, cookies)) === undefined);
  return cookies;
}

/** Two servers of one application, each with a client of its own behind a proxy of its own. */
async function set(kind: (typeof twoKinds)[number], mode: 'bare' | 'cached'): Promise<Stage> {
  const redisServer = await startRedis();
  const races: Stage['races'] = new Map();
  const proxies = await Promise.all([0, 1].map(() => faultProxy(redisServer.port)));
  const clients = await Promise.all(proxies.map(({ port }) => kind.connect({ url: `redis://127.0.0.1:${port}` })));
  const stores = clients.map(({ client }) => redis(client));
  const gated = stores.map((store) => waiting(store, races));
  const caches = mode === 'cached' ? gated.map((store) => cached(store)) : [];
  // Calls wait for the scheduler, which knows no time; so there is no deadline.
  const options = { data: type<Fields>(), sweep: false, deadline: '1m' } as const;
  const servers = (mode === 'cached' ? caches : gated).map((store: Store) => sessions({ ...options, store }));
  return {
    stores,
    servers,
    proxies,
    races,
    hits: () => caches.reduce((sum, { figures }) => sum + figures.hits, 0),
  };
}

/** The store, whose calls about a session that takes part in a race wait as the race's scheduler says, on the way there and back. */
function waiting<S extends Store & Watchable>(store: S, races: Stage['races']): Store & Watchable {
  const slow = async <R>(id: string, verb: string, run: () => MaybePromise<R>): Promise<R> => {
    const race = races.get(id);
    if (race === undefined) return run();
    await race.scheduler.schedule(Promise.resolve(), `${verb} sets out`);
    race.calls++;
    const result = await Promise.resolve(run()).finally(() => race.calls--);
    await race.scheduler.schedule(Promise.resolve(), `${verb} comes back`);
    return result;
  };
  return {
    name: store.name,
    load: (id) => slow(id, 'load', () => store.load(id)),
    create: (id, session) => store.create(id, session),
    commit: (id, delta) => slow(id, 'commit', () => store.commit(id, delta)),
    destroy: (id) => slow(id, 'destroy', () => store.destroy(id)),
    watch: (watcher, everyMs) => store.watch(watcher, everyMs),
    listen: (ended) => store.listen(ended),
    close: () => store.close?.(),
  };
}

/** Has the scheduler choose among all that can go on: so first what is on its way to Redis is answered, and messages may come. */
async function drive(race: Race, all: Promise<unknown>): Promise<void> {
  let isOver = false;
  const end = all.finally(() => {
    isOver = true;
  });
  end.catch(() => {});
  while (!isOver) {
    for (let quiet = 0; quiet < TURNS; quiet = race.calls > 0 ? 0 : quiet + 1) await new Promise(setImmediate);
    if (race.scheduler.count() > 0) await race.scheduler.waitOne();
  }
  await end;
}

function userOf(s: Application, cookies: ReadonlyMap<string, string>): Promise<string | undefined> {
  return visitor(s, new Map(cookies)).visit((session) => session.user);
}

/**
 * Moving house with the visitors inside: sessions in files and in Redis go over to PostgreSQL, through every deploy that it takes,
 * while people click, sign in and log out. Nobody is signed out, nothing that was acknowledged is lost, and nobody who left is back.
 */
import { type Indexed, type Listable, type Store, sessions, type } from 'sojourn';
import { file } from 'sojourn/file';
import { type Migration, migrating } from 'sojourn/migrating';
import { redis } from 'sojourn/redis';
import { sql, sqlMigration } from 'sojourn/sql';
import { describe, expect } from 'vitest';
import { sqlClient } from './programs/sql-client.js';
import { databases } from './support/databases.js';
import { runs } from './support/exam.js';
import { need } from './support/needs.js';
import { startRedis } from './support/redis.js';
import { redisClients } from './support/redis-clients.js';
import { tempFolder } from './support/temp.js';
import { visitor } from './support/visitor.js';

interface Fields {
  n: number;
}
type Site = ReturnType<typeof site>;

const VISITORS = runs(150, 20_000);
/** Requests at once, and in each stage of the move at least. */
const AT_ONCE = 6;
const IN_A_STAGE = runs(60, 3000);
/** One request of so many is a logout, and one comes from somebody new. */
const LOGOUTS = 40;
const NEWCOMERS = 40;

const postgres = databases.find(({ name }) => name === 'PostgreSQL')!;
const olds: readonly [name: string, describe: Described, open: () => Promise<() => Old>][] = [
  [
    'files',
    describe,
    async () => {
      const folder = tempFolder('mv');
      return () => file(folder, { durable: false });
    },
  ],
  [
    'Redis',
    need('redis').describe,
    async () => {
      const server = await startRedis();
      const clients = await Promise.all([0, 1].map(() => redisClients.single[0]!.connect(server)));
      let next = 0;
      return () => redis(clients[next++ % 2]!.client);
    },
  ],
];
type Old = Store & Indexed & Listable;
type Described = (title: string, body: () => void) => void;

for (const [name, described, open] of olds) {
  described(`from ${name}`, () =>
    postgres.when.test(
      `${VISITORS} sessions move from ${name} to PostgreSQL under load: 0 logouts, 0 lost updates, 0 revived`,
      async () => {
        const openOld = await open();
        const { url } = await postgres.start();
        const table = `from_${name.toLowerCase()}`;
        const places = [0, 1].map(() => sqlClient(url));
        await sqlMigration({ table }).up(places[0]!.db);
        const openNew = (i: number): Old => sql(places[i]!.db, { table });
        const house = (i: number, phase: 'from' | 'moving') => migrating({ from: openOld(), to: openNew(i), phase });

        const crowd = new Crowd([site(openOld()), site(openOld())]);
        for (let i = 0; i < VISITORS; i++) await crowd.arrive();
        const load = crowd.load();

        await crowd.stage('servers without the layer');
        await crowd.deploy(0, site(house(0, 'from')));
        await crowd.stage('one with it, one without');
        await crowd.deploy(1, site(house(1, 'from')));
        await crowd.stage('all with it');
        const first = house(0, 'moving');
        await crowd.deploy(0, site(first));
        await crowd.stage('one of each phase');
        const second = house(1, 'moving');
        await crowd.deploy(1, site(second));

        const shown: string[] = [];
        const move = first.move({
          pace: 1_000_000,
          onProgress: ({ state, moved, total }) => shown.push(`${state} ${moved} of ${total}`),
        });
        await expect.poll(() => move.progress.moved, { timeout: 60_000 }).toBeGreaterThan(10);
        move.pause();
        await crowd.stage('paused');
        move.resume();
        const end = await move.done;
        expect(end).toMatchObject({ state: 'done', failed: 0 });
        expect(shown.length).toBeGreaterThan(2);
        await crowd.stage('all have moved');
        expect(await second.verify()).toEqual({ left: 0, ids: [] });
        for (const one of [first, second]) expect((await one.cutOver()).left).toBe(0);
        await crowd.deploy(1, site(openNew(1)));
        await crowd.stage('cut over; one without the layer');
        await crowd.deploy(0, site(openNew(0)));
        await crowd.stage('all without it');
        crowd.leave();
        await load;

        await crowd.check(site(openNew(0)), openNew(0));
        const { moved, total, passed, walks } = end;
        const { requests, logouts, added } = crowd;
        console.log(
          `${name}: ${moved} of ${total} moved by the mover (${passed} had gone, ${walks} walks), the rest by their visitors; ${requests} requests meanwhile, ${added} updates, ${logouts} logouts.`,
        );
        expect(logouts).toBeGreaterThan(0);
        for (const { close } of places) await close();
      },
      1_800_000,
    ),
  );
}

function site(store: Store & Partial<Migration>) {
  return sessions({ data: type<Fields>(), store, sweep: false, deadline: '1m' });
}

interface Person {
  readonly user: string;
  readonly cookies: Map<string, string>;
  /** Acknowledged. */
  n: number;
  isLeaving: boolean;
  hasLeft: boolean;
}

/** People with browsers, who know what they were told. */
class Crowd {
  readonly #sites: Site[];
  readonly #people: Person[] = [];
  #isOver = false;
  requests = 0;
  added = 0;
  logouts = 0;

  constructor(sites: Site[]) {
    this.#sites = sites;
  }

  async arrive(): Promise<void> {
    const user = `user${this.#people.length}-${Math.random().toString(36).slice(2)}`;
    const browser = visitor(this.#sites[this.#dice(2)]!);
    await browser.visit((session) => {
      session.login(user);
      session.set('n', 0);
    });
    this.#people.push({ user, cookies: browser.cookies, n: 0, isLeaving: false, hasLeft: false });
  }

  /** Until `leave`. */
  async load(): Promise<void> {
    const one = async (): Promise<void> => {
      while (!this.#isOver) {
        if (this.#dice(NEWCOMERS) === 0) await this.arrive();
        else await this.#request(this.#people[this.#dice(this.#people.length)]!);
        this.requests++;
      }
    };
    const all = Promise.all(Array.from({ length: AT_ONCE }, one));
    all.catch(() => this.leave());
    await all;
  }

  leave(): void {
    this.#isOver = true;
  }

  /** Waits until so many requests were served as things are now. */
  async stage(name: string): Promise<void> {
    const enough = this.requests + IN_A_STAGE;
    await expect.poll(() => this.#isOver || this.requests >= enough, { timeout: 300_000, message: name }).toBe(true);
    expect(this.#isOver, name).toBe(false);
  }

  /** Another server takes the place of this one; requests that are under way are finished by the old one. */
  async deploy(place: number, next: Site): Promise<void> {
    this.#sites[place] = next;
    const later = this.requests + AT_ONCE;
    await expect.poll(() => this.#isOver || this.requests >= later, { timeout: 60_000 }).toBe(true);
  }

  /** In the end, through one server: everybody who did not leave is there with all he was told, and nobody else. */
  async check(s: Site, store: Indexed): Promise<void> {
    for (const person of this.#people) {
      const seen = await visitor(s, new Map(person.cookies)).visit((session) => [session.user, session.get('n')]);
      expect(seen).toEqual(person.hasLeft ? [undefined, undefined] : [person.user, person.n]);
      let found = 0;
      for await (const _ of store.byUser(person.user)) found++;
      expect(found, 'in the index').toBe(person.hasLeft ? 0 : 1);
    }
  }

  async #request(person: Person): Promise<void> {
    const browser = visitor(this.#sites[this.#dice(2)]!, new Map(person.cookies));
    const hadLeft = person.hasLeft;
    const atLeast = person.n;
    const leaves = !person.isLeaving && this.#dice(LOGOUTS) === 0;
    if (leaves) person.isLeaving = true;
    const { session, end } = await browser.begin();
    if (session.user === undefined) return expect(person.isLeaving, `${person.user} was signed out`).toBe(true);
    expect(hadLeft, `${person.user} is back`).toBe(false);
    expect(session.get('n')).toBeGreaterThanOrEqual(atLeast);
    if (leaves) session.destroy();
    else session.update('n', (n = 0) => n + 1);
    const isSaved = (await session.save()) === 'ok';
    await end();
    if (leaves) {
      person.hasLeft = true;
      this.logouts++;
    } else if (isSaved) {
      person.n++;
      this.added++;
    } else expect(person.isLeaving, `${person.user} was signed out`).toBe(true);
  }

  #dice(sides: number): number {
    return Math.floor(Math.random() * sides);
  }
}

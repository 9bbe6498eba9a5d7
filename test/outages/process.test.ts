/** The Redis process dies, freezes, or comes back with nothing: rows 1, 2, 3 and 12 of the list of faults. */
import { expect, test } from 'vitest';
import { need } from '../support/needs.js';
import {
  CLIENTS,
  comesBack,
  inTime,
  read,
  refusesQuickly,
  scene,
  settled,
  statuses,
  together,
  write,
} from './scene.js';

need('redis').describe('the process of the server', () => {
  test.each(CLIENTS)(
    'killed while idle: 503 in time, and afterwards everybody is still signed in (%s)',
    async (client) => {
      const all = await scene(client);
      const { redis, people, told, ready } = all;
      await redis.raw('SAVE');
      await redis.kill();

      await refusesQuickly(all, read);
      await refusesQuickly(all, write);
      expect(await ready()).toBe(false);
      expect(told('storeDown').map(({ calls }) => calls)).toEqual(['reads']); // no write got so far

      await redis.restart();
      await comesBack(people, read);
      await comesBack(people, write);
      expect(await ready()).toBe(true);
      await settled(people);
    },
  );

  test.each(CLIENTS)('killed between a commit and its reply: the commit is there once (%s)', async (client) => {
    const all = await scene(client);
    const { redis, proxy, people } = all;
    const caught = proxy.next(/^EVALSHA/i, 'hold');
    const writing = people[0]?.write();
    const { link } = await caught;
    await redis.raw('SAVE');
    await redis.kill();
    link.cut();
    const restarted = redis.restart();
    expect([200, 503]).toContain((await writing)?.status);

    await restarted;
    await comesBack(people, read);
    expect((await people[0]?.read())?.count).toBe(2);
  });

  test.each(CLIENTS)(
    'frozen: 503 in time, and when it wakes nothing is lost and nothing done twice (%s)',
    async (client) => {
      const all = await scene(client);
      const { redis, people, told } = all;
      redis.stop();

      const writes = await inTime(people, 40, write);
      expect(statuses(writes)).toEqual({ 503: 40 });
      await refusesQuickly(all, read);
      await refusesQuickly(all, write);
      expect(told('storeDown').length).toBeGreaterThan(0);

      redis.cont();
      await comesBack(people, read);
      await comesBack(people, write);
      await settled(people);
    },
  );

  test.each(CLIENTS)(
    'comes back empty: everybody is anonymous, without an error, and old ids are not taken up (%s)',
    async (client) => {
      const all = await scene(client);
      const { redis, people, login } = all;
      const before = people.map(({ cookies }) => [...cookies].join());
      await redis.kill();
      await refusesQuickly(all, read);
      await redis.restart();
      for (const person of people) person.mayBeNobody = true;
      await comesBack(people, read);
      expect((await together(people, 10, read)).map(({ user }) => user)).toEqual(people.map(() => null));

      for (const person of people) expect((await login(person)).status).toBe(200);
      const after = people.map(({ cookies }) => [...cookies].join());
      expect(new Set([...ids(before), ...ids(after)]).size).toBe(2 * people.length);
      expect((await together(people, 10, read)).map(({ user }) => user)).toEqual(people.map(({ name }) => name));
    },
  );
});

function ids(cookies: readonly string[]): string[] {
  return cookies.map((cookie) => /,(.*)\./.exec(cookie)?.[1] ?? cookie);
}

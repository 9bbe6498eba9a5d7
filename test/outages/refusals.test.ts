/** Redis answers, but refuses: rows 5 and 14 to 25 of the list of faults. What can go on does, and nobody is signed out. */
import { rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { isFailure } from 'sojourn';
import { expect, test } from 'vitest';
import { need } from '../support/needs.js';
import { freePort } from '../support/ports.js';
import {
  CLIENTS,
  comesBack,
  inTime,
  type Person,
  read,
  refusesQuickly,
  scene,
  settled,
  statuses,
  together,
  until,
  write,
} from './scene.js';

need('redis').describe('a server that refuses', () => {
  test('out of memory: reading goes on, writing is 503, and logging out works (node-redis 6)', async () => {
    const all = await scene('node-redis 6');
    const { redis, people, told } = all;
    await redis.raw('CONFIG', 'SET', 'maxmemory', '1mb');

    expect(statuses(await together(people, 40, read))).toEqual({ 200: 40 });
    const writes = await inTime(people, 40, write);
    expect(statuses(writes)).toEqual({ 503: 40 });
    expect(new Set(told('storeError').map(({ error }) => isFailure(error) && error.code))).toEqual(
      new Set(['SOJOURN_STORE_FULL']),
    );
    const [ann, ...others] = people as [Person, ...Person[]];
    const cookie = [...ann.cookies];
    expect((await ann.logout()).status).toBe(200);
    expect(await redis.raw('GET', `s:${idOf(cookie)}`)).toBeNull();
    expect(statuses(await together(others, 20, read))).toEqual({ 200: 20 });
    expect(told('storeDown')).toEqual([]);

    await redis.raw('CONFIG', 'SET', 'maxmemory', '0');
    await comesBack(others, write);
    await settled(others);
  });

  test('its disk is full (MISCONF): reading goes on, writing and logging out are 503, and the logout is done afterwards', async () => {
    const { redis, people, told } = await scene('node-redis 6');
    rmSync(redis.folder, { recursive: true }); // nothing can be written there any more, and it needs no rights
    await redis.raw('CONFIG', 'SET', 'save', '3600 1000000');
    await redis.raw('BGSAVE');
    await until(async () => /rdb_last_bgsave_status:err/.test(String(await redis.raw('INFO', 'persistence'))));

    expect(statuses(await together(people, 40, read))).toEqual({ 200: 40 });
    expect(statuses(await together(people, 20, write))).toEqual({ 503: 20 });
    const [ann, ...others] = people as [Person, ...Person[]];
    const id = idOf([...ann.cookies]);
    const kept = [...ann.cookies];
    expect((await ann.logout()).status).toBe(503);
    expect(ann.cookies.size).toBe(0);
    expect(await redis.raw('EXISTS', `s:${id}`)).toBe(1);
    ann.bring(kept);
    ann.mayBeNobody = true;
    expect(await ann.read()).toMatchObject({ status: 200, user: null });

    await redis.raw('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no');
    await comesBack(others, write);
    await until(async () => (await redis.raw('EXISTS', `s:${id}`)) === 0);
    expect(told('destroyed')).toEqual([{ id, reason: 'logout' }]);
    await settled(others);
  });

  test.each([
    [
      'a replica after a failover (READONLY)',
      (port: number) => ['REPLICAOF', '127.0.0.1', port],
      ['REPLICAOF', 'NO', 'ONE'],
    ],
    [
      'no replica in reach (NOREPLICAS)',
      () => ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
      ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
    ],
  ])('%s: reading goes on, writing is 503, and none counts as done', async (_, begin, end) => {
    const { redis, people } = await scene('node-redis 6');
    await redis.raw(...begin(await freePort()));
    expect(statuses(await together(people, 40, read))).toEqual({ 200: 40 });
    const writes = await inTime(people, 40, write);
    expect(statuses(writes)).toEqual({ 503: 40 });

    await redis.raw(...end);
    expect((await together(people, 10, read)).map(({ count }) => count)).toEqual(people.map(() => 1));
    await comesBack(people, write);
    await settled(people);
  });

  test('a replica that has lost its master and shows no old data (MASTERDOWN): 503', async () => {
    const all = await scene('node-redis 6');
    const { redis, people } = all;
    await redis.raw('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    await redis.raw('REPLICAOF', '127.0.0.1', await freePort());
    await refusesQuickly(all, read);
    await refusesQuickly(all, write);

    await redis.raw('REPLICAOF', 'NO', 'ONE');
    await comesBack(people, read);
    await comesBack(people, write);
    await settled(people);
  });

  test.each(CLIENTS)('still loading its data: 503, which is not "no such session" (%s)', async (client) => {
    const all = await scene(client, { redis: { args: ['--enable-debug-command', 'yes'] } });
    const { redis, people } = all;
    await redis.raw('CONFIG', 'SET', 'rdbcompression', 'no');
    await redis.raw('CONFIG', 'SET', 'loading-process-events-interval-bytes', '1024');
    const padding = `for i = 1, 4000 do redis.call('SET', 'padding:' .. i, string.rep('x', 1024)) end`;
    await redis.raw('EVAL', padding, '0');
    await redis.raw('CONFIG', 'SET', 'key-load-delay', '5000'); // microseconds: 20 seconds for all
    const loading = redis.raw('DEBUG', 'RELOAD').catch(() => {});
    await until(async () => /LOADING/.test(String(await redis.raw('GET', 'x').catch((error) => error))));
    await refusesQuickly(all, read);

    await redis.raw('CONFIG', 'SET', 'key-load-delay', '0');
    await loading;
    await comesBack(people, read);
    await comesBack(people, write);
    await settled(people);
  });

  test.each(CLIENTS)('the scripts were flushed: nobody notices, and every write counts once (%s)', async (client) => {
    const { redis, people } = await scene(client);
    for (let round = 0; round < 3; round++) {
      await redis.raw('SCRIPT', 'FLUSH');
      expect(statuses(await together(people, 20, write))).toEqual({ 200: 20 });
    }
    await redis.raw('SCRIPT', 'FLUSH');
    expect((await people[0]?.logout())?.status).toBe(200);
    expect((await together(people.slice(1), 9, read)).map(({ count }) => count)).toEqual(people.slice(1).map(() => 7));
  });

  test.each(CLIENTS)(
    'a script that never ends (BUSY): 503 in time, before and after Redis says so (%s)',
    async (client) => {
      const all = await scene(client);
      const { redis, people } = all;
      await redis.raw('CONFIG', 'SET', 'busy-reply-threshold', '1500');
      const busy = redis.raw('EVAL', 'while true do end', '0').catch(() => {});
      await wait(20);
      await refusesQuickly(all, read);
      await until(async () => /^BUSY/.test(String((await redis.raw('PING').catch((error) => error)).message)));
      await refusesQuickly(all, write);

      await redis.raw('SCRIPT', 'KILL');
      await busy;
      await comesBack(people, read);
      await comesBack(people, write);
      await settled(people);
    },
  );

  test.each(CLIENTS)(
    'writes are paused: writing is 503 in time, and afterwards nothing was done twice (%s)',
    async (client) => {
      const { redis, people } = await scene(client);
      await redis.raw('CLIENT', 'PAUSE', '60000', 'WRITE');
      expect(statuses(await together(people, 40, read))).toEqual({ 200: 40 });
      const writes = await inTime(people, 40, write);
      expect(statuses(writes)).toEqual({ 503: 40 });
      // A connection whose command is paused is not read any further, so what shares it waits as well. In time, that is.
      await inTime(people, 40, read);

      await redis.raw('CLIENT', 'UNPAUSE');
      await comesBack(people, read);
      await comesBack(people, write);
      await settled(people);
    },
  );

  test.each(CLIENTS)(
    'a password is set while it runs: 503, no storm of connections, and no secret in what is told (%s)',
    async (client) => {
      const all = await scene(client);
      const { redis, proxy, people, told } = all;
      const secret = 'correct horse battery staple';
      await redis.raw('CONFIG', 'SET', 'requirepass', secret);
      redis.password = secret;
      expect(statuses(await together(people, 20, write))).toEqual({ 200: 20 }); // connections that stand may stay

      proxy.cut();
      await refusesQuickly(all, read);
      const before = proxy.accepted;
      await wait(1000);
      expect(proxy.accepted - before).toBeLessThanOrEqual(10);
      const texts = told('storeError').map(({ error }) => String((error as Error).message));
      expect(texts.length).toBeGreaterThan(0);
      for (const text of texts) expect(text).not.toContain('horse');

      await redis.raw('CONFIG', 'SET', 'requirepass', '');
      redis.password = undefined;
      await comesBack(people, read);
      await comesBack(people, write);
      await settled(people);
    },
  );

  test('its user may no longer run scripts (NOPERM): reading goes on, writing is 503, and the health check says so', async () => {
    const { redis, people, told, ready } = await scene('node-redis 6');
    await redis.raw('ACL', 'SETUSER', 'default', '-eval', '-evalsha');
    expect(statuses(await together(people, 20, read))).toEqual({ 200: 20 });
    expect(statuses(await inTime(people, 20, write))).toEqual({ 503: 20 });
    expect(await ready()).toBe(false);
    expect(told('storeError').map(({ error }) => (error as Error).message)).toContain(
      'Session store redis could not commit: Redis answered NOPERM (its user may not do this: see check()).',
    );

    await redis.raw('ACL', 'SETUSER', 'default', '+eval', '+evalsha');
    await comesBack(people, write);
    expect(await ready()).toBe(true);
    await settled(people);
  });

  test('another kind of value at the key of a session: that user is nobody, an event tells, others do not notice', async () => {
    const { redis, people, told } = await scene('node-redis 6');
    const [ann, ...others] = people as [Person, ...Person[]];
    const id = idOf([...ann.cookies]);
    await redis.raw('DEL', `s:${id}`);
    await redis.raw('LPUSH', `s:${id}`, 'planted');
    ann.mayBeNobody = true;
    expect(await ann.read()).toMatchObject({ status: 200, user: null });
    expect(told('corrupt')).toEqual([{ id, reason: expect.any(String) }]);
    expect(statuses(await together(others, 20, read))).toEqual({ 200: 20 });
    expect(statuses(await together(others, 20, write))).toEqual({ 200: 20 });
    expect(told('storeDown')).toEqual([]);
  });
});

function idOf([first]: readonly (readonly [string, string])[]): string {
  return (first?.[1] ?? '').split('.')[0] ?? '';
}

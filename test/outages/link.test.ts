/** The way to Redis is slow, broken, silent or confused, while Redis itself is well: rows 4 and 6 to 11 of the list of faults. */
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { need } from '../support/needs.js';
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

need('redis').describe('the way to the server', () => {
  test.each(CLIENTS)(
    'slow by 50 ms: everything works; by 400 ms: reading does, and nobody waits too long (%s)',
    async (client) => {
      const all = await scene(client);
      const { proxy, people } = all;
      proxy.set({ latencyMs: 50 });
      expect(statuses(await together(people, 20, read))).toEqual({ 200: 20 });
      expect(statuses(await together(people, 10, write))).toEqual({ 200: 10 });

      proxy.set({ latencyMs: 400 });
      expect(statuses(await together(people, 20, read))).toEqual({ 200: 20 });
      await inTime(people, 10, write); // two calls of 400 ms are more than a request may wait

      proxy.heal();
      await comesBack(people, read);
      await settled(people);
    },
  );

  test.each(CLIENTS)(
    'a reply is cut in its middle: 503 or a second try, and never half a reply (%s)',
    async (client) => {
      const all = await scene(client);
      const { proxy, people } = all;
      for (let round = 0; round < 5; round++) {
        for (const [command, ask] of [
          [/^GET/i, read],
          [/^EVALSHA/i, write],
        ] as const) {
          const cut = proxy.next(command, 'cut within');
          await inTime(people, 10, ask);
          await cut;
          await comesBack(people, read);
        }
      }
      await settled(people);
    },
  );

  test.each(CLIENTS)('replies in pieces of one byte: everybody gets their own, unchanged (%s)', async (client) => {
    const all = await scene(client);
    const { proxy, people } = all;
    proxy.set({ sliceTo: 1 });
    for (let round = 0; round < 3; round++) {
      expect(statuses(await together(people, 10, read))).toEqual({ 200: 10 });
      expect(statuses(await together(people, 10, write))).toEqual({ 200: 10 });
    }
    expect((await together(people, 10, read)).map(({ count }) => count)).toEqual(people.map(({ known }) => known));
  });

  test.each(CLIENTS)(
    'people who leave while Redis is asked for them: the next ones get their own answers (%s)',
    async (client) => {
      const all = await scene(client);
      const { proxy, people } = all;
      const [ann, ...others] = people as [Person, ...Person[]];
      for (const [command, ask] of [
        [/^GET/i, 'read'],
        [/^EVALSHA/i, 'write'],
      ] as const) {
        const caught = proxy.next(command, 'hold');
        const leaving = new AbortController();
        const asked = ann[ask](leaving.signal);
        const { release } = await caught;
        leaving.abort();
        await expect(asked).rejects.toThrow(/abort/i);
        const answers = together(others, 20, read);
        release();
        expect(statuses(await answers)).toEqual({ 200: 20 });
      }
      await settled(people);
    },
  );

  test.each(CLIENTS)(
    'a reply that comes twice: nobody gets what is not theirs, nobody is signed out, and writing goes on (%s)',
    async (client) => {
      const { proxy, people } = await scene(client);
      const [ann, ...others] = people as [Person, ...Person[]];
      // From then on the client would hand everybody the reply to the command before. Each answer is looked at: by whom it takes
      // the visitor for, and that no cookie changes.
      for (const command of [/^GET/i, /^EVALSHA/i]) {
        for (const [first, then] of [
          [read, read],
          [read, write],
          [write, write],
          [write, read],
        ] as const) {
          const caught = proxy.next(command, 'twice');
          await Promise.all([first(ann), inTime(others, 20, then), inTime(others, 20, read), write(ann)]);
          await caught;
          await comesBack(people, write);
        }
      }
      await settled(people);
    },
  );

  test.each(CLIENTS)(
    'half open, no byte gets through: 503 in time, and back as soon as the link is known to be dead (%s)',
    async (client) => {
      const all = await scene(client);
      const { proxy, people } = all;
      proxy.set({ requests: 'swallow', replies: 'swallow' });
      await refusesQuickly(all, write);
      await refusesQuickly(all, read);
      proxy.heal();
      await comesBack(people, read);
      await comesBack(people, write);
      await settled(people);
    },
  );

  test.each(CLIENTS)(
    'half open, and no one ever resets it: 503 in time while it lasts, and back within two seconds over a new connection (%s)',
    async (client) => {
      const all = await scene(client, { usual: true });
      const { proxy, people } = all;
      proxy.set({ requests: 'swallow', replies: 'swallow' });
      await refusesQuickly(all, write);
      await refusesQuickly(all, read);
      // Long enough for connections to be made that are as dead as the first: the network accepts them, and loses what they say.
      const before = proxy.accepted;
      await until(async () => proxy.accepted > before + 1);
      expect(statuses(await inTime(people, 20, read))).toEqual({ 503: 20 });

      for (const link of proxy.links) link.set({ requests: 'swallow', replies: 'swallow' });
      proxy.set({ requests: 'pass', replies: 'pass' });
      await comesBack(people, read);
      await comesBack(people, write);
      await settled(people);
      expect(proxy.accepted - before).toBeLessThanOrEqual(10);
    },
  );

  test.each(CLIENTS)(
    'refused: 503 in time, no storm of connections, and back within two seconds (%s)',
    async (client) => {
      const all = await scene(client);
      const { proxy, people } = all;
      await proxy.down();
      await refusesQuickly(all, read);
      await refusesQuickly(all, write);

      await proxy.down('reset');
      const before = proxy.accepted;
      await wait(1000);
      expect(proxy.accepted - before).toBeLessThanOrEqual(10);

      await proxy.up();
      await comesBack(people, read);
      await comesBack(people, write);
      await settled(people);
    },
  );
});

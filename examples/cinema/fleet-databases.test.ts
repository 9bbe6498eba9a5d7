/**
 * `SESSIONS=postgres://... npm start` and the like: three servers on one place, one of which dies. Whoever is signed in stays signed in, and
 * a logout holds on every server, as does "log out everywhere", also where nobody can list sessions. The exam does it with all of them.
 */
import { fileURLToPath } from 'node:url';
import { expect, vi } from 'vitest';
import { databases } from '../../test/support/databases.js';
import { exam } from '../../test/support/exam.js';
import { startMemcached } from '../../test/support/memcached.js';
import { mongoConditions, startMongo } from '../../test/support/mongo.js';
import { need, skipUnless } from '../../test/support/needs.js';
import { onFreePort } from '../../test/support/ports.js';
import { startNode } from '../../test/support/spawn.js';
import { tempFolder } from '../../test/support/temp.js';
import { type Browser, browser } from './testing/browser.js';
import { register, signIn } from './testing/visit.js';

const program = fileURLToPath(new URL('../../build/examples/cinema/fleet.js', import.meta.url));
const OPEN = /Cinema is open at {2}(http:\/\/127\.0\.0\.1:(\d+))[\s\S]*Ctrl-C/;

vi.setConfig({ testTimeout: 120_000 });

const always = skipUnless(true, '');
const [postgres, mariadb, sqlite] = databases;
const all = [
  { kind: 'cookie', when: always, address: async () => 'cookie' },
  { kind: 'postgres', when: postgres!.when, address: async () => (await postgres!.start()).url },
  { kind: 'file', when: always, address: async () => `file:${tempFolder('fleet')}` },
  { kind: 'sqlite', when: always, address: async () => (await sqlite!.start()).url },
  { kind: 'mysql', when: mariadb!.when, address: async () => (await mariadb!.start()).url },
  { kind: 'mongodb', when: mongoConditions, address: startMongo },
  {
    kind: 'memcached',
    when: need('memcached'),
    address: async () => `memcached://${(await startMemcached()).address}`,
  },
];

const short = ['cookie', 'memcached'];

for (const { kind, when, address } of exam ? all : all.filter((one) => short.includes(one.kind))) {
  when.test(
    `sessions in ${kind}: a server is killed, nobody is signed out, and a logout holds everywhere`,
    async () => {
      const sessions = await address();
      const fleet = await onFreePort((port) =>
        startNode(program, ['--port', String(port), '--data', tempFolder('fleet')], {
          ready: OPEN,
          deadlineMs: 60_000,
          env: { SESSIONS: sessions },
        }),
      );
      const site = fleet.ready![1]!;
      const ann = browser(site);
      await register(ann, '13800000001');
      expect((await ann.get('/api/session/')).body).toMatchObject({ livesIn: kind, signedIn: expect.any(Number) });

      process.kill(Number(/cinema-1 +pid (\d+)/.exec(fleet.output())![1]), 'SIGKILL');
      for (let visit = 0; visit < 9; visit++) {
        expect((await ann.get('/api/session/')).body).toMatchObject({ signedIn: expect.any(Number) });
      }
      const stolen = browser(site);
      for (const [name, value] of ann.cookies) stolen.cookies.set(name, value);
      await ann.delete('/api/session/');
      for (let visit = 0; visit < 6; visit++) {
        expect((await stolen.get('/api/session/')).body).toMatchObject({ signedIn: null });
      }

      const [phone, laptop] = [browser(site, 'Phone'), browser(site, 'Laptop')];
      for (const device of [phone, laptop]) await signIn(device, '13800000001');
      const devices = (await phone.get<{ id: string; agent: string }[]>('/api/session/devices')).body;
      const listed = kind === 'cookie' ? ['Phone'] : ['Laptop', 'Phone'];
      expect(devices.map(({ agent }) => agent).sort()).toEqual(listed);
      const stays = async (device: Browser): Promise<boolean[]> => {
        const visits = Array.from({ length: 6 }, () => device.get<{ signedIn: number | null }>('/api/session/'));
        return (await Promise.all(visits)).map(({ body }) => body.signedIn !== null);
      };
      expect((await phone.delete('/api/session/devices?others=1')).status).toBe(200);
      expect([...new Set(await stays(phone)), ...new Set(await stays(laptop))]).toEqual([true, false]);
      await signIn(laptop, '13800000001');
      expect((await laptop.delete('/api/session/devices')).status).toBe(200);
      expect([...new Set(await stays(phone)), ...new Set(await stays(laptop))]).toEqual([false, false]);
      await fleet.stop();
      expect(fleet.output()).not.toMatch(/\n {4}at /);
    },
  );
}

/**
 * The real thing: `npm start`'s program with three server processes behind the gateway, and somebody who kills one.
 * Runs what the build made; `npm test` builds first.
 */
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../../test/support/ports.js';
import { type Program, startNode } from '../../test/support/spawn.js';
import { tempFolder } from '../../test/support/temp.js';
import { type Browser, browser } from './testing/browser.js';
import { PAY_PASSWORD, register, showings } from './testing/visit.js';

const program = fileURLToPath(new URL('../../build/examples/cinema/fleet.js', import.meta.url));
const OPEN = /Cinema is open at {2}(http:\/\/127\.0\.0\.1:(\d+))/;

const startFleet = async (...args: string[]): Promise<Program> =>
  startNode(program, args, { ready: OPEN, deadlineMs: 60_000 });
const pidsIn = (fleet: Program): number[] =>
  [...fleet.output().matchAll(/cinema-\d +pid (\d+)/g)].map(([, pid]) => Number(pid));

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Everything about a visitor that must not change when a server dies. */
async function stateOf(visitor: Browser): Promise<unknown> {
  const paths = ['/api/users/', '/api/orders/', '/api/coupons/', '/api/users/history'];
  return Promise.all(paths.map(async (path) => (await visitor.get(path)).body));
}

describe('three servers', () => {
  let fleet: Program;
  let address: string;

  beforeAll(async () => {
    fleet = await startFleet('--port', String(await freePort()), '--data', tempFolder('fleet'));
    address = fleet.ready![1]!;
  });

  test('the start-up lines tell what a person wants to know', () => {
    const text = fleet.output();
    expect(pidsIn(fleet).filter(isAlive)).toHaveLength(3);
    expect(text).toMatch(/sessions +LMDB in .*sessions, shared by all servers/);
    expect(text).toMatch(/cinema +SQLite in .*cinema\.db/);
    expect(text).toMatch(/demo mode +on/);
    expect(text).toMatch(/kill -9 \d+ .*Ctrl-C stops everything/);
  });

  test('a visit from registration to payment, every step on another server', async () => {
    const visitor = browser(address);
    const servedBy = new Set<string>();
    await register(visitor, '13800000001');
    const show = (await showings(visitor)).at(-1)!;
    await visitor.put('/api/session/seats', { screenId: show.id, seat: '36,37' });
    for (let i = 0; i < 3; i++) {
      const { body, servedBy: name } = await visitor.get(`/api/session/seats?screenId=${show.id}`);
      expect(body).toEqual([36, 37]);
      servedBy.add(name);
    }
    const order = await visitor.post('/api/orders/', { screenId: show.id, seat: '36,37' });
    expect(order.body.message).toBe('订单创建成功');
    const paid = await visitor.patch(`/api/orders/${order.body.id}`, { payPassword: PAY_PASSWORD });
    expect(paid.body.message).toBe('支付成功');
    for (let i = 0; i < 3; i++) {
      const { body, servedBy: name } = await visitor.get<{ money: number }>('/api/users/');
      expect(body.money).toBe(440);
      servedBy.add(name);
    }
    expect(servedBy).toEqual(new Set(['cinema-1', 'cinema-2', 'cinema-3']));
  });

  test('nine buyers on three servers want the same seat: it is sold once', async () => {
    const buyers = await Promise.all(
      Array.from({ length: 9 }, async (_, i) => {
        const buyer = browser(address);
        await register(buyer, `1381000000${i}`);
        return buyer;
      }),
    );
    const show = (await showings(buyers[0]!)).at(-2)!;
    const replies = await Promise.all(
      buyers.map((buyer) => buyer.post('/api/orders/', { screenId: show.id, seat: '60,61' })),
    );
    expect(new Set(replies.map(({ servedBy }) => servedBy)).size).toBe(3);
    expect(replies.map(({ body }) => body.message).sort()).toEqual(
      [...Array(8).fill('座位 60, 61 已经被预订'), '订单创建成功'].sort(),
    );
  });

  test('forty tabs on three servers choose seats at once, and no choice is lost', async () => {
    const visitor = browser(address);
    const shows = (await showings(visitor)).slice(-8);
    await visitor.put('/api/session/seats', { screenId: shows[0]!.id, seat: '120' });
    const choices = Array.from({ length: 40 }, (_, i) =>
      visitor.put('/api/session/seats', { screenId: shows[i % 8]!.id, seat: String(1 + Math.floor(i / 8)) }),
    );
    expect((await Promise.all(choices)).map(({ status }) => status)).toEqual(Array(40).fill(200));
    const { body } = await visitor.get<{ seats: Record<string, number[]> }>('/api/session/');
    expect(Object.keys(body.seats).sort()).toEqual(shows.map(({ id }) => id).sort());
  });

  test('one server is killed in the middle: nobody is signed out, nothing is lost, and it comes back', async () => {
    const visitors = await Promise.all(
      Array.from({ length: 4 }, async (_, i) => {
        const visitor = browser(address);
        await register(visitor, `1382000000${i}`);
        return visitor;
      }),
    );
    const show = (await showings(visitors[0]!)).at(-3)!;
    await Promise.all(
      visitors.map((visitor, i) => visitor.post('/api/orders/', { screenId: show.id, seat: String(i + 1) })),
    );
    const before = await Promise.all(visitors.map(stateOf));
    const [victim] = pidsIn(fleet);

    // Reads go on while the server dies: every one of them must be answered as if nothing had happened.
    const reading = visitors.map(async (visitor) => {
      for (let i = 0; i < 30; i++) expect((await visitor.get('/api/users/')).status).toBe(200);
    });
    process.kill(victim!, 'SIGKILL');
    await Promise.all(reading);

    expect(await Promise.all(visitors.map(stateOf))).toEqual(before);
    expect((await visitors[0]!.get(`/api/screens/${show.id}/seats`)).body).toEqual([1, 2, 3, 4]);
    await fleet.saw(/cinema-1 died \(pid \d+, SIGKILL\)/);
    await fleet.saw(/cinema-1 is back \(pid \d+\)/);
    await expect
      .poll(async () => (await visitors[0]!.get('/api/users/')).servedBy, { timeout: 15_000 })
      .toBe('cinema-1');
    expect(await Promise.all(visitors.map(stateOf))).toEqual(before);
  });

  test('a server that is asked to leave finishes what it has begun: not one request fails', async () => {
    const visitor = browser(address);
    await register(visitor, '13825000000');
    const show = (await showings(visitor)).at(-4)!;
    const pid = pidsIn(fleet).at(-1)!;
    const statuses: number[] = [];
    const clicking = Array.from({ length: 4 }, async (_, tab) => {
      for (let i = 0; i < 25; i++) {
        if (tab === 0 && i === 5) process.kill(pid, 'SIGTERM');
        statuses.push((await visitor.post('/api/session/seats', { screenId: show.id, seat: String(tab + 1) })).status);
      }
    });
    await Promise.all(clicking);
    expect(statuses).toEqual(Array(100).fill(200));
    await fleet.saw(/cinema-3 is back/);
  });

  test('Ctrl-C stops everything and leaves nothing behind', async () => {
    const pids = [...fleet.output().matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid));
    expect(pids.filter(isAlive).length).toBe(3);
    fleet.signal('SIGINT');
    expect(await fleet.exited).toEqual({ code: 0, signal: null });
    expect(pids.filter(isAlive)).toEqual([]);
    await expect(fetch(address)).rejects.toThrow();
  });
});

test('what was bought and who was signed in is still there after a restart of the whole fleet', async () => {
  const args = ['--servers', '1', '--port', String(await freePort()), '--data', tempFolder('fleet')];
  const first = await startFleet(...args);
  const visitor = browser(first.ready![1]!);
  await register(visitor, '13830000000');
  const before = await stateOf(visitor);
  await first.stop();
  const second = await startFleet(...args);
  const again = browser(second.ready![1]!);
  for (const [name, value] of visitor.cookies) again.cookies.set(name, value);
  expect(await stateOf(again)).toEqual(before);
  await second.stop();
});

test('servers do not outlive a fleet that is killed', async () => {
  const fleet = await startFleet('--servers', '2', '--port', String(await freePort()), '--data', tempFolder('fleet'));
  const pids = pidsIn(fleet);
  expect(pids.filter(isAlive)).toHaveLength(2);
  fleet.signal('SIGKILL');
  await fleet.exited;
  await expect.poll(() => pids.filter(isAlive), { timeout: 15_000 }).toEqual([]);
});

test('a port in use is passed over, and the start-up lines say so', async () => {
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  const fleet = await startFleet('--servers', '1', '--port', String(port), '--data', tempFolder('fleet'));
  expect(Number(fleet.ready![2])).toBeGreaterThan(port);
  expect(fleet.output()).toContain(`port ${port} was taken`);
  await fleet.stop();
  other.close();
});

test.each([
  [['--servers', '0'], '--servers wants a whole number from 1 to 16, got "0".'],
  [['--servers', 'many'], '--servers wants a whole number from 1 to 16, got "many".'],
  [['--port', '80'], '--port wants a whole number from 1024 to 65535, got "80".'],
  [['--sevrers', '3'], "Unknown option '--sevrers'"],
  [['three'], "Unexpected argument 'three'"],
])('the arguments %j are refused in a sentence', async (args, sentence) => {
  const fleet = await startNode(program, args);
  expect((await fleet.exited).code).toBe(1);
  expect(fleet.output()).toContain(sentence);
  expect(fleet.output()).toContain('Usage: npm start');
  expect(fleet.output()).not.toMatch(/\n {4}at /);
});

test('an unknown kind of session store is refused at start, with those that are known', async () => {
  const args = ['--servers', '1', '--port', String(await freePort()), '--data', tempFolder('fleet')];
  const fleet = await startNode(program, args, { env: { SESSIONS: 'floppy:a' } });
  expect((await fleet.exited).code).toBe(1);
  expect(fleet.output()).toContain('SESSIONS=floppy:a: wanted <kind>:<where>. Known kinds: lmdb');
});

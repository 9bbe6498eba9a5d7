/** Two servers, each with copies of its own that hear of nothing: what a client has been told, it finds again on the other. */
import { expect, test } from 'vitest';
import { copying } from '../../test/support/copying.js';
import { type Visitor, visitor } from '../../test/support/visitor.js';
import type { HeaderLine, Transport } from '../contract.js';
import { bearer, memory, sessions, type } from '../index.js';
import { controllableClock } from '../testing/clock.js';

interface Shop {
  name: string;
}

function twoServers(transport?: Transport) {
  const clock = controllableClock();
  const kept = memory({ now: clock.now });
  const server = () => {
    const store = copying(kept, clock);
    const s = sessions({
      data: type<Shop>(),
      environment: clock,
      sweep: false,
      store,
      ...(transport && { transport }),
    });
    return { s, asked: store.asked };
  };
  return { a: server(), b: server(), kept, clock };
}
const versionCookies = (lines: readonly HeaderLine[]) =>
  lines.filter(([, value]) => value.startsWith('__Host-sid-v=')).map(([, value]) => value);

/** Ann, whose session both servers have a copy of, at the other server and with the same cookies. */
async function known({ a, b }: ReturnType<typeof twoServers>): Promise<Visitor<Shop>[]> {
  const atA = visitor(a.s);
  await atA.visit((session) => {
    session.login('ann');
    session.set('name', 'Ann');
  });
  const atB = visitor(b.s, atA.cookies);
  for (const each of [atA, atB]) expect(await each.visit((session) => session.get('name'))).toBe('Ann');
  return [atA, atB];
}

test('a write is read on the next server; the answer said for how long to remember it', async () => {
  const world = twoServers();
  const [atA, atB] = await known(world);
  const { lines } = await atA!.ask((session) => session.set('name', 'Anna'));

  expect(versionCookies(lines)).toEqual(['__Host-sid-v=3; Max-Age=2; Path=/; HttpOnly; Secure; SameSite=Lax']);
  expect(lines).toContainEqual(['Cache-Control', 'no-store']);
  expect(await atB!.visit((session) => session.get('name'))).toBe('Anna');
  expect(world.b.asked.at(-1)).toMatchObject({ atLeast: 3, below: true });
  // The same cookie a second time finds the new copy.
  await atB!.visit((session) => session.get('name'));
  expect(world.b.asked.at(-1)).toMatchObject({ atLeast: 3, below: false });
});

test('without the cookie the other server answers from its copy, which is why there is one', async () => {
  const [atA, atB] = await known(twoServers());
  await atA!.visit((session) => session.set('name', 'Anna'));
  atA!.cookies.delete('__Host-sid-v');

  expect(await atB!.visit((session) => session.get('name'))).toBe('Ann');
});

test('what a request saved on the way is told at its end', async () => {
  const [atA, atB] = await known(twoServers());
  await atA!.visit(async (session) => {
    session.set('name', 'Anna');
    await session.save();
    session.get('name');
  });

  expect(await atB!.visit((session) => session.get('name'))).toBe('Anna');
});

test('a read, a touch, a logout and a new session have nothing to tell', async () => {
  const world = twoServers();
  const [atA] = await known(world);
  atA!.cookies.delete('__Host-sid-v');
  expect(versionCookies((await atA!.ask((session) => session.user)).lines)).toEqual([]);
  expect(world.a.asked.at(-1)!.atLeast).toBeUndefined();
  world.clock.advance('10m');
  expect(versionCookies((await atA!.ask((session) => session.user)).lines)).toEqual([]);
  expect(versionCookies((await atA!.ask((session) => session.destroy())).lines)).toEqual([]);
  expect(versionCookies((await visitor(world.a.s).ask((session) => session.set('name', 'x'))).lines)).toEqual([]);
});

test('a store without copies sets no such cookie', async () => {
  const clock = controllableClock();
  const s = sessions({ data: type<Shop>(), environment: clock, store: memory({ now: clock.now }), sweep: false });
  const ann = visitor(s);
  await ann.visit((session) => session.set('name', 'Ann'));
  await ann.visit((session) => session.set('name', 'Anna'));

  expect([...ann.cookies.keys()]).toEqual(['__Host-sid']);
});

test('a forged version costs a read and no more', async () => {
  const world = twoServers();
  const [atA] = await known(world);
  atA!.cookies.set('__Host-sid-v', '999999999999999');
  expect(await atA!.visit((session) => session.get('name'))).toBe('Ann');
  expect(world.a.asked.at(-1)).toMatchObject({ atLeast: 999_999_999_999_999, below: true });
  for (const wrong of ['', '0', '-1', '1e9', '01', '9999999999999999', '1; x=1', '__proto__']) {
    atA!.cookies.set('__Host-sid-v', wrong);
    expect(await atA!.visit((session) => session.get('name'))).toBe('Ann');
  }
});

test('a secret that is newer than the copy opens the session, also for a client that repeats no version', async () => {
  const world = twoServers();
  const [atA, atB] = await known(world);
  await atA!.visit((session) => session.login('ann'));
  atA!.cookies.delete('__Host-sid-v');

  expect(await atB!.visit((session) => session.user)).toBe('ann');
});

test('a wrong secret costs one more read, and opens nothing', async () => {
  const world = twoServers();
  const [atA] = await known(world);
  const token = atA!.cookies.get('__Host-sid')!;
  const forged = visitor(world.b.s, new Map([['__Host-sid', `${token.slice(0, 23)}${'x'.repeat(42)}A`]]));
  world.b.asked.length = 0;

  expect(await forged.visit((session) => session.user)).toBeUndefined();
  expect(world.b.asked.map(({ below }) => below)).toEqual([false, true]);
});

test('API clients read the version in a header, and repeat it', async () => {
  const world = twoServers(bearer());
  const ask = async ({ s }: { s: typeof world.a.s }, headers: Record<string, string>, change?: string) => {
    const session = await s.open({ secure: true, proxied: false, header: (name) => headers[name] });
    if (change !== undefined) session.set('name', change);
    const name = session.get('name');
    return { name, lines: new Map(await s.save(session)) };
  };
  const token = (await ask(world.a, {}, 'Ann')).lines.get('X-Session-Token')!;
  const mine = { authorization: `Bearer ${token}` };
  expect((await ask(world.b, mine)).name).toBe('Ann');
  const { lines } = await ask(world.a, mine, 'Anna');

  expect(lines.get('X-Session-Version')).toBe('2');
  expect(lines.get('Vary')).toBe('Authorization, X-Session-Version');
  expect((await ask(world.b, mine)).name).toBe('Ann');
  expect((await ask(world.b, { ...mine, 'x-session-version': '2' })).name).toBe('Anna');
});

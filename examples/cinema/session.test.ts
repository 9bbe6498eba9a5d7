/** What a session keeps between requests, for visitors with many tabs: films looked at, seats chosen, messages. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../test/support/ports.js';
import { tempFolder } from '../../test/support/temp.js';
import type { Body, Browser } from './testing/browser.js';
import { openHouse, type TestHouse } from './testing/house.js';
import { PAY_PASSWORD, register, showings } from './testing/visit.js';

interface SessionJson {
  readonly servedBy: string;
  readonly livesIn: string;
  readonly id: string | null;
  readonly version: number;
  readonly fields: readonly { name: string; bytes: number }[];
  readonly recent: readonly string[];
  readonly seats: Readonly<Record<string, number[]>>;
  readonly flash: readonly { kind: string; text: string }[];
}

let house: TestHouse;
let movies: readonly Body[];

beforeAll(async () => {
  house = await openHouse({ folder: tempFolder('cinema'), port: await freePort() });
  movies = (await house.browser().get<Body[]>('/api/movies/')).body;
});
afterAll(async () => {
  await house.close();
  expect(house.faults).toEqual([]);
});

const sessionOf = async (visitor: Browser): Promise<SessionJson> =>
  (await visitor.get<SessionJson>('/api/session/')).body;

test('a visitor who only looks around costs the session store nothing', async () => {
  const visitor = house.browser();
  await visitor.get('/api/movies/');
  await visitor.get(`/api/screens/?movieId=${movies[2]!.id}`);
  expect(visitor.cookies.size).toBe(0);
  expect(await sessionOf(visitor)).toMatchObject({ id: null, recent: [], seats: {}, flash: [] });
});

test('films opened in eight tabs at once are all remembered', async () => {
  const visitor = house.browser();
  await visitor.get(`/api/movies/${movies[0]!.id}`);
  const looked = movies.slice(1, 8).map(({ id }) => id);
  await Promise.all(looked.map((id) => visitor.get(`/api/movies/${id}`)));
  const { recent, servedBy, livesIn, fields, version } = await sessionOf(visitor);
  expect([...recent].sort()).toEqual([movies[0]!.id, ...looked].sort());
  expect([servedBy, livesIn, fields.map(({ name }) => name)]).toEqual(['test-1', 'lmdb', ['recent']]);
  expect(version).toBeGreaterThan(1);
});

test('chosen seats wait in the session, survive the sign-in, and become the order', async () => {
  const visitor = house.browser();
  const [first, second] = (await showings(visitor)).slice(-2);
  await visitor.post('/api/session/seats', { screenId: first!.id, seat: '1,2' });
  await visitor.put('/api/session/seats', { screenId: second!.id, seat: '3' });
  await register(visitor, '13700000050');
  expect((await sessionOf(visitor)).seats).toEqual({ [first!.id]: [1, 2], [second!.id]: [3] });
  expect((await visitor.get(`/api/session/seats?screenId=${first!.id}`)).body).toEqual([1, 2]);
  expect((await visitor.post('/api/orders/', { screenId: first!.id, seat: '1,2' })).status).toBe(200);
  expect((await sessionOf(visitor)).seats).toEqual({ [second!.id]: [3] });
  await visitor.put('/api/session/seats', { screenId: second!.id, seat: '' });
  expect((await sessionOf(visitor)).seats).toEqual({});
});

test('a message for the next page is shown once', async () => {
  const member = house.browser();
  await register(member, '13700000051');
  await member.patch('/api/password/payPassword', {
    payPassword: PAY_PASSWORD,
    new_payPassword: 'newPay99',
  });
  expect((await sessionOf(member)).flash).toEqual([{ kind: 'good', text: '支付密码修改成功' }]);
  expect((await sessionOf(member)).flash).toEqual([]);
});

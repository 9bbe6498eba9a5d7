/**
 * The API as its clients see it: shapes, statuses, foreign pages, bodies. Names C13, C17 and C18 are rows of the list of weaknesses that the modelled application had.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../test/support/ports.js';
import { tempFolder } from '../../test/support/temp.js';
import { day } from './domain/house.js';
import type { Browser } from './testing/browser.js';
import { openHouse, type TestHouse } from './testing/house.js';
import { register, showings } from './testing/visit.js';

interface MovieJson {
  readonly id: string;
  readonly name: string;
  readonly poster: string;
  readonly playingTime: number;
  readonly rating: number;
  readonly ratingNum: number;
}

let house: TestHouse;
let member: Browser;
let movies: MovieJson[];

beforeAll(async () => {
  house = await openHouse({ folder: tempFolder('cinema'), port: await freePort(), dice: () => 0 });
  member = house.browser();
  await register(member, '13700000001');
  movies = (await member.get<MovieJson[]>('/api/movies/')).body;
});
afterAll(async () => {
  await house.close();
  expect(house.faults).toEqual([]);
});

test('every answer names its server, also those that are refused', async () => {
  const replies = await Promise.all(
    ['/api/movies/', '/api/users/', '/api/nothing', '/nothing', movies[0]!.poster].map((path) =>
      house.browser().get(path),
    ),
  );
  expect(replies.map(({ status, servedBy }) => [status, servedBy])).toEqual(
    [200, 233, 404, 404, 200].map((status) => [status, 'test-1']),
  );
});

test.each([
  ['GET', '/api/users'],
  ['GET', '/api/movies'],
  ['GET', '/api/screens/x/seats/'],
])('%s %s is unknown: slashes count', async (_method, path) => {
  const { status, body } = await member.get(path);
  expect([status, body.message]).toEqual([404, 'Not Found']);
});

test('every address in the OpenAPI document exists, with exactly the verbs that stand there', async () => {
  const { body } = await member.get<{ paths: Record<string, object> }>('/api/openapi.json');
  for (const [path, verbs] of Object.entries(body.paths)) {
    const address = house.address + path.replace('{id}', 'none');
    const { headers } = await fetch(address, { method: 'OPTIONS' });
    expect([path, headers.get('allow')]).toEqual([path, Object.keys(verbs).join(', ').toUpperCase()]);
  }
});

test('a known address with another verb is 405, and names the right ones', async () => {
  const { status, body, headers } = await member.put('/api/users/');
  expect([status, body.message, headers.get('allow')]).toEqual([405, 'Method Not Allowed', 'GET, POST, PATCH']);
});

test.each([
  ['GET', '/api/users/'],
  ['PATCH', '/api/users/'],
  ['GET', '/api/users/history'],
  ['DELETE', '/api/session/'],
  ['PATCH', '/api/password/loginPassword'],
  ['PATCH', '/api/password/payPassword'],
  ['GET', '/api/orders/'],
  ['POST', '/api/orders/'],
  ['GET', '/api/orders/x'],
  ['DELETE', '/api/orders/x'],
  ['PATCH', '/api/orders/x'],
  ['GET', '/api/favorites/'],
  ['POST', '/api/favorites/'],
  ['DELETE', '/api/favorites/x'],
  ['POST', '/api/comments/'],
  ['GET', '/api/coupons/'],
  ['GET', '/api/session/devices'],
  ['DELETE', '/api/session/devices'],
  ['DELETE', '/api/session/devices/x'],
])('%s %s asks strangers to sign in', async (method, path) => {
  const answer = await fetch(house.address + path, { method });
  expect([answer.status, await answer.json()]).toEqual([233, { message: '请先登录' }]);
});

test.each([
  ['/api/movies/none', '电影不存在'],
  ['/api/screens/?movieId=none', '电影不存在'],
  ['/api/screens/none', '场次不存在'],
  ['/api/screens/none/seats', '场次不存在'],
  ['/api/comments/?movieId=none', '电影不存在'],
  ['/api/comments/none', '评论不存在'],
])('%s: %s', async (path, message) => {
  const { status, body } = await member.get(path);
  expect([status, body.message]).toEqual([233, message]);
});

test('a film has the fields that the front end reads, and a poster', async () => {
  expect(movies.length).toBeGreaterThanOrEqual(10);
  const { body } = await member.get<MovieJson>(`/api/movies/${movies[0]!.id}`);
  expect(Object.keys(body)).toEqual(
    expect.arrayContaining([
      'id',
      'name',
      'poster',
      'movieType',
      'playingType',
      'playingTime',
      'duration',
      'rating',
      'description',
      'ratingNum',
    ]),
  );
  const poster = await member.get<string>(body.poster);
  expect(poster.headers.get('content-type')).toBe('image/svg+xml');
  expect(poster.body).toMatch(/^<svg .*<\/svg>$/s);
  const { body: recommended } = await member.get<object[]>('/api/movies/recommendation');
  expect(Object.keys(recommended[0]!)).toEqual(['movieId', 'poster', 'playingTime']);
});

test('films that are not out yet have no showings; the others have some in the three days on sale', async () => {
  const screens = await showings(member);
  const out = movies.filter(({ playingTime }) => playingTime <= house.clock.now);
  expect(new Set(screens.map(({ movie }) => movie.id))).toEqual(new Set(out.map(({ id }) => id)));
  expect(out.length).toBeLessThan(movies.length);
  expect(new Set(screens.map(({ hallNum }) => hallNum))).toEqual(new Set([1, 2, 3, 4, 5]));
  const days = new Set(screens.map(({ time }) => Math.floor((time + 8 * 3_600_000) / day)));
  expect(days.size).toBe(3);
});

test('days pass, and there are always showings for three of them, never two in one hall at once', async () => {
  const before = house.clock.now;
  for (let days = 0; days < 3; days++) {
    house.clock.now += day;
    expect((await showings(member)).length).toBeGreaterThan(60);
  }
  const rows = await house.db
    .selectFrom('screens')
    .innerJoin('movies', 'movies.id', 'screens.movieId')
    .select(['hallNum', 'time', 'duration'])
    .orderBy('hallNum')
    .orderBy('time')
    .execute();
  const clashes = rows.filter(
    (row, i) => rows[i + 1]?.hallNum === row.hallNum && rows[i + 1]!.time < row.time + row.duration * 60_000,
  );
  expect(clashes).toEqual([]);
  house.clock.now = before;
});

test.each([
  ['another site’s page', { 'Sec-Fetch-Site': 'cross-site' }],
  ['a sibling domain', { 'Sec-Fetch-Site': 'same-site' }],
  ['a page of another origin', { Origin: 'https://evil.example' }],
  ['a page without an origin', { Origin: 'null' }],
])('C13: a write from %s is refused', async (_who, headers) => {
  const answer = await fetch(`${house.address}/api/session/seats`, { method: 'POST', headers });
  expect([answer.status, await answer.json()]).toEqual([403, { message: '跨站请求被拒绝' }]);
});

test('C13: a write from our own page is accepted, and a code cannot be asked for by another site', async () => {
  const screenId = (await showings(member))[0]!.id;
  const own = house.browser('Browser', { Origin: house.address });
  expect((await own.post('/api/session/seats', { screenId, seat: '1' })).status).toBe(200);
  const foreign = house.browser('Browser', { 'Sec-Fetch-Site': 'cross-site' });
  expect((await foreign.get('/api/smscode/?mobile=13700000099')).body.message).toBe('频繁请求');
});

test.each([
  ['5.1', 'x', '评分非法'],
  ['-1', 'x', '评分非法'],
  ['', 'x', '评分非法'],
  ['NaN', 'x', '评分非法'],
  ['1e0', 'x', '评分非法'],
  ['3', '  ', '评论内容不能为空'],
])('a comment with rating "%s" and words "%s": %s', async (rating, content, message) => {
  expect((await member.post('/api/comments/', { movieId: movies[0]!.id, rating, content })).body.message).toBe(message);
});

test('C17: % and _ are letters to the search, in either language', async () => {
  const found = async (query: string) =>
    (await member.get<MovieJson[]>(`/api/movies/?query=${encodeURIComponent(query)}`)).body.length;
  expect([await found('%'), await found('_'), await found('!'), await found("'")]).toEqual([0, 0, 0, 0]);
  expect([await found('夜'), await found('night fERRY')]).toEqual([1, 1]);
  expect(await found('')).toBe(movies.length);
});

test('C18: money is whole cents inside and yuan outside, times are whole milliseconds', async () => {
  await house.db.updateTable('users').set({ moneyCents: 1999 }).where('id', '=', '13700000001').execute();
  expect((await member.get<{ money: number }>('/api/users/')).body.money).toBe(19.99);
  expect(movies.every(({ playingTime }) => Number.isInteger(playingTime))).toBe(true);
});

test('a favourite is kept once, however often it is clicked, and removed by its owner only', async () => {
  const movieId = movies[1]!.id;
  const clicks = await Promise.all(Array.from({ length: 4 }, () => member.post('/api/favorites/', { movieId })));
  expect(clicks.map(({ body }) => body.message).sort()).toEqual(
    [...Array(3).fill('不能重复收藏同部电影'), '收藏成功'].sort(),
  );
  const { id } = clicks.find(({ status }) => status === 200)!.body;
  expect((await member.delete('/api/favorites/none')).body.message).toBe('您没有这个收藏');
  expect((await member.delete(`/api/favorites/${id}`)).body.message).toBe('取消收藏成功');
  expect((await member.get('/api/favorites/')).body).toEqual([]);
});

test('forms may come as multipart, urlencoded or JSON', async () => {
  const screenId = (await showings(member))[0]!.id;
  const bodies = [
    new URLSearchParams({ screenId, seat: '7,8' }),
    new Blob([JSON.stringify({ screenId, seat: [7, 8] })], { type: 'application/json' }),
  ];
  for (const body of bodies) {
    const answer = await fetch(`${house.address}/api/session/seats`, { method: 'PUT', body });
    expect(await answer.json()).toEqual({ message: '已保存所选座位', seat: [7, 8] });
  }
});

test.each([
  ['application/json', '{"a":', 400],
  ['application/json', '[]', 400],
  ['application/x-www-form-urlencoded', `a=${'x'.repeat(70_000)}`, 413],
  ['multipart/form-data', 'no boundary', 400],
  ['multipart/form-data; boundary=b', '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nnever ends', 400],
])('a broken body of type %s is answered', async (type, body, status) => {
  const answer = await fetch(`${house.address}/api/session/`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': type },
  });
  expect(answer.status).toBe(status);
});

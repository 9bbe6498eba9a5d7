/** Pictures that users bring. C14 is a row of the list of weaknesses that the modelled application had. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../test/support/ports.js';
import { tempFolder } from '../../test/support/temp.js';
import type { Browser } from './testing/browser.js';
import { openHouse, type TestHouse } from './testing/house.js';
import { register } from './testing/visit.js';

let house: TestHouse;
let member: Browser;

beforeAll(async () => {
  house = await openHouse({ folder: tempFolder('cinema'), port: await freePort() });
  member = house.browser();
  await register(member, '13700000002');
});
afterAll(async () => {
  await house.close();
  expect(house.faults).toEqual([]);
});

test('C14: a picture is recognised by its bytes, gets a name of ours, and replaces the one before', async () => {
  const png = new Blob([Buffer.from('\x89PNG\r\n\x1a\n-and-more', 'latin1')], { type: 'text/html' });
  const avatarOf = async () => (await member.get<{ avatar: string }>('/api/users/')).body.avatar;
  expect((await member.patch('/api/users/', { avatar: png, nickname: '小明' })).body.message).toBe('用户信息修改成功');
  const first = await avatarOf();
  expect(first).toMatch(/^\/static\/images\/user\/[0-9a-f]{32}\.png$/);
  const { status, headers } = await member.get(first);
  expect([status, headers.get('content-type'), headers.get('x-content-type-options')]).toEqual([
    200,
    'image/png',
    'nosniff',
  ]);
  await member.patch('/api/users/', { avatar: png });
  expect((await member.get(first)).status).toBe(404);
  expect((await member.get(await avatarOf())).status).toBe(200);
});

test.each([
  ['an SVG', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'],
  ['a page called a picture', '<html>'],
])('C14: %s is no picture', async (_what, content) => {
  const { status, body } = await member.patch('/api/users/', { avatar: new Blob([content], { type: 'image/png' }) });
  expect([status, body.message]).toEqual([233, '头像必须是小于 512 KB 的 PNG、JPEG、WebP 或 GIF 图片']);
});

test('C14: a picture too large is refused before it is kept', async () => {
  const { status } = await member.patch('/api/users/', { avatar: new Blob([Buffer.alloc(2_000_000)]) });
  expect(status).toBe(413);
});

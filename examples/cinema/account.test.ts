/**
 * Who somebody is, and for how long: codes, passwords, sign-in, devices. Names C8..C12 and C20 are rows of the list of
 * weaknesses that the modelled application had; each is the promise that this one makes instead.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../test/support/ports.js';
import { tempFolder } from '../../test/support/temp.js';
import { minute } from './domain/house.js';
import { flaskIdentifier } from './http/flask.js';
import type { Body, Browser, Reply } from './testing/browser.js';
import { openHouse, type TestHouse } from './testing/house.js';
import { PASSWORD, PAY_PASSWORD } from './testing/visit.js';

interface DeviceJson {
  readonly id: string;
  readonly current: boolean;
  readonly agent: string;
  readonly remember: boolean;
}

let house: TestHouse;
let lastMobile = 13900000000;
const newMobile = (): string => String(++lastMobile);

beforeAll(async () => {
  house = await openHouse({ folder: tempFolder('cinema'), port: await freePort(), demo: false });
});
afterAll(async () => {
  await house.close();
  expect(house.faults).toEqual([]);
});

const said = ({ status, body }: Reply<Body>): [number, string] => [status, body.message];
const me = async (visitor: Browser): Promise<number> => (await visitor.get('/api/users/')).status;
const signIn = (visitor: Browser, id: string, password = PASSWORD) => visitor.post('/api/session/', { id, password });
const askForCode = async (visitor: Browser, mobile: string): Promise<string> => {
  await visitor.get(`/api/smscode/?mobile=${mobile}`);
  return house.texts.at(-1)!.code;
};
const join = (visitor: Browser, id: string, smscode: string, password = PASSWORD, payPassword = PAY_PASSWORD) =>
  visitor.post('/api/users/', { id, smscode, password, payPassword });
/** A user with a browser that is signed in. The clock is turned on, so that limits of one test do not reach the next. */
const member = async (agent?: string): Promise<{ mobile: string; visitor: Browser }> => {
  const [mobile, visitor] = [newMobile(), house.browser(agent)];
  house.clock.now += 61 * minute;
  expect(said(await join(visitor, mobile, await askForCode(visitor, mobile)))).toEqual([200, '注册成功']);
  return { mobile, visitor };
};

test('registering signs in', async () => {
  const { mobile, visitor } = await member();
  expect((await visitor.get('/api/users/')).body).toEqual({
    id: mobile,
    nickname: '猿眼用户',
    description: '这个人很懒，什么也没留下',
    avatar: `/static/images/user/default-${Number(mobile) % 12}.svg`,
    money: 50,
  });
});

test('registration says what is wrong, in the order the front end expects', async () => {
  const { mobile: taken } = await member();
  const [mobile, visitor] = [newMobile(), house.browser()];
  expect(said(await join(visitor, '123', '123456'))).toEqual([233, '手机号码非法']);
  expect(said(await join(visitor, mobile, '12345'))).toEqual([233, '验证码非法']);
  expect(said(await join(visitor, mobile, '123456'))).toEqual([233, '请先获取短信验证码']);
  const code = await askForCode(visitor, mobile);
  expect(said(await join(visitor, mobile, code === '000000' ? '000001' : '000000'))).toEqual([233, '验证码错误']);
  expect(said(await join(visitor, mobile, code, 'short'))).toEqual([233, '密码非法']);
  expect(said(await join(visitor, mobile, code, PASSWORD, 'with space'))).toEqual([233, '支付密码非法']);
  expect(said(await join(visitor, mobile, code))).toEqual([200, '注册成功']);
  expect(said(await join(visitor, mobile, code))).toEqual([233, '请先获取短信验证码']);
  house.clock.now += minute;
  expect(said(await join(visitor, taken, await askForCode(visitor, taken)))).toEqual([233, '手机号码已被注册']);
});

test('C8: passwords are kept as scrypt with a salt of their own', async () => {
  const { mobile } = await member();
  const user = await house.db.selectFrom('users').selectAll().where('id', '=', mobile).executeTakeFirstOrThrow();
  const other = await house.db
    .selectFrom('users')
    .select('password')
    .where('id', '!=', mobile)
    .executeTakeFirstOrThrow();
  expect(user.password).toMatch(/^scrypt\$\d+\$8\$\d\$[\w-]{22}\$[\w-]{43}$/);
  expect(user.password).not.toBe(other.password);
  expect(JSON.stringify(user)).not.toContain(PASSWORD);
});

test('C9: outside demo mode the code is in no answer', async () => {
  const [mobile, visitor] = [newMobile(), house.browser()];
  const reply = await visitor.get(`/api/smscode/?mobile=${mobile}`);
  expect(said(reply)).toEqual([200, '验证码已发送']);
  expect(house.texts.at(-1)).toEqual({ mobile, code: expect.stringMatching(/^\d{6}$/) as string });
});

test('C9: one code a minute, and it dies after ten', async () => {
  const [mobile, visitor] = [newMobile(), house.browser()];
  const code = await askForCode(visitor, mobile);
  expect(said(await visitor.post('/api/smscode/', { mobile }))).toEqual([233, '频繁请求']);
  house.clock.now += 10 * minute;
  expect(said(await join(visitor, mobile, code))).toEqual([233, '请先获取短信验证码']);
  expect(said(await visitor.post('/api/smscode/', { mobile }))).toEqual([200, '验证码已发送']);
});

test('C9: five wrong tries, by whomever, and the code is worth nothing', async () => {
  const [mobile, visitor] = [newMobile(), house.browser()];
  const code = await askForCode(visitor, mobile);
  const wrong = code === '111111' ? '222222' : '111111';
  const tries = await Promise.all(Array.from({ length: 8 }, () => join(house.browser(), mobile, wrong)));
  const answers = tries.map(({ body }) => body.message).sort();
  expect(answers).toEqual([...Array(3).fill('请先获取短信验证码'), ...Array(5).fill('验证码错误')].sort());
  expect(said(await join(visitor, mobile, code))).toEqual([233, '请先获取短信验证码']);
});

test('C10: ten wrong passwords, all at once, and the account is closed for a quarter of an hour', async () => {
  const { mobile } = await member();
  const guesses = await Promise.all(
    Array.from({ length: 10 }, (_, i) => signIn(house.browser(), mobile, `guess${i}x`)),
  );
  expect(new Set(guesses.map(({ body }) => body.message))).toEqual(new Set(['密码错误']));
  expect(said(await signIn(house.browser(), mobile))).toEqual([233, '密码错误']);
  house.clock.now += 15 * minute;
  expect(said(await signIn(house.browser(), mobile))).toEqual([200, '登录成功']);
});

test('C10: signing in with the right password is not counted against anybody', async () => {
  const { mobile } = await member();
  for (let i = 0; i < 12; i++) expect(said(await signIn(house.browser(), mobile))).toEqual([200, '登录成功']);
});

test('C11: a changed password ends every session of the user, on all devices', async () => {
  const { mobile, visitor } = await member();
  const phone = house.browser('Phone');
  const stranger = await member();
  await signIn(phone, mobile);
  const change = { password: PASSWORD, new_password: 'anotherPassword1' };
  expect(said(await phone.patch('/api/password/loginPassword', { ...change, password: 'wrong1' }))).toEqual([
    233,
    '密码错误',
  ]);
  expect(said(await phone.patch('/api/password/loginPassword', { ...change, new_password: '-' }))).toEqual([
    233,
    '新的密码非法',
  ]);
  expect(said(await phone.patch('/api/password/loginPassword', change))).toEqual([200, '密码修改成功，请重新登录']);
  expect([await me(phone), await me(visitor), await me(stranger.visitor)]).toEqual([233, 233, 200]);
  expect(said(await phone.delete('/api/session/'))).toEqual([233, '请先登录']);
  expect(said(await signIn(phone, mobile))).toEqual([233, '密码错误']);
  expect(said(await signIn(phone, mobile, 'anotherPassword1'))).toEqual([200, '登录成功']);
});

test('C11: sign-ins with the old password that race its change do not survive it', async () => {
  const { mobile, visitor } = await member();
  const tabs = Array.from({ length: 6 }, () => house.browser());
  const change = visitor.patch('/api/password/loginPassword', { password: PASSWORD, new_password: 'raceWinner1' });
  await Promise.all([change, ...tabs.map((tab) => signIn(tab, mobile))]);
  expect(said(await change)).toEqual([200, '密码修改成功，请重新登录']);
  expect(await Promise.all(tabs.map(me))).toEqual(Array(6).fill(233));
});

test('C12: a cookie planted before the sign-in opens nothing afterwards', async () => {
  const { mobile } = await member();
  const victim = house.browser();
  await victim.get(`/api/movies/${(await victim.get<Body[]>('/api/movies/')).body[0]!.id}`);
  const planted = new Map(victim.cookies);
  expect(planted.size).toBe(1);
  await signIn(victim, mobile);
  expect(await me(victim)).toBe(200);

  const attacker = house.browser();
  for (const [name, value] of planted) attacker.cookies.set(name, value);
  expect(await me(attacker)).toBe(233);
  expect(await me(victim)).toBe(200);
});

test('C12: an id of the client’s own choosing is not adopted', async () => {
  const visitor = house.browser();
  for (const chosen of ['sid', '__Host-sid', 'session'])
    visitor.cookies.set(chosen, 'AAAAAAAAAAAAAAAAAAAAAA.chosenByMe');
  const { body } = await visitor.get<Body[]>('/api/movies/');
  await visitor.get(`/api/movies/${body[0]!.id}`);
  expect((await visitor.get<{ id: string }>('/api/session/')).body.id).not.toBe('AAAAAAAAAAAAAAAAAAAAAA');
});

test('C20: signing out ends the session on the server, and a second time is refused politely', async () => {
  const { visitor } = await member();
  const copy = house.browser();
  for (const [name, value] of visitor.cookies) copy.cookies.set(name, value);
  expect(said(await visitor.delete('/api/session/'))).toEqual([200, '退出登录成功']);
  expect(await me(copy)).toBe(233);
  expect(said(await visitor.delete('/api/session/'))).toEqual([233, '请先登录']);
});

test('a user sees where he is signed in, and ends one of these sessions from another', async () => {
  const { mobile, visitor } = await member('Desk');
  const phone = house.browser('Phone');
  await signIn(phone, mobile);
  const { body: devices } = await visitor.get<DeviceJson[]>('/api/session/devices');
  expect(devices.map(({ agent, current }) => [agent, current]).sort()).toEqual([
    ['Desk', true],
    ['Phone', false],
  ]);
  expect(devices.every(({ remember }) => remember)).toBe(true);

  const { id } = devices.find(({ agent }) => agent === 'Phone')!;
  const stranger = await member();
  expect(said(await stranger.visitor.delete(`/api/session/devices/${id}`))).toEqual([233, '设备不存在']);
  expect(await me(phone)).toBe(200);
  expect(said(await visitor.delete(`/api/session/devices/${id}`))).toEqual([200, '该设备已退出登录']);
  expect([await me(phone), await me(visitor)]).toEqual([233, 200]);
});

test('signing out elsewhere keeps this session, signing out everywhere does not', async () => {
  const { mobile, visitor } = await member();
  const others = [house.browser(), house.browser()];
  for (const other of others) await signIn(other, mobile);
  expect((await visitor.delete('/api/session/devices?others=1')).body).toEqual({
    message: '其他设备已退出登录',
    ended: 2,
  });
  expect([await me(visitor), await me(others[0]!), await me(others[1]!)]).toEqual([200, 233, 233]);
  expect((await visitor.delete('/api/session/devices')).body.message).toBe('所有设备已退出登录');
  expect(await me(visitor)).toBe(233);
});

test('the payment password is changed with the old one only, and keeps the session', async () => {
  const { visitor } = await member();
  const change = { payPassword: PAY_PASSWORD, new_payPassword: 'newPay1234' };
  expect(said(await visitor.patch('/api/password/payPassword', { ...change, payPassword: 'wrong1' }))).toEqual([
    233,
    '支付密码错误',
  ]);
  expect(said(await visitor.patch('/api/password/payPassword', { ...change, new_payPassword: '!' }))).toEqual([
    233,
    '新的支付密码非法',
  ]);
  expect(said(await visitor.patch('/api/password/payPassword', change))).toEqual([200, '支付密码修改成功']);
  expect(await me(visitor)).toBe(200);
});

test('a Flask process beside ours finds the sign-in under the names it knows', async () => {
  const { visitor } = await member();
  const { body } = await visitor.get<{ fields: { name: string }[] }>('/api/session/');
  expect(body.fields.map(({ name }) => name)).toEqual(expect.arrayContaining(['_user_id', 'user_id', '_fresh', '_id']));
});

// Made with Flask-Login's own lines under Python 3.11:
// sha512(f'{addr}|{agent.encode("utf-8")!r}'.encode()).hexdigest()[:16]
test.each([
  ['127.0.0.1', 'Mozilla/5.0 (X11)', '2d993410c6b66454'],
  ['10.0.0.7', `it's "quoted" \\ tab\t é`, 'dcd1b59ddd4baed7'],
  ['10.0.0.7', `it's`, 'dbf15545e63abc40'],
])('Flask’s fingerprint of %s and %j is ours', (address, agent, digest) => {
  expect(flaskIdentifier(address, agent).slice(0, 16)).toBe(digest);
});

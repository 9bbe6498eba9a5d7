/**
 * The page in a real browser, against the real fleet: what a visitor sees when servers die and devices are signed out.
 *
 * The fleet is the one that `npm start` runs, with three processes and the gateway; it is killed by the pids that it prints.
 * Every wait is a wait for something on the page; no test sleeps.
 */
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, vi } from 'vitest';
import { need } from '../../test/support/needs.js';
import { onFreePort } from '../../test/support/ports.js';
import { type RedisServer, startRedis } from '../../test/support/redis.js';
import { type Program, startNode } from '../../test/support/spawn.js';
import { tempFolder } from '../../test/support/temp.js';
import {
  chooseSeat,
  chooseShowing,
  chosenSeats,
  PASSWORD,
  PAY_PASSWORD,
  register,
  signIn,
  visitor,
} from './testing/page.js';

const FLEET = 'build/examples/cinema/fleet.js';
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

// A browser on a busy machine is slow. A bound for a hang, like all such bounds here.
vi.setConfig({ testTimeout: 120_000 });

const { describe, test, path } = need('chromium');

describe('the cinema page', () => {
  let fleet: Program;
  let address: string;
  let browser: Browser;

  beforeAll(async () => {
    fleet = await startFleet();
    address = fleet.ready![1]!;
    browser = await chromium.launch({ executablePath: path(), args: QUIET });
  });
  afterAll(async () => {
    await browser?.close();
    await fleet?.stop();
  });

  test('one who buys tickets does not notice that a server dies', async () => {
    const { page, answers, troubles } = await visitor(browser, address);
    await register(page, '13800000001');

    await chooseShowing(page);
    await chooseSeat(page, 54);
    const kept = await chooseSeat(page, 55);
    const victim = kept.headers()['x-served-by']!;
    process.kill(pidOf(fleet, victim), 'SIGKILL');
    await fleet.saw(new RegExp(`${victim} died`));

    await page.reload();
    await page.locator('button.seat[data-state=chosen]').nth(1).waitFor();
    expect(await chosenSeats(page)).toEqual(['54', '55']);
    expect(await page.locator('#me').isVisible()).toBe(true);

    await page.locator('#order').click();
    await page.locator('#pay [name=payPassword]').fill(PAY_PASSWORD);
    await page.locator('#pay button[type=submit]').click();
    const ticket = page.locator('.ticket[data-paid=true]');
    await ticket.waitFor();
    expect(await ticket.locator('.chip').allTextContents()).toEqual(['Row 5, seat 6', 'Row 5, seat 7']);

    await fleet.saw(new RegExp(`${victim} is back`));
    expect([...answers].sort()).toEqual(['cinema-1', 'cinema-2', 'cinema-3']);
    await page.locator('#follow').click();
    await page.locator('.lights [data-server]').nth(2).waitFor();
    expect(await page.locator('#me').isVisible()).toBe(true);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('seats chosen in one tab are chosen in another, before and after signing in', async () => {
    const { page, troubles } = await visitor(browser, address);
    await page.goto(address);
    await chooseShowing(page);
    await chooseSeat(page, 30);

    const second = await page.context().newPage();
    await second.goto(page.url());
    await second.locator('button.seat[data-seat="30"][data-state=chosen]').waitFor();
    await second.close();

    const hall = page.url();
    await register(page, '13800000002');
    await page.goto(hall);
    await page.locator('button.seat[data-seat="30"][data-state=chosen]').waitFor();
    expect(await chosenSeats(page)).toEqual(['30']);
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('the hall can be used with the keyboard alone', async () => {
    const { page } = await visitor(browser, address);
    await chooseShowing(page);
    await page.locator('button.seat[tabindex="0"]').focus();
    const first = Number(await page.locator('button.seat:focus').getAttribute('data-seat'));
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.locator('button.seat[aria-pressed=true]').nth(1).waitFor();
    expect(await chosenSeats(page)).toEqual([String(first), String(first + 1 + 12)]);
    await page.context().close();
  });

  test('log out everywhere ends the other browser too', async () => {
    const here = await visitor(browser, address);
    const there = await visitor(browser, address);
    await register(here.page, '13800000003');
    await signIn(there.page, '13800000003');

    await here.page.goto(`${address}/#/devices`);
    await here.page.locator('[data-current=false]').waitFor();
    expect(await here.page.locator('[data-current]').count()).toBe(2);
    await here.page.locator('#end-all').click();
    await here.page.locator('#sign-in-form').waitFor();

    await there.page.goto(`${address}/#/orders`);
    await there.page.locator('#sign-in-form').waitFor();
    expect(await there.page.locator('#me').count()).toBe(0);
    expect([...here.troubles, ...there.troubles]).toEqual([]);
    await Promise.all([here.page.context().close(), there.page.context().close()]);
  });

  test('logging out the other devices leaves this one signed in', async () => {
    const here = await visitor(browser, address);
    const there = await visitor(browser, address);
    await register(here.page, '13800000004');
    await signIn(there.page, '13800000004');

    await here.page.goto(`${address}/#/devices`);
    await here.page.locator('#end-others').click();
    await here.page.locator('#end-others').waitFor({ state: 'detached' });
    expect(await here.page.locator('[data-current]').count()).toBe(1);

    await there.page.goto(`${address}/#/devices`);
    await there.page.locator('#sign-in-form').waitFor();
    await here.page.reload();
    await here.page.locator('[data-current=true]').waitFor();
    await Promise.all([here.page.context().close(), there.page.context().close()]);
  });

  test('the language changes everywhere at once, keeps what was typed, and is remembered', async () => {
    const { page, troubles } = await visitor(browser, address);
    await page.goto(`${address}/#/sign-in`);
    await page.getByRole('heading', { name: 'Good evening' }).waitFor();
    await page.locator('[name=id]').fill('13800000009');

    await page.locator('#language').click();
    await page.getByRole('heading', { name: '晚上好' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    expect(await page.locator('[name=id]').inputValue()).toBe('13800000009');
    await page.locator('[name=password]').fill(PASSWORD);
    await page.locator('#sign-in-form button[type=submit]').click();
    await page.getByText('用户不存在').waitFor();

    await page.reload();
    await page.getByRole('heading', { name: '晚上好' }).waitFor();
    await page.locator('#language').click();
    await page.getByRole('heading', { name: 'Good evening' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(troubles).toEqual([]);
    await page.context().close();
  });

  test('when no server can be reached the page says so, tries again, and nobody is signed out', async () => {
    const { page } = await visitor(browser, address);
    await register(page, '13800000005');
    await page.context().setOffline(true);
    await page.locator('nav a[href="#/orders"]').first().click();
    await page.getByText('No server answered. Trying again…').waitFor();
    await page.getByRole('heading', { name: 'No server is answering' }).waitFor();
    expect(await page.locator('#me').isVisible()).toBe(true);

    await page.context().setOffline(false);
    await page.getByRole('heading', { name: 'My tickets' }).waitFor();
    await page.locator('#weather p').waitFor({ state: 'detached' });
    await page.context().close();
  });
});

describe('the cinema page, with sessions in Redis', () =>
  need('redis').describe('the real one', () => {
    let redis: RedisServer;
    let fleet: Program;
    let address: string;
    let browser: Browser;

    beforeAll(async () => {
      redis = await startRedis();
      fleet = await startFleet({ SESSIONS: redis.url });
      address = fleet.ready![1]!;
      browser = await chromium.launch({ executablePath: path(), args: QUIET });
    });
    afterAll(async () => {
      await browser?.close();
      await fleet?.stop();
    });

    test('the line at the foot tells where the session lives', async () => {
      const { page, troubles } = await visitor(browser, address);
      await register(page, '13800000011');
      await page.locator('#lives-in', { hasText: 'in Redis' }).waitFor();
      await page.getByRole('button', { name: 'What your session holds' }).click();
      await page.getByRole('cell', { name: 'Redis, near cache in each server' }).waitFor();
      expect(troubles).toEqual([]);
      await page.context().close();
    });

    test('when sessions are not reachable the page says so, and shows the tickets by itself once they are', async () => {
      const { page } = await visitor(browser, address);
      await register(page, '13800000012');
      await page.goto('/#/orders');
      await page.getByRole('heading', { name: 'My tickets' }).waitFor();
      redis.stop();
      // For a moment, the copies in the near caches still have the answer.
      await expect.poll(() => headingAfterReload(page), { timeout: 20_000 }).toBe('Sessions are not reachable');
      await page.getByText('Sessions are not reachable. Trying again…').waitFor();
      await page.getByRole('button', { name: 'Try again' }).waitFor();
      expect(await page.locator('#sign-in').count(), 'nobody is asked to sign in').toBe(0);

      redis.cont();
      await page.getByRole('heading', { name: 'My tickets' }).waitFor();
      await page.locator('#me').waitFor();
      await page.locator('#weather p').waitFor({ state: 'detached' });
      await page.context().close();
    });

    test('a seat that the session could not keep is told, and can be chosen when sessions are back', async () => {
      const { page } = await visitor(browser, address);
      await register(page, '13800000013');
      await chooseShowing(page);
      await chooseSeat(page, 40);
      redis.stop();
      await page.locator('button.seat[data-seat="41"]').click();
      await page.getByText('Sessions are not reachable, so this may not have been done').waitFor();

      redis.cont();
      await page.locator('#weather p').waitFor({ state: 'detached' });
      await page.reload();
      await page.locator('button.seat[data-seat="40"][data-state=chosen]').waitFor();
      if (!(await chosenSeats(page)).includes('41')) await chooseSeat(page, 41);
      await page.reload();
      await page.locator('button.seat[data-seat="41"][data-state=chosen]').waitFor();
      expect(await chosenSeats(page)).toEqual(['40', '41']);
      await page.context().close();
    });
  }));

async function headingAfterReload(page: Page): Promise<string | null> {
  await page.reload();
  return page.locator('#room h1').textContent();
}

function startFleet(env: Readonly<Record<string, string>> = {}): Promise<Program> {
  return onFreePort((port) =>
    startNode(FLEET, ['--port', String(port), '--data', tempFolder('cinema')], {
      ready: /Cinema is open at\s+(http:\S+)[\s\S]*cinema-3\s+pid \d+/,
      env,
    }),
  );
}

function pidOf(fleet: Program, server: string): number {
  return Number(new RegExp(`${server}\\s+pid (\\d+)`).exec(fleet.output())?.[1]);
}

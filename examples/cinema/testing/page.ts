/**
 * A visitor of the cinema page in a real browser: what he does on it, and what the browser says about it.
 *
 * Everything is done as a person does it, by fields and buttons; every wait is for something that can be seen.
 */
import type { Browser, BrowserContext, Page, Response } from 'playwright-core';

export const PASSWORD = 'moonlight';
export const PAY_PASSWORD = '314159';

export interface Visitor {
  readonly page: Page;
  /** Names of all servers that answered an API call of this visitor. */
  readonly answers: Set<string>;
  /** Server errors, and what the browser complained about: scripts that threw, files that the content policy refused. */
  readonly troubles: string[];
}

/** A browser of its own, with an empty cookie jar, that prefers English. */
export async function visitor(browser: Browser, address: string): Promise<Visitor> {
  const context: BrowserContext = await browser.newContext({ baseURL: address, locale: 'en-GB' });
  const page = await context.newPage();
  const answers = new Set<string>();
  const troubles: string[] = [];
  page.on('response', (response) => {
    const servedBy = response.headers()['x-served-by'];
    if (servedBy && response.url().includes('/api/')) answers.add(servedBy);
    if (response.status() >= 500) troubles.push(`${response.status()} ${response.url()}`);
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(message.text());
  });
  return { page, answers, troubles };
}

export async function register(page: Page, mobile: string): Promise<void> {
  await page.goto('/#/register');
  const form = page.locator('#register-form');
  await form.locator('[name=id]').fill(mobile);
  await form.locator('#request-code').click();
  await page.getByText('the code is filled in').waitFor();
  await form.locator('[name=password]').fill(PASSWORD);
  await form.locator('[name=payPassword]').fill(PAY_PASSWORD);
  await form.locator('button[type=submit]').click();
  await page.locator('#me').waitFor();
}

export async function signIn(page: Page, mobile: string): Promise<void> {
  await page.goto('/#/sign-in');
  const form = page.locator('#sign-in-form');
  await form.locator('[name=id]').fill(mobile);
  await form.locator('[name=password]').fill(PASSWORD);
  await form.locator('button[type=submit]').click();
  await page.locator('#me').waitFor();
}

/** From wherever one is to the hall of the last showing of the first film: today's may have begun. */
export async function chooseShowing(page: Page): Promise<void> {
  await page.goto('/#/');
  await page.locator('.movie-card').first().click();
  await page.locator('a.time').last().click();
  await page.locator('button.seat').first().waitFor();
}

/** Clicks a seat; the answer is the one by which the session keeps it. */
export async function chooseSeat(page: Page, seat: number): Promise<Response> {
  const answer = page.waitForResponse((response) => response.url().endsWith('/api/session/seats'));
  await page.locator(`button.seat[data-seat="${seat}"]`).click();
  return answer;
}

export function chosenSeats(page: Page): Promise<(string | null)[]> {
  const chosen = page.locator('button.seat[data-state=chosen]');
  return chosen.all().then((seats) => Promise.all(seats.map((seat) => seat.getAttribute('data-seat'))));
}

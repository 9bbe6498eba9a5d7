/** What people do in a cinema, in one line each: for tests that are about something else. */
import type { Body, Browser } from './browser.js';

export const PASSWORD = '0cc175b9c0f1b6a831c399e269772661';
export const PAY_PASSWORD = '92eb5ffee6ae2fec3ad71c777531578f';

export interface ScreenJson {
  readonly id: string;
  readonly time: number;
  readonly price: number;
  readonly hallNum: number;
  readonly movie: { readonly id: string };
}

/** Registers (demo mode: the code is in the answer), which signs in. */
export async function register(visitor: Browser, mobile: string): Promise<void> {
  const { body: code } = await visitor.get(`/api/smscode/?mobile=${mobile}`);
  const fields = { id: mobile, password: PASSWORD, payPassword: PAY_PASSWORD, smscode: code.message };
  const { status, body } = await visitor.post('/api/users/', fields);
  if (status !== 200) throw new Error(`registration of ${mobile}: ${status} ${body.message}`);
}

export async function signIn(visitor: Browser, mobile: string): Promise<void> {
  const { status, body } = await visitor.post('/api/session/', { id: mobile, password: PASSWORD });
  if (status !== 200) throw new Error(`sign-in of ${mobile}: ${status} ${body.message}`);
}

/** All showings on sale, the earliest first. */
export async function showings(visitor: Browser): Promise<ScreenJson[]> {
  const { body: movies } = await visitor.get<Body[]>('/api/movies/');
  const lists = await Promise.all(movies.map(({ id }) => visitor.get<ScreenJson[]>(`/api/screens/?movieId=${id}`)));
  return lists.flatMap(({ body }) => body).sort((a, b) => a.time - b.time);
}

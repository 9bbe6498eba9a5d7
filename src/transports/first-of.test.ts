/** Browsers and API clients side by side: who presents something is answered the same way, and nothing is remembered between calls. */
import { expect, test } from 'vitest';
import type { RequestView, Transport } from '../contract.js';
import { isFailure } from '../errors.js';
import { bearer } from './bearer.js';
import { cookie } from './cookie.js';
import { firstOf } from './first-of.js';

const request = (headers: Record<string, string>): RequestView => ({
  secure: true,
  proxied: false,
  header: (name) => headers[name],
});
const browser = request({ cookie: '__Host-sid=from-cookie' });
const client = request({ authorization: 'Bearer from-header' });
const both = request({ cookie: '__Host-sid=from-cookie', authorization: 'Bearer from-header' });
const nobody = request({});
const either = firstOf(cookie(), bearer());
const names = (transport: Transport, seen: RequestView): string[] => [
  ...transport.write('token', 1000, seen).map(([name]) => name),
  ...transport.clear(seen).map(([name]) => name),
];

test('a browser is read and answered by cookie, a client by header', () => {
  expect(either.read(browser)).toEqual(['from-cookie']);
  expect(names(either, browser)).toEqual(['Set-Cookie', 'Set-Cookie']);
  expect(either.read(client)).toEqual(['from-header']);
  expect(names(either, client)).toEqual(['X-Session-Token', 'X-Session-Token']);
});

test('who presents both is heard by the first transport only', () => {
  expect(either.read(both)).toEqual(['from-cookie']);
  expect(names(either, both)).toEqual(['Set-Cookie', 'Set-Cookie']);
  const other = firstOf(bearer(), cookie());
  expect(other.read(both)).toEqual(['from-header']);
  expect(names(other, both)).toEqual(['X-Session-Token', 'X-Session-Token']);
});

test('an unusable cookie speaks for the request all the same', () => {
  const odd = request({ cookie: '__Host-sid=', authorization: 'Bearer from-header' });
  expect(either.read(odd)).toEqual(['']);
});

test('a new session goes by the first transport', () => {
  expect(either.read(nobody)).toEqual([]);
  expect(names(either, nobody)).toEqual(['Set-Cookie', 'Set-Cookie']);
  expect(names(firstOf(bearer(), cookie()), nobody)).toEqual(['X-Session-Token', 'X-Session-Token']);
});

test('requests that overlap do not mix', () => {
  expect(either.read(browser)).toEqual(['from-cookie']);
  expect(either.read(client)).toEqual(['from-header']);
  expect(either.write('token', 1000, browser)[0]?.[0]).toBe('Set-Cookie');
  expect(either.write('token', 1000, client)[0]?.[0]).toBe('X-Session-Token');
});

test('the version goes the way of the token', () => {
  const seen = (headers: Record<string, string>): RequestView =>
    request({ 'x-session-version': '7', cookie: '__Host-sid-v=9', ...headers });
  const fromBrowser = seen({ cookie: '__Host-sid=from-cookie; __Host-sid-v=9' });
  const fromClient = seen({ authorization: 'Bearer from-header' });
  expect([either.readVersion!(fromBrowser), either.readVersion!(fromClient)]).toEqual([9, 7]);
  const lines = [fromBrowser, fromClient].map((one) => either.writeVersion!(12, 1500, one)[0]![0]);
  expect(lines).toEqual(['Set-Cookie', 'X-Session-Version']);
  const silent: Transport = { ...cookie(), readVersion: undefined, writeVersion: undefined } as never;
  expect(firstOf(silent).readVersion!(fromBrowser)).toBeUndefined();
  expect(firstOf(silent).writeVersion!(12, 1500, fromBrowser)).toEqual([]);
});

test('answers vary by everything that was looked at, each header named once', () => {
  expect(either.vary).toBe('Cookie, Authorization, X-Session-Version');
  expect(firstOf(cookie(), cookie({ name: 'old' })).vary).toBe('Cookie');
});

test('a second cookie name is read while visitors move to the first', () => {
  const moving = firstOf(cookie(), cookie({ name: 'old' }), bearer());
  expect(moving.read(request({ cookie: 'old=token' }))).toEqual(['token']);
});

test('a sealed session is short enough for every way back, and opens whichever it comes', () => {
  expect([either.scope, either.longest]).toEqual(['__Host-sid bearer', cookie().longest]);
  expect(firstOf(bearer(), cookie({ parts: 3 })).longest).toBe(bearer().longest);
  const { longest: _, scope: __, ...silent } = bearer();
  expect(firstOf(silent).longest).toBe(Number.POSITIVE_INFINITY);
});

test('describe lists the transports in their order', () => {
  expect(either.describe()).toEqual({ transport: 'first-of', of: [cookie().describe(), bearer().describe()] });
});

test('what is no transport is refused when the application starts', () => {
  for (const wrong of [undefined, cookie, {}, 'cookie']) {
    try {
      firstOf(cookie(), wrong as Transport);
    } catch (error) {
      expect(isFailure(error, 'SOJOURN_OPTION') && error.message).toContain('firstOf(bearer(), cookie())');
      continue;
    }
    throw new Error('accepted');
  }
});

/** Which hosts count as this machine. A wrong yes here would take Secure off a cookie, so the list of noes is the longer one. */
import { expect, test } from 'vitest';
import { isLoopback } from './loopback.js';

test('the first request of a process may be one with an empty Host', () => {
  expect(isLoopback('')).toBe(false);
});

test.each([
  'localhost',
  'localhost:3000',
  'LocalHost:3000',
  'shop.localhost',
  'a.b-c.localhost:8080',
  '127.0.0.1',
  '127.0.0.1:3000',
  '127.255.255.255',
  '127.249.200.99',
  '127.19.190.9',
  `${'a.'.repeat(123)}localhost:65535`,
  '[::1]',
  '[::1]:3000',
])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  undefined,
  '',
  'example.com',
  'localhost.example.com',
  'notlocalhost',
  'not_localhost',
  'example.com:localhost',
  'localhost@example.com',
  'localhost:3000@example.com',
  'localhost, example.com',
  'localhost:',
  'localhost:123456',
  'localhost/',
  '.localhost',
  'a..localhost',
  '127.0.0.1.example.com',
  '127.0.0.256',
  '127.0.0.2x',
  '127.0.0.24x',
  '127.0.0.1x1',
  '127.0.0',
  '127.0.0.0.1',
  '127.1',
  '1127.0.0.1',
  '128.0.0.1',
  '10.0.0.1',
  '192.168.0.1',
  '0.0.0.0',
  '[::]',
  '[::2]',
  '::1',
  '[::1].example.com',
  ' localhost',
  'localhost\n',
])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false);
});

test('a host name of a million letters is not', () => {
  expect(isLoopback(`${'a'.repeat(1_000_000)}.localhost`)).toBe(false);
});

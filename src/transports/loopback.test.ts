/** Which hosts count as this machine. A wrong yes here would take Secure off a cookie, so the list of noes is the longer one. */
import { expect, test } from 'vitest';
import { isLoopback } from './loopback.js';

test.each([
  'localhost',
  'localhost:3000',
  'LocalHost:3000',
  'shop.localhost',
  'a.b-c.localhost:8080',
  '127.0.0.1',
  '127.0.0.1:3000',
  '127.255.255.255',
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
  `${'a'.repeat(1_000_000)}.localhost`,
])('%s is not', (host) => {
  expect(isLoopback(host)).toBe(false);
});

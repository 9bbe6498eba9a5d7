/** A client that has lost step gives every command another one's reply: that must never be read as an answer. */
import { expect, test } from 'vitest';
import type { Delta } from '../../contract.js';
import type { Reply } from './door.js';
import { commitReply } from './script-commit.js';
import { OutOfStep, trouble } from './trouble.js';

const session = Buffer.from('\x01 mark and record');
const delta: Delta = {
  generation: 0,
  head: { expiresAt: 1 },
  fields: new Map([['views', { op: 'swap', expect: null, value: Buffer.from('1') }]]),
};

test.each<[string, Reply]>([
  ['a session, whose first byte says 1', session],
  ['nothing', null],
  ['a number', 1],
  ['an empty list', []],
  ['a conflict about more fields than were swapped', [2, null, null]],
  ['a list of something else', [session]],
])('%s is no answer to a commit', (_, reply) => {
  expect(() => commitReply(reply, delta)).toThrow(OutOfStep);
});

test('it is an outage, and says what happened', () => {
  const error = trouble('redis', 'load', new OutOfStep());
  expect(error).toMatchObject({ code: 'SOJOURN_STORE', cause: expect.any(OutOfStep) });
  expect(error.message).toContain('gave the reply to another command');
});

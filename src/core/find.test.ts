/** Which session a token opens, and what is told when it opens none. */
import { describe, expect, test } from 'vitest';
import type { Events, Head, MaybePromise, Stored } from '../contract.js';
import { failure } from '../errors.js';
import { emitter } from './events.js';
import { lifetimes } from './expiry.js';
import { type Found, finder } from './find.js';
import { hashSecret, join } from './token.js';

const NOW = 1_000_000_000;
const HOUR = 3_600_000;
const MUTE: Found = { opened: null, mute: true, degraded: false };
const ANONYMOUS: Found = { opened: null, mute: false, degraded: false };

/** Well-formed ids and secrets that can be told apart. */
const idOf = (name: string) => `${name.padEnd(21, 'x')}A`;
const secretOf = (name: string) => `${name.padEnd(42, 'x')}A`;
const token = (id: string, secret: string) => join(idOf(id), secretOf(secret));

const head = (more: Partial<Head> = {}): Head => ({
  createdAt: NOW - HOUR,
  expiresAt: NOW + HOUR,
  version: 1,
  generation: 0,
  secret: hashSecret(secretOf('now')),
  ...more,
});
const older = (opens: 'session' | 'nothing', until = NOW + 1) => ({
  previous: { secret: hashSecret(secretOf('old')), until, opens },
});

function world(heads: Record<string, Head>, load?: (id: string) => MaybePromise<Stored | null>) {
  const told: [string, object][] = [];
  const events = emitter(
    Object.fromEntries(
      (['refused', 'corrupt'] as const).map((event) => [
        event,
        (payload: Events[typeof event]) => told.push([event, payload]),
      ]),
    ),
  );
  const sessions = new Map(
    Object.entries(heads).map(([id, each]): [string, Stored] => [idOf(id), { head: each, fields: new Map() }]),
  );
  const store = { load: load ?? ((id: string) => sessions.get(id) ?? null), stale: () => null };
  const open = finder({ store, isCaching: false, lifetimes: lifetimes({}), environment: { now: () => NOW }, events });
  const find = (tokens: readonly string[]) => open(tokens, { spent: 0 }, { kind: 'fail', staleMs: 0 });
  return { find, told };
}

describe('one token', () => {
  test('none: an anonymous session, and nothing to tell', () => {
    const { find, told } = world({ a: head() });

    expect([find([]), told]).toEqual([ANONYMOUS, []]);
  });

  test('the present secret opens the session, at once where the store answers at once', () => {
    const { find, told } = world({ a: head() });

    expect(find([token('a', 'now')])).toMatchObject({
      opened: { id: idOf('a'), secret: secretOf('now'), stored: { head: head() } },
      mute: false,
    });
    expect(told).toEqual([]);
  });

  test('the one before a rotation opens it too, for as long as it may, but counts as none', () => {
    const { find, told } = world({ a: head(older('session')), late: head(older('session', NOW)) });

    expect(find([token('a', 'old')])).toMatchObject({ opened: { id: idOf('a'), secret: undefined }, mute: false });
    expect(told).toEqual([]);
    expect(find([token('late', 'old')])).toEqual(ANONYMOUS);
    expect(told).toEqual([['refused', { reason: 'secret', id: idOf('late') }]]);
  });

  test('the one before a login opens nothing, and mutes its answer', () => {
    const { find, told } = world({ a: head(older('nothing')) });

    expect(find([token('a', 'old')])).toEqual(MUTE);
    expect(told).toEqual([['refused', { reason: 'superseded', id: idOf('a') }]]);
  });

  test.each<[string, Head, string, object]>([
    ['a wrong secret', head(), 'wrong', { reason: 'secret', id: idOf('a') }],
    ['a wrong secret after a rotation', head(older('session')), 'wrong', { reason: 'secret', id: idOf('a') }],
    ['a wrong secret after a login', head(older('nothing')), 'wrong', { reason: 'secret', id: idOf('a') }],
    [
      'an entry without any secret',
      { ...head(), secret: undefined } as unknown as Head,
      'now',
      { reason: 'secret', id: idOf('a') },
    ],
    ['a session at its end', head({ expiresAt: NOW }), 'now', { reason: 'unknown' }],
    ['one that has reached the absolute timeout', head({ createdAt: NOW - 12 * HOUR }), 'now', { reason: 'unknown' }],
    ['one from too far in the future', head({ createdAt: NOW + 60_001 }), 'now', { reason: 'skew', id: idOf('a') }],
  ])('%s: anonymous, and told why', (_, each, secret, reason) => {
    const { find, told } = world({ a: each });

    expect(find([token('a', secret)])).toEqual(ANONYMOUS);
    expect(told).toStrictEqual([['refused', reason]]);
  });

  test('a remembered session lives longer, and a clock may be a minute ahead', () => {
    const { find } = world({
      old: head({ createdAt: NOW - 13 * HOUR, remember: true }),
      young: head({ createdAt: NOW + 60_000 }),
    });

    for (const id of ['old', 'young']) expect(find([token(id, 'now')])).toMatchObject({ opened: { id: idOf(id) } });
  });

  test('one that is none, beside one or alone', () => {
    const { find, told } = world({ a: head() });

    expect(find(['rubbish', token('a', 'now')])).toMatchObject({ opened: { id: idOf('a') } });
    expect(told).toEqual([]);
    expect(find(['rubbish'])).toEqual(ANONYMOUS);
    expect(told).toEqual([['refused', { reason: 'malformed' }]]);
  });
});

describe('two tokens', () => {
  const heads = { a: head(older('session')), b: head(), m: head(older('nothing')) };
  const inBothOrders = (x: string, y: string) => [world(heads).find([x, y]), world(heads).find([y, x])] as Found[];
  const A = token('a', 'now');
  const OLD_A = token('a', 'old');
  const B = token('b', 'now');
  const DEAD = token('none', 'now');
  const REPLACED = token('m', 'old');

  test.each<[string, string, string, unknown]>([
    ['a dead one does no harm', A, DEAD, { opened: { id: idOf('a'), secret: secretOf('now') }, mute: false }],
    ['nor does one that a login replaced', A, REPLACED, { opened: { id: idOf('a') }, mute: false }],
    [
      'two secrets of one session: the present one counts',
      A,
      OLD_A,
      { opened: { id: idOf('a'), secret: secretOf('now') } },
    ],
    ['two live sessions: nobody', A, B, { opened: null, mute: false }],
    ['even if one of them is opened by its older secret', OLD_A, B, { opened: null, mute: false }],
    ['a replaced one mutes, if the other is dead', REPLACED, DEAD, { opened: null, mute: true }],
    ['two dead ones are nobody', DEAD, token('gone', 'now'), { opened: null, mute: false }],
  ])('%s', (_, x, y, expected) => {
    for (const found of inBothOrders(x, y)) expect(found).toMatchObject(expected as object);
  });

  test('two live sessions are told as ambiguous, and three tokens are not even looked at', () => {
    const looked: string[] = [];
    const { find, told } = world(heads);
    const { find: counting, told: toldToo } = world(heads, (id) => {
      looked.push(id);
      return null;
    });

    find([A, B]);
    counting([A, B, DEAD]);

    expect([told, toldToo, looked]).toEqual([
      [['refused', { reason: 'ambiguous' }]],
      [['refused', { reason: 'ambiguous' }]],
      [],
    ]);
  });
});

describe.each<[string, (error: unknown) => MaybePromise<never>]>([
  [
    'at once',
    (error) => {
      throw error;
    },
  ],
  ['later', (error) => Promise.reject(error)],
])('a store that throws %s', (_, fail) => {
  test('damage to one session is an anonymous one, and told', async () => {
    const { find, told } = world({}, () => fail(failure('SOJOURN_CORRUPT', { what: 'Session a', problem: 'cut off' })));

    expect(await find([token('a', 'now')])).toEqual(ANONYMOUS);
    expect(told).toEqual([['corrupt', { id: idOf('a'), reason: 'cut off' }]]);
  });

  test('anything else is an outage, never an anonymous session', async () => {
    const { find, told } = world({}, () =>
      fail(failure('SOJOURN_STORE', { store: 'toy', operation: 'load', problem: 'down' })),
    );

    await expect((async () => find([token('a', 'now')]))()).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
    expect(told).toEqual([]);
  });
});

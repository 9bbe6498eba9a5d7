/** What a request wants of a session's head, as the delta that says so. */
import { describe, expect, test } from 'vitest';
import type { Head } from '../contract.js';
import { lifetimes } from './expiry.js';
import { headChange, withoutSecret } from './head-change.js';
import type { Standing } from './session.js';
import { hashSecret } from './token.js';

const MINUTE = 60_000;
const life = lifetimes({ idle: '30m', absolute: '12h', remember: { idle: '30d', absolute: '180d' } });
const OLD = hashSecret('old');
const head: Head = { createdAt: 0, expiresAt: 30 * MINUTE, version: 3, generation: 2, secret: OLD };
const random = (bytes: number) => new Uint8Array(bytes).fill(7);

type Wishes = Partial<Pick<Standing, 'login' | 'rotate' | 'remember' | 'secret'>>;
const wanted = (wishes: Wishes, now: number, of: Head = head) =>
  headChange(
    { login: undefined, rotate: false, remember: undefined, secret: 'old', ...wishes } as Standing,
    of,
    now,
    life,
    random,
  );

describe('a request that only reads', () => {
  test('wants nothing inside the touch window, and moves the deadline after it, in silence', () => {
    expect(wanted({}, MINUTE)).toEqual({ wish: 'none', change: { expiresAt: 31 * MINUTE } });
    expect(wanted({}, 2 * MINUTE)).toEqual({ wish: 'touch', change: { expiresAt: 32 * MINUTE } });
  });

  test('tells the client of a remembered session’s later deadline, if it holds the present secret', () => {
    const remembered = { ...head, remember: true, expiresAt: 720 * 60 * MINUTE };
    const now = 48 * 60 * MINUTE;

    expect(wanted({}, now, remembered)).toEqual({
      wish: 'touch',
      change: { expiresAt: 768 * 60 * MINUTE },
      replaces: OLD,
    });
    expect(wanted({ secret: undefined }, now, remembered)).not.toHaveProperty('replaces');
    expect(wanted({}, MINUTE, remembered)).toEqual({
      wish: 'none',
      change: { expiresAt: remembered.expiresAt + MINUTE },
    });
  });
});

describe('remember', () => {
  test('moves the deadline to the other lifetime and tells the client', () => {
    expect(wanted({ remember: true }, MINUTE)).toEqual({
      wish: 'remember',
      change: { remember: true, expiresAt: 720 * 60 * MINUTE + MINUTE },
      replaces: OLD,
    });
    expect(wanted({ remember: false }, MINUTE, { ...head, remember: true })).toMatchObject({
      wish: 'remember',
      change: { remember: false, expiresAt: 31 * MINUTE },
    });
  });

  test('what is so already is no wish', () => {
    expect(wanted({ remember: false }, MINUTE).wish).toBe('none');
    expect(wanted({ remember: true }, MINUTE, { ...head, remember: true, expiresAt: 720 * 60 * MINUTE }).wish).toBe(
      'none',
    );
  });
});

describe('rotate', () => {
  test('brings a new secret on condition of the old one, which opens the session for ten more seconds', () => {
    const { wish, secret, change, replaces } = wanted({ rotate: true }, MINUTE);

    expect([wish, replaces]).toEqual(['rotate', OLD]);
    expect(change).toEqual({
      expiresAt: 31 * MINUTE,
      secret: hashSecret(secret!),
      previous: { secret: OLD, until: MINUTE + 10_000, opens: 'session' },
    });
  });

  test('does nothing while the secret before it still counts, and counts again right after', () => {
    const rotated = (until: number, opens: 'session' | 'nothing') => ({
      ...head,
      previous: { secret: hashSecret('older'), until, opens },
    });

    expect(wanted({ rotate: true }, MINUTE, rotated(MINUTE + 1, 'session')).wish).toBe('none');
    expect(wanted({ rotate: true }, MINUTE, rotated(MINUTE, 'session')).wish).toBe('rotate');
    expect(wanted({ rotate: true }, MINUTE, rotated(MINUTE + 1, 'nothing')).wish).toBe('rotate');
  });

  test('is for the holder of the present secret only', () => {
    expect(wanted({ rotate: true, secret: undefined }, MINUTE)).toEqual({
      wish: 'none',
      change: { expiresAt: 31 * MINUTE },
    });
  });
});

describe('login', () => {
  test('binds the user under a new secret and a new generation; the old secret opens nothing', () => {
    const { wish, secret, change, ...rest } = wanted({ login: 'ann', rotate: true }, MINUTE);

    expect([wish, rest]).toEqual(['login', {}]);
    expect(change).toEqual({
      expiresAt: 31 * MINUTE,
      user: 'ann',
      signedInAt: MINUTE,
      generation: 3,
      secret: hashSecret(secret!),
      previous: { secret: OLD, until: 2 * MINUTE, opens: 'nothing' },
    });
  });

  test('may change the lifetime on the way', () => {
    expect(wanted({ login: 'ann', remember: true }, MINUTE).change).toMatchObject({
      remember: true,
      expiresAt: 720 * 60 * MINUTE + MINUTE,
    });
  });

  test('needs no secret before it', () => {
    const { secret: _, ...foreign } = head;
    expect(wanted({ login: 'ann' }, MINUTE, foreign).change).not.toHaveProperty('previous');
  });
});

test('where another rotation came first, all but the secrets still counts', () => {
  const { change } = wanted({ rotate: true, remember: true }, MINUTE);

  expect(withoutSecret(change)).toEqual({ expiresAt: change.expiresAt, remember: true });
});

/** Sessions that end while the store is down: they end here at once, and everywhere when the store is back. */
import { describe, expect, test } from 'vitest';
import { DOWN, letPass, outcome, type Shop, settled, shopInTrouble, signedIn } from '../../test/support/trouble.js';
import { type Visitor, visitor } from '../../test/support/visitor.js';
import type { HeaderLine } from '../contract.js';
import { isFailure } from '../errors.js';
import { controllableClock } from '../testing/clock.js';
import { endings, KEPT_MS, MAX_KEPT } from './ending.js';
import { emitter } from './events.js';
import { guard } from './guard.js';

const CLEARED =
  'Set-Cookie: __Host-sid=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; Secure; SameSite=Lax';

/** What `save` threw, with the lines that it wants on the answer. */
async function failedLines(asked: Promise<unknown>): Promise<string[]> {
  const error = await asked.then(
    () => expect.fail('it did not fail'),
    (e: unknown) => e,
  );
  if (!isFailure(error)) throw error;
  return (error.headerLines ?? []).map(([name, value]) => `${name}: ${value}`);
}
async function idOf(ann: Visitor<Shop>): Promise<string> {
  return ann.visit((session) => session.id);
}

describe('a logout that the store does not confirm', () => {
  const loggingOut = async (options: Parameters<typeof shopInTrouble>[0] = {}) => {
    const all = shopInTrouble(options);
    const ann = await signedIn(all.s);
    const stolen = visitor(all.s, new Map(ann.cookies));
    const id = await idOf(ann);
    all.plan.fail({ verbs: ['destroy'] });
    return { ...all, ann, stolen, id };
  };

  test('fails, clears the cookie all the same, and is no session here from then on', async () => {
    const { ann, stolen, ofKind, kept, id } = await loggingOut();

    const { session, end } = await ann.begin();
    session.destroy();
    expect(await failedLines(end())).toEqual([CLEARED, 'Vary: Cookie', 'Cache-Control: no-store']);

    expect(await stolen.visit((session) => [session.user, session.degraded])).toEqual([undefined, false]);
    expect(ofKind('refused')).toEqual([{ reason: 'unknown' }]);
    expect(ofKind('destroyed')).toEqual([]);
    expect(await kept.load(id)).not.toBeNull();
  });

  test('is told to the store when that is back, and heard then', async () => {
    const { ann, plan, clock, kept, ofKind, id } = await loggingOut();
    await outcome(ann.visit((session) => session.destroy()));
    await letPass(clock, 30_000);
    expect(ofKind('destroyed')).toEqual([]);

    plan.heal();
    await letPass(clock, 6000);

    expect(await kept.load(id)).toBeNull();
    expect(ofKind('destroyed')).toEqual([{ id, reason: 'logout' }]);
    const asked = plan.calls.length;
    await letPass(clock, 60_000);
    expect(plan.calls.length).toBe(asked);
  });

  test('beats a request that began before it', async () => {
    const { ann, stolen, kept, id, plan, ofKind } = await loggingOut();
    const slow = await stolen.begin();
    slow.session.set('name', 'late');
    await outcome(ann.visit((session) => session.destroy()));
    plan.heal();

    await slow.end();
    expect(ofKind('gone')).toEqual([{ id }]);
    expect((await kept.load(id))!.head.version).toBe(2);
  });

  test("with 'later' goes out as if all had been done, and is", async () => {
    const { ann, stolen, plan, clock, kept, ofKind, id } = await loggingOut({ onDestroyError: 'later' });

    const { lines } = await ann.ask((session) => session.destroy());
    expect(lines.map(([name, value]) => `${name}: ${value}`)).toContain(CLEARED);
    expect(await stolen.visit((session) => session.user)).toBeUndefined();
    expect(ofKind('destroyed')).toEqual([]);
    plan.heal();
    await letPass(clock, 6000);
    expect([await kept.load(id), ofKind('destroyed')]).toEqual([null, [{ id, reason: 'logout' }]]);
  });

  test("with 'later' a goodbye in a new session is kept as ever", async () => {
    const { ann } = await loggingOut({ onDestroyError: 'later' });
    await ann.visit((session) => {
      session.destroy();
      session.set('flash', 'Goodbye');
    });
    expect(await ann.visit((session) => [session.user, session.take('flash')])).toEqual([undefined, 'Goodbye']);
  });

  test('that hangs is the same, half a second later', async () => {
    const { ann, stolen, plan, clock } = await loggingOut();
    plan.heal();
    const gate = plan.hold('destroy');
    const { session, end } = await ann.begin();
    session.destroy();
    const lines = failedLines(end());
    await gate.arrived;
    clock.advance(500);

    expect(await lines).toContain(CLEARED);
    expect(await stolen.visit((session) => session.user)).toBeUndefined();
    gate.release();
    await settled();
    await letPass(clock, 1000);
    expect(await stolen.visit((session) => session.user)).toBeUndefined();
  });

  test('is tried again by the end of the request, if a save on the way has failed', async () => {
    const { ann, plan, kept, id } = await loggingOut();
    const lines = await ann.ask(async (session) => {
      session.destroy();
      expect(await outcome(session.save())).toEqual(DOWN);
      plan.heal();
    });
    expect(lines.lines.map(([name, value]) => `${name}: ${value}`)).toContain(CLEARED);
    expect(await kept.load(id)).toBeNull();
  });

  test('of a login over another user’s session clears the cookie: neither of them is signed in here', async () => {
    const { ann, stolen } = await loggingOut();
    const { session, end } = await ann.begin();
    session.login('bob');

    expect(await failedLines(end())).toContain(CLEARED);
    expect(await stolen.visit((session) => session.user)).toBeUndefined();
  });
});

describe('an operator', () => {
  test('who ends a session while the store is down is told so, and it is refused here at once', async () => {
    const { s, plan, clock, ofKind } = shopInTrouble();
    const ann = await signedIn(s);
    const id = await idOf(ann);
    plan.fail({ verbs: ['destroy'] });

    expect(await outcome(s.destroy(id))).toEqual(DOWN);
    expect(await ann.visit((session) => session.user)).toBeUndefined();
    plan.heal();
    await letPass(clock, 6000);
    expect(ofKind('destroyed')).toEqual([{ id, reason: 'revoked' }]);
  });

  test("is told also with 'later', which is for visitors", async () => {
    const { s, plan } = shopInTrouble({ onDestroyError: 'later' });
    const ann = await signedIn(s);
    const id = await idOf(ann);
    plan.fail({ verbs: ['destroy'] });

    expect(await outcome(s.destroy(id))).toEqual(DOWN);
  });

  test('who revokes a user learns which sessions have not ended, and may repeat it', async () => {
    const { s, plan, kept } = shopInTrouble();
    const devices = [await signedIn(s), await signedIn(s), await signedIn(s)];
    const ids = await Promise.all(devices.map(idOf));
    plan.failAt(2, { verbs: ['destroy'] });

    const error = await s.revoke('ann').catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'SOJOURN_STORE', status: 503, details: { operation: 'revoke' } });
    const left = (error as { details: { ids: string[] } }).details.ids;
    expect(left).toHaveLength(1);
    expect(ids).toContain(left[0]);
    // Refused here at once, all the three.
    for (const device of devices) expect(await device.visit((session) => session.user)).toBeUndefined();

    expect(await s.revoke('ann')).toBe(1);
    expect(await kept.load(left[0]!)).toBeNull();
    expect(await s.revoke('ann')).toBe(0);
  });

  test('whose listing fails on the way is told as well', async () => {
    const { s, plan } = shopInTrouble();
    await signedIn(s);
    plan.fail({ verbs: ['byUser'] });
    expect(await outcome(s.revoke('ann'))).toEqual(DOWN);
  });

  test('does not wait for ever for a listing', async () => {
    const { s, plan, clock } = shopInTrouble();
    await signedIn(s);
    const gate = plan.hold('byUser');
    const asked = outcome(s.revoke('ann'));
    await gate.arrived;
    await settled();
    clock.advance(500);
    expect(await asked).toEqual(DOWN);
    gate.release();
  });

  test('may leave a listing early', async () => {
    const { s } = shopInTrouble();
    await signedIn(s);
    await signedIn(s);
    const seen: string[] = [];
    for await (const [id] of s.of('ann')) {
      seen.push(id);
      break;
    }
    expect(seen).toHaveLength(1);
  });
});

describe('what is remembered', () => {
  const memoryOf = () => {
    const clock = controllableClock();
    const told: string[] = [];
    const events = emitter({
      destroyed: ({ id }) => told.push(`destroyed ${id}`),
      storeError: ({ error }) => told.push((error as Error).message),
    });
    let isBroken = true;
    const store = {
      name: 'toy',
      load: () => null,
      create: () => 'ok' as const,
      commit: () => ({ status: 'gone' }) as const,
      destroy() {
        if (isBroken) throw new Error('down');
      },
    };
    const guarded = guard({ store, deadlineMs: 500, environment: clock, events });
    const ends = endings({ store: guarded, onDestroyError: 'later', environment: clock, events });
    return { clock, told, guarded, ends, heal: () => (isBroken = false) };
  };

  test('is bounded: one too many pushes out the oldest, and that is told', () => {
    const { ends, guarded, told } = memoryOf();
    for (let i = 0; i <= MAX_KEPT; i++) ends.end(`${i}`, 'logout');
    ends.end('1', 'logout');

    expect([guarded.ended.size, guarded.ended.has('0'), guarded.ended.has('1')]).toEqual([MAX_KEPT, false, true]);
    expect(told.filter((text) => text.includes('session 0 was not confirmed'))).toHaveLength(1);
  });

  test('is given up after an hour, and that is told', async () => {
    const { ends, guarded, told, clock } = memoryOf();
    ends.end('a', 'logout');
    await letPass(clock, KEPT_MS - 100);
    expect(guarded.ended.has('a')).toBe(true);
    await letPass(clock, 6000);

    expect(guarded.ended.size).toBe(0);
    expect(told.at(-1)).toContain('session a was not confirmed');
  });

  test('is told to the store in the order in which it came, all at once when it is back', async () => {
    const { ends, told, clock, heal, guarded } = memoryOf();
    for (const id of ['a', 'b', 'c']) ends.end(id, 'logout');
    heal();
    await letPass(clock, 6000);

    expect(told.filter((text) => text.startsWith('destroyed'))).toEqual(['destroyed a', 'destroyed b', 'destroyed c']);
    expect(guarded.ended.size).toBe(0);
  });

  test('is left alone after close()', async () => {
    const { ends, told, clock, heal } = memoryOf();
    ends.end('a', 'logout');
    ends.close();
    heal();
    await letPass(clock, 60_000);
    expect(told.filter((text) => text.startsWith('destroyed'))).toEqual([]);
  });
});

test('only a logout clears a cookie of a failing answer', async () => {
  const { s, plan } = shopInTrouble();
  const ann = await signedIn(s);
  plan.fail({ verbs: ['commit'] });
  const { session, end } = await ann.begin();
  session.set('name', 'x');
  const lines: readonly HeaderLine[] | string[] = await failedLines(end());
  expect(lines).toEqual([]);
});

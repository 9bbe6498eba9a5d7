/** What visitors get while the store is down, as the application chooses. */
import { describe, expect, test } from 'vitest';
import { copying } from '../../test/support/copying.js';
import {
  DEGRADED,
  DOWN,
  letPass,
  outcome,
  type Shop,
  shopInTrouble,
  signedIn,
  stranger,
} from '../../test/support/trouble.js';
import { request, visitor } from '../../test/support/visitor.js';
import type { Duration, Session } from '../contract.js';
import { memory, sessions } from '../index.js';

const NOTHING_TOLD = [
  ['Vary', 'Cookie'],
  ['Cache-Control', 'no-store'],
];

describe('onReadError', () => {
  test("'fail', the default: a 503, and the cookie stays", async () => {
    const { s, plan } = shopInTrouble();
    const ann = await signedIn(s);
    plan.fail();

    expect(await outcome(ann.visit((session) => session.user))).toEqual(DOWN);
    expect(await visitor(s).visit((session) => [session.user, session.degraded])).toEqual([undefined, false]);
  });

  test("'anonymous': an empty stand-in that can be read; no cookie is set or cleared, and afterwards all is as before", async () => {
    const { s, plan } = shopInTrouble({ onReadError: 'anonymous' });
    const ann = await signedIn(s);
    plan.fail();

    const { result, lines } = await ann.ask((session) => [
      session.degraded,
      session.user,
      session.get('name'),
      [...session.keys()],
      session.take('flash'),
      session.isNew,
    ]);
    expect(result).toEqual([true, undefined, undefined, [], undefined, true]);
    expect(lines).toEqual(NOTHING_TOLD);

    plan.heal();
    expect(await ann.visit((session) => [session.degraded, session.user])).toEqual([false, 'ann']);
  });

  test.each<[string, (session: Session<Shop>) => unknown]>([
    ['set', (session) => session.set('name', 'x')],
    ['delete', (session) => session.delete('name')],
    ['update', (session) => session.update('name', () => 'x')],
    ['an assignment', (session) => (session.data.name = 'x')],
    ['login', (session) => session.login('bob')],
    ['remember', (session) => session.remember()],
    ['rotate', (session) => session.rotate()],
    ['destroy', (session) => session.destroy()],
    ['save', (session) => session.save()],
    ['requireFresh', (session) => session.requireFresh('1h')],
  ])('a stand-in is not changed: %s fails with a 503', async (_, change) => {
    const { s, plan, kept } = shopInTrouble({ onReadError: 'anonymous' });
    const ann = await signedIn(s);
    plan.fail({ verbs: ['load'] });
    const header = ann.header;

    expect(await outcome(ann.visit(async (session) => change(session)))).toEqual(DEGRADED);
    expect(ann.header).toBe(header);
    const ids: string[] = [];
    for await (const [id] of kept.list()) ids.push(id);
    expect(ids).toHaveLength(1);
  });

  test('trouble with one of two cookies: nobody knows, so a stand-in', async () => {
    const { s, plan } = shopInTrouble({ onReadError: 'anonymous' });
    const ann = await signedIn(s);
    const other = await signedIn(s);
    const both = [...ann.cookies.values(), ...other.cookies.values()].map((token) => `__Host-sid=${token}`).join('; ');
    // The first load and its second attempt.
    plan.failAt(1, { verbs: ['load'] });
    plan.failAt(2, { verbs: ['load'] });

    const session = await s.open(request(both));
    expect([session.degraded, session.user]).toEqual([true, undefined]);
  });

  test('damage is damage, whatever the policy', async () => {
    const { s, kept, ofKind } = shopInTrouble({ onReadError: 'anonymous' });
    const ann = await signedIn(s);
    kept.load = () => {
      throw Object.assign(new Error('cut off'), {
        name: 'SojournError',
        code: 'SOJOURN_CORRUPT',
        fault: 'store',
        details: { problem: 'cut off' },
      });
    };

    expect(await ann.visit((session) => [session.degraded, session.user])).toEqual([false, undefined]);
    expect(ofKind('corrupt')).toHaveLength(1);
  });

  test('one route may choose for itself', async () => {
    const { s, plan } = shopInTrouble();
    const ann = await signedIn(s);
    plan.fail();
    const cookies = request(ann.header);

    expect((await s.open(cookies, undefined, { onReadError: 'anonymous' })).degraded).toBe(true);
    expect(await outcome(Promise.resolve().then(() => s.open(cookies)))).toEqual(DOWN);

    const { s: lenient, plan: trouble } = shopInTrouble({ onReadError: 'anonymous' });
    const bob = await signedIn(lenient);
    trouble.fail();
    const strict = Promise.resolve().then(() => lenient.open(request(bob.header), undefined, { onReadError: 'fail' }));
    expect(await outcome(strict)).toEqual(DOWN);
  });
});

describe('onReadError: { stale }', () => {
  const world = (stale: Duration = '5m') => shopInTrouble({ onReadError: { stale } }, copying);
  const copied = async (stale?: Duration) => {
    const all = world(stale);
    const ann = await signedIn(all.s);
    await ann.visit((session) => session.get('name'));
    all.clock.advance('2s');
    all.plan.fail();
    return { ...all, ann };
  };

  test('the last copy stands in: it is read, and not changed', async () => {
    const { ann, plan, clock } = await copied();

    const { result, lines } = await ann.ask((session) => [session.degraded, session.user, session.get('name')]);
    expect([result, lines]).toEqual([[true, 'ann', 'Ann'], NOTHING_TOLD]);
    expect(await outcome(ann.visit((session) => session.set('name', 'x')))).toEqual(DEGRADED);
    expect(await outcome(ann.visit((session) => session.requireFresh('1h')))).toEqual(DEGRADED);
    plan.heal();
    await letPass(clock, 1000);
    expect(await ann.visit((session) => session.degraded)).toBe(false);
  });

  test('a change deep inside one of its values is not lost in silence', async () => {
    const { s, plan, clock } = world();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', ['book']));
    await ann.visit((session) => session.get('cart'));
    clock.advance('2s');
    plan.fail();

    expect(await outcome(ann.visit((session) => session.get('cart')!.push('more')))).toEqual(DEGRADED);
    expect(await ann.visit((session) => session.get('cart'))).toEqual(['book']);
  });

  test('a touch that is due is left for later: nothing is written', async () => {
    const { ann, clock, verbs } = await copied();
    clock.advance('4m');
    expect(await ann.visit((session) => session.user)).toBe('ann');
    expect(verbs().at(-1)).toBe('load');
  });

  test('the secret is compared: a copy opens nothing for another, and an outage is no sign-out', async () => {
    const { s, ann } = await copied();
    const [name, token] = [...ann.cookies][0]!;
    const forged = `${token.slice(0, 23)}${'x'.repeat(42)}A`;

    expect(await outcome(visitor(s, new Map([[name, forged]])).visit((session) => session.user))).toEqual(DOWN);
  });

  test('a copy does not outlive the session', async () => {
    const { ann, clock } = await copied('1d');
    clock.advance('29m');
    expect(await ann.visit((session) => session.user)).toBe('ann');
    clock.advance('1m');
    expect(await outcome(ann.visit((session) => session.user))).toEqual(DOWN);
  });

  test('nor its own age', async () => {
    const { ann, clock } = await copied();
    clock.advance('4m');
    expect(await ann.visit((session) => session.user)).toBe('ann');
    clock.advance('2m');
    expect(await outcome(ann.visit((session) => session.user))).toEqual(DOWN);
  });

  test('who has no copy gets a 503', async () => {
    const { s } = await copied();
    expect(await outcome(stranger(s).visit((session) => session.user))).toEqual(DOWN);
  });

  test('a session that has ended here has no copy', async () => {
    const { s, ann } = await copied();
    const id = await ann.visit((session) => session.id);
    expect(await outcome(s.destroy(id))).toEqual(DOWN);
    expect(await ann.visit((session) => [session.user, session.degraded])).toEqual([undefined, false]);
  });

  test('goes only with a store that keeps copies, and with a duration', () => {
    const store = memory();
    const refusal = (onReadError: never, over = store) => {
      try {
        sessions({ store: over, onReadError });
      } catch (error) {
        return (error as Error).message;
      }
      return 'none';
    };
    expect(refusal({ stale: '5m' } as never)).toMatch(/only over a store that keeps copies/);
    expect(refusal({ stale: 'soon' } as never, copying(store, Date))).toMatch(/stale of onReadError.*duration/);
    expect(refusal({ stale: '5m', more: 1 } as never, copying(store, Date))).toMatch(/more of onReadError/);
    for (const wrong of ['nothing', {}, [], 5, () => {}]) expect(refusal(wrong as never)).toMatch(/onReadError/);
  });
});

describe('onWriteError', () => {
  const idle = async (onWriteError: 'fail' | 'drop-touch') => {
    const all = shopInTrouble({ onWriteError });
    const ann = await signedIn(all.s);
    all.clock.advance('10m');
    all.plan.fail({ verbs: ['commit'] });
    return { ...all, ann };
  };

  test("'fail', the default: a read whose deadline cannot be moved is a 503", async () => {
    const { ann } = await idle('fail');
    expect(await outcome(ann.visit((session) => session.user))).toEqual(DOWN);
  });

  test("'drop-touch': it is answered, and moves the deadline next time", async () => {
    const { ann, plan, kept, clock } = await idle('drop-touch');
    expect((await ann.ask((session) => session.user)).lines).toEqual([['Vary', 'Cookie']]);
    expect(await ann.visit((session) => session.user)).toBe('ann');
    plan.heal();
    const id = await ann.visit((session) => session.id);
    expect((await kept.load(id))!.head.expiresAt).toBe(clock.now() + 30 * 60_000);
  });

  test("'drop-touch' with writes shut for a while: readers stay signed in", async () => {
    const { ann, clock } = await idle('drop-touch');
    for (let i = 0; i < 20; i++) {
      expect(await ann.visit((session) => session.user)).toBe('ann');
      await letPass(clock, 500);
    }
  });

  test.each<[string, (session: Session<Shop>) => void]>([
    ['data', (session) => session.set('name', 'x')],
    ['a login', (session) => session.login('ann')],
    ['a rotation', (session) => session.rotate()],
    ['remember', (session) => session.remember()],
  ])("'drop-touch' drops no %s", async (_, change) => {
    const { ann } = await idle('drop-touch');
    const header = ann.header;
    expect(await outcome(ann.visit(change))).toEqual(DOWN);
    expect(ann.header).toBe(header);
  });
});

describe('a login that the store does not confirm', () => {
  test.each(['create', 'commit'] as const)('fails without a cookie: %s', async (verb) => {
    const { s, plan } = shopInTrouble();
    plan.failAt(1, { verbs: [verb] });
    const ann = visitor(s);

    expect(await outcome(ann.visit((session) => session.login('ann')))).toEqual(DOWN);
    expect(ann.cookies.size).toBe(0);
    await ann.visit((session) => session.login('ann'));
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('leaves the session from before as it was', async () => {
    const { s, plan } = shopInTrouble();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', ['book']));
    const header = ann.header;
    plan.failAt(1, { verbs: ['commit'] });

    expect(await outcome(ann.visit((session) => session.login('ann')))).toEqual(DOWN);
    expect(ann.header).toBe(header);
    expect(await ann.visit((session) => [session.user, session.get('cart')])).toEqual([undefined, ['book']]);
  });

  test('of another user over a session leaves that one as it was', async () => {
    const { s, plan } = shopInTrouble();
    const ann = await signedIn(s);
    plan.failAt(1, { verbs: ['create'] });

    expect(await outcome(ann.visit((session) => session.login('bob')))).toEqual(DOWN);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });
});

test('describe() shows the policies', () => {
  const { s } = shopInTrouble({ deadline: '200ms', onWriteError: 'drop-touch', onDestroyError: 'later' });
  expect(s.describe()).toMatchObject({
    outage: { deadlineMs: 200, onReadError: 'fail', onWriteError: 'drop-touch', onDestroyError: 'later' },
  });
  const stale = shopInTrouble({ onReadError: { stale: '5m' } }, copying);
  expect(stale.s.describe()).toMatchObject({ outage: { onReadError: { staleMs: 300_000 } } });
});

test.each(['9ms', '61s', 0, -1, 'soon'])('a deadline of %s is refused', (deadline) => {
  expect(() => sessions({ store: memory(), deadline: deadline as never })).toThrow(/deadline/);
});

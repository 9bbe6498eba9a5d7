/** Commits on a replica: the rule of every store, and what it means when copies meet that took different ones. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runs } from '../../../test/support/exam.js';
import { live } from '../../../test/support/replicas.js';
import type { Delta, Head, Stored, Write } from '../../contract.js';
import { apply } from '../../core/delta.js';
import { applyTo } from './apply.js';
import { merge, reconcile } from './merge.js';
import { created, ended, type Live, newestOf, type Replica, storedOf } from './replica.js';
import { readReplica } from './replica-read.js';
import { stampOf } from './stamp.js';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 5);
const b = (text: string) => Buffer.from(text);
const secret = (digit: number) => Buffer.alloc(32, digit);
const set = (value: string): Write => ({ op: 'set', value: b(value) });
const remove: Write = { op: 'delete' };
const swap = (expect: string | null, value: string | null): Write => ({
  op: 'swap',
  expect: expect === null ? null : b(expect),
  value: value === null ? null : b(value),
});

interface Change extends Partial<Omit<Delta, 'head' | 'fields'>> {
  readonly head?: Partial<Head>;
  readonly fields?: Record<string, Write>;
}

/** The change as a delta of somebody who has just read `one`. */
function deltaOf(one: Live, { head, fields, ...rest }: Change, at: number): Delta {
  return {
    generation: one.head.generation,
    ...rest,
    head: { expiresAt: NOW + at + 1000, ...head },
    fields: new Map(Object.entries(fields ?? {})),
  };
}

/** What a server makes of a copy, so many milliseconds after the beginning. */
function commit(one: Replica, at: number, change: Change): Live {
  const [outcome, next] = applyTo(one, deltaOf(one as Live, change, at), stampOf(NOW + at, 0, 7), NOW + at);
  if (next === null) throw new Error(`the commit at ${at} met ${outcome.status}`);
  return next;
}

const start = created(
  {
    head: { createdAt: NOW, expiresAt: NOW + 1000, version: 1, generation: 0, secret: secret(1) },
    fields: new Map([
      ['cart', b('book')],
      ['views', b('1')],
    ]),
  },
  stampOf(NOW, 0, 7),
);
const login = (user: string, digit: number): Change => ({
  head: {
    user,
    signedInAt: NOW,
    generation: 1,
    secret: secret(digit),
    previous: { secret: secret(1), until: NOW + 60_000, opens: 'nothing' },
  },
});
const rotation = (from: number, to: number, at: number): Change => ({
  replaces: secret(from),
  head: { secret: secret(to), previous: { secret: secret(from), until: NOW + at + 10_000, opens: 'session' } },
});

function seen(one: Replica): Record<string, unknown> | null {
  const stored = storedOf(one);
  if (stored === null) return null;
  const { head, fields } = stored;
  const texts = Object.fromEntries([...fields].map(([name, value]) => [name, String(value)]).sort());
  return { user: head.user, secret: head.secret?.[0], opens: head.previous?.opens, ...texts };
}

/** The two as one, whoever begins. */
function both(one: Replica, other: Replica): { readonly replica: Replica; readonly lost: readonly string[] } {
  const [first, second] = [merge(one, other), merge(other, one)];
  expect(first.replica.bytes.toString('hex')).toBe(second.replica.bytes.toString('hex'));
  expect(first.lost).toEqual(second.lost);
  return first;
}

describe('on one copy', () => {
  const few = fc.constantFrom('a', 'b', 'bb', 'ä', 'new');
  const short = fc.uint8Array({ maxLength: 2 });
  const write: fc.Arbitrary<Write> = fc.oneof(
    fc.record({ op: fc.constant('set' as const), value: short }),
    fc.record({ op: fc.constant('delete' as const) }),
    fc.record({ op: fc.constant('swap' as const), expect: fc.option(short), value: fc.option(short) }),
  );
  const hash = fc.constantFrom(secret(1), secret(2), secret(3));
  const change = fc.record({
    generation: fc.constantFrom(0, 1, 1, 1),
    replaces: fc.option(hash, { nil: undefined, freq: 4 }),
    head: fc.record(
      {
        expiresAt: fc.constantFrom(5, 1000, 1002, Date.UTC(2027)),
        secret: hash,
        previous: fc.record({ secret: hash, until: fc.constantFrom(5, 1500), opens: fc.constant('nothing' as const) }),
        user: fc.constantFrom('ann', 'cy'),
        signedInAt: fc.constant(999),
        remember: fc.boolean(),
        generation: fc.constantFrom(1, 2, 7),
      },
      { requiredKeys: ['expiresAt'] },
    ),
    fields: fc.array(fc.tuple(few, write), { maxLength: 4 }).map((entries) => new Map(entries)),
  });
  const delta = change.map(({ replaces, ...rest }): Delta => ({ ...rest, ...(replaces && { replaces }) }));

  test('a commit is what it is on every store, to the byte', () => {
    fc.assert(
      fc.property(live, delta, fc.constantFrom(999, 1000), (one, wanted, now) => {
        const before = storedOf(one)!;
        const [outcome, next] = apply({ ...before, fields: new Map(before.fields) }, wanted, now);
        fc.pre(next === null || next.head.generation >= before.head.generation);
        const [replicaOutcome, replica] = applyTo(one, wanted, stampOf(300, 0, 7), now);
        expect(replicaOutcome).toEqual(outcome);
        expect(replica && sorted(storedOf(replica)!)).toEqual(next && sorted(next));
        if (replica !== null) expect(storedOf(replica)!.fields.size).toBe(next!.fields.size);
        if (replica !== null) expect(sorted(storedOf(readReplica(replica.bytes))!)).toEqual(sorted(next!));
      }),
      { numRuns: runs(500, 10_000) },
    );
  });

  test('it says all that was there: who has only that has nothing to add', () => {
    fc.assert(
      fc.property(live, delta, (one, wanted) => {
        const before = storedOf(one)!.head;
        // An earlier deadline is the one thing that does not outlast a copy with the later one.
        const head = { ...wanted.head, expiresAt: Math.max(wanted.head.expiresAt, before.expiresAt) };
        const generation = wanted.head.generation ?? before.generation;
        fc.pre(generation >= before.generation);
        const [, replica] = applyTo(one, { ...wanted, head }, stampOf(300, 0, 7), 999);
        fc.pre(replica !== null);
        expect(both(replica, one).replica.bytes.equals(replica.bytes)).toBe(true);
        expect(reconcile(one, replica).replica.bytes.equals(replica.bytes)).toBe(true);
        expect(both(replica, one).lost).toEqual([]);
      }),
      { numRuns: runs(500, 10_000) },
    );
  });

  test('it keeps nothing of what the delta was made of', () => {
    const value = b('pen');
    const hashed = secret(2);
    const next = commit(start, 1, { head: { secret: hashed }, fields: { cart: { op: 'set', value } } });
    value.fill(0);
    hashed.fill(0);
    expect(seen(next)).toMatchObject({ secret: 2, cart: 'pen' });
  });

  test('nothing lands on what has ended or was never there', () => {
    const end = ended(start, stampOf(NOW, 1, 7), NOW);
    for (const one of [end, null]) {
      expect(applyTo(one, deltaOf(start, {}, 1), stampOf(NOW + 1, 0, 7), NOW)).toEqual([{ status: 'gone' }, null]);
    }
  });

  test('a stamp that is not later than all there is would lose the write, so it is refused', () => {
    const late = commit(start, 5, { fields: { views: set('2') } });
    const again = () => applyTo(late, deltaOf(late, { fields: { cart: set('x') } }, 6), newestOf(late), NOW + 6);
    expect(again).toThrow('the stamp of the write is not later than what is there');
    expect(() => applyTo(late, deltaOf(late, { head: { generation: -1 } }, 6), stampOf(NOW + 6, 0, 7), NOW)).toThrow(
      'its generation would go back',
    );
  });
});

describe('fields', () => {
  test('that different people changed on different copies all survive', () => {
    const [one, other] = [
      commit(start, 1, { fields: { cart: set('pen') } }),
      commit(start, 2, { fields: { name: set('Ann') } }),
    ];
    const met = both(one, other);
    expect([seen(met.replica), met.lost]).toEqual([
      { user: undefined, secret: 1, opens: undefined, cart: 'pen', name: 'Ann', views: '1' },
      [],
    ]);
  });

  test('written on two copies keep the later value, and the loss of the other one is told', () => {
    const one = commit(start, 1, { fields: { views: swap('1', '2'), cart: set('pen') } });
    const other = commit(start, 2, { fields: { views: swap('1', '5') } });
    const met = both(one, other);
    expect(seen(met.replica)).toMatchObject({ views: '5', cart: 'pen' });
    expect(met.lost).toEqual(['views']);
  });

  test('the loss is told also of a side that made fewer commits, and of one that is far from the parting of ways', () => {
    let other: Live = start;
    for (let at = 2; at <= 9; at++) other = commit(other, at, { fields: { views: set(String(at)) } });
    const one = commit(start, 1, { fields: { views: set('mine') } });
    expect(both(one, other).lost).toEqual(['views']);
    for (let at = 10; at <= 30; at++) other = commit(other, at, { fields: { views: set(String(at)) } });
    const two = commit(one, 3, { fields: { cart: set('pen') } });
    expect(both(two, other).lost).toEqual(['views']);
  });

  test('of a copy that was merely behind are not lost, however far', () => {
    let ahead: Live = start;
    const past: Live[] = [];
    for (let at = 1; at <= 40; at++) {
      past.push(ahead);
      ahead = commit(ahead, at, at % 3 === 0 ? {} : { fields: { [at % 2 ? 'views' : 'cart']: set(String(at)) } });
    }
    for (const one of past) {
      const met = both(one, ahead);
      expect([met.replica.bytes.equals(ahead.bytes), met.lost]).toEqual([true, []]);
    }
  });

  test('are told where two sides had much in common before, and only those that were written since', () => {
    let shared: Live = start;
    for (let at = 1; at <= 4; at++) shared = commit(shared, at, { fields: { views: set(String(at)) } });
    const one = commit(commit(shared, 5, {}), 7, { fields: { cart: set('pen') } });
    const other = commit(commit(shared, 6, { fields: { views: set('9') } }), 8, { fields: { cart: set('boat') } });
    expect(seen(both(one, other).replica)).toMatchObject({ views: '9', cart: 'boat' });
    expect(both(one, other).lost).toEqual(['cart']);
  });

  test('with the same value on both sides are no loss', () => {
    const one = commit(start, 1, { fields: { views: set('2') } });
    const other = commit(start, 2, { fields: { views: set('2') } });
    expect(both(one, other).lost).toEqual([]);
  });

  test('deleted here and set there: what came later stands, and only a value can be lost', () => {
    const gone = commit(start, 1, { fields: { cart: remove } });
    const later = commit(start, 2, { fields: { cart: set('pen') } });
    expect([seen(both(gone, later).replica), both(gone, later).lost]).toMatchObject([{ cart: 'pen' }, []]);
    const first = commit(start, 1, { fields: { cart: set('pen') } });
    const goneLater = commit(start, 2, { fields: { cart: remove } });
    expect(seen(both(first, goneLater).replica)).not.toHaveProperty('cart');
    expect(both(first, goneLater).lost).toEqual(['cart']);
  });

  test('that were deleted do not come back with an old copy', () => {
    const taken = commit(start, 1, { fields: { cart: swap('book', null) } });
    expect(seen(both(taken, start).replica)).not.toHaveProperty('cart');
  });

  test('deleted twice, or never there, are deleted all the same on the other copy', () => {
    const gone = commit(commit(start, 1, { fields: { gift: remove } }), 3, { fields: { gift: remove } });
    const set2 = commit(start, 2, { fields: { gift: set('ring') } });
    expect(seen(both(gone, set2).replica)).not.toHaveProperty('gift');
  });

  test('are counted, whatever became of tombstones beside them', () => {
    const gone = commit(start, 1, { fields: { cart: remove, gift: remove, name: set('Ann') } });
    const back = commit(gone, 2, { fields: { gift: set('ring') } });
    const sizes = [start, gone, back, both(back, start).replica].map((one) => storedOf(one)!.fields.size);
    expect(sizes).toEqual([2, 2, 3, 3]);
  });
});

describe('tombstones', () => {
  const hours = (count: number) => count * 3_600_000;
  const long = { head: { expiresAt: NOW + 30 * DAY_MS } };
  const before = commit(start, 1, long);
  const gone = commit(before, 2, { ...long, fields: { cart: remove } });

  test('are dropped by the first commit after a day', () => {
    const kept = commit(gone, hours(23), { ...long, fields: { views: set('2') } });
    const dropped = commit(gone, hours(25), { ...long, fields: { views: set('2') } });
    expect(kept.groups.map(({ dead }) => dead)).toEqual([0, 1, 0]);
    expect(dropped.groups.map(({ dead }) => dead)).toEqual([0, 0]);
  });

  test('and even then no copy brings the field back', () => {
    const dropped = commit(gone, hours(25), { ...long, fields: { views: set('2') } });
    expect(seen(both(dropped, start).replica)).toEqual(seen(dropped));
    const touched = commit(before, hours(24), { ...long, fields: { name: set('Ann') } });
    expect(seen(both(dropped, touched).replica)).toEqual({ ...seen(dropped), name: 'Ann' });
  });

  test('are so many at most, however many fields come and go', () => {
    let one = start;
    for (let at = 1; at <= 300; at++) one = commit(one, at, { fields: { [`flash:${at}`]: remove } });
    expect(one.groups.reduce((total, { dead }) => total + dead, 0)).toBe(128);
    const old = commit(start, 1, { fields: { 'flash:1': set('hello') } });
    expect(seen(both(one, old).replica)).not.toHaveProperty('flash:1');
  });

  test('do not outlive a login', () => {
    const signedIn = commit(gone, 3, login('ann', 2));
    expect(signedIn.groups.map(({ count, dead }) => [count, dead])).toEqual([[1, 0]]);
    expect(seen(both(signedIn, start).replica)).toEqual(seen(signedIn));
  });
});

describe('a login', () => {
  test('drops what was written before it, also later and elsewhere', () => {
    const signedIn = commit(start, 1, login('ann', 2));
    const planted = commit(commit(start, 2, { fields: { cart: set('planted') } }), 3, rotation(1, 9, 3));
    const met = both(signedIn, planted);
    expect(seen(met.replica)).toEqual(seen(signedIn));
    expect(met.lost).toEqual(['cart']);
  });

  test('leaves the token of before without a use, whatever was rotated meanwhile', () => {
    const signedIn = commit(start, 1, login('ann', 2));
    const rotated = commit(start, 5, rotation(1, 9, 5));
    expect(seen(both(signedIn, rotated).replica)).toMatchObject({ secret: 2, opens: 'nothing', user: 'ann' });
  });

  test('on one side and another on the other: one of them, whole, and no field of the other user', () => {
    const ann = commit(commit(start, 1, login('ann', 2)), 3, { fields: { letters: set("Ann's") } });
    const bob = commit(commit(start, 2, login('bob', 3)), 4, { fields: { name: set('Bob') } });
    const met = both(ann, bob);
    expect(seen(met.replica)).toEqual(seen(bob));
    expect(met.lost).toEqual(['letters']);
  });

  test('twice on one side counts more than a later one on the other', () => {
    const twice = commit(commit(start, 1, login('ann', 2)), 2, { head: { ...login('ann', 4).head, generation: 2 } });
    const once = commit(start, 9, login('bob', 3));
    expect(seen(both(twice, once).replica)).toEqual(seen(twice));
  });

  describe('that is tried again, since a node that may have taken it has not said so', () => {
    const firstStamp = stampOf(NOW + 1, 0, 7);
    const first = commit(start, 1, login('ann', 2));
    /** Tried again on top of what others have written meanwhile. */
    const again = (before: Live, change = login('ann', 2), from = firstStamp): Live =>
      applyTo(before, deltaOf(before, change, 5), stampOf(NOW + 5, 0, 7), NOW + 5, from)[1]!;

    test('is the same login: what was written after either try is in both', () => {
      const second = again(commit(start, 2, { fields: { cart: set('map') } }));
      const afterFirst = commit(first, 3, { fields: { views: set('2') } });
      const afterSecond = commit(second, 6, { fields: { name: set('Ann') } });
      const met = both(afterFirst, afterSecond);
      expect(seen(met.replica)).toMatchObject({ user: 'ann', cart: 'map', views: '2', name: 'Ann' });
      expect(met.lost).toEqual([]);
    });

    test('brings nothing back that was deleted between the two', () => {
      const second = again(commit(start, 2, { fields: { cart: remove } }));
      expect(seen(both(first, second).replica)).not.toHaveProperty('cart');
    });

    test('its own fields count more than what was written between the two', () => {
      const change = { ...login('ann', 2), fields: { cart: set('hers'), views: remove } };
      const between = commit(start, 2, { fields: { cart: set('map'), views: set('7') } });
      const met = both(commit(start, 1, change), again(between, change));
      expect(seen(met.replica)).toMatchObject({ user: 'ann', cart: 'hers' });
      expect(seen(met.replica)).not.toHaveProperty('views');
    });

    test('keeps no tombstone from before its first try', () => {
      const deleted = commit(start, 1, { fields: { cart: remove } });
      const second = again(
        commit(deleted, 4, { fields: { views: set('2') } }),
        login('ann', 2),
        stampOf(NOW + 3, 0, 7),
      );
      expect(second.groups.map(({ dead }) => dead)).toEqual([0, 0]);
    });
  });

  test('and the deadline is its own: touches of the session before it do not count', () => {
    const signedIn = commit(start, 1, login('ann', 2));
    const touched = commit(start, 900, {});
    expect(both(signedIn, touched).replica).toHaveProperty('head.expiresAt', NOW + 1001);
  });
});

describe('a rotation', () => {
  test('on both sides: one secret wins, and the one before both opens the session until its time', () => {
    const [one, other] = [commit(start, 1, rotation(1, 2, 1)), commit(start, 2, rotation(1, 3, 2))];
    const { head } = both(one, other).replica as Live;
    expect([head.secret, head.previous?.secret, head.previous?.opens]).toEqual([secret(3), secret(1), 'session']);
  });

  test('is not undone by what else happens to the session later', () => {
    const rotated = commit(start, 1, rotation(1, 2, 1));
    for (const change of [{}, { fields: { cart: set('pen') } }, { head: { remember: true } }]) {
      expect(seen(both(rotated, commit(start, 5, change)).replica)).toMatchObject({ secret: 2, opens: 'session' });
    }
  });

  test('keeps what was touched meanwhile', () => {
    const rotated = commit(start, 1, rotation(1, 2, 1));
    expect(both(rotated, commit(start, 500, {})).replica).toHaveProperty('head.expiresAt', NOW + 1500);
  });

  test('that another one has overtaken is a conflict, and writes nothing', () => {
    const rotated = commit(start, 1, rotation(1, 2, 1));
    const late = applyTo(rotated, deltaOf(rotated, rotation(1, 3, 2), 2), stampOf(NOW + 2, 0, 8), NOW + 2);
    expect(late).toEqual([{ status: 'conflict', fields: new Map() }, null]);
  });

  test('a secret whose grace is over stays forgotten', () => {
    const until = { head: { expiresAt: NOW + DAY_MS } };
    const rotated = commit(start, 1, { ...rotation(1, 2, 1), head: { ...rotation(1, 2, 1).head, ...until.head } });
    const later = commit(rotated, 20_000, until);
    expect(seen(later)).toMatchObject({ secret: 2, opens: undefined });
    expect(seen(both(later, rotated).replica)).toMatchObject({ secret: 2, opens: undefined });
  });
});

describe('the deadline', () => {
  test('is the later one, whoever touched', () => {
    const [one, other] = [commit(start, 400, {}), commit(start, 700, { fields: { views: set('2') } })];
    expect(both(one, other).replica).toHaveProperty('head.expiresAt', NOW + 1700);
    expect(both(one, start).replica).toHaveProperty('head.expiresAt', NOW + 1400);
  });

  test('of another lifetime is not taken over: who asked for a shorter one gets it', () => {
    const remembered = commit(start, 1, { head: { remember: true, expiresAt: NOW + 30 * DAY_MS } });
    const no = commit(remembered, 2, { head: { remember: false, expiresAt: NOW + 1002 } });
    const touched = commit(remembered, 9, { head: { expiresAt: NOW + 30 * DAY_MS + 9 } });
    expect(both(no, touched).replica).toMatchObject({ head: { remember: false, expiresAt: NOW + 1002 } });
    expect(both(remembered, commit(start, 9, {})).replica).toMatchObject({
      head: { remember: true, expiresAt: NOW + 30 * DAY_MS },
    });
  });

  test('that a server with a slow clock moved back is what the store keeps, until a copy with the later one comes', () => {
    const back = commit(start, 5, { head: { expiresAt: NOW + 900 } });
    expect(back.head.expiresAt).toBe(NOW + 900);
    expect(both(back, start).replica).toHaveProperty('head.expiresAt', NOW + 1000);
  });
});

describe('an end', () => {
  test('stands against everything', () => {
    const end = ended(start, stampOf(NOW + 1, 0, 7), NOW + 1);
    const later = [commit(start, 9, login('ann', 2)), commit(start, 9, rotation(1, 2, 9)), commit(start, 9, {}), start];
    for (const one of later) expect(both(end, one).replica).toBe(end);
    expect(both(end, ended(start, stampOf(NOW + 9, 0, 8), NOW + 9)).replica).toMatchObject({
      kind: 'ended',
      until: NOW + 9 + DAY_MS,
    });
  });
});

describe('the version', () => {
  test('that two copies reached apart belongs to neither of them when they have met', () => {
    const one = commit(start, 1, { fields: { views: set('2') } });
    const other = commit(start, 2, { fields: { cart: set('pen') } });
    const met = reconcile(one, other).replica as Live;
    expect([one.head.version, other.head.version, met.head.version]).toEqual([2, 2, 3]);
    expect(commit(met, 3, {}).head.version).toBe(4);
  });

  test('of a copy that was behind is left behind without another step', () => {
    const ahead = commit(start, 1, { fields: { views: set('2') } });
    expect(reconcile(start, ahead).replica).toBe(ahead);
  });

  test('grows with a login that was made of an older version', () => {
    const signedIn = commit(start, 1, login('ann', 2));
    let other = start;
    for (let at = 2; at < 7; at++) other = commit(other, at, {});
    expect((reconcile(signedIn, other).replica as Live).head.version).toBe(7);
  });
});

function sorted({ head, fields }: Stored): unknown {
  const hexOf = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');
  return {
    head: { ...head, secret: hexOf(head.secret), previous: { ...head.previous, secret: hexOf(head.previous?.secret) } },
    fields: [...fields].map(([name, value]) => [name, hexOf(value)!] as const).sort(([x], [y]) => (x < y ? -1 : 1)),
  };
}

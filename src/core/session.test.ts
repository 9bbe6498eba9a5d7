/** What handlers hold: an object of fields, safe to log, that says no where it must. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { request, visitor } from '../../test/support/visitor.js';
import { json } from '../codecs/json.js';
import type { Session, Store } from '../index.js';
import { memory, sessions, type } from '../index.js';
import { controllableClock } from '../testing/clock.js';
import { bearer } from '../transports/bearer.js';

interface Shop {
  views: number;
  cart: string[];
  [more: string]: unknown;
}

function shop() {
  const store = memory();
  const verbs: string[] = [];
  const told: Store = {
    name: 'told',
    load: (id) => store.load(id),
    create: (id, session) => store.create(id, session),
    commit: (id, delta) => store.commit(id, delta),
    destroy: (id) => {
      verbs.push(`destroy ${id}`);
      store.destroy(id);
    },
  };
  return { s: sessions({ data: type<Shop>(), store: told, sweep: false }), verbs };
}
const stored = async (s: ReturnType<typeof shop>['s']) => {
  const ann = visitor(s);
  await ann.visit((session) => session.set('cart', ['ticket']));
  return ann;
};

describe('session.data', () => {
  test('is one object for the whole request, and asking for it is looking at the session', async () => {
    const { s } = shop();

    expect((await visitor(s).ask((session) => void session.data)).lines).toEqual([['Vary', 'Cookie']]);
    await visitor(s).visit((session) => {
      expect(session.data).toBe(session.data);
      expect(Object.keys(session.data)).toEqual([]);
    });
  });

  test('behaves like a plain object of plain properties', async () => {
    const ann = await stored(shop().s);

    await ann.visit(({ data }) => {
      expect(Object.getOwnPropertyDescriptor(data, 'cart')).toEqual({
        value: ['ticket'],
        writable: true,
        enumerable: true,
        configurable: true,
      });
      expect(Object.getOwnPropertyDescriptor(data, 'views')).toBeUndefined();
      expect(['cart' in data, 'views' in data, delete data.views, delete data.cart, 'cart' in data]).toEqual([
        true,
        false,
        true,
        true,
        false,
      ]);
    });
  });

  test('has no symbols, and cannot be given properties that are no fields', async () => {
    const ann = await stored(shop().s);
    const mark = Symbol('mark');

    await ann.visit(({ data }) => {
      const odd = data as Record<symbol, unknown>;
      expect([
        odd[mark],
        mark in odd,
        Object.getOwnPropertyDescriptor(odd, mark),
        Reflect.set(odd, mark, 1),
        Reflect.deleteProperty(odd, mark),
      ]).toEqual([undefined, false, undefined, false, true]);
      expect(Reflect.defineProperty(data, 'views', { get: () => 1 })).toBe(false);
      expect(Object.keys(data)).toEqual(['cart']);
    });
  });
});

describe('in a log', () => {
  test('a session shows its id, its user and whether it is new, and no field', async () => {
    const { s } = shop();
    const ann = await stored(s);

    await ann.visit((session) => {
      expect(inspect(session)).toBe(`Session { id: ${session.id}, isNew: false, user: undefined }`);
      session.login('ann');
      expect(inspect(session)).toBe(`Session { id: ${session.id}, isNew: false, user: "ann" }`);
    });
    await ann.visit((session) => expect(inspect(session)).toContain('user: "ann"'));
    expect(inspect(await s.open(request(undefined)))).toBe(
      'Session { id: not given yet, isNew: true, user: undefined }',
    );
  });

  test('logging one does not count as looking at it', async () => {
    expect((await visitor(shop().s).ask((session) => void inspect(session))).lines).toEqual([]);
  });
});

describe('ends and beginnings', () => {
  test('ending a session that was never stored asks nothing of the store', async () => {
    const { s, verbs } = shop();

    await visitor(s).visit((session) => {
      expect(session.id).toHaveLength(22);
      session.destroy();
    });

    expect(verbs).toEqual([]);
  });

  test('set to undefined is delete', async () => {
    const ann = await stored(shop().s);
    await ann.visit((session) => session.set('cart', undefined));

    expect(await ann.visit((session) => session.has('cart'))).toBe(false);
  });

  test('a user may take 1024 bytes, and is named in no message', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('é'.repeat(512)));

    expect(await ann.visit((session) => session.user)).toBe('é'.repeat(512));
    const refusal = async (user: unknown) => visitor(s).visit((session) => session.login(user as string));
    await expect(refusal('é'.repeat(513))).rejects.toMatchObject({ message: expect.not.stringContaining('é') });
    await expect(refusal('é'.repeat(513))).rejects.toMatchObject({ details: { got: 'another' } });
    await expect(refusal(7)).rejects.toMatchObject({ details: { got: '7' } });
  });
});

describe('the engine and its parts', () => {
  test('a framework’s own request object leads back to its session', async () => {
    const { s } = shop();
    const [owner, stranger] = [{}, {}];
    const session = await s.open(request(undefined), owner);

    expect(s.from(owner)).toBe(session);
    for (const other of [stranger, undefined as unknown as object])
      expect(() => s.from(other)).toThrowError(expect.objectContaining({ code: 'SOJOURN_NO_SESSION' }));
  });

  test('what is no session of ours cannot be saved', () => {
    expect(() => shop().s.save({} as Session<Shop>)).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_NO_SESSION' }),
    );
  });

  test('the given transport and codec are used', async () => {
    const codec = { ...json(), name: 'mine', encode: () => Buffer.from('"mine"') };
    const s = sessions({ data: type<Shop>(), store: memory(), transport: bearer(), codec, sweep: false });
    const session = await s.open(request(undefined));
    session.set('views', 1);
    const lines = await s.save(session);
    const token = lines
      .map(([, value]) => /[\w-]{22}\.[\w-]{43}/.exec(value)?.[0])
      .find((found) => found !== undefined);

    expect(lines.map(([name]) => name)).not.toContain('Set-Cookie');
    expect((await s.open(request(undefined, { authorization: `Bearer ${token}` }))).get('views')).toBe('mine');
    expect(s.describe()).toMatchObject({ codec: 'mine' });
  });

  test('what needs an index by user says so where there is none', () => {
    const { s } = shop();

    expect(() => (s as unknown as { of(user: string): void }).of('ann')).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringContaining('told has none') }),
    );
  });

  test.each([undefined, '', 7])('destroy(%j) is refused', async (id) => {
    await expect(shop().s.destroy(id as string)).rejects.toMatchObject({
      code: 'SOJOURN_OPTION',
      message: expect.stringContaining('id of destroy()'),
    });
  });

  test.each([
    [null, 'null'],
    [7, '7'],
    ['redis://', '"redis://"'],
    [{ load() {} }, 'something without create, commit, destroy'],
    [{ load() {}, create() {}, commit() {} }, 'something without destroy'],
  ])('%j is no store', (store, got) => {
    expect(() => sessions({ store } as never)).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringContaining(`${got}`) }),
    );
  });
});

describe('sweeping', () => {
  /** A store with so many expired sessions. */
  function dusty(expired: number) {
    const clock = controllableClock();
    const asked: number[] = [];
    let closed = 0;
    const store = {
      name: 'dusty',
      load: () => null,
      create: () => 'ok' as const,
      commit: () => ({ status: 'gone' as const }),
      destroy: () => undefined,
      close: () => void closed++,
      sweep(limit: number) {
        asked.push(limit);
        if (expired < 0) throw new Error('disk full');
        const removed = Math.min(limit, expired);
        expired -= removed;
        return removed;
      },
    };
    const errors: object[] = [];
    const s = sessions({ store, environment: clock, on: { storeError: (event) => errors.push(event) } });
    return { s, clock, asked, errors, closedTimes: () => closed };
  }
  const turns = async (n: number) => {
    for (let i = 0; i < n; i++) await new Promise(setImmediate);
  };

  test('goes on in small bites until nothing is left, each minute anew', async () => {
    const { s, clock, asked } = dusty(450);

    clock.advance('1m');
    expect(asked).toEqual([200]);
    await turns(5);
    expect(asked).toEqual([200, 200, 200]);
    clock.advance('1m');
    await turns(5);
    expect(asked).toHaveLength(4);
    await s.close();
  });

  test('a full bite is followed by another look, and a hundred bites are enough for once', async () => {
    const full = dusty(200);
    full.clock.advance('1m');
    await turns(5);
    expect(full.asked).toHaveLength(2);

    const endless = dusty(Number.POSITIVE_INFINITY);
    endless.clock.advance('1m');
    await turns(300);
    expect(endless.asked).toHaveLength(100);
    await Promise.all([full.s.close(), endless.s.close()]);
  });

  test('trouble is told, and the next minute tries again', async () => {
    const { s, clock, asked, errors } = dusty(-1);
    clock.advance('1m');
    await turns(3);
    clock.advance('1m');
    await turns(3);

    expect(errors).toEqual([
      { store: 'dusty', operation: 'sweep', error: expect.objectContaining({ message: 'disk full' }) },
      { store: 'dusty', operation: 'sweep', error: expect.anything() },
    ]);
    expect(asked).toHaveLength(2);
    await s.close();
  });

  test('close in its middle ends it without a word: the store is told nothing more, and nobody hears of trouble', async () => {
    const { s, clock, asked, errors } = dusty(Number.POSITIVE_INFINITY);
    clock.advance('1m');
    await turns(3);
    const before = asked.length;
    await s.close();
    await turns(10);
    expect(before).toBeGreaterThan(1);
    expect(asked).toHaveLength(before);
    expect(errors).toEqual([]);
  });

  test('close ends it, and closes the store', async () => {
    const { s, clock, asked, closedTimes } = dusty(1);
    await s.close();
    clock.advance('1h');
    await turns(3);

    expect([asked, closedTimes()]).toEqual([[], 1]);
  });

  test('a store that forgets by itself is left alone', async () => {
    const clock = controllableClock();
    const errors: object[] = [];
    const { load, create, commit, destroy } = memory();
    const store: Store = { name: 'plain', load, create, commit, destroy };
    sessions({ store, environment: clock, on: { storeError: (event) => errors.push(event) } });

    clock.advance('1h');
    await turns(3);

    expect(errors).toEqual([]);
  });

  test('between two bites others have their turn', async () => {
    const { s, clock, asked } = dusty(1000);
    clock.advance('1m');
    for (let i = 0; i < 50; i++) await null;

    expect(asked).toHaveLength(1);
    await turns(10);
    expect(asked).toHaveLength(6);
    await s.close();
  });
});

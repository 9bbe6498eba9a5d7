/** The engine's promises, told as what happens to visitors. The store is the real memory store behind a recorder of calls. */
import { describe, expect, test } from 'vitest';
import { EVENTS } from '../../test/support/events.js';
import { request, visitor } from '../../test/support/visitor.js';
import type { Events, Sessions, SessionsOptions, Store } from '../index.js';
import { memory, sessions, type } from '../index.js';
import { controllableClock } from '../testing/clock.js';

interface Shop {
  views: number;
  cart: string[];
  name: string;
  flash: string[];
  [more: string]: unknown;
}
type Told = { [E in keyof Events]: [E, Events[E]] }[keyof Events];

function shop(options: Partial<SessionsOptions<Shop, ReturnType<typeof memory>>> = {}) {
  const clock = controllableClock();
  const store = memory({ now: clock.now });
  const calls: string[] = [];
  const counted = new Proxy(store, {
    get(target, verb) {
      const value = Reflect.get(target, verb) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.push(String(verb));
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
  const told: Told[] = [];
  const s = sessions({ data: type<Shop>(), store: counted, environment: clock, sweep: false, ...options });
  for (const event of EVENTS) {
    s.on(event, (payload) => told.push([event, payload] as Told));
  }
  const ofKind = <E extends keyof Events>(kind: E) =>
    told.filter(([event]) => event === kind).map(([, e]) => e as Events[E]);
  return { s, store, clock, calls, told, ofKind };
}

const setCookies = (lines: readonly (readonly [string, string])[]) => lines.filter(([name]) => name === 'Set-Cookie');

describe('visitors who keep nothing', () => {
  test('an anonymous visitor costs the store nothing and gets no cookie', async () => {
    const { s, calls } = shop();

    for (let i = 0; i < 100; i++) {
      const { lines } = await visitor(s).ask((session) => [
        session.get('views'),
        session.has('cart'),
        session.user,
        [...session.keys()],
      ]);
      expect(lines).toEqual([['Vary', 'Cookie']]);
    }

    expect(calls).toEqual([]);
  });

  test('a request that does not look at the session changes no header', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('name', 'Ann'));

    expect((await ann.ask(() => undefined)).lines).toEqual([]);
  });

  test('values set and deleted again in one request leave nothing behind', async () => {
    const { s, calls } = shop();

    const { lines } = await visitor(s).ask((session) => {
      session.set('views', 1);
      session.delete('views');
    });

    expect([calls, lines]).toEqual([[], [['Vary', 'Cookie']]]);
  });
});

describe('visitors who come back', () => {
  test('a value set in one request is there in the next, and the cookie is sent once', async () => {
    const { s } = shop();
    const ann = visitor(s);

    const first = await ann.ask((session) => session.set('name', 'Ann'));
    const second = await ann.ask((session) => session.get('name'));

    expect(setCookies(first.lines)).toHaveLength(1);
    expect(first.lines).toContainEqual(['Cache-Control', 'no-store']);
    expect(second).toEqual({ result: 'Ann', lines: [['Vary', 'Cookie']] });
  });

  test('1,000 reads inside the touch window write nothing', async () => {
    const { s, calls, clock } = shop({ idle: '30m' });
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    calls.length = 0;

    for (let i = 0; i < 1000; i++) {
      clock.advance(89);
      await ann.visit((session) => session.get('views'));
    }

    expect(new Set(calls)).toEqual(new Set(['load']));
    expect(calls).toHaveLength(1000);
  });

  test('a read moves the deadline once 5 % of the idle window has passed, and a busy reader is never logged out before the absolute timeout', async () => {
    const { s, calls, clock } = shop({ idle: '30m', absolute: '2h' });
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    calls.length = 0;

    for (let minute = 1; minute < 120; minute++) {
      clock.advance('1m');
      expect(await ann.visit((session) => session.get('views'))).toBe(1);
    }
    clock.advance('1m');

    expect(await ann.visit((session) => session.get('views'))).toBeUndefined();
    expect(calls.filter((verb) => verb === 'commit').length).toBeLessThanOrEqual(120 / 2);
  });

  test('an idle visitor is forgotten at the boundary millisecond', async () => {
    const { s, clock } = shop({ idle: '30m' });
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));

    clock.advance(30 * 60_000 - 1);
    const before = await ann.begin();
    expect(before.session.get('views')).toBe(1);
    clock.advance(1);

    expect((await ann.begin()).session.get('views')).toBeUndefined();
  });

  test('shortening the absolute timeout takes effect for sessions that exist', async () => {
    const { s, store, clock } = shop({ absolute: '12h', idle: '10h' });
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    clock.advance('2h');

    const stricter = sessions({ data: type<Shop>(), store, environment: clock, idle: '30m', absolute: '1h' });

    expect(await visitor(stricter, ann.cookies).visit((session) => session.get('views'))).toBeUndefined();
  });

  test('changes deep inside a value are noticed, reading alone is not a change', async () => {
    const { s, calls } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', ['ticket']));
    await ann.visit((session) => session.data.cart?.push('popcorn'));
    expect(await ann.visit((session) => session.get('cart'))).toEqual(['ticket', 'popcorn']);

    calls.length = 0;
    await ann.visit((session) => session.data.cart?.length);
    expect(calls).toEqual(['load']);
  });

  test('session.data behaves like an object of fields', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => {
      session.data.views = 1;
      session.data.name = 'Ann';
      delete session.data.name;
    });

    const seen = await ann.visit((session) => ({
      keys: Object.keys(session.data),
      copy: { ...session.data },
      has: 'name' in session.data,
      json: JSON.stringify(session.data),
    }));

    expect(seen).toEqual({ keys: ['views'], copy: { views: 1 }, has: false, json: '{"views":1}' });
  });

  test('a field called toJSON, constructor or then is a field like any other', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => {
      for (const [i, name] of ['toJSON', 'constructor', 'then'].entries()) session.set(name, i + 1);
    });

    expect(await ann.visit((session) => Object.entries(session.data))).toEqual([
      ['toJSON', 1],
      ['constructor', 2],
      ['then', 3],
    ]);
    expect(await ann.visit((session) => JSON.parse(JSON.stringify(session)).isNew)).toBe(false);
  });
});

describe('two requests at once', () => {
  test('changes of different fields both survive', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 0));

    const [a, b] = [await ann.begin(), await ann.begin()];
    a.session.set('name', 'Ann');
    b.session.set('cart', ['ticket']);
    await a.end();
    await b.end();

    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ views: 0, name: 'Ann', cart: ['ticket'] });
  });

  test('updates of one field add up, and the rerun is told as a conflict that lost nothing', async () => {
    const { s, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 0));

    const requests = await Promise.all(Array.from({ length: 50 }, () => ann.begin()));
    for (const { session } of requests) session.update('views', (n = 0) => n + 1);
    await Promise.all(requests.map(({ end }) => end()));

    expect(await ann.visit((session) => session.get('views'))).toBe(50);
    expect(ofKind('conflict')).toHaveLength(49);
    expect(ofKind('conflict').every(({ field, lost }) => field === 'views' && !lost)).toBe(true);
  });

  test('an assignment after a read wins over a change that came between, and an event tells', async () => {
    const { s, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));

    const [a, b] = [await ann.begin(), await ann.begin()];
    a.session.data.views = (a.session.data.views ?? 0) + 1;
    b.session.data.views = (b.session.data.views ?? 0) + 10;
    await a.end();
    await b.end();

    expect(await ann.visit((session) => session.get('views'))).toBe(11);
    expect(ofKind('conflict')).toEqual([{ id: a.session.id, field: 'views', lost: true }]);
  });

  test("with mutations: 'reject' the second assignment fails, and keeps nothing of its request", async () => {
    const { s } = shop({ mutations: 'reject' });
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));

    const [a, b] = [await ann.begin(), await ann.begin()];
    a.session.data.views = (a.session.data.views ?? 0) + 1;
    b.session.data.views = (b.session.data.views ?? 0) + 10;
    b.session.set('name', 'lost with it');
    await a.end();

    await expect(b.end()).rejects.toMatchObject({ code: 'SOJOURN_CONFLICT', status: 409 });
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ views: 2 });
  });

  test('a set without a read is nobody’s conflict: the last writer wins', async () => {
    const { s, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('name', 'a'));

    const [a, b] = [await ann.begin(), await ann.begin()];
    a.session.set('name', 'b');
    b.session.set('name', 'c');
    await a.end();
    await b.end();

    expect(await ann.visit((session) => session.get('name'))).toBe('c');
    expect(ofKind('conflict')).toEqual([]);
  });

  test('a flash message that arrives while another is being shown is shown next time', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('flash', ['one']));

    const reader = await ann.begin();
    expect(reader.session.take('flash')).toEqual(['one']);
    await ann.visit((session) => session.update('flash', (messages = []) => [...messages, 'two']));
    await reader.end();

    expect(await ann.visit((session) => session.take('flash'))).toEqual(['one', 'two']);
    expect(await ann.visit((session) => session.take('flash'))).toBeUndefined();
  });

  test('an update function that fails on the newer value fails alone', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));

    const picky = await ann.begin();
    picky.session.update('views', (n = 0) => {
      if (n > 1) throw new Error('too many');
      return n + 1;
    });
    await ann.visit((session) => session.update('views', (n = 0) => n + 1));

    await expect(picky.end()).rejects.toThrow('too many');
    expect(await ann.visit((session) => session.get('views'))).toBe(2);
  });
});

describe('logging in', () => {
  test('login changes the token, keeps the id and the anonymous visitor’s data', async () => {
    const { s } = shop();
    const ann = visitor(s);
    const before = await ann.visit((session) => {
      session.set('cart', ['ticket']);
      return session.id;
    });
    const oldToken = ann.header;

    await ann.visit((session) => session.login('ann'));

    const after = await ann.visit((session) => ({ id: session.id, user: session.user, cart: session.get('cart') }));
    expect(after).toEqual({ id: before, user: 'ann', cart: ['ticket'] });
    expect(ann.header).not.toBe(oldToken);
  });

  test('the token from before a login opens nothing, is never stored and sets no cookie', async () => {
    const { s, ofKind, calls, clock } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', []));
    const planted = visitor(s, new Map(ann.cookies));
    await ann.visit((session) => session.login('ann'));
    calls.length = 0;

    const { result, lines } = await planted.ask((session) => {
      session.set('name', 'planted');
      return session.user;
    });

    expect(result).toBeUndefined();
    expect(setCookies(lines)).toEqual([]);
    expect(calls).toEqual(['load']);
    expect(ofKind('refused').map(({ reason }) => reason)).toEqual(['superseded']);
    clock.advance('2m');
    expect(await planted.visit((session) => session.user)).toBeUndefined();
  });

  test('who signs in again because the first answer was lost gets in, in a session of his own', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', []));
    const first = await ann.begin();
    first.session.login('ann');
    await s.save(first.session); // the answer, and the cookie in it, never arrive

    const second = await ann.visit((session) => {
      session.login('ann');
      return session.id;
    });

    expect(second).not.toBe(first.session.id);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('what a request began before the login was writing does not land after it', async () => {
    const { s, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', []));
    const slow = await ann.begin();
    slow.session.set('name', 'written by whoever planted the token');

    await ann.visit((session) => session.login('ann'));
    const lines = await slow.end();

    expect(ofKind('gone')).toHaveLength(1);
    expect(setCookies(lines)).toEqual([]);
    expect(await ann.visit((session) => [session.user, session.get('name')])).toEqual(['ann', undefined]);
  });

  test('a login over another user’s session starts a new one without his data, and ends the old one', async () => {
    const { s, ofKind } = shop();
    const shared = visitor(s);
    const first = await shared.visit((session) => {
      session.login('ann');
      session.set('cart', ['of ann']);
      return session.id;
    });
    const annElsewhere = visitor(s, new Map(shared.cookies));

    await shared.visit((session) => session.login('bob'));

    expect(await shared.visit((session) => [session.user, session.get('cart'), session.id === first])).toEqual([
      'bob',
      undefined,
      false,
    ]);
    expect(await annElsewhere.visit((session) => session.user)).toBeUndefined();
    expect(ofKind('destroyed')).toEqual([{ id: first, reason: 'logout' }]);
  });

  test('signing in again as the same user keeps the data and the remembering, under a new secret', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => {
      session.login('ann', { remember: true });
      session.set('cart', ['ticket']);
    });
    const before = ann.header;

    const { lines } = await ann.ask((session) => session.login('ann'));

    expect(ann.header).not.toBe(before);
    expect(setCookies(lines)[0]?.[1]).toMatch(/Max-Age=/);
    expect(await ann.visit((session) => session.get('cart'))).toEqual(['ticket']);
  });

  test('two logins at once: one stands, and its cookie is the only one that was sent', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', []));

    const [a, b] = [await ann.begin(), await ann.begin()];
    a.session.login('ann');
    b.session.login('ann');
    const lines = [await a.end(), await b.end()];

    expect(lines.map((each) => setCookies(each).length)).toEqual([1, 0]);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('requireFresh lets a recent sign-in pass and refuses an old or missing one', async () => {
    const { s, clock } = shop({ idle: '2h' });
    const ann = visitor(s);
    await ann.visit((session) => {
      session.login('ann');
      session.requireFresh('5m');
    });

    clock.advance('5m');
    await ann.visit((session) => session.requireFresh('5m'));
    clock.advance(1);

    await expect(ann.visit((session) => session.requireFresh('5m'))).rejects.toMatchObject({
      code: 'SOJOURN_NOT_FRESH',
      status: 401,
    });
    await expect(visitor(s).visit((session) => session.requireFresh('5m'))).rejects.toMatchObject({
      code: 'SOJOURN_NOT_FRESH',
    });
  });

  test.each(['', 'x'.repeat(1025), '\ud800', 7 as unknown as string])(
    'a user must be well-formed text of at most 1024 bytes (%#)',
    async (user) => {
      const { s } = shop();

      await expect(visitor(s).visit((session) => session.login(user))).rejects.toMatchObject({
        code: 'SOJOURN_OPTION',
      });
    },
  );
});

describe('being remembered', () => {
  test('an ordinary session ends with the browser, a remembered one outlives it', async () => {
    const { s } = shop({ remember: { idle: '30d', absolute: '180d' } });

    const ordinary = await visitor(s).ask((session) => session.login('ann'));
    const remembered = await visitor(s).ask((session) => session.login('ann', { remember: true }));

    expect(setCookies(ordinary.lines)[0]?.[1]).not.toMatch(/Max-Age|Expires/);
    expect(setCookies(remembered.lines)[0]?.[1]).toMatch(/Max-Age=2592000\b/);
  });

  test('the longer lifetimes apply to the remembered session only', async () => {
    const { s, clock } = shop({ idle: '30m', absolute: '12h', remember: { idle: '30d', absolute: '180d' } });
    const [ordinary, remembered] = [visitor(s), visitor(s)];
    await ordinary.visit((session) => session.login('ann'));
    await remembered.visit((session) => session.login('ann', { remember: true }));

    clock.advance('29d');

    expect(await ordinary.visit((session) => session.user)).toBeUndefined();
    expect(await remembered.visit((session) => session.user)).toBe('ann');
  });

  test('a read that moves the deadline of a remembered session sends the cookie again with the later date, but not on a 304', async () => {
    const { s, clock } = shop({ remember: { idle: '30d', absolute: '180d' } });
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann', { remember: true }));
    clock.advance('2d');

    expect((await ann.ask((session) => session.user, 304)).lines).toEqual([['Vary', 'Cookie']]);
    clock.advance('2d');
    const { lines } = await ann.ask((session) => session.user);

    expect(setCookies(lines)[0]?.[1]).toContain(ann.header);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('a session can stop being remembered, and the cookie then ends with the browser', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => {
      session.set('views', 1);
      session.remember();
    });

    const { lines } = await ann.ask((session) => session.remember(false));

    expect(setCookies(lines)[0]?.[1]).not.toMatch(/Max-Age/);
  });
});

describe('rotating the secret', () => {
  test('the old token works for ten more seconds and receives no new one', async () => {
    const { s, clock } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    const underWay = visitor(s, new Map(ann.cookies));
    await ann.visit((session) => session.rotate());

    const { result, lines } = await underWay.ask((session) => {
      session.rotate();
      session.set('name', 'still lands');
      return session.get('views');
    });

    expect([result, setCookies(lines)]).toEqual([1, []]);
    expect(await ann.visit((session) => session.get('name'))).toBe('still lands');
    clock.advance('10s');
    expect(await underWay.visit((session) => session.get('views'))).toBeUndefined();
    expect(await ann.visit((session) => session.get('views'))).toBe(1);
  });

  test('a second rotation within ten seconds does nothing: whoever set out before the first stays signed in', async () => {
    const { s, clock, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const underWay = visitor(s, new Map(ann.cookies));
    await ann.visit((session) => session.rotate());
    await ann.visit((session) => session.rotate());

    expect(await underWay.visit((session) => session.user)).toBe('ann');
    expect(ofKind('rotated').filter(({ login }) => !login)).toHaveLength(1);
    clock.advance('10s');
    await ann.visit((session) => session.rotate());
    expect(ofKind('rotated').filter(({ login }) => !login)).toHaveLength(2);
  });

  test('a browser that sends the cookies from before and after a rotation is not torn between them', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const before = ann.header;
    await ann.visit((session) => session.rotate());

    for (const header of [`${before}; ${ann.header}`, `${ann.header}; ${before}`]) {
      expect((await s.open(request(header))).user).toBe('ann');
    }
  });

  test('of two rotations at once one wins, the fields of both are kept, and nobody is signed out', async () => {
    const { s, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const [a, b] = [await ann.begin(), await ann.begin()];
    a.session.rotate();
    a.session.set('name', 'a');
    b.session.rotate();
    b.session.update('views', (n = 0) => n + 1);

    const lines = [await a.end(), await b.end()];

    expect(lines.map((each) => setCookies(each).length)).toEqual([1, 0]);
    expect(ofKind('rotated').filter(({ login }) => !login)).toHaveLength(1);
    expect(await ann.visit((session) => ({ user: session.user, ...session.data }))).toEqual({
      user: 'ann',
      name: 'a',
      views: 1,
    });
  });
});

describe('logging out', () => {
  test('logout beats a slower request', async () => {
    const { s, ofKind, store } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const stolen = visitor(s, new Map(ann.cookies));
    const slow = await ann.begin();
    slow.session.set('name', 'late');

    const { lines } = await ann.ask((session) => session.destroy());
    expect(setCookies(lines)[0]?.[1]).toMatch(/Max-Age=0/);
    const late = await slow.end();

    expect(setCookies(late)).toEqual([]);
    expect(ofKind('gone')).toHaveLength(1);
    expect(await stolen.visit((session) => session.user)).toBeUndefined();
    expect(await store.load(slow.session.id)).toBeNull();
  });

  test('a late answer does not take away the cookie of a new login', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const slow = await ann.begin();
    slow.session.set('name', 'late');
    await ann.visit((session) => session.destroy());
    await ann.visit((session) => session.login('ann'));

    await slow.end();

    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('a goodbye message survives the logout that it tells of, in a session of its own', async () => {
    const { s } = shop();
    const ann = visitor(s);
    const before = await ann.visit((session) => {
      session.login('ann');
      return session.id;
    });

    await ann.visit((session) => {
      session.destroy();
      session.set('flash', ['Goodbye']);
    });

    expect(await ann.visit((session) => [session.user, session.take('flash'), session.id === before])).toEqual([
      undefined,
      ['Goodbye'],
      false,
    ]);
  });

  test('logging out clears the cookie even when the session had already ended, and does nothing for those who have none', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    const id = await ann.visit((session) => session.id);
    await s.destroy(id);

    expect(setCookies((await ann.ask((session) => session.destroy())).lines)).toHaveLength(1);
    expect(setCookies((await visitor(s).ask((session) => session.destroy())).lines)).toEqual([]);
  });

  test('revoke ends every session of a user but the one that asked, and of nobody else', async () => {
    const { s, ofKind } = shop();
    const [phone, laptop, bob] = [visitor(s), visitor(s), visitor(s)];
    await phone.visit((session) => session.login('ann'));
    const here = await laptop.visit((session) => {
      session.login('ann');
      return session.id;
    });
    await bob.visit((session) => session.login('bob'));

    expect(await s.revoke('ann', { except: here })).toBe(1);

    const users = await Promise.all([phone, laptop, bob].map((each) => each.visit((session) => session.user)));
    expect(users).toEqual([undefined, 'ann', 'bob']);
    expect(ofKind('destroyed').map(({ reason }) => reason)).toEqual(['revoked']);
  });

  test('of lists the sessions of one user, and nothing in the list opens one', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));

    const list = [];
    for await (const entry of s.of('ann')) list.push(entry);

    expect(list).toHaveLength(1);
    const [id, head] = list[0]!;
    expect(head.user).toBe('ann');
    const secret = ann.header?.split('.')[1] ?? '';
    expect(JSON.stringify([id, head])).not.toContain(secret);
    expect(
      await visitor(s, new Map([['__Host-sid', `${id}.${Buffer.from(head.secret!).toString('base64url')}`]])).visit(
        (session) => session.user,
      ),
    ).toBeUndefined();
  });
});

describe('tokens that are not to be trusted', () => {
  async function refusalsFor(cookieOf: (token: string, other: string) => string) {
    const world = shop();
    const [ann, mallory] = [visitor(world.s), visitor(world.s)];
    for (const who of [ann, mallory]) await who.visit((session) => session.login(who === ann ? 'ann' : 'mallory'));
    const tokenOf = (who: typeof ann) => who.cookies.get('__Host-sid')!;
    world.told.length = 0;
    world.calls.length = 0;
    const session = await world.s.open(request(cookieOf(tokenOf(ann), tokenOf(mallory))));
    return { user: session.user, reasons: world.ofKind('refused').map(({ reason }) => reason), calls: world.calls };
  }

  test.each<[string, (token: string, other: string) => string, object]>([
    [
      'a forged secret',
      (token) => `__Host-sid=${token.slice(0, 23)}${'A'.repeat(43)}`,
      { reasons: ['secret'], calls: ['load'] },
    ],
    [
      'an unknown id',
      (token) => `__Host-sid=${'A'.repeat(22)}.${token.slice(23)}`,
      { reasons: ['unknown'], calls: ['load'] },
    ],
    [
      'the id of one with the secret of another',
      (token, other) => `__Host-sid=${token.slice(0, 23)}${other.slice(23)}`,
      { reasons: ['secret'], calls: ['load'] },
    ],
    ['rubbish', () => '__Host-sid=rubbish', { reasons: ['malformed'], calls: [] }],
    ['a token and a tail', (token) => `__Host-sid=${token}x`, { reasons: ['malformed'], calls: [] }],
    [
      'two live sessions',
      (token, other) => `__Host-sid=${token}; __Host-sid=${other}`,
      { reasons: ['ambiguous'], calls: ['load', 'load'] },
    ],
    [
      'three different tokens',
      (token, other) => `__Host-sid=${token}; __Host-sid=${other}; __Host-sid=${'A'.repeat(22)}.${'A'.repeat(43)}`,
      { reasons: ['ambiguous'], calls: [] },
    ],
  ])('%s: an anonymous session and an event', async (_, cookieOf, expected) => {
    expect(await refusalsFor(cookieOf)).toEqual({ user: undefined, ...expected });
  });

  test('a dead cookie beside a live one does no harm', async () => {
    expect(
      (await refusalsFor((token) => `__Host-sid=${'A'.repeat(22)}.${'A'.repeat(43)}; __Host-sid=${token}`)).user,
    ).toBe('ann');
    expect((await refusalsFor((token) => `__Host-sid=rubbish; __Host-sid=${token}`)).user).toBe('ann');
  });

  test('an unknown id is never adopted: what is written goes under a fresh one', async () => {
    const { s, store } = shop();
    const presented = 'A'.repeat(22);
    const mallory = visitor(s, new Map([['__Host-sid', `${presented}.${'A'.repeat(43)}`]]));

    const id = await mallory.visit((session) => {
      session.set('views', 1);
      return session.id;
    });

    expect(id).not.toBe(presented);
    expect(await store.load(presented)).toBeNull();
  });

  test('10,000 wrong secrets on one id leave its session alive', async () => {
    const { s, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const id = await ann.visit((session) => session.id);

    for (let i = 0; i < 10_000; i++) {
      const guess = `${String(i).padStart(42, '0')}A`;
      await s.open(request(`__Host-sid=${id}.${guess}`));
    }

    expect(ofKind('refused')).toHaveLength(10_000);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('a session that claims to be created in the future is refused', async () => {
    const { s, store, clock, ofKind } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    const id = await ann.visit((session) => session.id);
    const stored = await store.load(id);
    await store.destroy(id);
    await store.create(id, {
      ...stored!,
      head: { ...stored!.head, createdAt: clock.now() + 61_000, expiresAt: clock.now() + 99_000_000 },
    });

    expect(await ann.visit((session) => session.get('views'))).toBeUndefined();
    expect(ofKind('refused')).toEqual([{ reason: 'skew', id }]);
  });
});

describe('damage and trouble', () => {
  test('a field that cannot be decoded costs that field: the others serve, get throws, an event tells', async () => {
    const { s, store, ofKind } = shop();
    const ann = visitor(s);
    const id = await ann.visit((session) => {
      session.set('views', 1);
      session.set('name', 'Ann');
      return session.id;
    });
    const { head } = (await store.load(id))!;
    await store.commit(id, {
      generation: 0,
      head: { expiresAt: head.expiresAt },
      fields: new Map([['name', { op: 'set', value: Buffer.from('{"half') }]]),
    });

    expect(await ann.visit((session) => session.get('views'))).toBe(1);
    await expect(ann.visit((session) => session.get('name'))).rejects.toMatchObject({
      code: 'SOJOURN_CORRUPT',
      message: expect.stringContaining('"name"'),
    });
    expect(ofKind('corrupt')).toMatchObject([{ id, field: 'name' }]);
    await ann.visit((session) => session.set('name', 'Ann again'));
    expect(await ann.visit((session) => session.get('name'))).toBe('Ann again');
  });

  test('an outage is an error that says so, never an anonymous session', async () => {
    const broken: Store = {
      name: 'broken',
      load: () =>
        Promise.reject(
          Object.assign(new Error('connect ECONNREFUSED redis://:password@host'), { code: 'ECONNREFUSED' }),
        ),
      create: () => 'ok',
      commit: () => ({ status: 'gone' }),
      destroy: () => undefined,
    };
    const s: Sessions<Shop, Store> = sessions({ data: type<Shop>(), store: broken });
    const errors: Events['storeError'][] = [];
    s.on('storeError', (event) => errors.push(event));

    const attempt = Promise.resolve(s.open(request(`__Host-sid=${'A'.repeat(22)}.${'A'.repeat(43)}`)));

    await expect(attempt).rejects.toMatchObject({
      code: 'SOJOURN_STORE',
      status: 503,
      message: expect.not.stringContaining('password'),
    });
    expect(errors).toMatchObject([{ store: 'broken', operation: 'load' }]);
  });

  test('a listener that throws disturbs nobody', async () => {
    const { s } = shop();
    s.on('created', () => {
      throw new Error('audit log is full');
    });

    const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));

    expect(await ann.visit((session) => session.get('views'))).toBe(1);
    expect((await warned).message).toContain('audit log is full');
  });

  test('a change after the answer has begun is an error, not a loss', async () => {
    const { s } = shop();
    const { session, end } = await visitor(s).begin();
    await end();

    expect(() => session.set('views', 1)).toThrowError(expect.objectContaining({ code: 'SOJOURN_TOO_LATE' }));
  });
});

describe('saving in mid-request', () => {
  test('what was saved is stored at once, and the cookie still goes out with the answer', async () => {
    const { s } = shop();
    const ann = visitor(s);
    const { session, end } = await ann.begin();
    session.set('views', 1);

    expect(await session.save()).toBe('ok');
    expect(session.isNew).toBe(false);
    session.update('views', (n = 0) => n + 1);
    const lines = await end();

    expect(setCookies(lines)).toHaveLength(1);
    expect(await ann.visit((each) => each.get('views'))).toBe(2);
  });

  test('save tells when the session has ended meanwhile', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const { session } = await ann.begin();
    session.set('views', 1);
    await s.destroy(session.id);

    expect(await session.save()).toBe('gone');
  });

  test('login, save, and more in one request: one token, all of it kept', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit(async (session) => {
      session.set('cart', ['ticket']);
      session.login('ann');
      await session.save();
      session.set('name', 'Ann');
      session.rotate();
    });

    expect(await ann.visit((session) => ({ user: session.user, ...session.data }))).toEqual({
      user: 'ann',
      cart: ['ticket'],
      name: 'Ann',
    });
  });
});

describe('limits and values', () => {
  test.each<[string, unknown, string]>([
    ['a function', () => 1, 'cart[0].fn'],
    ['a symbol', Symbol('x'), 'cart[0].fn'],
  ])('%s deep inside a value is refused at the line that sets it, with its path', async (_, value, path) => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', ['before']));

    await ann.visit((session) => {
      expect(() => session.set('cart', [{ fn: value }] as never)).toThrowError(
        expect.objectContaining({ code: 'SOJOURN_VALUE', message: expect.stringContaining(path) }),
      );
    });

    expect(await ann.visit((session) => session.get('cart'))).toEqual(['before']);
  });

  test('the number of fields and their bytes are bounded, and making a session smaller always works', async () => {
    const { s } = shop({ limits: { fields: 3, bytes: 200 } });
    await visitor(s).visit((session) => {
      for (const name of ['a', 'b', 'c']) session.set(name, 'x');
      expect(() => session.set('d', 1)).toThrowError(
        expect.objectContaining({ code: 'SOJOURN_LIMIT', message: expect.stringContaining('limits.fields') }),
      );
      expect(() => session.set('a', 'x'.repeat(300))).toThrowError(
        expect.objectContaining({ code: 'SOJOURN_LIMIT', message: expect.stringContaining('limits.bytes') }),
      );
      session.set('a', 'y'.repeat(150));
      session.delete('b');
      session.set('a', 'z');
      expect([...session.keys()]).toEqual(['a', 'c']);
    });
  });

  test.each(['__proto__', '', 'x'.repeat(256), '\ud800'])('the field name %j is refused', async (name) => {
    const { s } = shop();
    await visitor(s).visit((session) => {
      expect(() => session.set(name, 1)).toThrowError(expect.objectContaining({ code: 'SOJOURN_VALUE' }));
      expect(session.get(name)).toBeUndefined();
      expect(session.has(name)).toBe(false);
    });
  });
});

describe('configuration', () => {
  test.each<[string, object, string]>([
    ['a misspelt option', { idel: '30m' }, 'did you mean idle?'],
    ['a negative idle timeout', { idle: -1 }, 'idle'],
    ['text after a duration', { idle: '30m; rm -rf' }, 'idle'],
    ['idle longer than absolute', { idle: '13h', absolute: '12h' }, 'idle'],
    ['a zero lifetime', { absolute: 0 }, 'absolute'],
    ['no store', { store: undefined }, 'store'],
    ['something that is no store', { store: { load() {} } }, 'create, commit, destroy'],
    ['an unknown rule for mutations', { mutations: 'maybe' }, 'mutations'],
    ['an unknown limit', { limits: { byte: 1 } }, 'did you mean bytes?'],
  ])('%s is refused at start, by name', (_, options, complaint) => {
    expect(() => sessions({ store: memory(), ...options } as never)).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_OPTION', message: expect.stringContaining(complaint) }),
    );
  });

  test('inherited options are ignored', () => {
    const polluted = Object.assign(Object.create({ idle: -1 }), { store: memory() }) as never;

    expect(sessions(polluted).describe()).toMatchObject({ lifetimes: { ordinary: { idleMs: 1_800_000 } } });
  });

  test('describe shows the effective policy', () => {
    const { s } = shop();

    expect(s.describe()).toMatchObject({
      store: { name: 'memory', abilities: ['byUser', 'list', 'sweep'] },
      codec: 'json',
      mutations: 'last-wins',
      lifetimes: { ordinary: { idleMs: 1_800_000, absoluteMs: 43_200_000 } },
    });
  });

  test('expired sessions are swept from stores that do not forget by themselves', async () => {
    const { s, clock, calls } = shop({ sweep: '1m' });
    await visitor(s).visit((session) => session.set('views', 1));

    clock.advance('40m');
    await new Promise(setImmediate);

    expect(calls).toContain('sweep');
    await s.close();
  });
});

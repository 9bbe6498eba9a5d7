/**
 * Moving from another library, with that library itself: its server signs people in, ours goes on with them, on real HTTP.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { RedisStore } from 'connect-redis';
import cookieSessionLibrary from 'cookie-session';
import express, { type RequestHandler } from 'express';
import expressSessionLibrary from 'express-session';
import { getIronSession, sealData } from 'iron-session';
import { createClient } from 'redis';
import { encrypted, type Former, memory, type Session, type Store, sessions } from 'sojourn';
import { session as ourSession } from 'sojourn/express';
import { cookieSession, expressSession, ironSession } from 'sojourn/formerly';
import { controllableClock } from 'sojourn/testing';
import { describe, expect, test, vi } from 'vitest';
import { removeLater } from './support/cleanup.js';
import { browser, serve } from './support/http.js';
import { need } from './support/needs.js';
import { startRedis } from './support/redis.js';
import { request, visitor } from './support/visitor.js';

interface Fields {
  cart: string[];
  views: number;
  userId: string;
}
type OldRequest = { session: Record<string, unknown> & { save?(done?: () => void): unknown } };

const secrets = ['the newer secret of the old application', 'the older secret of the old application'];
const password = 'a password of more than thirty-two characters';

/** The old application: `/login` keeps a user and a cart, and says so. */
function oldSite(library: RequestHandler): ReturnType<typeof express> {
  const app = express();
  app.use(library);
  app.get('/login', async (req, res) => {
    const { session } = req as unknown as OldRequest;
    session.userId = 'ann';
    session.cart = ['popcorn', 'Käse 🧀'];
    await session.save?.();
    res.send('welcome');
  });
  app.get('/', (req, res) => void res.send(String((req as unknown as OldRequest).session.userId ?? 'nobody')));
  return app;
}

const iron: RequestHandler = (req, res, next) => {
  getIronSession(req, res, { password, cookieName: 'app', cookieOptions: { secure: false } }).then((session) => {
    (req as unknown as { session: unknown }).session = session;
    next();
  }, next);
};

const memoryStore = new expressSessionLibrary.MemoryStore();
const user = (session: Readonly<Record<string, unknown>>): string => session.userId as string;

interface Library {
  readonly cookies: readonly string[];
  readonly middleware: RequestHandler;
  former(options?: object): Former;
}
const libraries: Readonly<Record<string, Library>> = {
  'express-session': {
    cookies: ['connect.sid'],
    middleware: expressSessionLibrary({ secret: secrets, store: memoryStore, resave: false, saveUninitialized: false }),
    former: (options) => expressSession({ secret: [...secrets], store: memoryStore, user, ...options }),
  },
  'cookie-session': {
    cookies: ['session', 'session.sig'],
    middleware: cookieSessionLibrary({ keys: secrets }) as RequestHandler,
    former: (options) => cookieSession({ keys: [...secrets], user, ...options }),
  },
  'iron-session': {
    cookies: ['app'],
    middleware: iron,
    former: (options) => ironSession({ password, cookieName: 'app', user, ...options }),
  },
};

const homes: Readonly<Record<string, () => object>> = {
  'a store': () => ({ store: memory() }),
  cookies: () => ({ seal: encrypted({ keys: [randomBytes(32)] }) }),
};

/** Ours: `/` says who somebody is. */
async function newSite(former: Former, home: () => object) {
  const s = sessions<Fields, Store>({ ...home(), formerly: [former] } as never);
  const app = express();
  app.use(ourSession(s));
  app.get('/', (req, res) => void res.json(whoAndWhat(s.from(req))));
  app.get('/logout', (req, res) => {
    s.from(req).destroy();
    res.send('goodbye');
  });
  return { s, served: await serve(app) };
}

function whoAndWhat(session: Session<Fields>): object {
  return { user: session.user ?? null, cart: session.get('cart') ?? null };
}
const ANN = { user: 'ann', cart: ['popcorn', 'Käse 🧀'] };
const NOBODY = { user: null, cart: null };

describe.each(Object.entries(libraries))('%s', (_, library) => {
  const signedInThere = async () => {
    const ann = browser(await serve(oldSite(library.middleware)));
    expect(await (await ann.fetch('/login')).text()).toBe('welcome');
    expect(await (await ann.fetch('/')).text()).toBe('ann');
    expect([...ann.cookies.keys()].sort()).toEqual([...library.cookies].sort());
    return ann;
  };

  describe.each(Object.entries(homes))('to %s', (_, home) => {
    test('a visitor of the old application stays signed in, with the cart, on one cookie of ours', async () => {
      const old = await signedInThere();
      const ann = browser((await newSite(library.former(), home)).served, new Map(old.cookies));
      expect(await (await ann.fetch('/')).json()).toEqual(ANN);
      expect([...ann.cookies.keys()]).toEqual(['sid']);
      expect(await (await ann.fetch('/')).json()).toEqual(ANN);
    });

    test('who logs out stays out', async () => {
      const old = await signedInThere();
      const ann = browser((await newSite(library.former(), home)).served, new Map(old.cookies));
      await ann.fetch('/');
      await ann.fetch('/logout');
      expect(ann.cookies.size).toBe(0);
      // In the very first request as well.
      const bob = browser(ann.served, new Map(old.cookies));
      await bob.fetch('/logout');
      expect(bob.cookies.size).toBe(0);
      expect(await (await bob.fetch('/')).json()).toEqual(NOBODY);
    });
  });

  test('somebody without an old cookie is a stranger, and gets no cookie', async () => {
    const { served } = await newSite(library.former(), homes['a store']!);
    const answer = await browser(served).fetch('/');
    expect([await answer.json(), answer.headers.getSetCookie(), answer.headers.get('vary')]).toEqual([
      NOBODY,
      [],
      'Cookie',
    ]);
  });

  test('an old cookie that was changed, cut, mixed or signed by others is a stranger', async () => {
    const old = await signedInThere();
    const { s } = await newSite(library.former(), homes['a store']!);
    const person = async (cookies: Map<string, string>): Promise<object> => visitor(s, cookies).visit(whoAndWhat);
    expect(await person(new Map(old.cookies))).toEqual(ANN);
    for (const name of library.cookies) {
      const value = old.cookies.get(name)!;
      const bad = ['', 'x', value.slice(0, -3), `${value}x`, `x${value}`, value.toUpperCase(), `${value}%`, '%E0%A4%A'];
      for (let at = 0; at < value.length; at += 7) {
        const other = value[at] === 'A' ? 'B' : 'A';
        bad.push(value.slice(0, at) + other + value.slice(at + 1));
      }
      for (const changed of bad) {
        if (changed === value) continue;
        const cookies = new Map(old.cookies).set(name, changed);
        expect([changed, await person(cookies)]).toEqual([changed, NOBODY]);
      }
      expect(await person(new Map([...old.cookies].filter(([each]) => each !== name)))).toEqual(NOBODY);
    }
  });

  test('who presents a cookie of ours, were it a dead one, is not looked up there', async () => {
    const old = await signedInThere();
    const { s } = await newSite(library.former(), homes['a store']!);
    const ann = visitor(s, new Map(old.cookies));
    const id = await ann.visit((session) => session.id);
    await (s as unknown as { destroy(id: string): Promise<void> }).destroy(id);
    expect(await visitor(s, new Map([...old.cookies, ...ann.cookies])).visit(whoAndWhat)).toEqual(NOBODY);
  });

  test('keepCookie leaves the old cookie to servers with the old library', async () => {
    const old = await signedInThere();
    const { s } = await newSite(library.former({ keepCookie: true }), homes['a store']!);
    const ann = visitor(s, new Map(old.cookies));
    expect(await ann.visit(whoAndWhat)).toEqual(ANN);
    for (const [name, value] of old.cookies) expect(ann.cookies.get(name)).toBe(value);
    expect(await (await old.fetch('/')).text()).toBe('ann');
  });

  test('a cookie with a path and a domain is taken back with them, under its own name', async () => {
    const { s } = await newSite(library.former({ domain: 'example.com', path: '/shop' }), homes['a store']!);
    const old = await signedInThere();
    const { lines } = await visitor(s, new Map(old.cookies)).ask((session) => session.user);
    const taken = lines.filter(([, value]) => value.includes('Max-Age=0')).map(([, value]) => value);
    expect(taken).toEqual(
      library.cookies.map((name) => expect.stringMatching(new RegExp(`^${name}=; .*Path=/shop; Domain=example.com$`))),
    );
  });

  test('a sign-in from there is not fresh: a sensitive change asks again', async () => {
    const old = await signedInThere();
    const { s } = await newSite(library.former(), homes['a store']!);
    const ann = visitor(s, new Map(old.cookies));
    for (let i = 0; i < 2; i++)
      await expect(ann.visit((session) => session.requireFresh('100d'))).rejects.toMatchObject({ status: 401 });
    await visitor(s, ann.cookies).visit((session) => session.login('ann'));
    await visitor(s, ann.cookies).visit((session) => session.requireFresh('1m'));
  });

  test('fields can be left behind', async () => {
    const old = await signedInThere();
    const { s } = await newSite(library.former({ without: ['cart'] }), homes['a store']!);
    expect(await visitor(s, new Map(old.cookies)).visit(whoAndWhat)).toEqual({ user: 'ann', cart: null });
  });

  test('options that cannot be are refused by name', () => {
    for (const options of [{ user: 'ann' }, { keepCookie: 1 }, { pasword: 'x' }, { domain: 'a;b' }, { path: 'x' }])
      expect(() => library.former(options)).toThrow(new RegExp(`Option ${Object.keys(options)[0]}`));
  });
});

describe('express-session', () => {
  const signed = (id: string, secret = secrets[0]!): string =>
    encodeURIComponent(`s:${id}.${createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')}`);
  const open = async (former: Former, cookie: string) =>
    visitor(sessions({ store: memory(), formerly: [former] }), new Map([['connect.sid', cookie]]));

  need('redis').test('sessions in Redis, by connect-redis', async () => {
    const server = await startRedis();
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
    await client.connect();
    removeLater({ remove: () => client.close(), removeNow: () => client.destroy() });
    const store = new RedisStore({ client });
    const library = expressSessionLibrary({
      secret: secrets,
      store,
      resave: false,
      saveUninitialized: false,
      cookie: { maxAge: 86_400_000 },
    });
    const old = browser(await serve(oldSite(library)));
    await old.fetch('/login');
    const { served, s } = await newSite(expressSession({ secret: secrets, store, user }), homes['a store']!);
    const ann = browser(served, new Map(old.cookies));
    const first = await ann.fetch('/');
    expect(await first.json()).toEqual(ANN);
    // Its cookie outlived the browser, and so does ours.
    expect(first.headers.getSetCookie().find((line) => line.startsWith('sid='))).toContain('Max-Age=2592000');
    for await (const [, head] of (s as unknown as { of(user: string): AsyncIterable<[string, object]> }).of('ann'))
      expect(head).toMatchObject({ user: 'ann', remember: true });
  });

  test('the older secret still opens', async () => {
    const store = { get: (_: string, done: (error: null, data: object) => void) => done(null, { userId: 'ann' }) };
    const former = expressSession({ secret: secrets, store, user });
    expect(await (await open(former, signed('id', secrets[1]))).visit((session) => session.user)).toBe('ann');
    expect(await (await open(former, signed('id', 'another'))).visit((session) => session.user)).toBeUndefined();
  });

  test("Passport's user is the default, and numbers become text", async () => {
    for (const [passport, expected] of [
      [{ user: 'ann' }, 'ann'],
      [{ user: 42 }, '42'],
      [{ user: { id: 1 } }, undefined],
      [undefined, undefined],
    ] as const) {
      const store = {
        get: (_: string, done: (error: null, data: object) => void) => done(null, { passport, views: 1 }),
      };
      const ann = await open(expressSession({ secret: secrets, store }), signed('id'));
      expect(await ann.visit((session) => [session.user, session.get('views')])).toEqual([expected, 1]);
    }
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'session'],
    ['a list', ['ann']],
    ['one that has expired', { userId: 'ann', cookie: { expires: '2020-01-01T00:00:00.000Z' } }],
    ['one that expires at no time', { userId: 'ann', cookie: { expires: 'soon' } }],
  ])('a store that hands over %s has no such session', async (_, data) => {
    const store = { get: (_: string, done: (error: null, data: unknown) => void) => done(null, data) };
    const ann = await open(expressSession({ secret: secrets, store, user }), signed('id'));
    expect(await ann.visit((session) => session.isNew && session.user)).toBeUndefined();
  });

  test('an unsigned id, or a huge one, is not looked for', async () => {
    const get = vi.fn();
    const former = expressSession({ secret: secrets, store: { get }, user });
    for (const cookie of ['id', 's:id', 's%3Aid.', signed('x'.repeat(300)), signed('')])
      expect(await (await open(former, cookie)).visit((session) => session.user)).toBeUndefined();
    expect(get).not.toHaveBeenCalled();
  });

  test.each<[string, (id: string, done: (error: unknown) => void) => unknown]>([
    ['fails', (_, done) => done(new Error('connection lost'))],
    [
      'throws',
      () => {
        throw new Error('connection lost');
      },
    ],
    ['never answers', () => undefined],
  ])('an old store that %s is a 503, and signs nobody out', async (_, get) => {
    const former = expressSession({ secret: secrets, store: { get: get as never }, user, deadline: 30 });
    const ann = await open(former, signed('id'));
    await expect(ann.visit((session) => session.user)).rejects.toMatchObject({ code: 'SOJOURN_STORE', status: 503 });
    expect(ann.cookies.get('connect.sid')).toBe(signed('id'));
  });

  test('what ours cannot keep is left out and told, and the rest comes along', async () => {
    const data = JSON.parse('{"userId":"ann","__proto__":{"isAdmin":true},"":1,"cart":["popcorn"]}');
    const store = { get: (_: string, done: (error: null, data: unknown) => void) => done(null, data) };
    const s = sessions<Fields, Store>({
      store: memory(),
      formerly: [expressSession({ secret: secrets, store, user })],
    });
    const told: unknown[] = [];
    s.on('corrupt', ({ field }) => void told.push(field));
    const ann = visitor(s, new Map([['connect.sid', signed('id')]]));
    expect(await ann.visit(whoAndWhat)).toEqual({ user: 'ann', cart: ['popcorn'] });
    expect(told.sort()).toEqual(['', '__proto__']);
    expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
  });
});

describe('iron-session', () => {
  const open = async (cookie: string, options: object = {}) =>
    visitor(
      sessions({ store: memory(), formerly: [ironSession({ password, cookieName: 'app', user, ...options })] }),
      new Map([['app', cookie]]),
    ).visit((session) => session.user);

  test('a seal that has expired is a stranger, one that never does is not', async () => {
    const dateNow = vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(2020, 0, 1));
    const old = await sealData({ userId: 'ann' }, { password, ttl: 3600 });
    const eternal = await sealData({ userId: 'ann' }, { password, ttl: 0 });
    dateNow.mockRestore();
    expect([await open(old), await open(eternal)]).toEqual([undefined, 'ann']);
  });

  test('several passwords by their numbers, and none but those', async () => {
    const second = 'another password of more than thirty-two characters';
    const passwords = { 1: password, 2: second };
    const cookie = await sealData({ userId: 'ann' }, { password: passwords });
    expect(await open(cookie, { password: passwords })).toBe('ann');
    expect(await open(cookie)).toBeUndefined();
    expect(await open(await sealData({ userId: 'ann' }, { password }), { password: passwords })).toBe('ann');
  });

  test("data of version 1 lies under 'persistent'", async () => {
    const [seal] = (await sealData({ persistent: { userId: 'ann' }, flash: {} }, { password })).split('~');
    expect(await open(seal!)).toBe('ann');
    expect(await open(`${seal}~1`)).toBeUndefined();
    expect(await open(`${seal}~2~2`)).toBeUndefined();
  });

  test('salts that would keep us busy are refused before any work', async () => {
    const parts = (await sealData({ userId: 'ann' }, { password })).split('*');
    for (const at of [2, 6]) {
      const long = parts.with(at, 'a'.repeat(15_000)).join('*');
      expect(await open(long.slice(0, 16_000))).toBeUndefined();
    }
  });

  test('the password must be one', () => {
    for (const bad of ['short', {}, { 1: 'short' }, undefined])
      expect(() => ironSession({ password: bad as never, cookieName: 'app' })).toThrow(/password of ironSession/);
    expect(() => ironSession({ password, cookieName: '' })).toThrow(/cookieName of ironSession/);
  });
});

test('several old libraries: the first that knows somebody', async () => {
  const s = sessions<Fields, Store>({
    store: memory(),
    formerly: Object.values(libraries).map((library) => library.former()),
    environment: controllableClock(Date.now()),
  });
  const old = browser(await serve(oldSite(iron)));
  await old.fetch('/login');
  expect(await visitor(s, new Map(old.cookies)).visit(whoAndWhat)).toEqual(ANN);
  expect((await s.open(request('app=x; session=y'))).isNew).toBe(true);
});

test('what is no reader is refused', () => {
  for (const formerly of [{}, [undefined], [{ read() {} }], 'express-session'])
    expect(() => sessions({ store: memory(), formerly } as never)).toThrow(/Option formerly: must be a list/);
});

/** Sessions in the cookie, as stories: what works as with a store, what answers that come late do, what cannot be done. */
import { randomBytes } from 'node:crypto';
import {
  cookie,
  encrypted,
  json,
  memory,
  type Sealer,
  type SessionFormat,
  type Sessions,
  sessions,
  signed,
} from 'sojourn';
import { type ControllableClock, controllableClock } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { request, visitor } from '../../test/support/visitor.js';
import { MAX_REMEMBERED, REMEMBERED_MS } from './recent.js';

interface Fields {
  views: number;
  cart: string[];
  theme: string;
  note: string;
  flash: string;
  big: string;
}
type S = Sessions<Fields, undefined>;

const key = randomBytes(32);
const NAME = '__Host-sid';

/** A server, and what it told. `server()` twice: two servers that share keys and nothing else. */
function server(clock: ControllableClock = controllableClock(), options: object = {}) {
  const told: [event: string, payload: unknown][] = [];
  const s: S = sessions<Fields>({ seal: encrypted({ keys: [key] }), environment: clock, ...options });
  for (const event of ['created', 'committed', 'rotated', 'destroyed', 'gone', 'conflict', 'refused'] as const)
    s.on(event, (payload) => void told.push([event, payload]));
  return { s, told, clock };
}

const refusals = (told: readonly [string, unknown][]): unknown[] =>
  told.filter(([event]) => event === 'refused').map(([, payload]) => (payload as { reason: string }).reason);

describe.each([
  ['encrypted', (): Sealer => encrypted({ keys: [key] })],
  ['signed', (): Sealer => signed({ keys: [key] })],
  ['encrypted and compressed', (): Sealer => encrypted({ keys: [key], compress: true })],
])('%s: as with a store', (_, seal) => {
  const app = () => server(controllableClock(), { seal: seal() });

  test('what one request writes the next one reads, on another server too', async () => {
    const [a, b] = [app(), app()];
    const ann = visitor(a.s);
    await ann.visit((session) => {
      session.set('views', 1);
      session.set('cart', ['popcorn']);
    });
    const elsewhere = visitor(b.s, ann.cookies);
    await elsewhere.visit((session) => {
      session.update('views', (n = 0) => n + 1);
      session.data.cart!.push('cola');
    });
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ views: 2, cart: ['popcorn', 'cola'] });
  });

  test('values beyond JSON travel', async () => {
    const ann = visitor(sessions({ seal: seal() }));
    const value = { at: new Date(0), ids: new Map([[1n, new Uint8Array([1, 2])]]), none: undefined, zero: -0 };
    await ann.visit((session) => session.set('v', value));
    expect(await ann.visit((session) => session.get('v'))).toEqual(value);
  });

  test('a request that only reads sets no cookie, and one without a session gets none', async () => {
    const ann = visitor(app().s);
    expect((await ann.ask((session) => session.get('views'))).lines).toEqual([['Vary', 'Cookie']]);
    await ann.visit((session) => session.set('views', 1));
    expect((await ann.ask((session) => session.get('views'))).lines).toEqual([['Vary', 'Cookie']]);
    expect((await ann.ask((session) => session.set('views', 1))).lines).toEqual([['Vary', 'Cookie']]);
  });

  test('whoever is given a cookie is kept by no cache', async () => {
    const { lines } = await visitor(app().s).ask((session) => session.set('views', 1));
    expect(lines).toEqual([
      ['Set-Cookie', expect.stringMatching(/^__Host-sid=[\w.-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)],
      ['Vary', 'Cookie'],
      ['Cache-Control', 'no-store'],
    ]);
  });

  test('a message that was taken is gone', async () => {
    const ann = visitor(app().s);
    await ann.visit((session) => session.set('flash', 'Saved'));
    expect(await ann.visit((session) => session.take('flash'))).toBe('Saved');
    expect(await ann.visit((session) => session.take('flash'))).toBeUndefined();
  });

  test('login binds a user, keeps the cart, and proves freshness', async () => {
    const { s, told, clock } = app();
    const ann = visitor(s);
    const id = await ann.visit((session) => {
      session.set('cart', ['popcorn']);
      return session.id;
    });
    await ann.visit((session) => session.login('ann'));
    expect(await ann.visit((session) => [session.id, session.user, session.get('cart'), session.isNew])).toEqual([
      id,
      'ann',
      ['popcorn'],
      false,
    ]);
    expect(told).toContainEqual(['rotated', { id, login: true }]);
    await ann.visit((session) => session.requireFresh('1m'));
    clock.advance(60_001);
    await expect(ann.visit((session) => session.requireFresh('1m'))).rejects.toMatchObject({
      code: 'SOJOURN_NOT_FRESH',
    });
  });

  test('a first request can log in at once', async () => {
    const ann = visitor(app().s);
    await ann.visit((session) => {
      session.login('ann');
      session.set('views', 7);
    });
    expect(await ann.visit((session) => [session.user, session.get('views')])).toEqual(['ann', 7]);
  });

  test("a login over another user's session takes nothing of it along", async () => {
    const { s, told } = app();
    const ann = visitor(s);
    const id = await ann.visit((session) => {
      session.login('ann');
      session.set('cart', ['diary']);
      return session.id;
    });
    const old = new Map(ann.cookies);
    await ann.visit((session) => session.login('bob'));
    expect(await ann.visit((session) => [session.user, session.get('cart'), session.id === id])).toEqual([
      'bob',
      undefined,
      false,
    ]);
    expect(told).toContainEqual(['destroyed', { id, reason: 'logout' }]);
    expect(await visitor(s, old).visit((session) => session.user)).toBeUndefined();
  });

  test('logout takes the cookie back, and leaves room for a goodbye', async () => {
    const ann = visitor(app().s);
    await ann.visit((session) => session.login('ann'));
    const { lines } = await ann.ask((session) => session.destroy());
    expect(lines[0]).toEqual(['Set-Cookie', expect.stringContaining('Max-Age=0')]);
    expect(ann.cookies.size).toBe(0);
    await ann.visit((session) => session.login('ann'));
    await ann.visit((session) => {
      session.destroy();
      session.set('flash', 'Goodbye');
    });
    expect(await ann.visit((session) => [session.user, session.take('flash')])).toEqual([undefined, 'Goodbye']);
  });

  test('remembered sessions outlive the browser, ordinary ones do not', async () => {
    const ann = visitor(app().s);
    const { lines } = await ann.ask((session) => session.login('ann', { remember: true }));
    expect(lines[0]![1]).toContain(`Max-Age=${30 * 86_400}`);
    const { lines: ordinary } = await ann.ask((session) => session.remember(false));
    expect(ordinary[0]![1]).not.toContain('Max-Age');
  });

  test('save() in the middle of a request: what follows builds on it', async () => {
    const { s, clock } = app();
    const ann = visitor(s);
    await ann.visit(async (session) => {
      session.set('views', 1);
      expect(await session.save()).toBe('ok');
      session.update('views', (n = 0) => n + 1);
      clock.advance(REMEMBERED_MS * 2);
      expect(await session.save()).toBe('ok');
      session.set('note', 'last');
    });
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ views: 2, note: 'last' });
  });
});

describe('time', () => {
  test('an idle session is over after 30 minutes, and one that is used is touched', async () => {
    const { s, clock, told } = server();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    clock.advance(60_000);
    expect((await ann.ask((session) => session.get('views'))).lines).toHaveLength(1);
    for (let i = 0; i < 10; i++) {
      clock.advance(20 * 60_000);
      const { result, lines } = await ann.ask((session) => session.get('views'));
      expect([result, lines.length]).toEqual([1, 3]);
    }
    clock.advance(30 * 60_000);
    expect(await ann.visit((session) => session.get('views'))).toBeUndefined();
    expect(refusals(told)).toEqual(['unknown']);
  });

  test('no session outlives the absolute timeout, however busy', async () => {
    const { s, clock } = server(controllableClock(), { idle: '30m', absolute: '1h' });
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    for (let i = 0; i < 3; i++) {
      clock.advance(19 * 60_000);
      expect(await ann.visit((session) => session.get('views'))).toBe(1);
    }
    clock.advance(4 * 60_000);
    expect(await ann.visit((session) => session.get('views'))).toBeUndefined();
  });

  test('a shorter absolute timeout concerns cookies that are out already', async () => {
    const clock = controllableClock();
    const ann = visitor(server(clock).s);
    await ann.visit((session) => session.set('views', 1));
    clock.advance(10 * 60_000);
    const strict = visitor(server(clock, { idle: '5m', absolute: '9m' }).s, ann.cookies);
    expect(await strict.visit((session) => session.get('views'))).toBeUndefined();
  });

  test('a cookie from the future is refused', async () => {
    const clock = controllableClock();
    const ann = visitor(server(clock).s);
    await ann.visit((session) => session.set('views', 1));
    const slow = server(controllableClock(clock.now() - 61_000));
    expect(await visitor(slow.s, ann.cookies).visit((session) => session.isNew)).toBe(true);
    expect(refusals(slow.told)).toEqual(['skew']);
  });
});

describe('answers that come late', () => {
  const started = async () => {
    const one = server();
    const ann = visitor(one.s);
    await ann.visit((session) => {
      session.set('views', 1);
      session.set('theme', 'light');
    });
    one.told.length = 0;
    return { ...one, ann };
  };

  test('both writes survive, whichever answer comes last', async () => {
    const { ann, told } = await started();
    const slow = await ann.begin();
    await ann.visit((session) => session.set('theme', 'dark'));
    slow.session.set('note', 'from the slow one');
    await slow.end();
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({
      views: 1,
      theme: 'dark',
      note: 'from the slow one',
    });
    expect(told.filter(([event]) => event === 'conflict')).toEqual([]);
  });

  test('fifty updates at once count fifty times, in whatever order the answers arrive', async () => {
    const { ann } = await started();
    const all = await Promise.all(Array.from({ length: 50 }, () => ann.begin()));
    for (const { session } of all) session.update('views', (n = 0) => n + 1);
    for (const one of all.reverse()) await one.end();
    expect(await ann.visit((session) => session.get('views'))).toBe(51);
  });

  test('a cookie that was overtaken on its way to the browser opens the newest state', async () => {
    const { ann } = await started();
    const [first, second] = [await ann.begin(), await ann.begin()];
    first.session.set('note', 'first');
    await first.end();
    const late = new Map(ann.cookies);
    second.session.set('theme', 'dark');
    await second.end();
    // The first answer arrives last.
    for (const [name, value] of late) ann.cookies.set(name, value);
    expect(await ann.visit((session) => [session.get('note'), session.get('theme')])).toEqual(['first', 'dark']);
    await ann.visit((session) => session.update('views', (n = 0) => n + 1));
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ views: 2, theme: 'dark', note: 'first' });
  });

  test('two assignments of one field: the last one wins, and that is told', async () => {
    const { ann, told } = await started();
    const slow = await ann.begin();
    slow.session.get('theme');
    await ann.visit((session) => session.set('theme', 'dark'));
    slow.session.set('theme', 'blue');
    await slow.end();
    expect(await ann.visit((session) => session.get('theme'))).toBe('blue');
    expect(told).toContainEqual(['conflict', expect.objectContaining({ field: 'theme', lost: true })]);
  });

  test("or is refused with mutations: 'reject', and the cookie stays", async () => {
    const one = server(controllableClock(), { mutations: 'reject' });
    const ann = visitor(one.s);
    await ann.visit((session) => session.set('theme', 'light'));
    const slow = await ann.begin();
    slow.session.get('theme');
    await ann.visit((session) => session.set('theme', 'dark'));
    slow.session.set('theme', 'blue');
    await expect(slow.end()).rejects.toMatchObject({ code: 'SOJOURN_CONFLICT' });
    expect(await ann.visit((session) => session.get('theme'))).toBe('dark');
  });

  test('logout beats a slower request', async () => {
    const { ann, told } = await started();
    const slow = await ann.begin();
    await ann.visit((session) => session.destroy());
    slow.session.set('note', 'I was slow');
    expect(await slow.end()).toEqual([['Vary', 'Cookie']]);
    expect(ann.cookies.size).toBe(0);
    expect(told.map(([event]) => event)).toEqual(['destroyed', 'gone']);
  });

  test('login beats a slower request: its answer sets no cookie', async () => {
    const { ann, told } = await started();
    const slow = await ann.begin();
    await ann.visit((session) => session.login('ann'));
    slow.session.set('note', 'from before');
    expect(await slow.end()).toEqual([['Vary', 'Cookie']]);
    expect(await ann.visit((session) => [session.user, session.get('note')])).toEqual(['ann', undefined]);
    expect(told.map(([event]) => event)).toContain('gone');
  });

  test('a token of before a login opens nothing here for a minute', async () => {
    const { s, ann, told } = await started();
    const planted = new Map(ann.cookies);
    await ann.visit((session) => session.login('ann'));
    const mallory = visitor(s, planted);
    expect((await mallory.ask((session) => void session.set('note', 'mine'))).lines).toEqual([['Vary', 'Cookie']]);
    expect(refusals(told)).toEqual(['superseded']);
  });

  test('and after that what it was: a session that nobody signed in to', async () => {
    const { s, ann, clock } = await started();
    const planted = new Map(ann.cookies);
    await ann.visit((session) => session.login('ann'));
    clock.advance(REMEMBERED_MS);
    expect(await visitor(s, planted).visit((session) => [session.user, session.get('views')])).toEqual([undefined, 1]);
  });

  test('another server went on from our state: its token counts, and nothing is told', async () => {
    const { s, ann, told, clock } = await started();
    const other = visitor(server(clock).s, ann.cookies);
    for (let i = 0; i < 2; i++) await other.visit((session) => session.update('views', (n = 0) => n + 1));
    expect(await visitor(s, ann.cookies).visit((session) => session.get('views'))).toBe(3);
    expect(told).toEqual([]);
  });

  test('who comes back after minutes elsewhere goes on from there, not from what was written here before', async () => {
    const { s, ann, clock } = await started();
    clock.advance(REMEMBERED_MS + 1000);
    const other = visitor(server(clock).s, ann.cookies);
    for (let i = 0; i < 2; i++) await other.visit((session) => session.update('views', (n = 0) => n + 1));
    await visitor(s, ann.cookies).visit((session) => session.set('note', 'back again'));
    expect(await visitor(s, ann.cookies).visit((session) => ({ ...session.data }))).toEqual({
      views: 3,
      theme: 'light',
      note: 'back again',
    });
  });

  test('two servers wrote at once: the browser holds one branch, and the other is told field by field', async () => {
    const { s, ann, told, clock } = await started();
    const slow = await visitor(server(clock).s, ann.cookies).begin();
    await visitor(s, ann.cookies).visit((session) => {
      session.set('theme', 'dark');
      session.set('note', 'of the fast one');
    });
    slow.session.set('cart', ['cola']);
    await slow.end();
    told.length = 0;
    expect(await visitor(s, ann.cookies).visit((session) => ({ ...session.data }))).toEqual(BRANCH);
    expect(conflictsIn(told)).toEqual(['cart', 'note', 'theme']);
    // Once is enough.
    told.length = 0;
    await visitor(s, ann.cookies).visit((session) => session.get('theme'));
    expect(told).toEqual([]);
  });

  test('also when the other server wrote more often: versions alone do not make a forefather', async () => {
    const { s, ann, told, clock } = await started();
    const other = visitor(server(clock).s, new Map(ann.cookies));
    await ann.visit((session) => session.set('note', 'lost'));
    for (let i = 0; i < 2; i++) await other.visit((session) => session.update('views', (n = 0) => n + 1));
    told.length = 0;
    expect(await visitor(s, other.cookies).visit((session) => session.get('note'))).toBeUndefined();
    expect(told).toContainEqual(['conflict', expect.objectContaining({ field: 'note', lost: true })]);
  });

  test('and when ours wrote more often, in vain: the one answer of the other server came last', async () => {
    const { s, ann, told, clock } = await started();
    const slow = await visitor(server(clock).s, ann.cookies).begin();
    const here = visitor(s, new Map(ann.cookies));
    for (let i = 0; i < 20; i++) await here.visit((session) => session.update('views', (n = 0) => n + 1));
    slow.session.set('cart', ['cola']);
    await slow.end();
    told.length = 0;
    expect(await visitor(s, ann.cookies).visit((session) => ({ ...session.data }))).toEqual(BRANCH);
    expect(conflictsIn(told)).toEqual(['cart', 'views']);
  });

  test('the limit: a branch that went on by more than three writes elsewhere is not told from ours gone on', async () => {
    for (const [writes, isTold] of [
      [3, true],
      [4, true],
      [5, false],
    ] as const) {
      const { s, ann, told, clock } = await started();
      const other = visitor(server(clock).s, new Map(ann.cookies));
      await ann.visit((session) => session.set('note', 'lost'));
      for (let i = 0; i < writes; i++) await other.visit((session) => session.update('views', (n = 0) => n + 1));
      told.length = 0;
      expect(await visitor(s, other.cookies).visit((session) => session.get('note'))).toBeUndefined();
      expect([writes, told.some(([event]) => event === 'conflict')]).toEqual([writes, isTold]);
    }
  });

  test('a late token from many states ago does not win', async () => {
    const { ann } = await started();
    const late = new Map(ann.cookies);
    for (let i = 0; i < 20; i++) await ann.visit((session) => session.update('views', (n = 0) => n + 1));
    for (const [name, value] of late) ann.cookies.set(name, value);
    expect(await ann.visit((session) => session.get('views'))).toBe(21);
  });

  test('how much is remembered is bounded, and who is forgotten still has his cookie', async () => {
    const { s, ann } = await started();
    const crowd = async (): Promise<void> => {
      for (let i = 0; i < MAX_REMEMBERED; i++) {
        const session = await s.open(request(undefined));
        session.set('views', i);
        await s.save(session);
      }
    };
    const late = new Map(ann.cookies);
    await ann.visit((session) => session.update('views', (n = 0) => n + 1));
    const inBetween = await ann.begin();
    inBetween.session.set('note', 'saved on the way');
    expect(await inBetween.session.save()).toBe('ok');
    await crowd();
    // Forgotten: the older token opens what it holds, and a request under way goes on from what it has saved itself.
    expect(await visitor(s, late).visit((session) => session.get('views'))).toBe(1);
    inBetween.session.update('views', (n = 0) => n + 1);
    await inBetween.end();
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({
      views: 3,
      theme: 'light',
      note: 'saved on the way',
    });
  }, 60_000);
});

describe("a format of somebody else's", () => {
  /** Equal sessions have equal tokens, as Flask's have in the same second. */
  const plain: SessionFormat = {
    name: 'plain',
    codec: json(),
    write: ({ fields }) => Buffer.from(JSON.stringify([...fields].map(([k, v]) => [k, [...v]]))).toString('base64url'),
    read(token, now) {
      const fields = JSON.parse(Buffer.from(token, 'base64url').toString()) as [string, number[]][];
      return {
        head: { createdAt: now, expiresAt: now + 60_000, version: 1, generation: 0 },
        fields: new Map(fields.map(([name, bytes]) => [name, Uint8Array.from(bytes)])),
      };
    },
  };

  test('two visitors with equal tokens: what one writes, and that he leaves, is nothing to the other', async () => {
    const { s } = server(controllableClock(), { seal: plain });
    const ann = visitor(s);
    await ann.visit((session) => session.set('theme', 'dark'));
    const [bob, eve] = [visitor(s, new Map(ann.cookies)), visitor(s, new Map(ann.cookies))];
    const slow = await bob.begin();
    await ann.visit((session) => session.set('note', 'a secret of ann'));
    slow.session.set('views', 1);
    await slow.end();
    expect(await bob.visit((session) => ({ ...session.data }))).toEqual({ theme: 'dark', views: 1 });
    await bob.visit((session) => session.destroy());
    expect(await eve.visit((session) => ({ ...session.data }))).toEqual({ theme: 'dark' });
    expect(await ann.visit((session) => session.get('note'))).toBe('a secret of ann');
  });

  test('what is read goes on within its request', async () => {
    const { s } = server(controllableClock(), { seal: plain });
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    await ann.visit(async (session) => {
      const { id } = session;
      session.update('views', (n = 0) => n + 1);
      expect(await session.save()).toBe('ok');
      session.update('views', (n = 0) => n + 1);
      expect(session.id).toBe(id);
    });
    expect(await ann.visit((session) => session.get('views'))).toBe(3);
  });
});

describe('bad cookies', () => {
  test('two live sessions in one request: neither, and both stay', async () => {
    const { s, told } = server();
    const [ann, bob] = [visitor(s), visitor(s)];
    await ann.visit((session) => session.login('ann'));
    await bob.visit((session) => session.login('bob'));
    told.length = 0;
    const both = [...ann.cookies, ...bob.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    expect((await s.open(request(both))).user).toBeUndefined();
    expect(told).toEqual([['refused', { reason: 'ambiguous' }]]);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('two states of one session: the newer one', async () => {
    const { s, clock } = server();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    const older = [...ann.cookies.values()][0];
    await ann.visit((session) => session.set('views', 2));
    const elsewhere = server(clock).s;
    for (const both of [`${NAME}=${older}; ${ann.header}`, `${ann.header}; ${NAME}=${older}`])
      expect((await elsewhere.open(request(both))).get('views')).toBe(2);
  });

  test('three are too many', async () => {
    const { s, told } = server();
    const cookies: string[] = [];
    for (let i = 0; i < 3; i++) {
      const one = visitor(s);
      await one.visit((session) => session.set('views', i));
      cookies.push(one.header!);
    }
    expect((await s.open(request(cookies.join('; ')))).isNew).toBe(true);
    expect(refusals(told)).toEqual(['ambiguous']);
  });

  test('three states of one session as well', async () => {
    const { s, told } = server();
    const ann = visitor(s);
    const cookies: string[] = [];
    for (let i = 0; i < 3; i++) {
      await ann.visit((session) => session.set('views', i));
      cookies.push(ann.header!);
    }
    expect((await s.open(request(cookies.join('; ')))).isNew).toBe(true);
    expect(refusals(told)).toEqual(['ambiguous']);
  });

  test('a cookie of another name, or another application, opens nothing', async () => {
    const clock = controllableClock();
    const ann = visitor(server(clock).s);
    await ann.visit((session) => session.set('views', 1));
    const value = [...ann.cookies.values()][0]!;
    const renamed = server(clock, { transport: cookie({ name: 'other' }) });
    expect((await renamed.s.open(request(`other=${value}`))).isNew).toBe(true);
    const blog = server(clock, { seal: encrypted({ keys: [key], application: 'blog' }) });
    expect((await blog.s.open(request(`${NAME}=${value}`))).isNew).toBe(true);
    expect([...refusals(renamed.told), ...refusals(blog.told)]).toEqual(['malformed', 'malformed']);
  });

  test('what a sealer of the same keys sealed for something else is no session', async () => {
    const { s, told } = server();
    const sealer = encrypted({ keys: [key] });
    for (const content of ['', 'hello', 'x'.repeat(28), 'x'.repeat(29), 'x'.repeat(500), '\uffff'.repeat(100)])
      expect((await s.open(request(`${NAME}=${sealer.seal(Buffer.from(content), NAME)}`))).isNew).toBe(true);
    const endless = Buffer.concat([Buffer.alloc(28), Buffer.alloc(20, 0xff)]);
    expect((await s.open(request(`${NAME}=${sealer.seal(endless, NAME)}`))).isNew).toBe(true);
    expect(new Set(refusals(told))).toEqual(new Set(['malformed']));
  });
});

describe('size', () => {
  test('a session that does not fit is an error that names the fields, before anything is kept', async () => {
    const { s, told } = server();
    const ann = visitor(s);
    await ann.visit((session) => session.set('theme', 'dark'));
    told.length = 0;
    const error = await ann
      .visit((session) => {
        session.set('big', 'x'.repeat(3000));
        session.set('note', 'y'.repeat(300));
      })
      .catch((reason) => reason);
    expect(error).toMatchObject({ code: 'SOJOURN_TOKEN_SIZE', status: 500, details: { limit: 4096 - NAME.length } });
    expect(error.message).toContain('"big" 3002 bytes, "note" 302 bytes, "theme" 6 bytes');
    expect(error.message).not.toContain('xx');
    expect(told).toEqual([]);
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ theme: 'dark' });
    await ann.visit((session) => session.set('note', 'short'));
    expect(await ann.visit((session) => ({ ...session.data }))).toEqual({ theme: 'dark', note: 'short' });
  });

  test('the limit is exact: the longest session that fits is 4096 bytes of cookie, one block more is refused', async () => {
    const { s } = server(controllableClock(), { seal: encrypted({ keys: [key], block: 1 }) });
    let longest = 0;
    for (let size = 2950; ; size++) {
      const ann = visitor(s);
      const error = await ann.visit((session) => session.set('big', 'x'.repeat(size))).catch((reason) => reason);
      if (error !== undefined) {
        expect(error.details).toMatchObject({ limit: 4096 - NAME.length });
        expect(error.details.size).toBeGreaterThan(4096 - NAME.length);
        break;
      }
      longest = ann.header!.length - 1;
      expect(longest).toBeLessThanOrEqual(4096);
    }
    expect(longest).toBeGreaterThanOrEqual(4095);
  });

  test('a handler that catches the error of save() goes on with a smaller session', async () => {
    for (const isNew of [true, false]) {
      const clock = controllableClock();
      const cookies = new Map<string, string>();
      if (!isNew) await visitor(server(clock).s, cookies).visit((session) => session.set('views', 1));
      const ann = visitor(server(clock).s, cookies);
      const ids = await ann.visit(async (session) => {
        const { id } = session;
        session.login('ann');
        session.set('big', 'x'.repeat(5000));
        await expect(session.save()).rejects.toMatchObject({ code: 'SOJOURN_TOKEN_SIZE' });
        session.delete('big');
        session.set('note', 'fits');
        return [id, session.id];
      });
      const id = await ann.visit((session) => session.id);
      expect(new Set([...ids, id]).size).toBe(1);
      expect(await ann.visit((session) => [session.user, session.get('note'), session.has('big')])).toEqual([
        'ann',
        'fits',
        false,
      ]);
    }
  });
});

describe('keys', () => {
  const [older, newer] = [randomBytes(32), randomBytes(32)];
  const withKeys = (clock: ControllableClock, ...keys: Uint8Array[]) => server(clock, { seal: encrypted({ keys }) }).s;

  test('a rotation drill signs nobody out, and ends with nobody needing the old key', async () => {
    const clock = controllableClock();
    const visitors = Array.from({ length: 6 }, () => new Map<string, string>());
    const everybody = async (...fleet: S[]): Promise<void> => {
      for (const [i, cookies] of visitors.entries()) {
        for (const s of fleet) {
          const views = await visitor(s, cookies).visit((session) => {
            expect(session.user).toBe(`user ${i}`);
            session.update('views', (n = 0) => n + 1);
            return session.get('views');
          });
          expect(views).toBeGreaterThan(0);
        }
      }
    };
    const before = withKeys(clock, older);
    for (const [i, cookies] of visitors.entries())
      await visitor(before, cookies).visit((session) => session.login(`user ${i}`));
    // 1. The new key opens, on one server after the other. 2. It seals, likewise. 3. The old one goes.
    const opens = withKeys(clock, older, newer);
    await everybody(before, opens, before);
    const seals = withKeys(clock, newer, older);
    await everybody(opens, seals, opens, seals);
    await everybody(withKeys(clock, newer));
  });

  test('a key that is gone opens nothing, and the cookie is left alone', async () => {
    const clock = controllableClock();
    const ann = visitor(withKeys(clock, older));
    await ann.visit((session) => session.login('ann'));
    const { lines, result } = await visitor(withKeys(clock, newer), new Map(ann.cookies)).ask(
      (session) => session.user,
    );
    expect([result, lines]).toEqual([undefined, [['Vary', 'Cookie']]]);
  });
});

describe('what a cookie cannot do', () => {
  test('rotate() is an error that says why', async () => {
    const ann = visitor(server().s);
    await expect(ann.visit((session) => session.rotate())).rejects.toMatchObject({ code: 'SOJOURN_SEALED' });
  });

  test('without revocations nobody can end a session from elsewhere, list sessions, or speak of outages', async () => {
    const { s } = server();
    const untyped = s as unknown as Record<string, (...args: unknown[]) => unknown>;
    await expect(untyped.destroy!('x')).rejects.toThrow(/revocations: must name a store for destroy/);
    await expect(untyped.revoke!('ann')).rejects.toThrow(/revocations: must name a store for revoke/);
    expect(() => untyped.of!('ann')).toThrow(/nobody can list them/);
    for (const option of [{ deadline: 100 }, { onReadError: 'fail' }, { onDestroyError: 'later' }])
      expect(() => server(controllableClock(), option)).toThrow(/goes with store or revocations only/);
  });

  test.each([
    ['a store beside it', { store: memory() }, /store: must not stand beside seal/],
    ['no sealer', { seal: {} }, /seal: must be a sealer, .* got an object/],
    ['a key in place of a sealer', { seal: 'x'.repeat(40) }, /seal: must be a sealer/],
    ['no store for revocations', { revocations: {} }, /revocations: must be a store/],
    ['a sweep', { sweep: false }, /sweep: must not stand beside seal/],
    ['stale copies', { revocations: memory(), onReadError: { stale: '1h' } }, /onReadError: must be one of fail, anon/],
  ])('refused: %s', (_, options, message) => {
    expect(() => server(controllableClock(), options)).toThrow(message);
  });

  test('revocations beside a store are refused; what is undefined counts as left out', () => {
    expect(() => sessions({ store: memory(), revocations: memory() } as never)).toThrow(
      /revocations: goes with seal only/,
    );
    expect(server(controllableClock(), { store: undefined, sweep: undefined }).s.describe()).toMatchObject({
      seal: 'encrypted',
    });
  });

  test('describe() tells how sessions travel, and no key', async () => {
    const { s } = server();
    expect(s.describe()).toMatchObject({ seal: 'encrypted', revocations: false, codec: 'json' });
    expect(JSON.stringify(s.describe())).not.toContain(key.toString('base64'));
    expect(await s.ready()).toBe(true);
    await s.close();
  });
});

/** What the slow request made of the session, on the other server. */
const BRANCH = { views: 1, theme: 'light', cart: ['cola'] };

/** The fields of which it was told; and of nothing else. */
function conflictsIn(told: readonly (readonly [event: string, payload: unknown])[]): string[] {
  expect(new Set(told.map(([event]) => event))).toEqual(new Set(['conflict']));
  return told.map(([, payload]) => (payload as { field: string }).field).sort();
}

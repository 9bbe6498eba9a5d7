/** Sessions in their tokens, at the edges: two cookies in one request, other transports, and what operators read when options are wrong. */
import { randomBytes } from 'node:crypto';
import { bearer, encrypted, json, memory, type SessionFormat, sessions, signed } from 'sojourn';
import { controllableClock, FaultPlan, faulty } from 'sojourn/testing';
import { describe, expect, test } from 'vitest';
import { request, visitor } from '../../test/support/visitor.js';

const key = randomBytes(32);
const NAME = '__Host-sid';

function server(clock = controllableClock(), options: object = {}) {
  const refused: unknown[] = [];
  const s = sessions<Record<string, unknown>>({ seal: encrypted({ keys: [key] }), environment: clock, ...options });
  s.on('refused', (payload) => void refused.push(payload));
  return { s, refused, clock };
}

/** What `header` shows, and the same cookies the other way round. */
const bothWays = (one: string | undefined, other: string | undefined): string[] => [
  `${one}; ${other}`,
  `${other}; ${one}`,
];

describe('two cookies in one request', () => {
  test('one that is over does not stand in the way of one that lives, whichever comes first', async () => {
    const { s, clock } = server();
    const [old, ann] = [visitor(s), visitor(s)];
    await old.visit((session) => session.login('old'));
    clock.advance(29 * 60_000);
    await ann.visit((session) => session.login('ann'));
    clock.advance(2 * 60_000);
    for (const both of bothWays(old.header, ann.header)) expect((await s.open(request(both))).user).toBe('ann');
    for (const both of bothWays(old.header, `${NAME}=nonsense`))
      expect((await s.open(request(both))).user).toBeUndefined();
  });

  test('who has signed in is signed in, however much was written to the state from before', async () => {
    const { s, clock } = server();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 0));
    const guest = visitor(server(clock).s, new Map(ann.cookies));
    for (let i = 1; i <= 5; i++) await guest.visit((session) => session.set('views', i));
    await ann.visit((session) => session.login('ann'));
    for (const both of bothWays(guest.header, ann.header)) {
      const elsewhere = server(clock).s;
      expect((await elsewhere.open(request(both))).user).toBe('ann');
    }
  });

  test('of two sessions neither is taken, and of two states of one the later, whichever comes first', async () => {
    const { s, clock, refused } = server();
    const [ann, bob] = [visitor(s), visitor(s)];
    for (const one of [ann, bob]) await one.visit((session) => session.set('views', 1));
    for (const both of bothWays(ann.header, bob.header))
      expect((await s.open(request(both))).get('views')).toBeUndefined();
    expect(refused).toEqual([{ reason: 'ambiguous' }, { reason: 'ambiguous' }]);
    const before = ann.header;
    await ann.visit((session) => session.set('views', 2));
    for (const both of bothWays(before, ann.header)) {
      expect((await server(clock).s.open(request(both))).get('views')).toBe(2);
    }
  });

  test('while nobody can be asked who was signed out, both are a stand-in: the second cookie is no way around', async () => {
    const plan = new FaultPlan();
    const options = { revocations: faulty(memory(), plan), onReadError: 'anonymous' };
    const { s, clock } = server(controllableClock(), options);
    const [old, ann, guest] = [visitor(s), visitor(s), visitor(s)];
    await old.visit((session) => session.set('views', 1));
    clock.advance(31 * 60_000);
    await ann.visit((session) => session.login('ann'));
    await guest.visit((session) => session.set('views', 1));
    plan.fail();
    for (const both of [...bothWays(ann.header, guest.header), ...bothWays(ann.header, old.header)]) {
      const session = await s.open(request(both));
      expect([session.user, session.degraded]).toEqual([undefined, true]);
    }
    plan.heal();
  });
});

describe('what is told of a refusal', () => {
  test('a clock may differ by a minute; a session from further ahead is named, so that somebody finds the clock', async () => {
    const clock = controllableClock();
    const ann = visitor(server(clock).s);
    const id = await ann.visit((session) => {
      session.login('ann');
      return session.id;
    });
    const open = async (behindMs: number) => {
      const { s, refused } = server(controllableClock(clock.now() - behindMs));
      const session = await s.open(request(ann.header));
      return { user: session.user, degraded: session.degraded, refused };
    };
    expect(await open(60_000)).toEqual({ user: 'ann', degraded: false, refused: [] });
    expect(await open(60_001)).toEqual({ user: undefined, degraded: false, refused: [{ reason: 'skew', id }] });
  });

  test('who kept his cookie after a logout is refused where he logged out, as unknown', async () => {
    const { s, refused } = server();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const kept = ann.header;
    await ann.visit((session) => session.destroy());
    expect((await s.open(request(kept))).user).toBeUndefined();
    expect(refused).toStrictEqual([{ reason: 'unknown' }]);
  });

  test('save() with nothing to save, on a server that sees the session for the first time, costs the request nothing', async () => {
    const { s, clock } = server();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    const elsewhere = visitor(server(clock).s, ann.cookies);
    await elsewhere.visit(async (session) => {
      expect(await session.save()).toBe('ok');
      session.set('views', 2);
    });
    expect(await elsewhere.visit((session) => session.get('views'))).toBe(2);
  });
});

describe('what a request may choose', () => {
  test('a page may show a stand-in where the rest of the site answers 503, and the other way round', async () => {
    for (const usual of ['fail', 'anonymous'] as const) {
      const plan = new FaultPlan();
      const { s } = server(controllableClock(), { revocations: faulty(memory(), plan), onReadError: usual });
      const ann = visitor(s);
      await ann.visit((session) => session.login('ann'));
      plan.fail();
      const open = async (options?: object) => s.open(request(ann.header), undefined, options as never);
      expect((await open({ onReadError: 'anonymous' })).degraded).toBe(true);
      await expect(open({ onReadError: 'fail' })).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
      if (usual === 'fail') await expect(open()).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
      else expect((await open()).degraded).toBe(true);
      await expect(open({ onReadError: 'perhaps' })).rejects.toThrow(/onReadError: must be one of fail, anonymous/);
      plan.heal();
    }
  });
});

describe('other transports', () => {
  test('a session in a header travels too; the same token in a cookie is none', async () => {
    const clock = controllableClock();
    const { s } = server(clock, { transport: bearer() });
    const first = await s.open(request(undefined));
    first.login('ann');
    const lines = await s.save(first);
    const token = lines.find(([name]) => name === 'X-Session-Token')?.[1];
    expect((await s.open(request(undefined, { authorization: `Bearer ${token}` }))).user).toBe('ann');
    const { s: site, refused } = server(clock);
    expect((await site.open(request(`${NAME}=${token}`))).user).toBeUndefined();
    expect(refused).toEqual([{ reason: 'malformed' }]);
  });

  test('a header takes 8000 characters, and says so when a session is longer', async () => {
    const { s } = server(controllableClock(), { transport: bearer(), seal: signed({ keys: [key] }) });
    const save = async (bytes: number) => {
      const session = await s.open(request(undefined));
      session.set('big', 'x'.repeat(bytes));
      return s.save(session);
    };
    await save(5800);
    await expect(save(6000)).rejects.toMatchObject({ code: 'SOJOURN_TOKEN_SIZE', details: { limit: 8000 } });
  });
});

describe('what operators read', () => {
  test('which fields make a session too long: the five largest, and how many more there are', async () => {
    const ann = visitor(server().s);
    const sizes = { c: 700, a: 900, g: 3, e: 500, b: 800, f: 400, d: 600 };
    const error = await ann
      .visit((session) => {
        for (const [name, bytes] of Object.entries(sizes)) session.set(name, 'x'.repeat(bytes - 2));
      })
      .catch((reason) => reason);
    expect(error.details.fields).toBe(
      '"a" 900 bytes, "b" 800 bytes, "c" 700 bytes, "d" 600 bytes, "e" 500 bytes, 2 more',
    );
  });

  test('five fields are all of them', async () => {
    const error = await visitor(server().s)
      .visit((session) => {
        for (const name of ['a', 'b', 'c', 'd', 'e']) session.set(name, 'x'.repeat(1000));
      })
      .catch((reason) => reason);
    expect(error.details.fields).toMatch(/^("[a-e]" 1002 bytes(, )?){5}$/);
  });

  const half = encrypted({ keys: [key] });
  const format: SessionFormat = { name: 'plain', codec: json(), read: () => null, write: () => 'x' };
  test.each([
    ['a function', () => half],
    ['what seals and does not unseal', { seal: half.seal }],
    ['what unseals and does not seal', { unseal: half.unseal }],
    ['a format that only reads', { read: format.read, codec: json() }],
    ['a format that only writes', { write: format.write, codec: json() }],
    ['a format without a codec', { read: format.read, write: format.write }],
  ])('no sealer: %s', (_, seal) => {
    expect(() => server(controllableClock(), { seal })).toThrow(
      /^Option seal: must be a sealer, for example encrypted\(\{ keys: \[key\] \}\)/,
    );
  });

  test("somebody else's tokens have no place for revocations, and the error names the format", () => {
    expect(() => server(controllableClock(), { seal: format, revocations: memory() })).toThrow(
      'Option revocations: cannot be had with plain, whose tokens have no place for them',
    );
    expect(server(controllableClock(), { seal: format }).s.describe()).toMatchObject({ seal: 'plain' });
  });

  test('a sealer without a name is called seal', () => {
    const { seal, unseal } = half;
    expect(server(controllableClock(), { seal: { seal, unseal } }).s.describe()).toMatchObject({ seal: 'seal' });
  });

  test('options that only a store can honour are each refused by name', () => {
    for (const [option, value] of Object.entries({ deadline: 100, onReadError: 'fail', onDestroyError: 'later' }))
      expect(() => server(controllableClock(), { [option]: value })).toThrow(
        `Option ${option}: is about calls to a store, and goes with store or revocations only`,
      );
  });

  test('why sessions in cookies cannot be listed', () => {
    const { s } = server();
    expect(() => (s as unknown as { of(user: string): unknown }).of('ann')).toThrow(
      'Option seal: keeps sessions in cookies, where nobody can list them. Use a store for of()',
    );
  });
});

describe('keys', () => {
  const of = (keys: unknown) => () => encrypted({ keys } as never);
  const wanted = (i: number): string => `Option keys[${i}] of encrypted: must be 32 or more characters or bytes`;

  test.each([
    [
      'a text',
      'x'.repeat(40),
      'Option keys of encrypted: must be a list of one or more keys, the newest first',
      'got a text',
    ],
    ['no list', 7, 'Option keys of encrypted: must be a list of one or more keys, the newest first', 'got 7'],
    ['none', [], 'Option keys of encrypted: must be a list of one or more keys, the newest first', 'got an empty list'],
    ['31 bytes', [randomBytes(31)], wanted(0), 'got 31 bytes'],
    ['no bytes', [randomBytes(32), {}], wanted(1), 'got an object'],
    ['seven bytes again and again', ['abcdefg'.repeat(9)], wanted(0), 'got a few bytes again and again'],
  ])('%s: refused in words that say where and why', (_, keys, where, got) => {
    expect(of(keys)).toThrow(where);
    expect(of(keys)).toThrow(got);
  });

  test('the least that is taken: 32 bytes, eight of them different', () => {
    for (const key of ['abcdefgh'.repeat(4), Buffer.from('abcdefgh'.repeat(4))]) {
      const sealer = encrypted({ keys: [key] });
      expect(sealer.unseal(sealer.seal(Buffer.from('{}')))).toEqual(Buffer.from('{}'));
    }
  });

  test('the same key twice is a slip in a rotation, and is refused', () => {
    const key = randomBytes(32);
    expect(of([key, key.toString('latin1'), Buffer.from(key)])).toThrow(
      'Option keys of encrypted: must not name the same key twice',
    );
  });

  test('what makes a key is shown by no error', () => {
    expect(of(['keyboard cat'])).toThrow(expect.objectContaining({ message: expect.not.stringContaining('cat') }));
  });
});

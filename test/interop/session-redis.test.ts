/**
 * Flask-Session's entries in a real Redis, through the whole engine: every vector is read by a visitor with its cookie, changed in one
 * field, and found with all its other types; and the stories of sessions that two systems share.
 */
import { type Session, type Sessions, sessions } from 'sojourn';
import { type EntryFormat, flaskLifetimes, flaskSession, flaskTransport, tuple } from 'sojourn/flask';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { readEntry, writeEntry } from '../../src/compat/flask/entry.js';
import { Dict, Float, type Python, Tuple, Uuid } from '../../src/compat/flask/python.js';
import type { RedisClient } from '../../src/stores/redis/clients/shapes.js';
import { need } from '../support/needs.js';
import { type RedisServer, startRedis } from '../support/redis.js';
import { redisClients } from '../support/redis-clients.js';
import { visitor } from '../support/visitor.js';
import { python, secretOf, shown, type Typed, vectors } from './typed.js';

interface Vector {
  id: string;
  format: 'pickle' | 'msgpack' | 'json';
  config: Record<string, unknown>;
  secret: string | { b: string };
  stored: Typed;
  key: string;
  ttl_configured: number;
  value_b64: string;
  cookie_value: string;
}

need('redis').describe('entries in Redis', () => {
  let server: RedisServer;
  let client: RedisClient;
  beforeAll(async () => {
    server = await startRedis();
    client = (await redisClients.single[0]!.connect(server)).client;
  });
  beforeEach(() => server.raw('FLUSHALL'));

  const put = (key: string, dict: Dict, format: EntryFormat = 'pickle') =>
    server.raw('SET', key, writeEntry(dict, format), 'EX', 2_678_400);
  const get = async (key: string): Promise<Dict | null> => {
    // Past the client under test, as hex: the raw connection hands out text.
    const hex = await server.raw('EVAL', HEX, '1', key);
    return hex === null ? null : readEntry(Buffer.from(String(hex), 'hex'));
  };

  function site(options: { format?: EntryFormat; signedBy?: string } = {}): {
    s: Sessions<Fields, unknown>;
    told: unknown[][];
  } {
    const { format = 'pickle', signedBy } = options;
    const told: unknown[][] = [];
    const s = sessions<Fields>({
      store: flaskSession(client, { format }),
      transport: flaskTransport(signedBy === undefined ? {} : { signedBy }),
      ...flaskLifetimes(),
    });
    for (const event of ['refused', 'corrupt', 'gone', 'rotated'] as const)
      s.on(event, (payload) => told.push([event, payload]));
    return { s, told };
  }
  interface Fields {
    [key: string]: unknown;
  }
  const browser = (s: Sessions<Fields, unknown>, cookie: string) => visitor(s, new Map([['session', cookie]]));

  const { vectors: all } = vectors<{ vectors: Vector[] }>('flask-session-redis.json');
  test.each(all)('$id: one field changes, all else stays', async (vector) => {
    const { config, format, key, stored, value_b64, ttl_configured, cookie_value } = vector;
    await server.raw('SET', key, Buffer.from(value_b64, 'base64'), 'EX', ttl_configured);
    const lifetime = ttl_configured * 1000;
    const prefix = config.SESSION_KEY_PREFIX as string | undefined;
    const s = sessions<Fields>({
      store: flaskSession(client, { format, lifetime, ...(prefix !== undefined && { prefix }) }),
      transport: flaskTransport(config.SESSION_USE_SIGNER ? { signedBy: secretOf(vector.secret) } : {}),
      ...flaskLifetimes(lifetime),
    });
    const ann = browser(s, cookie_value);
    const seen = await ann.visit((session) => {
      const names = [...session.keys()];
      session.set('touched', { by: 'Node' });
      return names;
    });
    const before = python(stored) as Dict;
    const hidden = ['_permanent', '_user_id', '', '__proto__'];
    const visible = [...before.entries()].map(([name]) => name).filter((name) => !hidden.includes(name as string));
    expect(seen.sort()).toEqual(visible.filter((name) => typeof name === 'string').sort());
    before.set('touched', Dict.of([['by', 'Node']]));
    expect(shown((await get(key))!, true)).toBe(shown(before, true));
    expect(Number(await server.raw('TTL', key))).toBeGreaterThan(ttl_configured - 60);
    expect(await ann.visit((session) => session.get('touched'))).toEqual({ by: 'Node' });
  });

  test('the parts of a changed field that are as they were keep their types', async () => {
    const { s } = site();
    const id = new Uuid('4d212aca1dea4b7f9798363fba454706');
    const line: Python[] = [new Tuple(['seat', 7, new Float(30)]), id, new Float(12)];
    await put('session:abc', Dict.of([['cart', line]]));
    await browser(s, 'abc').visit((session) =>
      session.update('cart', (cart) => [...(cart as unknown[]), 5, tuple('x')]),
    );
    expect(shown((await get('session:abc'))!.get('cart')!)).toBe(shown([...line, 5, new Tuple(['x'])]));
  });

  test('flashes of Flask are taken by Node, once', async () => {
    const { s } = site();
    await put(
      'session:abc',
      Dict.of([
        ['_flashes', [new Tuple(['message', 'Hello'])]],
        ['n', 1],
      ]),
    );
    const ann = browser(s, 'abc');
    expect(await ann.visit((session) => session.take('_flashes'))).toEqual([['message', 'Hello']]);
    expect(await ann.visit((session) => session.take('_flashes'))).toBeUndefined();
    expect(shown((await get('session:abc'))!)).toBe('{"n": int 1}');
  });

  test('what Flask writes between reading and writing is not lost', async () => {
    const { s } = site();
    await put(
      'session:abc',
      Dict.of([
        ['a', 1],
        ['b', 1],
      ]),
    );
    const one = await browser(s, 'abc').begin();
    one.session.set('a', 2);
    one.session.update('b', (b) => (b as number) + 1);
    await put(
      'session:abc',
      Dict.of([
        ['a', 1],
        ['b', 10],
        ['c', 3],
      ]),
    );
    await one.end();
    expect(shown((await get('session:abc'))!)).toBe('{"a": int 2,"b": int 11,"c": int 3}');
  });

  test('fifty requests at once: fifty changes', async () => {
    const { s } = site();
    await put('session:abc', Dict.of([['n', 0]]));
    const visits = Array.from({ length: 50 }, () =>
      browser(s, 'abc').visit((session) => session.update('n', (n) => (n as number) + 1)),
    );
    await Promise.all(visits);
    expect((await get('session:abc'))!.get('n')).toBe(50);
  });

  test('a login moves the session to a new id, which Flask-Login understands; the old one opens nothing', async () => {
    const { s, told } = site({ signedBy: 'dev' });
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', [1]));
    const planted = ann.cookies.get('session')!;
    await ann.visit((session) => session.login('42'));
    const cookie = ann.cookies.get('session')!;
    expect(cookie).not.toBe(planted);
    expect(await browser(s, planted).visit((session) => [...session.keys(), session.user])).toEqual([undefined]);
    expect(await ann.visit((session) => [session.get('cart'), session.user])).toEqual([[1], '42']);
    expect(await server.raw('KEYS', '*')).toEqual([`session:${cookie.split('.')[0]}`]);
    expect(shown((await get(`session:${cookie.split('.')[0]}`))!)).toBe('{"_user_id": "42","cart": [int 1]}');
    expect(told.map(([event]) => event)).toContain('rotated');
  });

  test('a rotation keeps the user, and a slower request of the old id changes nothing', async () => {
    const { s, told } = site();
    const ann = visitor(s);
    await ann.visit((session) => session.login('42'));
    const slow = await browser(s, ann.cookies.get('session')!).begin();
    await ann.visit((session) => session.rotate());
    slow.session.set('late', true);
    await slow.end();
    expect(told.map(([event]) => event)).toContain('gone');
    expect(await ann.visit((session) => [session.user, session.has('late')])).toEqual(['42', false]);
    expect(await server.raw('DBSIZE')).toBe(1);
  });

  test('logout removes the entry and takes the cookie back; a slower request does not revive it', async () => {
    const { s } = site();
    await put('session:abc', Dict.of([['_user_id', '7']]));
    const ann = browser(s, 'abc');
    const slow = await browser(s, 'abc').begin();
    expect(slow.session.user).toBe('7');
    await ann.visit((session) => session.destroy());
    slow.session.set('late', true);
    await slow.end();
    expect(await server.raw('DBSIZE')).toBe(0);
    expect(ann.cookies.has('session')).toBe(false);
  });

  test('an id that a client has chosen is never adopted', async () => {
    const { s, told } = site();
    const eve = browser(s, 'chosen-by-eve');
    await eve.visit((session) => session.set('n', 1));
    expect(eve.cookies.get('session')).not.toBe('chosen-by-eve');
    expect(await get('session:chosen-by-eve')).toBeNull();
    expect(told[0]).toEqual(['refused', { reason: 'unknown' }]);
  });

  test.each([
    ['a pickle that would run a command', Buffer.from('cposix\nsystem\n(Vtouch x\ntR.')],
    ['bytes that mean nothing', Buffer.from([0x01, 0x02])],
    ['nothing', Buffer.alloc(0)],
  ])('%s is no session, one event, and no error', async (_what, bytes) => {
    const { s, told } = site();
    await server.raw('SET', 'session:abc', bytes, 'EX', 100);
    expect(await browser(s, 'abc').visit((session: Session<Fields>) => [...session.keys()])).toEqual([]);
    expect(told.map(([event]) => event)).toEqual(['corrupt']);
  });

  test('what the format would bend is refused where it is set, and nothing is written', async () => {
    const { s } = site({ format: 'json' });
    await put('session:abc', Dict.of([['n', 1]]), 'json');
    const visit = browser(s, 'abc').visit((session) => session.set('when', new Date(0)));
    await expect(visit).rejects.toMatchObject({ code: 'SOJOURN_VALUE', details: { path: 'when' } });
    expect(shown((await get('session:abc'))!)).toBe('{"n": int 1}');
  });
});

const HEX = `local v = redis.call('GET', KEYS[1]) if not v then return false end
return (v:gsub('.', function(c) return string.format('%02x', string.byte(c)) end))`;

/** What keeping asks of the store, in which order, and what it tells: seen on a store whose single verbs can go wrong. */
import { describe, expect, test } from 'vitest';
import { visitor } from '../../test/support/visitor.js';
import type { Events, HeaderLine, Store } from '../index.js';
import { memory, sessions, type } from '../index.js';
import { controllableClock } from '../testing/clock.js';

interface Shop {
  views: number;
  name: string;
}
type Told = { [E in keyof Events]: readonly [E, Events[E]] }[keyof Events];

/** `wrong`: what a verb does instead of its work, if it returns anything. */
function shop(
  wrong: { [V in 'create' | 'commit' | 'destroy']?: (id: string) => ReturnType<Store[V]> | undefined } = {},
) {
  const clock = controllableClock();
  const kept = memory({ now: clock.now });
  const verbs: string[] = [];
  const store: Store = {
    name: 'toy',
    load: (id) => kept.load(id),
    create(id, session) {
      verbs.push('create');
      return wrong.create?.(id) ?? kept.create(id, session);
    },
    commit(id, delta) {
      verbs.push(`commit ${[...delta.fields.keys()]}`.trim());
      return wrong.commit?.(id) ?? kept.commit(id, delta);
    },
    destroy(id) {
      verbs.push('destroy');
      return wrong.destroy?.(id) ?? kept.destroy(id);
    },
  };
  const told: Told[] = [];
  const listen = <E extends keyof Events>(event: E) => [
    event,
    (payload: Events[E]) => told.push([event, payload] as unknown as Told),
  ];
  const on = Object.fromEntries((['created', 'committed', 'rotated', 'destroyed', 'gone'] as const).map(listen));
  const s = sessions({ data: type<Shop>(), store, environment: clock, on });
  return { s, kept, clock, verbs, told };
}
const cookies = (lines: readonly HeaderLine[]) =>
  lines.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value);

describe('what is asked and told', () => {
  test('a first write creates, the next one commits what changed, and each is told', async () => {
    const { s, verbs, told } = shop();
    const ann = visitor(s);
    const id = await ann.visit((session) => {
      session.set('views', 1);
      return session.id;
    });
    await ann.visit((session) => session.set('views', 2));
    await ann.visit((session) => {
      session.set('views', 3);
      session.set('name', 'Ann');
    });

    expect(verbs).toEqual(['create', 'commit views', 'commit views,name']);
    expect(told).toEqual([
      ['created', { id }],
      ['committed', { id, fields: ['views'] }],
      ['committed', { id, fields: ['views', 'name'] }],
    ]);
  });

  test('a login that begins a session creates it unbound and binds it by commit', async () => {
    const { s, verbs, told } = shop();
    const id = await visitor(s).visit((session) => {
      session.login('ann');
      return session.id;
    });

    expect(verbs).toEqual(['create', 'commit']);
    expect(told).toEqual([
      ['created', { id }],
      ['rotated', { id, login: true }],
    ]);
  });

  test('a rotation and a login on a session that stands are told as what they are; a touch is not told at all', async () => {
    const { s, clock, told, verbs } = shop();
    const ann = visitor(s);
    const id = await ann.visit((session) => {
      session.set('views', 1);
      return session.id;
    });
    told.length = 0;
    await ann.visit((session) => session.rotate());
    await ann.visit((session) => session.login('ann'));
    clock.advance('5m');
    await ann.visit((session) => session.user);

    expect(told).toEqual([
      ['rotated', { id, login: false }],
      ['rotated', { id, login: true }],
    ]);
    expect(verbs).toEqual(['create', 'commit', 'commit', 'commit']);
  });

  test('a logout ends the old session before its goodbye begins a new one', async () => {
    const { s, verbs } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    verbs.length = 0;

    await ann.visit((session) => {
      session.destroy();
      session.set('name', 'Goodbye');
    });

    expect(verbs).toEqual(['destroy', 'create']);
  });

  test('a login over another user’s session lets the new one stand before the old one ends', async () => {
    const { s, verbs } = shop();
    const shared = visitor(s);
    await shared.visit((session) => session.login('ann'));
    verbs.length = 0;

    await shared.visit((session) => session.login('bob'));

    expect(verbs).toEqual(['create', 'commit', 'destroy']);
  });
});

describe('ids that are taken', () => {
  test('once: the session gets another one, and its cookie says so', async () => {
    let taken = 1;
    const { s, verbs, told } = shop({ create: () => (taken-- > 0 ? 'exists' : undefined) });
    const ann = visitor(s);

    const [first, session] = await ann.visit((each) => {
      each.set('views', 1);
      return [each.id, each] as const;
    });

    expect(verbs).toEqual(['create', 'create']);
    expect(session.id).not.toBe(first);
    expect(told).toEqual([['created', { id: session.id }]]);
    expect(await ann.visit((each) => [each.id, each.get('views')])).toEqual([session.id, 1]);
  });

  test('twice: that is no chance, and the store is named', async () => {
    const { s, verbs } = shop({ create: () => 'exists' });

    await expect(visitor(s).visit((session) => session.set('views', 1))).rejects.toMatchObject({
      code: 'SOJOURN_STORE',
      message: 'Session store toy could not create: it answered "exists" for two fresh ids.',
    });
    expect(verbs).toEqual(['create', 'create']);
  });
});

test('a login whose new session is revoked before it is bound is gone: no cookie, nothing kept', async () => {
  const { s, told, kept } = shop({ commit: (id) => void kept.destroy(id) as undefined });

  const { lines, result } = await visitor(s).ask(async (session) => {
    session.login('ann');
    return [session.id, await session.save()];
  });

  expect(result[1]).toBe('gone');
  expect(cookies(lines)).toEqual([]);
  expect(told.map(([event]) => event)).toContain('gone');
  expect(kept.load(String(result[0]))).toBeNull();
});

describe('a store that fails in the middle', () => {
  test('a logout that could not be carried out is an error, and is carried out when it is tried again', async () => {
    let failing = true;
    const { s, verbs } = shop({
      destroy() {
        if (failing) throw new Error('down');
        return undefined;
      },
    });
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const stolen = visitor(s, new Map(ann.cookies));
    const { session, end } = await ann.begin();
    session.destroy();

    await expect(session.save()).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
    failing = false;
    expect(cookies(await end())[0]).toMatch(/Max-Age=0/);

    expect(verbs.filter((verb) => verb === 'destroy')).toHaveLength(2);
    expect(await stolen.visit((each) => each.user)).toBeUndefined();
  });

  test('all sessions that a request has left behind are ended, each once', async () => {
    let failing = true;
    const { s, told } = shop({
      destroy() {
        if (failing) throw new Error('down');
        return undefined;
      },
    });
    const shared = visitor(s);
    const first = await shared.visit((session) => {
      session.login('ann');
      return session.id;
    });
    const { session, end } = await shared.begin();
    session.login('bob');
    await expect(session.save()).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
    const second = session.id;
    failing = false;
    session.destroy();
    await end();

    expect(told.filter(([event]) => event === 'destroyed').map(([, payload]) => payload)).toEqual([
      { id: first, reason: 'logout' },
      { id: second, reason: 'logout' },
    ]);
  });
});

describe('several saves in one request', () => {
  test('two rotations: one token is sent, and it opens the session', async () => {
    const { s, clock } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));

    const { lines } = await ann.ask(async (session) => {
      session.rotate();
      await session.save();
      session.rotate();
    });
    clock.advance('1m');

    expect(cookies(lines)).toHaveLength(1);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('two rotations that are far enough apart both count', async () => {
    const { s, clock, told } = shop();
    const ann = visitor(s);
    const id = await ann.visit((session) => {
      session.set('views', 1);
      return session.id;
    });

    await ann.visit(async (session) => {
      session.rotate();
      await session.save();
      clock.advance('10s');
      session.rotate();
    });
    clock.advance('1m');

    expect(told.filter(([event]) => event === 'rotated')).toEqual([
      ['rotated', { id, login: false }],
      ['rotated', { id, login: false }],
    ]);
    expect(await ann.visit((session) => session.get('views'))).toBe(1);
  });

  test('a rotation that came too late, and a login after it: the old token is known as replaced', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    const old = visitor(s, new Map(ann.cookies));
    const [slow, quick] = [await ann.begin(), await ann.begin()];
    slow.session.rotate();
    quick.session.rotate();
    await quick.end();
    await slow.session.save();
    slow.session.login('ann');
    await slow.end();

    expect(cookies((await old.ask((session) => session.set('name', 'late'))).lines)).toEqual([]);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('a token that the client has never seen goes out even on a 304, whatever comes after it', async () => {
    const { s, clock } = shop();
    const ann = visitor(s);

    const { lines } = await ann.ask(async (session) => {
      session.login('ann', { remember: true });
      await session.save();
      clock.advance('2d');
    }, 304);

    expect(cookies(lines)).toHaveLength(1);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('another lifetime goes out on a 304 as well, a later date of the same does not', async () => {
    const { s, clock } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));

    expect(cookies((await ann.ask((session) => session.remember(), 304)).lines)[0]).toMatch(/Max-Age=2592000\b/);
    clock.advance('2d');
    const { lines } = await ann.ask(async (session) => {
      await session.save();
      clock.advance('2d');
      return session.user;
    }, 304);
    expect(cookies(lines)).toEqual([]);
  });
});

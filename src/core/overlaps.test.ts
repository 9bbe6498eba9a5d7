/**
 * Requests of one visitor that overlap, on a store that takes its time: every verb goes round the event loop, so that
 * commits wait in lanes, and answers pass one another.
 */
import { describe, expect, test } from 'vitest';
import { visitor } from '../../test/support/visitor.js';
import type { HeaderLine, Session, Store } from '../index.js';
import { memory, sessions, type } from '../index.js';
import { controllableClock } from '../testing/clock.js';

interface Shop {
  views: number;
  cart: string[];
  flash: string[];
  name: string;
}

function shop() {
  const clock = controllableClock();
  const store = memory({ now: clock.now });
  const turn = () => new Promise(setImmediate);
  const verbs: string[] = [];
  let failing = false;
  const failNext = () => {
    failing = true;
  };
  const slow: Store = {
    name: 'slow',
    load: async (id) => turn().then(() => store.load(id)),
    create: async (id, session) => turn().then(() => store.create(id, session)),
    commit: async (id, delta) => {
      verbs.push('commit');
      await turn();
      if (failing) {
        failing = false;
        throw new Error('down');
      }
      return store.commit(id, delta);
    },
    destroy: async (id) => turn().then(() => store.destroy(id)),
  };
  const s = sessions({ data: type<Shop>(), store: slow, environment: clock, sweep: false });
  return { s, store, clock, verbs, failNext };
}

const cookies = (lines: readonly HeaderLine[]) => lines.filter(([name]) => name === 'Set-Cookie');

describe('a save() that nobody awaited', () => {
  test('is carried out once: an update counts once', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 0));

    await ann.visit((session) => {
      session.update('views', (n = 0) => n + 1);
      void session.save();
    });

    expect(await ann.visit((session) => session.get('views'))).toBe(1);
  });

  test('makes one session of a new one, and its cookie opens it', async () => {
    const { s, store } = shop();
    const ann = visitor(s);

    await ann.visit((session) => {
      session.set('views', 1);
      void session.save();
    });

    expect(await ann.visit((session) => session.get('views'))).toBe(1);
    const all = [];
    for await (const [id] of store.list()) all.push(id);
    expect(all).toHaveLength(1);
  });

  test('signs in once', async () => {
    const { s, verbs } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));
    verbs.length = 0;

    await ann.visit((session) => {
      session.login('ann');
      void session.save();
    });

    expect(verbs).toEqual(['commit']);
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('lets nothing be changed before it has come back, but what was changed deep inside is kept', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('cart', []));

    await ann.visit((session) => {
      session.data.cart?.push('ticket');
      void session.save();
      session.data.cart?.push('popcorn');
      expect(() => session.set('views', 1)).toThrowError(expect.objectContaining({ code: 'SOJOURN_SAVING' }));
    });

    expect(await ann.visit((session) => session.get('cart'))).toEqual(['ticket', 'popcorn']);
  });

  test('and that failed is made up for at the end', async () => {
    const { s, failNext } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 1));

    await ann.visit((session) => {
      session.set('views', 2);
      failNext();
      session.save().catch(() => {});
    });

    expect(await ann.visit((session) => session.get('views'))).toBe(2);
  });

  test('two of them and the end of the answer still commit once', async () => {
    const { s, verbs } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('views', 0));
    verbs.length = 0;

    await ann.visit((session) => {
      session.update('views', (n = 0) => n + 1);
      void session.save();
      void session.save();
    });

    expect(verbs).toEqual(['commit']);
  });
});

describe('an answer that began before a rotation never brings the old cookie back', () => {
  async function rememberedAnn() {
    const world = shop();
    const ann = visitor(world.s);
    await ann.visit((session) => session.login('ann', { remember: true }));
    world.clock.advance('2d');
    return { ...world, ann };
  }

  test('nor when it moves the deadline', async () => {
    const { ann, clock } = await rememberedAnn();
    const [reader, rotator] = [await ann.begin(), await ann.begin()];
    reader.session.get('views');
    rotator.session.rotate();

    await rotator.end();
    expect(cookies(await reader.end())).toEqual([]);

    clock.advance('1m');
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('nor when it has a rotation of its own that came too late', async () => {
    const { ann, clock } = await rememberedAnn();
    const [first, second] = [await ann.begin(), await ann.begin()];
    first.session.rotate();
    second.session.rotate();

    expect((await Promise.all([first.end(), second.end()])).map((lines) => cookies(lines).length)).toEqual([1, 0]);

    clock.advance('1m');
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('nor when it changes the lifetime, which takes effect all the same', async () => {
    const { s, clock } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.login('ann'));
    const [chooser, rotator] = [await ann.begin(), await ann.begin()];
    chooser.session.remember();
    rotator.session.rotate();

    await rotator.end();
    expect(cookies(await chooser.end())).toEqual([]);

    clock.advance('29d');
    expect(await ann.visit((session) => session.user)).toBe('ann');
  });

  test('nor with what it wants after a save that came too late', async () => {
    const { ann, clock } = await rememberedAnn();
    const [slow, rotator] = [await ann.begin(), await ann.begin()];
    slow.session.rotate();
    rotator.session.rotate();
    await rotator.end();

    await slow.session.save();
    slow.session.rotate();
    slow.session.remember(true);
    slow.session.set('name', 'Ann');
    expect(cookies(await slow.end())).toEqual([]);

    clock.advance('1m');
    expect(await ann.visit((session) => [session.user, session.get('name')])).toEqual(['ann', 'Ann']);
  });

  test('nor when it waited behind others while another server rotated', async () => {
    const { ann, clock, store } = await rememberedAnn();
    const reader = await ann.begin();
    reader.session.get('views');
    await ann.visit((session) => session.get('views'));
    const [first, second] = [await ann.begin(), await ann.begin()];
    first.session.set('views', 1);
    second.session.set('name', 'Ann');
    const elsewhere = visitor(sessions({ data: type<Shop>(), store, environment: clock, sweep: false }), ann.cookies);
    const rotator = await elsewhere.begin();
    rotator.session.rotate();

    const ends = [first.end(), second.end(), reader.end()];
    await rotator.end();
    await Promise.all(ends);

    clock.advance('1m');
    expect(await ann.visit((session) => [session.user, session.get('name')])).toEqual(['ann', 'Ann']);
  });

  test('but where nobody rotated, the later date goes out, even beside other changes', async () => {
    const { ann } = await rememberedAnn();
    const [reader, writer] = [await ann.begin(), await ann.begin()];
    reader.session.get('views');
    writer.session.update('views', (n = 0) => n + 1);

    expect((await Promise.all([writer.end(), reader.end()])).map((lines) => cookies(lines).length)).toEqual([1, 1]);
    expect(await ann.visit((session) => session.get('views'))).toBe(1);
  });
});

test('what waits behind a login does not land with it', async () => {
  const { s } = shop();
  const ann = visitor(s);
  await ann.visit((session) => session.set('views', 1));
  const [first, login, planted] = [await ann.begin(), await ann.begin(), await ann.begin()];
  first.session.set('views', 2);
  login.session.login('ann');
  planted.session.set('name', 'planted');

  const [, , result] = await Promise.all([first.session.save(), login.session.save(), planted.session.save()]);
  await login.end();

  expect(result).toBe('gone');
  expect(await ann.visit((session) => [session.user, session.get('views'), session.has('name')])).toEqual([
    'ann',
    2,
    false,
  ]);
});

test('who saves with a replaced token is told that nothing was kept', async () => {
  const { s, verbs } = shop();
  const ann = visitor(s);
  await ann.visit((session) => session.set('views', 1));
  const late = visitor(s, new Map(ann.cookies));
  await ann.visit((session) => session.login('ann'));
  verbs.length = 0;

  const { result, lines } = await late.ask((session) => {
    session.set('name', 'late');
    return session.save();
  });

  expect([result, cookies(lines), verbs]).toEqual(['gone', [], []]);
});

test('who signs in with a replaced token, saves and goes on, keeps all of it', async () => {
  const { s } = shop();
  const ann = visitor(s);
  await ann.visit((session) => session.set('views', 1));
  const first = await ann.begin();
  first.session.login('ann');
  await s.save(first.session); // the answer, and the cookie in it, never arrive

  await ann.visit(async (session) => {
    session.login('ann');
    await session.save();
    session.set('name', 'Ann');
  });

  expect(await ann.visit((session) => [session.user, session.get('name')])).toEqual(['ann', 'Ann']);
});

test('who signs in with a replaced token, saves and logs out again, is logged out', async () => {
  const { s, store } = shop();
  const ann = visitor(s);
  await ann.visit((session) => session.set('views', 1));
  const first = await ann.begin();
  first.session.login('ann');
  await s.save(first.session);

  const id = await ann.visit(async (session) => {
    session.login('ann');
    await session.save();
    const { id } = session;
    session.destroy();
    return id;
  });

  expect(store.load(id)).toBeNull();
});

describe('a page that shows messages and leaves one', () => {
  test.each<[string, (session: Session<Shop>) => void, string[]]>([
    [
      'after showing',
      (session) => {
        session.take('flash');
        session.update('flash', (all = []) => [...all, 'mine']);
      },
      ['one', 'meanwhile', 'mine'],
    ],
    [
      'before showing',
      (session) => {
        session.update('flash', (all = []) => [...all, 'mine']);
        session.take('flash');
      },
      ['one', 'meanwhile'],
    ],
  ])('%s: what another request leaves meanwhile is not lost', async (_, act, left) => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('flash', ['one']));
    const { session, end } = await ann.begin();
    act(session);
    await ann.visit((other) => other.update('flash', (all = []) => [...all, 'meanwhile']));
    await end();

    expect(await ann.visit((later) => later.get('flash'))).toEqual(left);
  });

  test('and alone, it leaves what it left', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('flash', ['one']));
    await ann.visit((session) => {
      expect(session.take('flash')).toEqual(['one']);
      session.update('flash', (all = []) => [...all, 'mine']);
    });

    expect(await ann.visit((session) => session.get('flash'))).toEqual(['mine']);
  });
});

describe('after a save in mid-request', () => {
  test('a field that another request deleted in the same commit is absent, not damaged', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('name', 'Ann'));
    const [first, reader, deleter] = [await ann.begin(), await ann.begin(), await ann.begin()];
    first.session.set('views', 1);
    expect(reader.session.get('name')).toBe('Ann');
    reader.session.set('cart', ['ticket']);
    deleter.session.delete('name');

    await Promise.all([first.end(), reader.session.save(), deleter.end()]);

    expect(reader.session.get('name')).toBeUndefined();
    expect(reader.session.has('name')).toBe(false);
    await reader.end();
  });

  test('messages that arrived while others were taken are there to be taken', async () => {
    const { s } = shop();
    const ann = visitor(s);
    await ann.visit((session) => session.set('flash', ['one']));
    const { session, end } = await ann.begin();
    expect(session.take('flash')).toEqual(['one']);
    await ann.visit((other) => other.update('flash', (all = []) => [...all, 'two']));
    await session.save();

    expect(session.take('flash')).toEqual(['one', 'two']);
    await end();
    expect(await ann.visit((later) => later.has('flash'))).toBe(false);
  });

  test('limits count what is stored now, not what the request had expected', async () => {
    const { s } = shop();
    const ann = visitor(s);
    const big = 'x'.repeat(900_000);
    await ann.visit((session) => session.set('name', ''));
    const { session, end } = await ann.begin();
    session.update('name', (name = '') => `${name}!`);
    await ann.visit((other) => other.set('name', big));
    await session.save();

    expect(() => session.set('cart', ['y'.repeat(200_000)])).toThrowError(
      expect.objectContaining({ code: 'SOJOURN_LIMIT' }),
    );
    await end();
  });
});

/** Values that only the application reads: what the store holds, what copies, damage and plants come to, and keys that change. */
import { randomBytes } from 'node:crypto';
import { type Delta, type Events, memory, type Store, type Stored, sessions, type, type Write } from 'sojourn';
import { redis } from 'sojourn/redis';
import { describe, expect, test } from 'vitest';
import { runs } from '../../test/support/exam.js';
import { need } from '../../test/support/needs.js';
import { startRedis } from '../../test/support/redis.js';
import { redisClients } from '../../test/support/redis-clients.js';
import { visitor } from '../../test/support/visitor.js';
import { type StoreContext, storeKit } from '../testing/store-kit.js';
import { cached } from './cached.js';
import { encryptedFields } from './encrypted-fields.js';
import { migrating } from './migrating.js';

const onRedis = need('redis');
const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
const keys = [newKey];
const kit = { races: runs(20, 200), parallel: 30 };

storeKit({ describe, test }, ({ now, inner }) => encryptedFields(inner(memory({ now })), { keys }), {
  ...kit,
  name: 'encryptedFields, over memory',
  mustHave: ['byUser', 'list', 'sweep'],
});

let client: ReturnType<(typeof redisClients.single)[number]['connect']> | undefined;
let round = 0;
const open = async ({ now, inner }: StoreContext) => {
  client ??= startRedis().then((server) => redisClients.single[0]!.connect(server));
  return encryptedFields(inner(redis((await client).client, { prefix: `kit${round}:`, now })), { keys });
};
storeKit(
  onRedis,
  (context) => {
    round++;
    return open(context);
  },
  { ...kit, name: 'encryptedFields, over Redis', mustHave: ['byUser', 'list', 'watch', 'listen'], another: open },
);

interface Fields {
  card: string;
  n: number;
  other: string;
}

function app(store: Store) {
  const s = sessions({ data: type<Fields>(), store, sweep: false });
  const corrupt: Events['corrupt'][] = [];
  s.on('corrupt', (event) => corrupt.push(event));
  return { s, corrupt, ann: visitor(s) };
}

/** Writes below the layer, as somebody with access to the store would. */
function plant(store: Store, id: string, fields: Record<string, Uint8Array>): void {
  const writes = Object.entries(fields).map(([name, value]): [string, Write] => [name, { op: 'set', value }]);
  const head = (store.load(id) as Stored).head;
  const delta: Delta = { generation: head.generation, head: { expiresAt: head.expiresAt }, fields: new Map(writes) };
  expect(store.commit(id, delta)).toMatchObject({ status: 'ok' });
}

const held = (store: Store, id: string, field: string): Uint8Array => (store.load(id) as Stored).fields.get(field)!;

test('the store holds no value, in no form that could be searched for', async () => {
  const below = memory();
  const { s, ann } = app(encryptedFields(below, { keys }));
  const id = await ann.visit((session) => {
    session.set('card', '4111 1111 1111 1111');
    session.set('n', 1);
    return session.id;
  });
  expect(await ann.visit((session) => session.get('card'))).toBe('4111 1111 1111 1111');
  const bytes = Buffer.concat([held(below, id, 'card'), held(below, id, 'n')]).toString('latin1');
  expect(bytes).not.toMatch(/4111/);
  // Equal values of other fields and other sessions are other bytes.
  const bob = visitor(s);
  const bobs = await bob.visit((session) => {
    session.set('card', '4111 1111 1111 1111');
    session.set('other', '4111 1111 1111 1111');
    return session.id;
  });
  const all = [held(below, id, 'card'), held(below, bobs, 'card'), held(below, bobs, 'other')];
  expect(new Set(all.map((value) => Buffer.from(value).toString('hex'))).size).toBe(3);
});

describe('a value that this application did not write there costs its field, and nothing else', () => {
  const cases: Record<string, (below: Store, id: string, another: string) => Uint8Array> = {
    'copied from another session': (below, _, another) => held(below, another, 'card'),
    'copied from another field': (below, id) => held(below, id, 'other'),
    'plain, as a codec would have made it': () => Buffer.from('"admin"'),
    'one bit of it turned': (below, id) => held(below, id, 'card').map((byte, i) => (i === 20 ? byte ^ 1 : byte)),
    'its tag cut short': (below, id) => held(below, id, 'card').subarray(0, -12),
    'under a key that nobody knows': (below, id) =>
      held(below, id, 'card').map((byte, i) => (i === 2 ? byte ^ 1 : byte)),
    'nothing at all': () => new Uint8Array(0),
  };
  test.each(Object.entries(cases))('%s', async (_, made) => {
    const below = memory();
    const { s, ann, corrupt } = app(encryptedFields(below, { keys }));
    const write = (session: { set(field: 'card' | 'other', value: string): void; readonly id: string }): string => {
      session.set('card', 'mine');
      session.set('other', 'kept');
      return session.id;
    };
    const [id, another] = [await ann.visit(write), await visitor(s).visit(write)];
    plant(below, id, { card: made(below, id, another) });
    await ann.visit((session) => {
      expect(session.get('other')).toBe('kept');
      expect(() => session.get('card')).toThrow(/cannot be read back/);
    });
    expect(corrupt).toEqual([{ id, field: 'card', reason: expect.any(String) }]);
    // It can be replaced.
    await ann.visit((session) => session.set('card', 'new'));
    expect(await ann.visit((session) => [session.get('card'), session.get('other')])).toEqual(['new', 'kept']);
  });
});

test('keys change without anybody noticing: two servers with different keys in front update one counter', async () => {
  const below = memory();
  const before = app(encryptedFields(below, { keys: [oldKey] }));
  await before.ann.visit((session) => session.set('n', 0));
  const id = await before.ann.visit((session) => session.id);
  const both = [
    [oldKey, newKey],
    [newKey, oldKey],
  ].map((order) => app(encryptedFields(below, { keys: order })));
  for (let i = 0; i < 20; i++) {
    const s = both[i % 2]!.s;
    await visitor(s, new Map(before.ann.cookies)).visit((session) => session.update('n', (n = 0) => n + 1));
  }
  const together = both.map(({ s }) => visitor(s, new Map(before.ann.cookies)));
  await Promise.all(
    Array.from({ length: 40 }, (_, i) => together[i % 2]!.visit((session) => session.update('n', (n = 0) => n + 1))),
  );
  expect(await together[0]!.visit((session) => session.get('n'))).toBe(60);

  await together[1]!.visit((session) => session.update('n', (n = 0) => n + 1));
  const after = app(encryptedFields(below, { keys: [newKey] }));
  expect(await visitor(after.s, new Map(before.ann.cookies)).visit((session) => session.get('n'))).toBe(61);
  const stranger = app(encryptedFields(below, { keys: [randomBytes(32)] }));
  await visitor(stranger.s, new Map(before.ann.cookies)).visit((session) => {
    expect(() => session.get('n')).toThrow(/cannot be read back/);
  });
  expect(stranger.corrupt).toEqual([{ id, field: 'n', reason: expect.any(String) }]);
});

test('a rotation that lost is a conflict, though all fields hold what was expected', async () => {
  const store = encryptedFields(memory(), { keys });
  const head = { createdAt: 0, expiresAt: Date.now() + 60_000, version: 1, generation: 0, secret: Buffer.from('now') };
  await store.create('a', { head, fields: new Map([['n', Buffer.from('1')]]) });
  const fields = new Map<string, Write>([['n', { op: 'swap', expect: Buffer.from('1'), value: Buffer.from('2') }]]);
  const late: Delta = { generation: 0, replaces: Buffer.from('before'), head: { expiresAt: head.expiresAt }, fields };
  const lost = await store.commit('a', late);
  expect(lost).toEqual({ status: 'conflict', fields: new Map([['n', Buffer.from('1')]]) });
});

onRedis.test('under a near cache or over one, and damage costs its field there, too', async () => {
  const { client: connected } = await redisClients.single[0]!.connect(await startRedis());
  for (const [name, layer] of [
    ['over', encryptedFields(cached(redis(connected, { prefix: 'over:' })), { keys })],
    ['under', cached(encryptedFields(redis(connected, { prefix: 'under:' }), { keys }))],
  ] as const) {
    const { ann, corrupt, s } = app(layer);
    const id = await ann.visit((session) => {
      session.set('card', 'mine');
      session.set('other', 'kept');
      return session.id;
    });
    const raw = redis(connected, { prefix: `${name}:` });
    const head = (await raw.load(id))!.head;
    const fields = new Map<string, Write>([['card', { op: 'set', value: Buffer.from('"planted"') }]]);
    await raw.commit(id, { generation: 0, head: { expiresAt: head.expiresAt }, fields });
    await expect.poll(() => ann.visit((session) => unreadable(() => session.get('card')))).toBe(true);
    expect(await ann.visit((session) => session.get('other'))).toBe('kept');
    expect(corrupt.at(-1)).toMatchObject({ id, field: 'card' });
    await s.close();
  }
});

test('sessions that were plain before become encrypted by moving house, and nobody is signed out', async () => {
  const [plain, below] = [memory(), memory()];
  const { ann } = app(plain);
  const id = await ann.visit((session) => {
    session.login('ann');
    session.set('card', '4111');
    return session.id;
  });
  const house = migrating({ from: plain, to: encryptedFields(below, { keys }), phase: 'moving' });
  expect(await house.move().done).toMatchObject({ state: 'done', moved: 1 });
  const after = app(encryptedFields(below, { keys }));
  const seen = visitor(after.s, ann.cookies).visit((session) => [session.user, session.get('card'), ...session.keys()]);
  expect(await seen).toEqual(['ann', '4111', 'card']);
  expect(Buffer.from(held(below, id, 'card')).toString('latin1')).not.toContain('4111');
});

test('keys that are none are refused, and never shown', () => {
  expect(() => encryptedFields(memory(), { keys: [] })).toThrow(/keys of encryptedFields/);
  expect(() => encryptedFields(memory(), { keys: ['short'] })).toThrow(/keys\[0\] of encryptedFields/);
  expect(() => encryptedFields(memory(), { keys: ['short'] })).not.toThrow(/short'/);
  expect(() => encryptedFields({} as Store, { keys })).toThrow(/store of encryptedFields/);
});

function unreadable(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch {
    return true;
  }
}

/** A client that has lost step gives every command another one's reply: that must never be read as an answer. */
import { afterAll, beforeAll, expect } from 'vitest';
import { need } from '../../../test/support/needs.js';
import { faultProxy } from '../../../test/support/proxy.js';
import { recordingWatcher } from '../../../test/support/recording-watcher.js';
import { type RedisServer, startRedis, until } from '../../../test/support/redis.js';
import { type ConnectedClient, redisClients } from '../../../test/support/redis-clients.js';
import type { Delta } from '../../contract.js';
import { pack } from '../../core/record.js';
import { delta, freshId, session, set } from '../../testing/store/samples.js';
import { redis } from '../redis.js';
import type { Reply } from './door.js';
import { commitReply } from './script-commit.js';
import { createReply } from './script-create.js';
import { destroyReply } from './script-destroy.js';
import { provenReply } from './script-proven.js';
import { OutOfStep, trouble } from './trouble.js';
import { checkOf, freshValue, isOf, newMark } from './value.js';

const { describe, test } = need('redis');

const bytes = Buffer.from('\x01 mark and record');
const mark = Buffer.from([0x12, 0x34, 0, 0, 0, 0]);
const tag = 4 * 0x1234;
const swap: Delta = {
  generation: 0,
  head: { expiresAt: 1 },
  fields: new Map([['views', { op: 'swap', expect: null, value: Buffer.from('1') }]]),
};

describe('replies that say whose they are', () => {
  test.each<[string, Reply]>([
    ['a session, whose first byte says 1', bytes],
    ['nothing', null],
    ['a number', 1],
    ['an empty list', []],
    ['a conflict about more fields than were swapped', [tag + 2, null, null]],
    ['a list of something else', [bytes]],
    ['the success of another commit', [tag + 4 + 1, 7]],
    ['what another commit found gone', [tag - 4]],
  ])('%s is no answer to a commit', (_, reply) => {
    expect(() => commitReply(reply, mark, swap)).toThrow(OutOfStep);
  });

  test('its own answers are', () => {
    expect(commitReply([tag], mark, swap)).toEqual({ status: 'gone' });
    expect(commitReply([tag + 1, 7], mark, swap)).toEqual({ status: 'ok', version: 7 });
    expect(commitReply([tag + 2, null], mark, swap)).toEqual({
      status: 'conflict',
      fields: new Map([['views', null]]),
    });
    expect(createReply(2 * checkOf('a') + 1, 'a')).toBe('ok');
    expect(destroyReply([Buffer.from('a'), null], 'a')).toBeUndefined();
  });

  test('what answers about another session is no answer to a create, a destroy or a second look', () => {
    for (const reply of [null, 1, 2 * checkOf('b') + 1, bytes])
      expect(() => createReply(reply, 'a')).toThrow(OutOfStep);
    for (const reply of [null, 1, [Buffer.from('b'), null]]) expect(() => destroyReply(reply, 'a')).toThrow(OutOfStep);
    for (const reply of [null, bytes, [bytes, null], [Buffer.from('t')]])
      expect(() => provenReply(reply, 't')).toThrow(OutOfStep);
  });

  test('it is an outage, and says what happened', () => {
    const error = trouble('redis', 'load', new OutOfStep());
    expect(error).toMatchObject({ code: 'SOJOURN_STORE', cause: expect.any(OutOfStep) });
    expect(error.message).toContain('gave the reply to another command');
  });

  test('a value is known to be of its id, whatever marks it has; of 100,000 others two or so look right', () => {
    const value = freshValue('ours', bytes);
    const marked = Buffer.concat([Buffer.of(2), newMark(), newMark(), value.subarray(1)]);
    expect([isOf(value, 'ours'), isOf(marked, 'ours')]).toEqual([true, true]);
    const others = Array.from({ length: 100_000 }, freshId).filter((id) => isOf(marked, id));
    expect(others.length).toBeLessThan(20);
  });
});

describe('a session in Redis', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  const connected: ConnectedClient[] = [];
  afterAll(async () => {
    for (const { close } of connected) await close();
  });

  async function storeThroughProxy(kind: (typeof redisClients.single)[number]) {
    const proxy = await faultProxy(server.port);
    const client = await kind.connect({ url: `redis://127.0.0.1:${proxy.port}` });
    connected.push(client);
    return { proxy, store: redis(client.client) };
  }
  const now = Date.now();
  const fieldOf = async (loaded: unknown) =>
    (await (loaded as Promise<{ fields: Map<string, Buffer> } | null>))?.fields.get('of');

  for (const kind of redisClients.single.filter(({ name }) => /^(?:node-redis|ioredis) 6$/.test(name))) {
    test(`is nobody else's while replies are one too many, nor absent, and the connection is thrown away (${kind.name})`, async () => {
      const { proxy, store } = await storeThroughProxy(kind);
      const ids = Array.from({ length: 20 }, freshId);
      for (const id of ids) await store.create(id, session(now, { of: id }));
      const before = proxy.accepted;
      const caught = proxy.next(/^GET/i, 'twice');
      const answers = await Promise.allSettled(ids.map((id) => fieldOf(store.load(id))));
      await caught;
      for (const [i, answer] of answers.entries()) {
        if (answer.status === 'fulfilled') expect(String(answer.value)).toBe(ids[i]);
        else expect(answer.reason).toMatchObject({ code: 'SOJOURN_STORE' });
      }
      expect(answers.map(({ status }) => status)).toContain('rejected');
      await until(
        'a new connection serves',
        async () => proxy.accepted > before && (await store.load(ids[0]!)) !== null,
      );
    });

    test(`is changed by nobody's leave but its own while replies are one too many (${kind.name})`, async () => {
      const { proxy, store } = await storeThroughProxy(kind);
      const ids = Array.from({ length: 20 }, freshId);
      // Neighbours have different versions: a reply that went to the next one would show.
      const commits = (i: number): number => 1 + (i % 4);
      for (const [i, id] of ids.entries()) {
        await store.create(id, session(now, { of: id }));
        for (let n = 1; n < commits(i); n++) await store.commit(id, delta(now, { now: set(`${n}`) }));
      }
      const caught = proxy.next(/^EVALSHA/i, 'twice');
      const answers = await Promise.allSettled(ids.map((id) => store.commit(id, delta(now, { now: set(id) }))));
      await caught;
      for (const [i, answer] of answers.entries()) {
        if (answer.status === 'fulfilled') expect(answer.value).toEqual({ status: 'ok', version: 1 + commits(i) });
        else expect(answer.reason).toMatchObject({ code: 'SOJOURN_STORE' });
      }
    });

    test(`that is watched loses its link when a reply is another's, and is read by another way (${kind.name})`, async () => {
      const { proxy, store } = await storeThroughProxy(kind);
      const ids = Array.from({ length: 20 }, freshId);
      for (const id of ids) await store.create(id, session(now, { of: id }));
      const watcher = recordingWatcher();
      const hearing = watcher.next('heard');
      const stop = await store.watch(watcher, 60_000); // no beat will find out
      await hearing;
      const deaf = watcher.next('deaf');
      const caught = proxy.next(/^GET/i, 'twice');
      const answers = await Promise.allSettled(ids.map((id) => fieldOf(store.load(id))));
      await Promise.all([caught, deaf]);
      for (const [i, answer] of answers.entries())
        if (answer.status === 'fulfilled') expect(String(answer.value)).toBe(ids[i]);
      await stop();
    });

    test(`under the id of another is damage, which concerns nobody else (${kind.name})`, async () => {
      const { proxy, store } = await storeThroughProxy(kind);
      const [here, there] = [freshId(), freshId()];
      await store.create(here, session(now, { of: here }));
      await server.raw('RENAME', `s:${here}`, `s:${there}`);
      const before = proxy.accepted;
      await expect(store.load(there)).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
      for await (const [id] of store.list()) expect(id).not.toBe(there);
      expect(proxy.accepted).toBe(before);
      await store.destroy(there);
    });
  }

  test('of one kilobyte stays within 1018 bytes, where the next size of Redis begins', async () => {
    const { store } = await storeThroughProxy(redisClients.single[0]!);
    const id = freshId();
    const record = pack(session(now, {}));
    await store.create(id, session(now, {}));
    expect(await server.raw('STRLEN', `s:${id}`)).toBe(record.length + 3);
    await store.commit(id, { ...delta(now, {}), fields: new Map() });
    expect(Number(await server.raw('STRLEN', `s:${id}`)) - record.length).toBe(9);
  });
});

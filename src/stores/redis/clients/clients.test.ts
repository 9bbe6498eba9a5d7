/**
 * One door, every client, every kind of server: the same commands bring the same replies, byte for byte.
 *
 * The table of clients stands in test/support/redis-clients.ts; the servers are real, one of each kind for this file.
 */
import { beforeAll, expect } from 'vitest';
import { need } from '../../../../test/support/needs.js';
import { startRedis } from '../../../../test/support/redis.js';
import { type ConnectedClient, redisClients } from '../../../../test/support/redis-clients.js';
import { startRedisCluster } from '../../../../test/support/redis-cluster.js';
import { startRedisSentinel } from '../../../../test/support/redis-sentinel.js';
import type { Door, Reply } from '../door.js';
import { doorOf } from './door-of.js';

const { describe, test } = need('redis');

const kinds = {
  single: { clients: redisClients.single, start: startRedis as () => Promise<never> },
  cluster: { clients: redisClients.cluster, start: startRedisCluster as () => Promise<never> },
  sentinel: { clients: redisClients.sentinel, start: startRedisSentinel as () => Promise<never> },
};

/** All there is in a byte, and what is not UTF-8. */
const BYTES = Buffer.from([...Array(256).keys(), 0xff, 0xfe, 0x0d, 0x0a]);
const ok = Buffer.from('OK');

for (const [kind, { clients, start }] of Object.entries(kinds)) {
  describe(`over a ${kind} server`, () => {
    let server: never;
    beforeAll(async () => {
      server = await start();
    });

    for (const { name, connect } of clients) {
      describe(name, () => {
        let connected: ConnectedClient;
        let door: Door;
        beforeAll(async () => {
          connected = await connect(server);
          door = doorOf(connected.client);
        });

        test('bytes come back as they went', async () => {
          const key = `{bytes:${name}}`;
          expect(await door.send(key, ['SET', key, BYTES])).toEqual(ok);
          expect(await door.send(key, ['GET', key])).toEqual(BYTES);
          expect(await door.send(`${key}:none`, ['GET', `${key}:none`])).toBeNull();
          expect(await door.send(key, ['STRLEN', key])).toBe(BYTES.length);
        });

        test('a key may be bytes of any kind too', async () => {
          const key = 'ключ {☃}\r\n';
          await door.send(key, ['SET', Buffer.from(key), '1']);
          expect(await door.send(key, ['GET', key])).toEqual(Buffer.from('1'));
          expect(await door.send(key, ['DEL', Buffer.from(key)])).toBe(1);
        });

        test('a script answers with nested lists, nil, integers, status and bytes', async () => {
          const key = `script:${name}`;
          const script = `redis.call('SET', KEYS[1], ARGV[1])
            return {1, 'two', {false, redis.call('GET', KEYS[1]), {}}, redis.status_reply('FINE'), -7, redis.call('TTL', KEYS[1])}`;
          expect(await door.send(key, ['EVAL', script, '1', key, BYTES])).toEqual([
            ...[1, Buffer.from('two'), [null, BYTES, []], Buffer.from('FINE'), -7, -1],
          ]);
          expect(await door.send(key, ['EVAL', 'return nil', '1', key])).toBeNull();
          expect(await door.send(key, ['EVAL', 'return true', '1', key])).toBe(1);
        });

        test('what RESP3 has maps and doubles for is what RESP2 says', async () => {
          const key = `{hash:${name}}`;
          await door.send(key, ['HSET', key, 'field', BYTES]);
          expect(await door.send(key, ['HGETALL', key])).toEqual([Buffer.from('field'), BYTES]);
          const script = "redis.setresp(3) return redis.call('HGETALL', KEYS[1])";
          expect(flat(await door.send(key, ['EVAL', script, '1', key]))).toEqual([Buffer.from('field'), BYTES]);
          expect(await door.send(key, ['ZADD', `${key}:z`, '1.5', 'member'])).toBe(1);
          expect(await door.send(key, ['ZSCORE', `${key}:z`, 'member'])).toEqual(Buffer.from('1.5'));
        });

        test('an error of Redis begins with its code', async () => {
          const key = `errors:${name}`;
          await door.send(key, ['SET', key, 'text']);
          const cases: [readonly string[], RegExp][] = [
            [['EVALSHA', 'f'.repeat(40), '1', key], /^NOSCRIPT /],
            [['INCR', key], /^ERR /],
            [['LPUSH', key, 'x'], /^WRONGTYPE /],
            [['EVAL', "return redis.error_reply('OWN trouble')", '1', key], /^OWN trouble/],
            [['EVAL', "return {redis.error_reply('OWN trouble')}", '1', key], /^OWN trouble/],
          ];
          for (const [args, message] of cases) {
            const failed = door.send(key, args);
            await expect(failed, args.join(' ')).rejects.toBeInstanceOf(Error);
            await expect(failed, args.join(' ')).rejects.toThrow(message);
          }
          expect(await door.send(key, ['GET', key])).toEqual(Buffer.from('text'));
        });

        test('a value of a megabyte', async () => {
          const key = `mega:${name}`;
          const mega = Buffer.alloc(1024 * 1024, BYTES);
          await door.send(key, ['SET', key, mega]);
          expect(mega.equals((await door.send(key, ['GET', key])) as Buffer)).toBe(true);
          await door.send(key, ['DEL', key]);
        });

        test('300 commands in one tick: each gets the reply to what it asked, errors in between', async () => {
          const keys = Array.from({ length: 300 }, (_, i) => `many:${name}:${i}`);
          const replies = await Promise.all(
            keys.map((key, i) =>
              i % 10 === 3
                ? door
                    .send(key, ['EVALSHA', 'f'.repeat(40), '1', key])
                    .catch((error: Error) => error.message.slice(0, 8))
                : door.send(key, ['EVAL', 'return {KEYS[1], tonumber(ARGV[1])}', '1', key, String(i)]),
            ),
          );
          expect(replies).toEqual(keys.map((key, i) => (i % 10 === 3 ? 'NOSCRIPT' : [Buffer.from(key), i])));
        });

        test('the masters have all keys between them, and each answers for itself', async () => {
          const masters = await door.masters();
          expect(masters.length).toBe(kind === 'cluster' ? 3 : 1);
          expect(new Set(masters.map((master) => master.name)).size).toBe(masters.length);
          const key = `where:${name}`;
          await door.send(key, ['SET', key, 'here']);
          const found = await Promise.all(masters.map((master) => keysOf(master.send)));
          expect(found.flat().filter((each) => each === key)).toEqual([key]);
          expect(String(await masters[0]?.send(['INFO', 'server']))).toMatch(/^# Server\r\n/);
        });

        test('a closed client says so at once', async () => {
          const other = await connect(server);
          const itsDoor = doorOf(other.client);
          await itsDoor.send('key', ['GET', 'key']);
          await other.close();
          await expect(itsDoor.send('key', ['GET', 'key'])).rejects.toMatchObject({
            code: 'SOJOURN_STORE',
            message: expect.stringMatching(/the client is closed; .*await client\.connect\(\)/),
          });
          await expect(itsDoor.masters().then(([node]) => node?.send(['PING']))).rejects.toMatchObject({
            code: 'SOJOURN_STORE',
          });
        });
      });
    }
  });
}

async function keysOf(send: (args: readonly string[]) => Promise<Reply>): Promise<string[]> {
  const keys: string[] = [];
  for (let cursor = '0'; ; ) {
    const [next, page] = (await send(['SCAN', cursor, 'COUNT', '1000'])) as [Buffer, Buffer[]];
    keys.push(...page.map(String));
    cursor = String(next);
    if (cursor === '0') return keys;
  }
}

function flat(reply: Reply): Reply {
  return Array.isArray(reply) ? reply.flat() : reply;
}

/** The private Redis answers, dies, freezes and comes back as its methods promise, and a second one has a life of its own. */
import { expect } from 'vitest';
import { need } from './needs.js';
import { startRedis, until } from './redis.js';
import { startRedisCluster } from './redis-cluster.js';
import { startRedisSentinel } from './redis-sentinel.js';

const { test } = need('redis');

test('two servers at once share nothing', async () => {
  const [a, b] = await Promise.all([startRedis(), startRedis()]);
  expect(await a.raw('SET', 'only', 'here')).toBe('OK');
  expect(await a.raw('GET', 'only')).toBe('here');
  expect(await b.raw('GET', 'only')).toBeNull();
});

test('raw commands bring nested replies, and errors as Redis words them', async () => {
  const redis = await startRedis();
  expect(await redis.raw('EVAL', "return {1,'two',{false,'é'}}", 0)).toEqual([1, 'two', [null, 'é']]);
  await expect(redis.raw('EVAL', "return redis.error_reply('OWN words')", 0)).rejects.toThrow(/^OWN words$/);
  const mega = 'x'.repeat(1_000_000);
  await redis.raw('SET', 'mega', mega);
  expect(await redis.raw('GET', 'mega')).toBe(mega);
});

test('a restart keeps port and data, unless it should be empty; a killed one has lost all', async () => {
  const redis = await startRedis();
  const { port } = redis;
  await redis.raw('SET', 'key', 'kept');
  await redis.restart();
  expect(await redis.raw('GET', 'key')).toBe('kept');
  expect(redis.port).toBe(port);

  await redis.restart({ empty: true });
  expect(await redis.raw('GET', 'key')).toBeNull();

  await redis.raw('SET', 'key', 'never saved');
  expect(await redis.kill()).toMatchObject({ signal: 'SIGKILL' });
  await expect(redis.raw('PING')).rejects.toThrow(/ECONNREFUSED/);
  await redis.restart();
  expect(await redis.raw('GET', 'key')).toBeNull();
});

test('a frozen server takes connections and answers when it wakes', async () => {
  const redis = await startRedis();
  redis.stop();
  const answer = redis.raw('PING');
  const first = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 100, 'silence'))]);
  expect(first).toBe('silence');
  redis.cont();
  expect(await answer).toBe('PONG');
});

test('a password and arguments of the command line', async () => {
  const redis = await startRedis({ password: 's p', args: ['--maxmemory', '3mb'] });
  expect(await redis.raw('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', '3145728']);
  expect(redis.url).toBe(`redis://:s%20p@127.0.0.1:${redis.port}`);
  redis.password = undefined;
  await expect(redis.raw('PING')).rejects.toThrow(/^NOAUTH /);
});

test('a server that cannot start says why', async () => {
  await expect(startRedis({ args: ['--no-such-setting', '1'] })).rejects.toThrow(/no-such-setting/);
});

test('a cluster: every key has its master, and a dead master is replaced by its replica', async () => {
  const cluster = await startRedisCluster({ replicasPerMaster: 1, nodeTimeout: 500 });
  const keys = await Promise.all([0, 1, 2].map((master) => cluster.keyOn(master)));
  for (const [i, key] of keys.entries()) {
    expect(await cluster.masters[i]?.raw('SET', key, i)).toBe('OK');
    await expect(cluster.masters[(i + 1) % 3]?.raw('GET', key)).rejects.toThrow(/^MOVED /);
  }
  const [victim, heir] = [cluster.masters[1], cluster.replicas[1]?.[0]];
  await victim?.raw('WAIT', 1, 1000);
  await victim?.kill();
  await until('the replica took over', async () => (await heir?.raw('GET', keys[1] ?? '')) === '1');
});

test('a sentinel group: when the master dies, the replica becomes master with the data', async () => {
  const group = await startRedisSentinel();
  await group.master.raw('SET', 'key', 'value');
  await group.master.raw('WAIT', 1, 1000);
  expect(await group.current()).toBe(group.master);

  await group.master.kill();
  await group.becameMaster(group.replica);
  expect(await group.replica.raw('GET', 'key')).toBe('value');
});

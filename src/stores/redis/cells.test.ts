/** Cells in Redis beyond the promises of all cells: their names, their index, what happens when something else stands there. */
import { randomBytes } from 'node:crypto';
import { Cluster } from 'ioredis';
import { createClient } from 'redis';
import { beforeAll, expect } from 'vitest';
import { removeLater } from '../../../test/support/cleanup.js';
import { need } from '../../../test/support/needs.js';
import { type RedisServer, startRedis } from '../../../test/support/redis.js';
import type { Cell, Cells, Stored } from '../../contract.js';
import { redis } from '../redis.js';
import type { RedisClient } from './clients/shapes.js';

const { test } = need('redis');

let server: RedisServer;
let client: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  const connected = await createClient({ url: server.url }).connect();
  removeLater({ remove: async () => connected.destroy(), removeNow: () => {} });
  client = connected;
}, 30_000);

test('sessions and cells of any name are kept apart, and a list shows sessions only', async () => {
  const store = redis(client, { prefix: 'names:' });
  const ids = [
    'x',
    '=x',
    ':x',
    '=',
    'cell:',
    'cell:x',
    'cell:=x',
    'cell::=x',
    'cell:fence:7',
    'cell:index:000',
    'index:000',
  ];
  for (const id of ids) expect(await store.create(id, session(id))).toBe('ok');
  const cells = new Map(ids.map((id) => [id, cell(`cell of ${id}`, 'alice')]));
  for (const [id, each] of cells) expect(await store.cells?.replace(id, null, each)).toEqual({ status: 'ok' });
  await store.cells?.fence([7], 3);

  for (const [id, each] of cells) {
    expect(await store.cells?.read(id)).toEqual(each);
    expect(await store.load(id)).toMatchObject({ head: { createdAt: id.length } });
  }
  const listed: string[] = [];
  for await (const [id] of store.list()) listed.push(id);
  expect(listed.sort()).toEqual([...ids].sort());
});

test('the index holds what it must, and goes with the cells', async () => {
  const { cells } = redis(client, { prefix: 'index:' });
  const [first, second, third] = [cell('1', 'alice'), cell('2', 'a user with a longer name'), cell('3')];
  const alone = (): Promise<number> => entries('index:cell:index:*');
  await cells!.replace('a', null, first);
  expect(await alone()).toBe(1);
  await cells!.replace('a', first.mark, second);
  expect(await alone()).toBe(1);
  await cells!.replace('a', second.mark, third);
  expect(await alone()).toBe(0);
  await cells!.replace('b', null, first);
  await cells!.remove('b', first.mark);
  expect(await alone()).toBe(0);

  await cells!.replace('c', null, first);
  const [bucket] = (await server.raw('KEYS', 'index:cell:index:*')) as string[];
  const left = Number(await server.raw('PTTL', bucket!));
  expect(left).toBeGreaterThan(3_600_000);
  expect(left).toBeLessThan(3 * 3_600_000);
});

test('what stands there and is no cell is damage, never nothing', async () => {
  const { cells } = redis(client, { prefix: 'damaged:' });
  const damages: readonly (readonly [id: string, ...command: (string | Buffer)[]])[] = [
    ['torn', 'SET', 'damaged:cell:=torn', Buffer.of(1, 2, 3)],
    ['later format', 'SET', 'damaged:cell:=later format', Buffer.alloc(40, 2)],
    ['list', 'RPUSH', 'damaged:cell:=list', 'a'],
  ];
  for (const [id, ...command] of damages) {
    await server.raw(...command);
    await expect(cells!.read(id), id).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
    for (const expected of [null, randomBytes(8)]) {
      await expect(cells!.replace(id, expected, cell('x')), id).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
    }
  }
});

test('a full server refuses cells, and lets those that are there be read and removed', async () => {
  const { cells } = redis(client, { prefix: 'full:' });
  const first = cell('first', 'alice');
  await cells!.replace('a', null, first);
  await server.raw('CONFIG', 'SET', 'maxmemory', '1');
  try {
    await expect(cells!.replace('b', null, cell('x', 'alice'))).rejects.toMatchObject({ code: 'SOJOURN_STORE_FULL' });
    await expect(cells!.fence([1], 2)).rejects.toMatchObject({ code: 'SOJOURN_STORE_FULL' });
    expect(await cells!.read('a')).toEqual(first);
    expect(await cells!.remove('a', first.mark)).toBe(true);
  } finally {
    await server.raw('CONFIG', 'SET', 'maxmemory', '0');
  }
});

test('a script that the server has lost is sent again', async () => {
  const { cells } = redis(client, { prefix: 'flushed:' });
  await server.raw('SCRIPT', 'FLUSH');
  expect(await cells!.replace('a', null, cell('first'), { slot: 1, epoch: 1 })).toEqual({ status: 'ok' });
});

test('a client of a cluster has no cells', () => {
  const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
  expect(redis(cluster).cells).toBeUndefined();
});

test('an id that cannot be a key is an error that says what is wanted', async () => {
  const { cells }: { cells?: Cells } = redis(client, { name: 'node a' });
  for (const id of ['', '\ud800', 'x'.repeat(512)]) {
    await expect(cells!.replace(id, null, cell('x'))).rejects.toThrow(
      /node a could not cells.replace: an id of a cell/,
    );
  }
});

function cell(text: string, user?: string): Cell {
  const named = user === undefined ? {} : { user };
  return { mark: randomBytes(8), bytes: Buffer.from(text), keepUntil: Date.now() + 3_600_000, ...named };
}

function session(id: string): Stored {
  const head = { createdAt: id.length, expiresAt: Date.now() + 3_600_000, version: 1, generation: 0 };
  return { head, fields: new Map() };
}

/** How many entries there are in all the sorted sets of that name. */
async function entries(pattern: string): Promise<number> {
  const keys = (await server.raw('KEYS', pattern)) as string[];
  const counts = await Promise.all(keys.map((key) => server.raw('ZCARD', key)));
  return counts.reduce<number>((sum, count) => sum + Number(count), 0);
}

/** Sessions in MongoDB: the promises of every store, and what is its own: names of fields, indexes, damage. */
import { MongoClient } from 'mongodb';
import { afterAll, expect } from 'vitest';
import { runs } from '../../test/support/exam.js';
import { mongoConditions, startMongo } from '../../test/support/mongo.js';
import type { Stored } from '../contract.js';
import { type MakeStore, storeKit } from '../testing/store-kit.js';
import { mongodb } from './mongodb.js';

const { describe, test } = mongoConditions;
let opened: Promise<MongoClient> | undefined;
let collections = 0;

function client(): Promise<MongoClient> {
  opened ??= startMongo().then((url) => new MongoClient(url).connect());
  return opened;
}
afterAll(async () => (await opened)?.close());

async function collection() {
  return (await client()).db().collection(`kit_${collections}`);
}

const open: MakeStore = async ({ now }) => mongodb(await collection(), { now });
const fresh: MakeStore = async (context) => {
  collections++;
  return open(context);
};

storeKit({ describe, test }, fresh, {
  name: 'mongodb',
  races: runs(15, 200),
  parallel: runs(20, 100),
  mustHave: ['byUser', 'list', 'sweep'],
  another: open,
});

const HOUR_MS = 3_600_000;
const session = (fields: Stored['fields'] = new Map()): Stored => ({
  head: { createdAt: 0, expiresAt: Date.now() + HOUR_MS, version: 1, generation: 0 },
  fields,
});

describe('mongodb', () => {
  test('shows sessions as documents, with the fields under their own names', async () => {
    collections++;
    const store = mongodb(await collection());
    await store.create(
      'a',
      session(
        new Map([
          ['cart', Buffer.from('"book"')],
          ['a.b$', Buffer.from('1')],
        ]),
      ),
    );
    const document = await (await collection()).findOne({ _id: 'a' as never }, { promoteBuffers: true });
    expect(document).toMatchObject({
      version: 1,
      fields: { cart: Buffer.from('"book"'), 'a%2Eb%24': Buffer.from('1') },
    });
  });

  test('a document that was damaged is one session that is corrupt, and in nobody’s way', async () => {
    collections++;
    const store = mongodb(await collection());
    for (const id of ['fine', 'torn', 'odd']) await store.create(id, session());
    await (await collection()).updateOne({ _id: 'torn' as never }, { $set: { fields: 'x' } });
    await (await collection()).updateOne({ _id: 'odd' as never }, { $set: { secret: 7 } });
    for (const id of ['torn', 'odd']) await expect(store.load(id)).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
    const ids: string[] = [];
    for await (const [id] of store.list()) ids.push(id);
    expect(ids).toContain('fine');
    expect(ids).not.toContain('odd');
    await store.destroy('torn');
    expect(await store.load('torn')).toBeNull();
  });

  test.each([
    ['lives for ever', { expiresAt: Number.POSITIVE_INFINITY }],
    ['has no version', { version: Number.NaN }],
    ['has half a version', { version: 1.5 }],
    ['was begun before the first login', { generation: -1 }],
    ['has a list for fields', { fields: [] }],
  ])('a document that %s was made by somebody else, and opens nothing', async (_, changed) => {
    collections++;
    const store = mongodb(await collection());
    await store.create('odd', session());
    await (await collection()).updateOne({ _id: 'odd' as never }, { $set: changed });
    await expect(store.load('odd')).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
  });

  test('a session that no document can hold is refused with what to do, and the rest stays', async () => {
    collections++;
    const store = mongodb(await collection());
    await store.create('a', session());
    const fields = new Map([['large', { op: 'set', value: Buffer.alloc(17 * 2 ** 20) } as const]]);
    const commit = store.commit('a', { generation: 0, head: { expiresAt: Date.now() + HOUR_MS }, fields });
    await expect(commit).rejects.toThrow('a session may take 16 MiB there: lower limits.bytes');
    expect((await store.load('a'))?.head.version).toBe(1);
  });

  test('says what to do where the index of users is missing, and makes it, again and again', async () => {
    collections++;
    const store = mongodb(await collection());
    await store.create('a', session());
    expect(await store.check!()).toEqual([expect.stringContaining('call ensureIndexes()')]);
    await store.ensureIndexes();
    await store.ensureIndexes();
    expect(await store.check!()).toEqual([]);
    const indexes = await (await collection()).indexes();
    expect(indexes.map(({ key }) => key)).toEqual(expect.arrayContaining([{ user: 1 }, { expires: 1 }]));
  });

  test('a server that is away is trouble, and no word of the address is told', async () => {
    const away = new MongoClient('mongodb://ann:moon@127.0.0.1:9/x', { serverSelectionTimeoutMS: 50 });
    const store = mongodb(away.db().collection('s'));
    const failed = await Promise.resolve(store.load('a')).catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: 'SOJOURN_STORE' });
    expect(String(failed)).not.toContain('moon');
    await away.close();
  });

  test('refuses what is no collection', async () => {
    expect(() => mongodb({} as never)).toThrow('must be a collection of the mongodb package');
    expect(() => mongodb(null as never)).toThrow('Option collection of mongodb');
  });
});

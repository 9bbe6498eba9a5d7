/** The LMDB store: the promises of every store, and its own: a bounded file, exact indexes, the newest state. Processes that die: test/lmdb-processes.test.ts. */
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { describe, expect, test } from 'vitest';
import { start } from '../../test/support/spawn.js';
import { tempFolder } from '../../test/support/temp.js';
import type { Delta, Head, Stored, Write } from '../contract.js';
import { isFailure } from '../errors.js';
import { type MakeStore, storeKit } from '../testing/store-kit.js';
import { lmdb } from './lmdb.js';

const mustHave = ['byUser', 'list', 'sweep', 'cells'] as const;
for (const durable of [true, false]) {
  let folder: string;
  const another: MakeStore = ({ now }) => lmdb(folder, { now, durable });
  const fresh: MakeStore = (context) => {
    folder = tempFolder('lmdb');
    return another(context);
  };
  const name = durable ? 'lmdb' : 'lmdb, not durable';
  storeKit({ describe, test }, fresh, { name, mustHave, another, races: durable ? 50 : 200 });
}

const HOUR_MS = 3_600_000;
const MIB = 1024 ** 2;

describe('the folder', () => {
  test('is for its owner only, and so is what lies in it', async () => {
    const folder = join(tempFolder('lmdb'), 'deep', 'sessions.v1');
    const store = lmdb(folder);
    await store.create('a', session(HOUR_MS));
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    for (const file of ['data.mdb', 'lock.mdb']) expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
    await store.close?.();
  });

  test('keeps its sessions when it is closed and opened again', async () => {
    const folder = tempFolder('lmdb');
    for (const durable of [true, false, true]) {
      const store = lmdb(folder, { durable, now: () => 0 });
      await store.create(`durable ${durable}`, session(HOUR_MS, 'book'));
      await store.close?.();
    }
    const store = lmdb(folder, { now: () => 0 });
    expect(cartOf(await store.load('durable true'))).toBe('book');
    expect(cartOf(await store.load('durable false'))).toBe('book');
    await store.close?.();
  });

  test('that is a file is an error that says so', () => {
    const path = join(tempFolder('lmdb'), 'file');
    writeFileSync(path, '');
    expect(codeOf(() => lmdb(path))).toBe('SOJOURN_STORE');
    expect(codeOf(() => lmdb(''))).toBe('SOJOURN_OPTION');
    expect(() => lmdb(path, { maxbytes: 1 } as never)).toThrow('did you mean maxBytes?');
  });
});

describe('the newest state', () => {
  test('is what load sees, also when another handle wrote it within the same turn of the event loop', async () => {
    const folder = tempFolder('lmdb');
    const [one, two] = [lmdb(folder, { now: () => 0 }), lmdb(folder, { now: () => 0 })];
    await one.create('a', session(HOUR_MS, '0'));
    for (let n = 1; n <= 200; n++) {
      const [reader, writer] = n % 2 ? [one, two] : [two, one];
      expect(cartOf(await reader.load('a'))).toBe(String(n - 1));
      await writer.commit('a', write(String(n)));
      expect(cartOf(await reader.load('a'))).toBe(String(n));
    }
    await two.destroy('a');
    expect(await one.commit('a', write('late'))).toEqual({ status: 'gone' });
    await Promise.all([one.close?.(), two.close?.()]);
  });

  test('is what a commit builds on, however many handles commit at once', async () => {
    const folder = tempFolder('lmdb');
    const stores = [1, 2, 3].map(() => lmdb(folder, { now: () => 0, durable: false }));
    await stores[0]!.create('a', session(HOUR_MS));
    const names = Array.from({ length: 150 }, (_, i) => `field ${i}`);
    const outcomes = await Promise.all(names.map((name, i) => stores[i % 3]!.commit('a', write(name, name))));
    expect(outcomes.every(({ status }) => status === 'ok')).toBe(true);
    const stored = await stores[1]!.load('a');
    expect([...stored!.fields.keys()].sort()).toEqual(names.sort());
    expect(stored!.head.version).toBe(151);
    await Promise.all(stores.map((store) => store.close?.()));
  });
});

describe('a full file', () => {
  test('refuses new visitors, serves the ones it has, and takes new ones after logouts', async () => {
    const folder = tempFolder('lmdb');
    const store = lmdb(folder, { maxBytes: 2 * MIB, durable: false, now: () => 0 });
    for (let round = 0; round < 4; round++) {
      const ids = await fill(store, `${round}`);
      expect(ids.length).toBeGreaterThan(100);
      expect(sizeOf(folder)).toBeLessThanOrEqual(2 * MIB);

      expect((await Promise.all(ids.map((id) => store.load(id)))).every((stored) => stored !== null)).toBe(true);
      expect(await store.commit(ids[0]!, touch())).toMatchObject({ status: 'ok' });
      expect(await rejectionOf(store.commit(ids[0]!, write('x'.repeat(1_000_000))))).toBe('SOJOURN_STORE_FULL');
      expect(cartOf(await store.load(ids[0]!))).toBe('x'.repeat(1000));

      await Promise.all(ids.map((id) => store.destroy(id)));
    }
    await store.close?.();
  });

  test('makes room by itself when sessions have expired', async () => {
    let now = 0;
    const store = lmdb(tempFolder('lmdb'), { maxBytes: MIB, durable: false, now: () => now });
    const before = await fill(store, 'before');
    now = HOUR_MS;
    const after = await fill(store, 'after', 2 * HOUR_MS);
    expect(after.length).toBeGreaterThan(before.length / 2);
    await store.close?.();
  });

  test('stays what it is through 50,000 sessions that come and go', async () => {
    const folder = tempFolder('lmdb');
    const store = lmdb(folder, { durable: false, now: () => 0 });
    for (let cycle = 0; cycle < 500; cycle++) {
      const ids = Array.from({ length: 100 }, (_, i) => `${cycle}.${i}`);
      await Promise.all(ids.map((id) => store.create(id, session(HOUR_MS + cycle, 'x'.repeat(500)))));
      await Promise.all(ids.slice(50).map((id) => store.commit(id, login('ada'))));
      await Promise.all(ids.map((id) => store.destroy(id)));
    }
    expect(sizeOf(folder)).toBeLessThan(2 * MIB);
    await store.close?.();
    expect(entriesOf(folder)).toEqual({ sessions: 0, users: 0, deadlines: 0 });
  });
});

describe('sweeping', () => {
  test('leaves nothing of an expired session, and files a touched one where it belongs', async () => {
    let now = 0;
    const folder = tempFolder('lmdb');
    const store = lmdb(folder, { durable: false, now: () => now });
    for (const id of ['ended', 'touched', 'later']) await store.create(id, session(id === 'later' ? HOUR_MS : 1000));
    await store.commit('ended', { ...login('ada'), head: { expiresAt: 1000, user: 'ada' } });
    await store.commit('touched', { ...touch(), head: { expiresAt: 5000 } });

    now = 999;
    expect(await store.sweep(10)).toBe(0);
    now = 1000;
    expect(await store.sweep(10)).toBe(1);
    expect(await store.load('touched')).not.toBeNull();
    now = 5000;
    expect(await store.sweep(10)).toBe(1);

    await store.close?.();
    expect(entriesOf(folder)).toEqual({ sessions: 1, users: 0, deadlines: 1 });
  });

  test('gets past any number of sessions that were touched', async () => {
    let now = 0;
    const store = lmdb(tempFolder('lmdb'), { durable: false, now: () => now });
    const touched = Array.from({ length: 300 }, (_, i) => `touched ${i}`);
    await Promise.all(touched.map((id) => store.create(id, session(1000))));
    await Promise.all(touched.map((id) => store.commit(id, touch())));
    await store.create('ended', session(1001));
    now = 2000;
    let removed = 0;
    for (let call = 0; call < 10; call++) removed += Number(await store.sweep(5));
    expect(removed).toBe(1);
    await store.close?.();
  });
});

describe('a damaged record', () => {
  test('is SOJOURN_CORRUPT when loaded; everybody else is served, and it can be destroyed', async () => {
    const folder = tempFolder('lmdb');
    const before = lmdb(folder, { now: () => 0 });
    for (const id of ['a', 'b']) await before.create(id, session(HOUR_MS, 'book'));
    await before.close?.();
    await damage(folder, 'a');

    let now = 0;
    const store = lmdb(folder, { now: () => now });
    expect(codeOf(() => store.load('a'))).toBe('SOJOURN_CORRUPT');
    expect(await rejectionOf(store.commit('a', touch()))).toBe('SOJOURN_CORRUPT');
    expect(cartOf(await store.load('b'))).toBe('book');
    expect(await collected(store.list())).toEqual(['b']);

    now = HOUR_MS;
    expect(await store.sweep(10)).toBe(1);
    expect(codeOf(() => store.load('a'))).toBe('SOJOURN_CORRUPT');
    await store.destroy('a');
    expect(await store.load('a')).toBeNull();
    await store.close?.();
    expect(entriesOf(folder)).toEqual({ sessions: 0, users: 0, deadlines: 0 });
  });
});

describe('closing', () => {
  test('waits for what is under way, and refuses what comes later', async () => {
    const folder = tempFolder('lmdb');
    const store = lmdb(folder, { now: () => 0 });
    await store.create('a', session(HOUR_MS));
    const names = Array.from({ length: 50 }, (_, i) => `field ${i}`);
    const commits = names.map((name) => store.commit('a', write(name, name)));
    const closed = store.close?.();
    expect(await rejectionOf(store.commit('a', touch()))).toBe('SOJOURN_STORE');
    expect((await Promise.all(commits)).every(({ status }) => status === 'ok')).toBe(true);
    await closed;
    await store.close?.();
    expect(codeOf(() => store.load('a'))).toBe('SOJOURN_STORE');
    expect(await rejectionOf(store.destroy('a'))).toBe('SOJOURN_STORE');
    expect(await rejectionOf(collected(store.list()))).toBe('SOJOURN_STORE');

    const again = lmdb(folder, { now: () => 0 });
    expect((await again.load('a'))?.fields.size).toBe(50);
    await again.close?.();
  });
});

test('an application may have lmdb open itself, however it has loaded it', async () => {
  for (const own of [`import { open } from 'lmdb'`, `const { open } = createRequire(import.meta.url)('lmdb')`]) {
    const program = `
      import { createRequire } from 'node:module';
      ${own};
      import { lmdb } from 'sojourn/lmdb';
      const mine = open({ path: process.argv[1] + '/mine', useVersions: true });
      await mine.put('a', 'theirs', 7);
      const store = lmdb(process.argv[1] + '/sessions', { durable: false });
      const head = { createdAt: 0, expiresAt: Date.now() + 60_000, version: 1, generation: 0 };
      await store.create('ann', { head, fields: new Map() });
      const outcome = await store.commit('ann', { generation: 0, head: { expiresAt: head.expiresAt }, fields: new Map() });
      console.log(outcome.status, store.load('ann').head.version, mine.getEntry('a').version);
    `;
    const args = ['--input-type=module', '-e', program, tempFolder('lmdb')];
    const ran = await start(process.execPath, args);
    await ran.exited;
    expect(ran.output().trim()).toBe('ok 2 7');
  }
});

test('an id that can be no key is refused, not cut short', async () => {
  const folder = tempFolder('lmdb');
  mkdirSync(folder, { recursive: true });
  const store = lmdb(folder);
  for (const id of ['', 'a\0b', 'x'.repeat(512), '\ud800']) {
    expect(await rejectionOf(store.create(id, session(HOUR_MS)))).toBe('SOJOURN_STORE');
  }
  await store.close?.();
});

/** Creates sessions of 1 KB, many at once, until the store is full. The ids of those that were taken. */
async function fill(store: ReturnType<typeof lmdb>, prefix: string, expiresAt: number = HOUR_MS): Promise<string[]> {
  const taken: string[] = [];
  for (let batch = 0; batch < 1000; batch++) {
    const ids = Array.from({ length: 20 }, (_, i) => `${prefix}.${batch}.${i}`);
    const answers = await Promise.allSettled(ids.map((id) => store.create(id, session(expiresAt, 'x'.repeat(1000)))));
    taken.push(...ids.filter((_, i) => answers[i]!.status === 'fulfilled'));
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []));
    for (const reason of refused) expect(isFailure(reason) && reason.code).toBe('SOJOURN_STORE_FULL');
    if (refused.length > 0) return taken;
  }
  return expect.fail('The store was never full.');
}

function sizeOf(folder: string): number {
  return statSync(join(folder, 'data.mdb')).size;
}

/** Looks into the file of a closed store without the store. */
function entriesOf(folder: string): Record<string, number> {
  const root = open(folder, { noSubdir: false, overlappingSync: false });
  const count = (name: string, options: object): number =>
    root.openDB({ name, encoding: 'binary', ...options }).getKeysCount();
  const entries = {
    sessions: count('sessions', { useVersions: true }),
    users: count('users', { keyEncoding: 'binary' }),
    deadlines: count('deadlines', { keyEncoding: 'binary' }),
  };
  void root.close();
  return entries;
}

/** Leaves twenty bytes of a record, as no store would. */
async function damage(folder: string, id: string): Promise<void> {
  const root = open(folder, { noSubdir: false, overlappingSync: false });
  const sessions = root.openDB<Buffer, string>({ name: 'sessions', encoding: 'binary', useVersions: true });
  const { value, version } = sessions.getEntry(id)!;
  await sessions.put(id, value.subarray(0, 20), version!);
  await root.close();
}

function session(expiresAt: number, cart?: string): Stored {
  const head: Head = { createdAt: 0, expiresAt, version: 1, generation: 0 };
  return { head, fields: new Map(cart === undefined ? [] : [['cart', Buffer.from(cart)]]) };
}

function touch(): Delta {
  return { generation: 0, head: { expiresAt: 2 * HOUR_MS }, fields: new Map() };
}

function write(value: string, name = 'cart'): Delta {
  const set: Write = { op: 'set', value: Buffer.from(value) };
  return { ...touch(), fields: new Map([[name, set]]) };
}

function login(user: string): Delta {
  return { ...touch(), head: { expiresAt: HOUR_MS, user } };
}

function cartOf(stored: Stored | null): string | undefined {
  const cart = stored?.fields.get('cart');
  return cart && Buffer.from(cart).toString();
}

async function collected(walk: AsyncIterable<readonly [id: string, head: Head]>): Promise<string[]> {
  const ids: string[] = [];
  for await (const [id] of walk) ids.push(id);
  return ids;
}

function codeOf(run: () => unknown): string | null {
  try {
    run();
    return null;
  } catch (error) {
    return isFailure(error) ? error.code : String(error);
  }
}

function rejectionOf(promise: unknown): Promise<string | null> {
  return Promise.resolve(promise).then(
    () => null,
    (error: unknown) => (isFailure(error) ? error.code : String(error)),
  );
}

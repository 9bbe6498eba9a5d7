/**
 * Sessions in files with several processes, some of which die, on disks that are full or damaged: nothing torn, nothing acknowledged
 * lost, nobody revived.
 */
import { spawnSync } from 'node:child_process';
import { linkSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Delta, Stored } from '../src/contract.js';
import { isFailure } from '../src/errors.js';
import { file } from '../src/stores/file.js';
import { removeLater } from './support/cleanup.js';
import { runs } from './support/exam.js';
import { expectIndex, expectKept, idsOf, killedWriter, writeOf } from './support/killed-writers.js';
import { skipUnless } from './support/needs.js';
import { start, startNode } from './support/spawn.js';
import { tempFolder } from './support/temp.js';

const HOUR_MS = 3_600_000;
const WRITERS = 2;
const ROUNDS: number = runs(8, 250);
/** A writer lives so long at most after its first acknowledged write. */
const LIFE_MS = 60;

test(`${WRITERS * ROUNDS} writers killed at random moments leave no torn file, lose no acknowledged write and hold no lock`, async () => {
  const folder = tempFolder('file');
  const store = file(folder, { durable: false });
  let told = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const mode = round % 4 === 0 ? 'durable' : 'quick';
    const users = Array.from({ length: WRITERS }, (_, i) => `writer ${round}.${i}`);
    const logs = await Promise.all(users.map((user) => killedWriter('file', folder, mode, user, LIFE_MS)));
    for (const [i, log] of logs.entries()) {
      await expectKept(store, users[i]!, log);
      told += log.length;
    }
    for (const user of users) {
      await expectIndex(store, user);
      // Whatever lock the dead have left, ends: also the sessions that they held one of can be ended.
      for await (const [id] of store.byUser(user)) await store.destroy(id);
      expect(await idsOf(store.byUser(user))).toEqual([]);
    }
    for (const id of await idsOf(store.list())) {
      writeOf((await store.load(id))!);
      await store.destroy(id);
    }
  }
  expect(told).toBeGreaterThan(WRITERS * ROUNDS);
  expect(await idsOf(store.list())).toEqual([]);
  expect(filesBelow(join(folder, 'users'))).toEqual([]);
  await store.close?.();
}, 1_200_000);

test('a lock of somebody who was killed goes, also when who removes it is killed as well, and of many one gets it', async () => {
  const folder = tempFolder('file');
  const store = file(folder, { durable: false });
  await store.create('a', session());
  const [lock] = filesBelow(join(folder, 'sessions')).map((name) => `${name}.lock`);
  const [own] = readdirSync(join(folder, 'owners'));
  const holder = JSON.parse(readFileSync(join(folder, 'owners', own!), 'utf8')) as object;
  // Two that are gone: the one held the lock, the other had taken over the right to remove it.
  const dead = { ...holder, pid: 4_194_303, started: '1' };
  writeFileSync(join(folder, 'owners', 'heir'), `${JSON.stringify({ ...dead, nonce: 'heir' })}\n`);
  for (const right of ['held.by.heir', 'held', undefined]) {
    writeFileSync(lock!, `${JSON.stringify({ ...dead, nonce: 'held' })}\n`);
    for (const name of readdirSync(join(folder, 'owners')))
      if (name.startsWith('held')) rmSync(join(folder, 'owners', name));
    if (right) writeFileSync(join(folder, 'owners', right), `${JSON.stringify({ ...dead, nonce: 'held' })}\n`);
    const before = (await store.load('a'))!.head.version;
    const stores = Array.from({ length: 8 }, () => file(folder, { durable: false }));
    const outcomes = await Promise.all(stores.map((each, i) => each.commit('a', write(`f${i}`, 1))));
    expect(outcomes.map(({ status }) => status)).toEqual(stores.map(() => 'ok'));
    expect((await store.load('a'))!.head.version).toBe(before + 8);
    for (const each of stores) await each.close?.();
  }
  await store.close?.();
});

test('somebody who is stopped keeps his lock, and others are told after a while', async () => {
  const folder = tempFolder('file');
  const store = file(folder, { durable: false });
  await store.create('a', session());
  await store.create('b', session());
  const [own] = readdirSync(join(folder, 'owners'));
  const other = await startNode('build/test/programs/place-served.js', ['NONE'], { env: { NONE: 'file:nowhere' } });
  other.signal('SIGSTOP');
  const text = readFileSync(join(folder, 'owners', own!), 'utf8');
  const started = readFileSync(`/proc/${other.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19];
  const holder = { ...(JSON.parse(text) as object), nonce: 'other', pid: other.pid, started };
  for (const name of filesBelow(join(folder, 'sessions'))) writeFileSync(`${name}.lock`, JSON.stringify(holder));

  await expect(store.commit('a', write('f', 1))).rejects.toThrow(`process ${other.pid} has held its lock`);
  expect(await store.load('a')).not.toBeNull();
  await other.stop('SIGKILL');
  expect(await store.commit('a', write('f', 1))).toMatchObject({ status: 'ok' });
  expect(await store.destroy('b')).toBeUndefined();
  await store.close?.();
});

test('a program whose last act is a logout waits for who is at that session, and ends when it is done', async () => {
  const folder = tempFolder('file');
  const store = file(folder, { durable: false });
  await store.create('a', session());
  const lock = lockedByOwner(folder);
  const logout = `import { file } from 'sojourn/file'; console.log('begins'); await file(process.argv[1]).destroy('a');`;
  const program = await start(process.execPath, ['--input-type=module', '-e', logout, folder], { ready: /begins/ });
  // Where it does not wait it is soon over; where it does, it has nothing else to do.
  await Promise.race([program.exited, rest(300)]);
  rmSync(lock);
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expect(await store.load('a')).toBeNull();
  await store.close?.();
});

describe('a damaged file', () => {
  test('is one session that is corrupt, whichever bit is flipped and wherever it is cut off', async () => {
    const folder = tempFolder('file');
    const store = file(folder, { durable: false });
    await store.create('a', session());
    await store.create('b', session());
    await store.commit('a', write('cart', 40));
    const name = filesBelow(join(folder, 'sessions')).find((each) => readFileSync(each).includes('cart'))!;
    const whole = readFileSync(name);
    const damaged = [
      ...Array.from({ length: whole.length * 8 }, (_, bit) => {
        const bytes = Buffer.from(whole);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
        return bytes;
      }),
      ...Array.from({ length: whole.length }, (_, length) => whole.subarray(0, length)),
      Buffer.concat([whole, Buffer.of(0)]),
    ];
    for (const bytes of damaged) {
      writeFileSync(name, bytes);
      expect(corruptIn(() => store.load('a'))).toBe(true);
    }
    await expect(store.commit('a', write('cart', 1))).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
    expect(await idsOf(store.list())).toEqual(['b']);
    writeFileSync(name, whole);
    expect((await store.load('a'))?.fields.get('cart')).toEqual(Buffer.alloc(40, 40));
    writeFileSync(name, damaged[9]!);
    await store.destroy('a');
    expect(await store.load('a')).toBeNull();
    await store.close?.();
  });

  test('of another session under its name opens nothing', async () => {
    const folder = tempFolder('file');
    const store = file(folder, { durable: false });
    await store.create('a', session());
    const [a] = filesBelow(join(folder, 'sessions'));
    await store.create('b', session());
    const b = filesBelow(join(folder, 'sessions')).find((name) => name !== a)!;
    writeFileSync(b, readFileSync(a!));
    await expect(async () => store.load('b')).rejects.toThrow('it belongs to another session');
    await expect(store.commit('b', write('f', 1))).rejects.toMatchObject({ code: 'SOJOURN_CORRUPT' });
  });

  test('that cannot be read at all stands in no logout’s way', async () => {
    const folder = tempFolder('file');
    const store = file(folder, { durable: false });
    await store.create('a', session());
    const [name] = filesBelow(join(folder, 'sessions'));
    rmSync(name!);
    symlinkSync(name!, name!);
    await expect(async () => store.load('a')).rejects.toThrow('ELOOP');
    await store.destroy('a');
    expect(await store.load('a')).toBeNull();
    expect(await store.create('a', session())).toBe('ok');
    await store.close?.();
  });

  test('is swept a day after the deadline that it shows', async () => {
    let now = Date.now();
    const folder = tempFolder('file');
    const store = file(folder, { durable: false, now: () => now });
    await store.create('a', session(now + HOUR_MS));
    const [name] = filesBelow(join(folder, 'sessions'));
    const { mtime } = statSync(name!);
    writeFileSync(name!, 'torn');
    utimesSync(name!, mtime, mtime);
    now += 2 * HOUR_MS;
    expect(await store.sweep(10)).toBe(0);
    now += 24 * HOUR_MS;
    expect(await store.sweep(10)).toBe(1);
    expect(filesBelow(join(folder, 'sessions'))).toEqual([]);
  });
});

test('what is made is for its owner only', async () => {
  const folder = join(tempFolder('file'), 'sessions');
  const store = file(folder);
  await store.create('a', session(undefined, 'ann'));
  const all = spawnSync('find', [folder, '-printf', '%m %y\n'], { encoding: 'utf8' }).stdout.trim().split('\n');
  expect(new Set(all)).toEqual(new Set(['700 d', '600 f']));
  await store.close?.();
});

test('a folder that may not be written to is told, and not mistaken for an empty one', async () => {
  const folder = tempFolder('file');
  writeFileSync(join(folder, 'sessions'), 'a file where a folder should be');
  const store = file(folder, { durable: false });
  await expect(store.create('a', session())).rejects.toMatchObject({ code: 'SOJOURN_STORE' });
  await expect(store.check!()).rejects.toThrow('ENOTDIR');
  await expect(async () => store.load('a')).rejects.toThrow('ENOTDIR');
});

test('what could not be written before the first session is written when it can be', async () => {
  const folder = tempFolder('file');
  writeFileSync(join(folder, 'owners'), 'a file where a folder should be');
  const store = file(folder, { durable: false });
  await expect(store.create('a', session())).rejects.toThrow('ENOTDIR');
  rmSync(join(folder, 'owners'));
  expect(await store.create('a', session())).toBe('ok');
  expect(await store.commit('a', write('f', 1))).toEqual({ status: 'ok', version: 2 });
  await store.close?.();
});

test('a lock that the disk did not let its holder remove is no obstacle to him', async () => {
  const folder = tempFolder('file');
  const store = file(folder, { durable: false });
  await store.create('a', session());
  lockedByOwner(folder);
  expect(await store.commit('a', write('f', 1))).toEqual({ status: 'ok', version: 2 });
  await store.destroy('a');
  expect(filesBelow(join(folder, 'sessions'))).toEqual([]);
  await store.close?.();
});

test('when no more files can be opened calls fail, none is leaked, and afterwards all is as before', async () => {
  const limited = ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, 'build/test/programs/file-full.js'];
  const program = await start('sh', [...limited, tempFolder('file'), 'few-files']);
  await program.exited;
  expect(lineOf(program.output())).toEqual({
    refusal: ['SOJOURN_STORE', 'SOJOURN_STORE', 'SOJOURN_STORE'],
    leaked: 0,
    back: 'ok',
    version: 2,
  });
});

const small = tempFolder('full');
const isMounted =
  process.getuid?.() === 0 && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]).status === 0;
const unmount = () => void (isMounted && spawnSync('umount', [small]));
removeLater({ remove: unmount, removeNow: unmount });
skipUnless(isMounted, 'a small tmpfs can only be mounted by root, with the right to', { unobtainable: true }).test(
  'on a full disk reads go on, what cannot be written leaves what was there, and logouts make room',
  async () => {
    const program = await startNode('build/test/programs/file-full.js', [join(small, 's'), 'full']);
    await program.exited;
    expect(lineOf(program.output())).toEqual({
      refusal: 'SOJOURN_STORE_FULL',
      grown: 'SOJOURN_STORE_FULL',
      allRead: true,
      unfinished: 0,
      out: 'ok',
      gone: true,
      back: 'ok',
      kept: true,
    });
  },
);

function lineOf(output: string): unknown {
  return JSON.parse(output.split('\n').find((line) => line.startsWith('{')) ?? JSON.stringify(output));
}

function corruptIn(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    return isFailure(error, 'SOJOURN_CORRUPT');
  }
}

/** Locks the only session, in the name of the only process. Returns the lock. */
function lockedByOwner(folder: string): string {
  const [name] = filesBelow(join(folder, 'sessions'));
  const [owner] = readdirSync(join(folder, 'owners'));
  const lock = `${name}.lock`;
  linkSync(join(folder, 'owners', owner!), lock);
  return lock;
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function session(expiresAt = Date.now() + HOUR_MS, user?: string): Stored {
  const head = { createdAt: 0, expiresAt, version: 1, generation: 0, ...(user !== undefined && { user }) };
  return { head, fields: new Map() };
}

function write(field: string, bytes: number): Delta {
  const fields = new Map([[field, { op: 'set', value: Buffer.alloc(bytes, bytes) } as const]]);
  return { generation: 0, head: { expiresAt: Date.now() + HOUR_MS }, fields };
}

/**
 * LMDB with several processes at one file, some of which die: nothing torn, nothing acknowledged lost, nobody revived.
 *
 * A writer is killed with SIGKILL at a random moment, again and again, while others write to the same file and this process
 * holds it open. What each had told as acknowledged before it died is then looked for.
 */
import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Listable, Store } from '../src/contract.js';
import { lmdb } from '../src/stores/lmdb.js';
import { twoProcessKit } from '../src/testing/index.js';
import { runs } from './support/exam.js';
import { expectIndex, expectKept, killedWriter, writeOf } from './support/killed-writers.js';
import { start, startNode } from './support/spawn.js';
import { tempFolder } from './support/temp.js';

const WRITERS = 4;
const ROUNDS: number = runs(25, 100);
/** A writer lives so long at most after its first acknowledged write: some hundred transactions. */
const LIFE_MS = 40;

for (const mode of ['durable', 'quick'] as const) {
  const folder = tempFolder('lmdb');
  twoProcessKit(
    { describe, test },
    { name: `lmdb, ${mode}`, command: [process.execPath, 'build/test/programs/lmdb-served.js', folder, mode] },
  );

  test(`${WRITERS * ROUNDS} writers killed at random moments leave no torn session and lose no acknowledged write (${mode})`, async () => {
    const folder = tempFolder('lmdb');
    const store = lmdb(folder, { durable: mode === 'durable' });
    let told = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const users = Array.from({ length: WRITERS }, (_, i) => `writer ${round}.${i}`);
      const logs = await Promise.all(users.map((user) => killedWriter('lmdb', folder, mode, user, LIFE_MS)));
      for (const [i, log] of logs.entries()) {
        await expectKept(store, users[i]!, log);
        told += log.length;
      }
      for (const user of users) await expectIndex(store, user);
      await expectUntorn(store);
    }
    expect(told).toBeGreaterThan(WRITERS * ROUNDS * 5);
    await store.close?.();
  }, 300_000);
}

test('three processes add 500 each to one field, and 1500 is what it holds, whoever opens the folder meanwhile', async () => {
  const folder = tempFolder('lmdb');
  const store = lmdb(folder, { durable: false });
  const head = { createdAt: 0, expiresAt: Date.now() + 3_600_000, version: 1, generation: 0 };
  await store.create('counted', { head, fields: new Map([['views', Buffer.from('0')]]) });

  const counters = [1, 2, 3].map(() => startNode('build/test/programs/lmdb-counter.js', [folder, 'counted', '500']));
  const opener = startNode('build/test/programs/lmdb-opener.js', [folder, '150']);
  const exits = await Promise.all([...counters, opener].map(async (program) => (await program).exited));

  expect(exits).toEqual(exits.map(() => ({ code: 0, signal: null })));
  const stored = await store.load('counted');
  expect(Buffer.from(stored!.fields.get('views')!).toString()).toBe('1500');
  expect(stored!.head.version).toBe(1501);
  await store.close?.();
});

test('without the lmdb package the error names it, and what to use instead', async () => {
  const folder = tempFolder('bare');
  cpSync(resolve('dist'), join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(
    join(folder, 'try.js'),
    `import { lmdb } from './dist/stores/lmdb.js';
     try { lmdb('here') } catch (error) { console.log(error.code, error.message) }`,
  );

  const program = await startNode(join(folder, 'try.js'));
  await program.exited;

  expect(program.output()).toContain('SOJOURN_PACKAGE The LMDB store');
  expect(program.output()).toContain('npm install lmdb');
  expect(program.output()).toContain('memory()');
});

test('when the disk takes no more, reads and logouts go on, and after logouts there is room again', async () => {
  // A limit on the size of files stands in for a full disk: both end in a short write, and this needs no rights.
  const limited = ['-c', 'ulimit -f 2048; exec "$@"', 'sh', process.execPath, 'build/test/programs/lmdb-full.js'];
  const program = await start('sh', [...limited, tempFolder('lmdb')]);
  await program.exited;

  const told = program
    .output()
    .split('\n')
    .find((line) => line.startsWith('{'));
  expect(JSON.parse(told ?? program.output())).toEqual({
    refusal: 'SOJOURN_STORE_FULL',
    allRead: true,
    touched: 'ok',
    gone: true,
    kept: true,
    late: expect.stringMatching(/refused|ok/),
    back: 'ok',
  });
});

async function expectUntorn(store: Store & Listable): Promise<void> {
  for await (const [id] of store.list()) writeOf((await store.load(id))!);
}

/**
 * Does to a store in files what it can when the file system does not: fills the disk, or uses up the open files. Called with the folder and
 * 'full' or 'few-files'; tells in one line of JSON what still worked.
 */
import { closeSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Stored } from 'sojourn';
import { file } from 'sojourn/file';

const [folder = '', trouble] = process.argv.slice(2);
const store = file(folder, { durable: false });
const expiresAt = Date.now() + 3_600_000;
const visitor: Stored = {
  head: { createdAt: 0, expiresAt, version: 1, generation: 0 },
  fields: new Map([['cart', Buffer.alloc(3000)]]),
};
const touch = { generation: 0, head: { expiresAt: expiresAt + 1 }, fields: new Map() };

console.log(JSON.stringify(trouble === 'full' ? await full() : await fewFiles()));
await store.close?.();

async function full(): Promise<object> {
  const taken: string[] = [];
  let refusal = '';
  for (let n = 0; refusal === ''; n++) {
    try {
      await store.create(`s${n}`, visitor);
      taken.push(`s${n}`);
    } catch (error) {
      refusal = String((error as { code?: string }).code);
    }
  }
  const grown = await codeOf(() => store.commit(taken[0]!, { ...touch, fields: grow() }));
  const allRead = taken.every((id) => store.load(id) !== null);
  const unfinished = readdirSync(join(folder, 'new')).length;
  const [ended = '', ...kept] = taken;
  const out = await codeOf(() => store.destroy(ended));
  const gone = store.load(ended) === null;
  const back = await codeOf(() => store.create('back', visitor));
  return { refusal, grown, allRead, unfinished, out, gone, back, kept: kept.every((id) => store.load(id) !== null) };
}

async function fewFiles(): Promise<object> {
  await store.create('a', visitor);
  const before = readdirSync('/proc/self/fd').length;
  const open: number[] = [];
  try {
    for (;;) open.push(openSync('/dev/null', 'r'));
  } catch {
    // So many and no more.
  }
  const refusal = [
    await codeOf(() => store.commit('a', touch)),
    await codeOf(() => store.create('b', visitor)),
    await codeOf(() => store.load('a')),
  ];
  for (const fd of open) closeSync(fd);
  const after = readdirSync('/proc/self/fd').length;
  const back = await codeOf(() => store.commit('a', touch));
  return { refusal, leaked: after - before, back, version: (await store.load('a'))?.head.version };
}

function grow() {
  return new Map([['cart', { op: 'set', value: Buffer.alloc(200_000) } as const]]);
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return 'ok';
  } catch (error) {
    return String((error as { code?: string }).code);
  }
}

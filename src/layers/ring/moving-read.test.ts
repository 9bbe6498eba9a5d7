/** What is believed of a session whose slot is moving, told by who answers what. */
import { expect, test } from 'vitest';
import type { Copy } from './copy.js';
import { type Found, findMoving } from './moving-read.js';
import type { Node } from './node.js';
import type { Place } from './place.js';
import type { Shared } from './shared.js';

const [stayer, newcomer, source] = ['stayer', 'newcomer', 'source'].map((name) => ({ name, isUp: true }) as Node);
const place = { owners: [stayer, newcomer], newcomers: [newcomer], sources: [source] } as unknown as Place;
const old = { mark: Buffer.from('old') } as unknown as Copy;
const present = { mark: Buffer.from('new') } as unknown as Copy;

const has = (copy: Copy): Found => ({ copy, isBelieved: true, isHeard: true });
const ABSENT: Found = { copy: null, isBelieved: true, isHeard: true };
const LACKING: Found = { copy: null, isBelieved: false, isHeard: true };
const SILENT: Found = { copy: null, isBelieved: false, isHeard: false };

async function found(ofOwners: readonly Found[], ofSource: Found) {
  const left = [...ofOwners];
  const carried: string[] = [];
  const carrying = { later: (id: string) => void carried.push(id) };
  const { copy, isBelieved } = await findMoving({} as Shared, carrying, 'ann', place, async (nodes) =>
    nodes === place.owners ? left.shift()! : ofSource,
  );
  return { copy, isBelieved, carried };
}

test('what an owner has is the session', async () => {
  expect(await found([has(present)], has(old))).toMatchObject({ copy: present, isBelieved: true, carried: [] });
});

test('what no owner has is taken from where it comes from, and carried over', async () => {
  expect(await found([LACKING], has(old))).toMatchObject({ copy: old, isBelieved: true, carried: ['ann'] });
});

test('while an owner has not answered, what lies at the source may be old, and is not handed out', async () => {
  expect(await found([SILENT], has(old))).toMatchObject({ copy: null, isBelieved: false });
});

test('somebody may have carried it in between: the owners are asked once more', async () => {
  expect(await found([LACKING, has(present)], ABSENT)).toMatchObject({ copy: present, isBelieved: true });
});

test('there is no such session when nobody has it, and only then', async () => {
  expect(await found([LACKING, ABSENT], ABSENT)).toMatchObject({ copy: null, isBelieved: true });
  expect(await found([LACKING, SILENT], ABSENT)).toMatchObject({ copy: null, isBelieved: false });
  expect(await found([LACKING, ABSENT], SILENT)).toMatchObject({ copy: null, isBelieved: false });
});

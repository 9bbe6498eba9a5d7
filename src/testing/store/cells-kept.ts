/**
 * What cells carry, and how they are found again: bytes, marks, ids and users of every kind, byte-exact and never mixed up.
 *
 * Ids are a ring's own words too (`ring:hint:a:b`), and so look like what stores put into keys; marks look like numbers that
 * are not there. Lists of what is found may hold too much, never too little.
 */
import { randomBytes } from 'node:crypto';
import type { Cell } from '../../contract.js';
import { userNames } from './bytes.js';
import { cell, cellPromise, listed, ok, other, sameIds } from './cell-scene.js';
import { freshId, holds, same } from './samples.js';
import type { Kit } from './scene.js';

/** As long as an id of a session may be, with what a ring puts in front of it. */
const ODD_IDS: readonly string[] = [
  ...[
    'ring:table',
    'ring:hint:a:b',
    'cell:',
    'cell:=',
    'index:',
    'index:000',
    ':',
    '=',
    'fences',
    'users',
    'a b',
    'é',
    '日本語',
    '*',
    '?',
    '[a]',
  ],
  ...['{a}', '%', '_', '../a', "'", '"', '__proto__', 'constructor', '0', '-1', 'null', 'x'.repeat(400)],
];

export function finds(kit: Kit): void {
  const superset = 'write the entry in the same step as the cell; drop one only when no cell can need it any more';
  cellPromise(kit, 'byUser and ids name every cell', superset, async ({ cells, now }) => {
    const alices = [freshId(), freshId(), 'ring:hint:a'];
    const others = [freshId(), 'ring:table'];
    for (const id of alices) await cells.replace(id, null, cell(now(), 'a', { user: 'alice' }));
    await cells.replace(others[0]!, null, cell(now(), 'b', { user: 'bob' }));
    await cells.replace(others[1]!, null, cell(now(), 'table'));
    const found = await listed(cells.byUser('alice'));
    for (const id of alices) holds(found.has(id), 'byUser misses a cell of the user.');
    sameIds(await listed(cells.ids()), [...alices, ...others], 'the ids of all cells');
    sameIds(await listed(cells.byUser('nobody')), [], 'the ids of a user who has none');
  });

  cellPromise(kit, 'a cell is found under its new user', superset, async ({ cells, now }) => {
    const id = freshId();
    let expect: Uint8Array | null = null;
    for (const user of ['alice', 'bob', undefined, 'alice', 'carol']) {
      const next = cell(now(), 'cell', user === undefined ? {} : { user });
      await cells.replace(id, expect, next);
      expect = next.mark;
      if (user) holds((await listed(cells.byUser(user))).has(id), `byUser misses a cell that has become ${user}'s.`);
    }
  });

  cellPromise(
    kit,
    'users with odd names find their cells',
    'how the user becomes part of a key',
    async ({ cells, now }) => {
      const ids = userNames.map((user) => ({ user, id: freshId() }));
      for (const { user, id } of ids) await cells.replace(id, null, cell(now(), 'a', { user }));
      for (const { user, id } of ids) {
        const name = JSON.stringify(user.slice(0, 20));
        holds((await listed(cells.byUser(user))).has(id), `byUser misses the cell of user ${name}.`);
        same((await cells.read(id))?.user, user, `the user ${name}`);
      }
    },
  );

  cellPromise(
    kit,
    'a walk over hundreds of cells that are replaced meanwhile misses none, and ends',
    'cursors; iterators over a collection that changes',
    async ({ cells, now }) => {
      const marks = new Map(Array.from({ length: 450 }, () => [freshId(), cell(now(), 'a', { user: 'alice' })]));
      await Promise.all([...marks].map(async ([id, first]) => cells.replace(id, null, first)));
      for (const walk of [() => cells.ids(), () => cells.byUser('alice')]) {
        const found = new Set<string>();
        for await (const id of walk()) {
          found.add(id);
          if (found.size % 9 > 0) continue;
          const next = cell(now(), 'b', { user: 'alice' });
          await cells.replace(id, marks.get(id)!.mark, next);
          marks.set(id, next);
        }
        sameIds(found, marks.keys(), 'the ids');
      }
    },
  );
}

export function carries(kit: Kit): void {
  const sizes = [0, 1, 63, 4096, 65_535, kit.settings.largestValueBytes];
  cellPromise(
    kit,
    `cells from no byte to ${kit.settings.largestValueBytes} survive byte-exact`,
    'values are bytes; never decode them',
    async ({ cells, now }) => {
      const id = freshId();
      let expect: Uint8Array | null = null;
      for (const size of [...sizes, ...sizes.toReversed()]) {
        const next: Cell = { ...cell(now(), ''), bytes: randomBytes(size) };
        same(await cells.replace(id, expect, next), ok, `replace by a cell of ${size} bytes`);
        same(await cells.read(id), next, `a cell of ${size} bytes`);
        same(await cells.replace(id, null, cell(now(), 'x')), other(next), 'what is handed to who expected nothing');
        expect = next.mark;
      }
    },
  );

  cellPromise(kit, 'marks are bytes, too', 'marks that become numbers or text', async ({ cells, now }) => {
    const marks = ['0000000000000000', 'ffffffffffffffff', '00000000000000ff', 'ff00000000000000', '0d0a0d0a00226e75'];
    marks.push('7ff8000000000000', '7ff8000000000001', '8000000000000000', '0000000000000001', '0010000000000000');
    const id = freshId();
    let expect: Uint8Array | null = null;
    for (const hex of marks) {
      const next = { ...cell(now(), hex), mark: Buffer.from(hex, 'hex') };
      for (const wrong of marks.filter((each) => each !== hex)) {
        const mark = Buffer.from(wrong, 'hex');
        if (expect && !mark.equals(expect))
          same((await cells.replace(id, mark, next)).status, 'other', `mark ${wrong}`);
      }
      same(await cells.replace(id, expect, next), ok, `replace by a cell with mark ${hex}`);
      same(await cells.read(id), next, `the cell with mark ${hex}`);
      expect = next.mark;
    }
  });

  cellPromise(kit, 'ids with odd names live beside each other', 'ids are data', async ({ cells, now }) => {
    const put = new Map(ODD_IDS.map((id) => [id, cell(now(), id, { user: 'alice' })]));
    for (const [id, first] of put) same(await cells.replace(id, null, first), ok, `replace of ${id}`);
    for (const [id, first] of put) same(await cells.read(id), first, `the cell of ${id}`);
    sameIds(await listed(cells.ids()), put.keys(), 'the ids of all cells');
    sameIds(await listed(cells.byUser('alice')), put.keys(), 'the ids of the cells of a user');
    for (const [id, first] of put) same(await cells.remove(id, first.mark), true, `remove of ${id}`);
    sameIds(await listed(cells.ids()), [], 'the ids after all were removed');
  });

  cellPromise(
    kit,
    'what was passed in or handed out may change afterwards without changing the cell',
    'copy on the way in and on the way out; a view of a pooled buffer is not a copy',
    async ({ cells, now }) => {
      const [id, first] = [freshId(), cell(now(), 'first')];
      const given: Cell = { ...first, mark: Buffer.from(first.mark), bytes: Buffer.from(first.bytes) };
      const answer = cells.replace(id, null, given);
      given.bytes.fill(0);
      given.mark.fill(0);
      same(await answer, ok, 'the answer');
      const read = await cells.read(id);
      const lost = await cells.replace(id, null, cell(now(), 'x'));
      const again = await cells.read(id);
      same(read, first, 'what was read');
      for (const handed of [read, lost.status === 'other' ? lost.cell : null, again]) {
        handed?.bytes.fill(1);
        handed?.mark.fill(1);
        same(await cells.read(id), first, 'the cell');
      }
      const expect = Buffer.from(first.mark);
      const late = cells.replace(id, expect, cell(now(), 'second'));
      expect.fill(0);
      same(await late, ok, 'replace by who changes the expected mark after the call');
    },
  );
}

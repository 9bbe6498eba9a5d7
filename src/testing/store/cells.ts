/**
 * `cells`: what a ring makes its copies of. Opaque bytes under an id, replaced whole, and only by who knows what is there.
 *
 * All that a ring knows of copies stands on one sentence: of several that expect the same cell, one wins. So most tests here are
 * races, between calls of one handle and, where the kit is given `another`, between handles.
 */
import type { Cell, Cells } from '../../contract.js';
import { isAble } from './abilities.js';
import { cell, cellPromise, cellsPromise, ok, other } from './cell-scene.js';
import { endings } from './cells-ended.js';
import { fences } from './cells-fenced.js';
import { carries, finds } from './cells-kept.js';
import { cellsWatched } from './cells-watched.js';
import { bytes, freshId, holds, same, session } from './samples.js';
import { type Kit, turns } from './scene.js';

export function cells(kit: Kit): void {
  kit.group('cells', () => {
    replaces(kit);
    races(kit);
    removes(kit);
    endings(kit);
    fences(kit);
    finds(kit);
    carries(kit);
    cellsWatched(kit);
  });
}

const whole = 'compare and write must be one step for the backend: a transaction, a script or a conditional write';

function replaces(kit: Kit): void {
  cellPromise(kit, 'what was never put is read as nothing', 'unknown ids are not errors', async ({ cells }) => {
    for (const id of [freshId(), '', ' ', 'x'.repeat(4096)]) same(await cells.read(id), null, 'a cell that nobody put');
  });

  cellPromise(
    kit,
    'a cell is put where nothing is expected and nothing is',
    'the encoding of mark, bytes, keepUntil and user',
    async ({ cells, now }) => {
      for (const more of [{}, { user: 'alice' }, { user: '' }, { keepUntil: Number.MAX_SAFE_INTEGER }]) {
        const [id, first] = [freshId(), cell(now(), 'first', more)];
        same(await cells.replace(id, null, first), ok, 'replace of nothing');
        same(await cells.read(id), first, 'the cell');
      }
    },
  );

  cellPromise(kit, 'a cell is replaced by who knows its mark, and by nobody else', whole, async ({ cells, now }) => {
    const [id, first, second] = [freshId(), cell(now(), 'first'), cell(now(), 'second')];
    same(await cells.replace(id, bytes('whatever'), first), other(null), 'replace of a cell that is not there');
    same(await cells.read(id), null, 'the cell after it');
    await cells.replace(id, null, first);
    for (const expect of [null, second.mark, new Uint8Array(8), first.mark.slice(0, 7), new Uint8Array(0)]) {
      same(await cells.replace(id, expect, second), other(first), 'replace by who expects something else');
      same(await cells.read(id), first, 'the cell after it');
    }
    same(await cells.replace(id, first.mark, second), ok, 'replace by who knows the mark');
    same(await cells.read(id), second, 'the cell after it');
    const third = cell(now(), 'third');
    same(await cells.replace(id, first.mark, third), other(second), 'replace by who knows an older mark');
  });

  cellPromise(
    kit,
    'a call that was sent twice is done once',
    'compare the mark of what is there with that of `next`, before anything else',
    async ({ cells, now }) => {
      const [id, first, second] = [freshId(), cell(now(), 'first'), cell(now(), 'second')];
      for (const times of ['', ' again']) {
        same(await cells.replace(id, null, first), ok, `replace of nothing${times}`);
      }
      for (const times of ['', ' again']) {
        same(await cells.replace(id, first.mark, second), ok, `replace of the first${times}`);
      }
      await cells.replace(id, first.mark, { ...second, bytes: bytes('else') });
      same(await cells.read(id), second, 'the cell');
    },
  );

  cellPromise(
    kit,
    'cells and sessions of one id do not see each other',
    'cells are kept apart: keys, tables or maps of their own',
    async ({ store, cells, now }) => {
      const [id, stored, first] = [freshId(), session(now()), cell(now(), 'a', { user: 'alice' })];
      await cells.replace(id, null, first);
      same(await store.load(id), null, 'the session of an id that has a cell');
      same(await store.create(id, stored), 'ok', 'create of a session whose id has a cell');
      same(await cells.read(id), first, 'the cell');
      if (isAble(store, 'byUser'))
        for await (const [found] of store.byUser('alice')) same(found, null, 'a session found');
      if (isAble(store, 'list')) for await (const [found] of store.list()) same(found, id, 'the session in the list');
      await cells.remove(id, first.mark);
      same(await store.load(id), stored, 'the session after the cell was removed');
      await cells.replace(id, null, first);
      await store.destroy(id);
      same(await cells.read(id), first, 'the cell after the session was destroyed');
    },
  );
}

function races(kit: Kit): void {
  cellPromise(
    kit,
    'of several that expect the same cell, exactly one wins',
    whole,
    async ({ cells, now, settings }) => {
      for (let round = 0; round < settings.races; round++) {
        const [id, first] = [freshId(), cell(now(), 'first')];
        const expect = round % 2 ? first.mark : null;
        if (expect) await cells.replace(id, null, first);
        const rivals = Array.from({ length: 2 + (round % 3) }, (_, i) => cell(now(), `rival ${i}`));
        const answers = await Promise.all(
          rivals.map((next, i) => turns((round * i) % 13).then(() => cells.replace(id, expect, next))),
        );
        const winners = rivals.filter((_, i) => answers[i]?.status === 'ok');
        same(winners.length, 1, `the number of winners in round ${round}`);
        same(await cells.read(id), winners[0], `the cell in round ${round}`);
        for (const answer of answers) {
          if (answer.status === 'other') same(answer.cell, winners[0], `what a loser was handed in round ${round}`);
        }
      }
    },
  );

  cellsPromise(
    kit,
    'of two handles that expect the same cell, exactly one wins',
    `${whole}; a lock inside the process is not enough`,
    async ({ cells, now, settings }, there) => {
      const id = freshId();
      let present: Uint8Array | null = null;
      for (let round = 0; round < settings.races; round++) {
        const rivals = [cell(now(), `here ${round}`), cell(now(), `there ${round}`)] as const;
        const expect: Uint8Array | null = present;
        const answers = await Promise.all([
          turns(round % 9).then(() => cells.replace(id, expect, rivals[0])),
          turns(round % 7).then(() => there.replace(id, expect, rivals[1])),
        ]);
        const winners: readonly Cell[] = rivals.filter((_, i) => answers[i]?.status === 'ok');
        same(winners.length, 1, `the number of winners in round ${round}`);
        same(await cells.read(id), winners[0], `the cell, read here in round ${round}`);
        same(await there.read(id), winners[0], `the cell, read there in round ${round}`);
        present = winners[0]!.mark;
      }
    },
  );

  cellPromise(
    kit,
    `${kit.settings.parallel} parallel increments by replace lose none`,
    `${whole}; what a loser is handed must be the newest`,
    async ({ cells, now, settings }) => {
      const id = freshId();
      await Promise.all(Array.from({ length: settings.parallel }, () => increment(cells, id, now())));
      same((await cells.read(id))?.bytes, bytes(String(settings.parallel)), 'the cell');
    },
  );
}

function removes(kit: Kit): void {
  cellPromise(kit, 'a cell is removed by who knows its mark, once', whole, async ({ cells, now }) => {
    const [id, first] = [freshId(), cell(now(), 'first', { user: 'alice' })];
    same(await cells.remove(id, first.mark), false, 'remove of nothing');
    await cells.replace(id, null, first);
    same(await cells.remove(id, new Uint8Array(8)), false, 'remove by who knows another mark');
    same(await cells.read(id), first, 'the cell after it');
    same(await cells.remove(id, first.mark), true, 'remove by who knows the mark');
    same(await cells.read(id), null, 'the cell after it');
    same(await cells.remove(id, first.mark), false, 'the same once more');
    same(await cells.replace(id, first.mark, cell(now(), 'next')), other(null), 'replace of what was removed');
    same(await cells.replace(id, null, first), ok, 'replace of nothing, which it is now');
  });

  cellPromise(
    kit,
    'of a remove and a replace that expect the same cell, one wins',
    whole,
    async ({ cells, now, settings }) => {
      for (let round = 0; round < settings.races; round++) {
        const [id, first, next] = [freshId(), cell(now(), 'first'), cell(now(), 'next')];
        await cells.replace(id, null, first);
        const [removed, replaced] = await Promise.all([
          turns(round % 9).then(() => cells.remove(id, first.mark)),
          turns(round % 7).then(() => cells.replace(id, first.mark, next)),
        ]);
        holds(removed !== (replaced.status === 'ok'), `Round ${round}: both won, or none.`);
        same(await cells.read(id), removed ? null : next, `the cell in round ${round}`);
      }
    },
  );
}

async function increment(cells: Cells, id: string, nowMs: number): Promise<void> {
  for (let present = await cells.read(id); ; ) {
    const count = present ? Number(Buffer.from(present.bytes).toString()) : 0;
    const answer = await cells.replace(id, present?.mark ?? null, cell(nowMs, String(count + 1)));
    if (answer.status !== 'other') return same(answer, ok, 'the answer to an increment');
    present = answer.cell;
  }
}

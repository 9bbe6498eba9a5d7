/**
 * Fences: slots of a ring that are closed for those who write by an older table.
 *
 * A resize copies what it has fenced without looking twice, so one late write that slips past is a lost update. Writes and fences
 * are therefore raced, within a handle and between two.
 */
import type { Cell, Cells, Replaced } from '../../contract.js';
import { type CellScene, cell, cellPromise, cellsPromise, ok } from './cell-scene.js';
import { freshId, same } from './samples.js';
import { type Kit, turns } from './scene.js';

export function fences(kit: Kit): void {
  const inside = 'look the slot up in the same step that compares and writes';
  cellPromise(kit, 'a fence refuses older epochs and lets others pass', inside, async ({ cells, now }) => {
    const [id, first] = [freshId(), cell(now(), 'first')];
    await cells.replace(id, null, first, { slot: 7, epoch: 1 });
    await cells.fence([7, 16383], 5);
    for (const expect of [first.mark, null, new Uint8Array(8)]) {
      const answer = await cells.replace(id, expect, cell(now(), 'late'), { slot: 7, epoch: 4 });
      same(answer, { status: 'fenced', epoch: 5 }, 'replace by an older epoch');
    }
    same(await cells.read(id), first, 'the cell after it');
    const elsewhere = await cells.replace(freshId(), null, cell(now(), 'new'), { slot: 16383, epoch: 1 });
    same(elsewhere, { status: 'fenced', epoch: 5 }, 'replace of nothing by an older epoch');
    same(await cells.replace(freshId(), null, first, { slot: 8, epoch: 1 }), ok, 'replace in another slot');
    let mark = first.mark;
    for (const epoch of [5, 6, Number.MAX_SAFE_INTEGER, undefined]) {
      const next = cell(now(), `epoch ${epoch}`);
      const answer = await cells.replace(id, mark, next, epoch === undefined ? epoch : { slot: 7, epoch });
      same(answer, ok, `replace by epoch ${epoch}, the slot being closed before 5`);
      mark = next.mark;
    }
    same(await cells.remove(id, mark), true, 'remove, which no fence stops');
  });

  cellPromise(kit, "a slot's epoch only grows", 'keep the larger of both', async ({ cells, now }) => {
    await cells.fence([0, 1, 2], 5);
    await cells.fence([1], 3);
    await cells.fence([2, 2, 3], 2 ** 52);
    const answers: Replaced[] = [];
    for (const slot of [0, 1, 2, 3, 4]) {
      answers.push(await cells.replace(freshId(), null, cell(now(), 'late'), { slot, epoch: 4 }));
    }
    const epochs = answers.map((answer) => (answer.status === 'fenced' ? answer.epoch : 0));
    same(epochs, [5, 5, 2 ** 52, 2 ** 52, 0], 'the epochs of five slots');
  });

  cellPromise(
    kit,
    'all slots can be closed at once',
    'the size of one command or transaction',
    async ({ cells, now }) => {
      await cells.fence(
        Array.from({ length: 16384 }, (_, slot) => slot),
        9,
      );
      for (const slot of [0, 1, 255, 256, 8191, 16383]) {
        const answer = await cells.replace(freshId(), null, cell(now(), 'late'), { slot, epoch: 8 });
        same(answer, { status: 'fenced', epoch: 9 }, `replace in slot ${slot}`);
      }
    },
  );

  cellPromise(kit, 'after a fence has resolved nothing older is written', inside, (scene) =>
    fencedInTime(scene, scene.cells),
  );

  cellsPromise(kit, 'after another handle has fenced nothing older is written', inside, (scene, there) =>
    fencedInTime(scene, there),
  );

  cellsPromise(
    kit,
    'a fence holds for every handle, and is kept as long as cells are',
    'fences are kept in the backend, beside the cells',
    async ({ cells, now }, there) => {
      await cells.fence([3], 2);
      const answer = await there.replace(freshId(), null, cell(now(), 'late'), { slot: 3, epoch: 1 });
      same(answer, { status: 'fenced', epoch: 2 }, 'replace by another handle');
    },
  );
}

/** Writes of an older epoch, and a fence among them. */
async function fencedInTime({ cells, now, settings }: CellScene, fencer: Cells): Promise<void> {
  for (let round = 0; round < settings.races; round++) {
    const slot = round % 16384;
    const epoch = 1 + Math.floor(round / 16384);
    const ids = Array.from({ length: 4 }, freshId);
    const read = (): Promise<(Cell | null)[]> => Promise.all(ids.map(async (id) => cells.read(id)));
    const writers = ids.map(async (id, n) => {
      await turns((round * n) % 23);
      return cells.replace(id, null, cell(now(), `writer ${n}`), { slot, epoch: epoch - 1 });
    });
    await turns(round % 13);
    await fencer.fence([slot], epoch);
    const seen = await read();
    await Promise.all(writers);
    same(await read(), seen, `the cells in round ${round}, and as they were when the fence had resolved`);
  }
}

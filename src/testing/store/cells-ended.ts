/**
 * Cells and time: `keepUntil` to the millisecond, by whatever clock the store has, and the sweep that takes away what is over.
 *
 * To forget a cell is to say that it never was; so a cell that is over is nothing for every verb alike. A store in which one verb
 * still sees it can neither be written to nor cleaned up by who goes by the others.
 */
import { isAble } from './abilities.js';
import { cell, cellPromise, listed, ok, other, patienceOf, sameIds } from './cell-scene.js';
import { freshId, HOUR_MS, holds, same } from './samples.js';
import { eventually, type Kit } from './scene.js';

export function endings(kit: Kit): void {
  const byNow = 'every call compares keepUntil with the clock, and <= now is nothing; a TTL alone may fire late';
  cellPromise(kit, 'a cell whose time is over is nothing', byNow, async (scene) => {
    const { cells, now, store } = scene;
    const deadline = scene.soon();
    const [id, first] = [freshId(), cell(now(), 'first', { keepUntil: deadline, user: 'alice' })];
    await cells.replace(id, null, first);
    const gone = async (): Promise<boolean> => (await cells.read(id)) === null;
    await scene.pass(deadline, gone);
    holds(await eventually(patienceOf(scene), gone), 'The cell is still read when its time is over.');
    same(await cells.replace(id, first.mark, cell(now(), 'late')), other(null), 'replace of it');
    same(await cells.remove(id, first.mark), false, 'remove of it');
    const next = cell(now(), 'next', { user: 'bob' });
    same(await cells.replace(id, null, next), ok, 'replace of nothing, which it is now');
    same(await cells.read(id), next, 'the cell after it');
    holds(
      (await listed(cells.byUser('bob'))).has(id),
      'byUser misses a cell that took the place of one that was over.',
    );
    if (isAble(store, 'sweep')) await store.sweep(1000);
    same(await cells.read(id), next, 'the cell after a sweep');
  });

  cellPromise(kit, 'a cell that is put when its time is over is nothing', byNow, async ({ cells, now }) => {
    for (const keepUntil of [now() - 1, now() - 86_400_000, 0]) {
      const id = freshId();
      same(await cells.replace(id, null, cell(now(), 'late', { keepUntil })), ok, 'replace of nothing');
      same(await cells.read(id), null, 'the cell');
    }
  });

  cellPromise(
    kit,
    'a cell lives for as long as the last replace has said',
    'the deadline that replace moves must be the one that read obeys, and any TTL beside it',
    async (scene) => {
      const { cells, now, store } = scene;
      const deadline = scene.soon();
      const ids = [freshId(), freshId()] as const;
      const first = cell(now(), 'first', { keepUntil: deadline });
      for (const id of ids) await cells.replace(id, null, first);
      const longer = cell(now(), 'longer', { keepUntil: deadline + HOUR_MS });
      const answer = await cells.replace(ids[0], first.mark, longer);
      if (answer.status !== 'ok' && now() >= deadline) return; // a machine that stood still
      await scene.pass(deadline, async () => (await cells.read(ids[1])) === null);
      if (isAble(store, 'sweep')) await store.sweep(1000);
      same(await cells.read(ids[0]), longer, 'a cell that was given more time');
      same(await cells.read(ids[1]), null, 'a cell beside it that was not');
      const over = cell(now(), 'over', { keepUntil: now() - 1 });
      await cells.replace(ids[0], longer.mark, over);
      same(await cells.read(ids[0]), null, 'a cell whose time was ended');
    },
  );

  if (kit.settings.clock === 'given') {
    cellPromise(kit, 'a cell lives until the last millisecond and is nothing after it', byNow, async (scene) => {
      const { cells, now } = scene;
      const deadline = now() + 1000;
      const [id, first] = [freshId(), cell(now(), 'first', { keepUntil: deadline })];
      await cells.replace(id, null, first);
      await scene.pass(deadline - 1, () => true);
      same(await cells.read(id), first, 'the cell one millisecond before its deadline');
      await scene.pass(deadline, () => true);
      same(await cells.read(id), null, 'the cell at its deadline');
    });
  }

  cellPromise(
    kit,
    'a sweep removes cells whose time is over, and says how many',
    'sweep walks cells as well as sessions',
    async (scene) => {
      const { cells, now, store } = scene;
      if (!isAble(store, 'sweep')) return;
      const deadline = scene.soon();
      const [over, kept] = [[freshId(), freshId(), freshId()], freshId()];
      for (const id of over) await cells.replace(id, null, cell(now(), 'over', { keepUntil: deadline, user: 'alice' }));
      await cells.replace(kept, null, cell(now(), 'kept', { keepUntil: deadline + HOUR_MS, user: 'alice' }));
      await scene.pass(deadline, async () => (await cells.read(over[2]!)) === null);
      let removed = 0;
      await eventually(scene.settings.patienceMs, async () => {
        removed += await store.sweep(2);
        return removed >= over.length;
      });
      same(removed, over.length, 'the number of cells that sweeps removed');
      sameIds(await listed(cells.ids()), [kept], 'the ids of all cells');
      sameIds(await listed(cells.byUser('alice')), [kept], 'the ids of the cells of alice');
    },
  );
}

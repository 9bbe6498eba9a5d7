/**
 * Watching cells: who keeps copies of them hears of changes as of sessions, and under the same id.
 *
 * A ring under a near cache tells of its sessions by what its nodes tell of their cells. What ends is not told to listeners: a
 * tombstone whose time is over is no session that has expired.
 */
import { isAble } from './abilities.js';
import { cell, cellsPromise } from './cell-scene.js';
import { freshId, holds, same, session } from './samples.js';
import { eventually, type Kit, turns } from './scene.js';
import { told, watching, withAnother } from './watched.js';

export function cellsWatched(kit: Kit): void {
  cellsPromise(
    kit,
    'a cell that read handed over or replace left behind is watched, and told under its id',
    'the same connection for cells as for sessions; a write may end the watching of a key: read it once more',
    async (scene, there) => {
      const { cells, store, now } = scene;
      if (!isAble(store, 'watch')) return;
      const log = await watching(scene, store);
      const [id, put, taken] = [freshId(), freshId(), freshId()];
      const [first, second, third] = [cell(now(), '1'), cell(now(), '2'), cell(now(), '3')];
      await there.replace(id, null, first);
      await there.replace(taken, null, first);
      for (const each of [id, taken]) await cells.read(each);
      await cells.replace(put, null, first);
      let mark = log.mark();
      await there.replace(id, first.mark, second);
      await there.replace(put, first.mark, second);
      await there.remove(taken, first.mark);
      await told(scene, log, mark, [id, put, taken], 'changes of cells that were read or put here');
      await cells.read(put);
      await cells.replace(id, second.mark, third);
      mark = log.mark();
      await cells.replace(id, first.mark, second); // it loses, and is handed what is there
      await there.replace(id, third.mark, first);
      await told(scene, log, mark, [id], 'a change after one of this handle');
      await log.stop();
    },
  );

  cellsPromise(
    kit,
    'a change is told about a read of a cell that is under way',
    'begin to watch before reading',
    async (scene, there) => {
      const { cells, store, now, settings } = scene;
      if (!isAble(store, 'watch')) return;
      const log = await watching(scene, store);
      const mark = log.mark();
      const ids = Array.from({ length: settings.races }, freshId);
      const [first, second] = [cell(now(), '1'), cell(now(), '2')];
      for (const id of ids) await there.replace(id, null, first);
      const reads = await Promise.all(
        ids.map(async (id, round) => {
          const [read] = await Promise.all([
            turns(round % 7).then(() => cells.read(id)),
            turns(round % 11).then(() => there.replace(id, first.mark, second)),
          ]);
          return { id, isOld: Buffer.compare(read?.mark ?? first.mark, first.mark) === 0 };
        }),
      );
      const old = reads.filter(({ isOld }) => isOld).map(({ id }) => id);
      await told(scene, log, mark, old, 'a replace that a read under way did not see');
      await log.stop();
    },
  );

  cellsPromise(
    kit,
    'listeners hear nothing of cells',
    'a cell that is over is no session that has expired, and a cell removed is none that was destroyed',
    async (scene, there) => {
      const { cells, store, now } = scene;
      if (!isAble(store, 'listen')) return;
      const ended: string[] = [];
      const stop = await store.listen((id) => ended.push(id));
      const [removed, over, fence] = [freshId(), freshId(), freshId()];
      const deadline = scene.soon();
      await there.replace(over, null, cell(now(), 'over', { keepUntil: deadline }));
      const first = cell(now(), 'first');
      await there.replace(removed, null, first);
      await there.remove(removed, first.mark);
      await scene.pass(deadline, async () => (await cells.read(over)) === null);
      if (isAble(store, 'sweep')) await store.sweep(100);
      await withAnother(scene, async (other) => {
        await other.create(fence, session(now()));
        await other.destroy(fence);
      });
      const isTold = await eventually(scene.settings.patienceMs, () => ended.includes(fence));
      holds(isTold, 'The end of a session that another handle destroyed was not told.');
      same(ended, [fence], 'what was told');
      await stop();
    },
  );
}

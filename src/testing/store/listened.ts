/**
 * `listen`: what a store tells of sessions that have ended, by somebody else's hand or by time.
 *
 * Events of every server stand on it, and an end that is told twice is a second mail to the user. Left open: how soon it is
 * told, and whether an expiry is told at all. A last destroy is the fence: what should not be told would have come before it.
 */
import type { Ended, Store, Watchable } from '../../contract.js';
import { abilityPromise, isAble } from './abilities.js';
import { freshId, holds, same, session } from './samples.js';
import { eventually, type Kit, type Scene } from './scene.js';
import { here, withAnother } from './watched.js';

export function listened(kit: Kit): void {
  kit.group('listen', () => {
    destroyed(kit);
    expired(kit);
  });
}

function destroyed(kit: Kit): void {
  listenPromise(
    kit,
    'a session that another process destroyed is told, once; own destroys are not',
    'the sender must know its own messages; a destroy of what is gone already tells nothing',
    async (scene, other, ended) => {
      const { store, now } = scene;
      const [own, foreign, fence] = await here(store, now(), 3);
      await store.destroy(own!);
      await other.destroy(own!);
      await other.destroy(foreign!);
      await other.destroy(foreign!);
      await other.destroy(fence!);
      // A backend of several servers may tell of one sooner than of another.
      await toldOf(scene, ended, foreign!);
      await toldOf(scene, ended, fence!);
      same(ended, [`${foreign} destroyed`, `${fence} destroyed`].sort(), 'what was told');
    },
  );

  listenPromise(
    kit,
    'who has stopped listening hears nothing more',
    'the function that listen returns',
    async (scene, other, ended) => {
      const { store, now } = scene;
      const [fence] = await here(store, now(), 1);
      const silent: string[] = [];
      const stop = await (store as Store & Watchable).listen((id) => silent.push(id));
      await stop();
      await other.destroy(fence!);
      await toldOf(scene, ended, fence!);
      same(silent, [], 'what the stopped listener heard');
    },
  );
}

function expired(kit: Kit): void {
  listenPromise(
    kit,
    'a session that expired is told as expired if at all, and at most once',
    'a destroy or a sweep of what has expired already',
    async (scene, other, ended) => {
      const { store, now } = scene;
      const id = freshId();
      const deadline = scene.soon();
      await store.create(id, session(now(), {}, { expiresAt: deadline }));
      await scene.pass(deadline, async () => (await store.load(id)) === null);
      if (isAble(store, 'sweep')) await store.sweep(100);
      if (isAble(other, 'sweep')) await other.sweep(100);
      await other.destroy(id);
      const [fence] = await here(store, now(), 1);
      await other.destroy(fence!);
      await toldOf(scene, ended, fence!);
      const about = ended.filter((line) => line.startsWith(id));
      holds(about.length <= 1, `The end of one session was told ${about.length} times.`);
      for (const line of about) same(line, `${id} expired`, 'what was told of a session that expired');
    },
  );
}

function listenPromise(
  kit: Kit,
  sentence: string,
  lookAt: string,
  body: (scene: Scene, other: Store, ended: string[]) => Promise<void>,
): void {
  abilityPromise(kit, 'listen', sentence, lookAt, (scene) =>
    withAnother(scene, async (other) => {
      const ended: string[] = [];
      const stop = await scene.store.listen((id: string, how: Ended) => {
        ended.push(`${id} ${how}`);
        ended.sort();
      });
      await body(scene, other, ended);
      await stop();
    }),
  );
}

async function toldOf({ settings }: Scene, ended: readonly string[], id: string): Promise<void> {
  const isTold = await eventually(settings.patienceMs, () => ended.some((line) => line.startsWith(id)));
  holds(isTold, `Within ${settings.patienceMs} ms the end of a session that another handle destroyed was not told.`);
}

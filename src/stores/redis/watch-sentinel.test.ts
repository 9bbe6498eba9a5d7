/** Watching a group with sentinels: links go to the master, and to the next one after a failover. */
import { expect } from 'vitest';
import { removeLater } from '../../../test/support/cleanup.js';
import { need } from '../../../test/support/needs.js';
import { recordingWatcher } from '../../../test/support/recording-watcher.js';
import { until } from '../../../test/support/redis.js';
import { redisClients } from '../../../test/support/redis-clients.js';
import { startRedisSentinel } from '../../../test/support/redis-sentinel.js';
import { delta, freshId, session, set } from '../../testing/store/samples.js';
import { redis } from '../redis.js';

const { describe, test } = need('redis');

const EVERY_MS = 50;
const put = (value: string) => delta(Date.now(), { field: set(value) });
const fresh = () => session(Date.now(), { field: 'first' });

describe('a group with sentinels', () => {
  for (const kind of redisClients.sentinel) {
    test(`${kind.name}: told by the master, deaf when it dies, told by the next one`, {
      concurrent: true,
    }, async () => {
      const group = await startRedisSentinel();
      const store = redis((await kind.connect(group)).client);
      const other = redis((await kind.connect(group)).client);
      const watcher = recordingWatcher();
      const heard = watcher.next('heard');
      const stop = await store.watch(watcher, EVERY_MS);
      removeLater({ remove: async () => void (await stop()), removeNow: () => {} });
      await heard;

      const id = freshId();
      await store.create(id, fresh());
      await store.commit(id, put('own'));
      await watcher.caughtUp();
      expect(watcher.changes(id)).toBe(0);
      const told = watcher.next(`changed ${id}`);
      await other.commit(id, put('foreign'));
      await told;
      await until('the replica has it', async () => Number(await group.replica.raw('EXISTS', `s:${id}`)) === 1);

      const deaf = watcher.next('deaf');
      await group.master.kill();
      await deaf;
      await group.becameMaster(group.replica);
      await until('it is heard again', async () => !watcher.isDeaf);
      await store.load(id);
      await watcher.caughtUp();
      const again = watcher.next(`changed ${id}`);
      await other.commit(id, put('foreign again'));
      await again;
    });
  }
});

/** Watching a cluster: one link to each master, and what happens when slots and masters move. */
import { beforeAll, expect } from 'vitest';
import { removeLater } from '../../../test/support/cleanup.js';
import { need } from '../../../test/support/needs.js';
import { recordingWatcher } from '../../../test/support/recording-watcher.js';
import { type RedisServer, until } from '../../../test/support/redis.js';
import { type ClientKind, redisClients } from '../../../test/support/redis-clients.js';
import { type RedisCluster, startRedisCluster } from '../../../test/support/redis-cluster.js';
import { delta, freshId, session, set } from '../../testing/store/samples.js';
import { redis } from '../redis.js';

const { describe, test } = need('redis');

const EVERY_MS = 50;
const put = (value: string) => delta(Date.now(), { field: set(value) });
const fresh = () => session(Date.now(), { field: 'first' });

async function storeOver(kind: ClientKind<RedisCluster>, cluster: RedisCluster) {
  return redis((await kind.connect(cluster)).client);
}

async function watching(kind: ClientKind<RedisCluster>, cluster: RedisCluster) {
  const store = await storeOver(kind, cluster);
  const watcher = recordingWatcher();
  const heard = watcher.next('heard');
  const stop = await store.watch(watcher, EVERY_MS);
  removeLater({ remove: async () => void (await stop()), removeNow: () => {} });
  await heard;
  return { store, watcher };
}

/** A fresh session whose key belongs to this master. */
async function idOn(cluster: RedisCluster, master: RedisServer): Promise<string> {
  for (;;) {
    const id = freshId();
    if ((await cluster.ownerOf(`s:${id}`)) === master) return id;
  }
}

describe('a cluster at rest', () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });

  for (const kind of redisClients.cluster) {
    test(`${kind.name}: changes are told from every master, own ones are not`, async () => {
      const { store, watcher } = await watching(kind, cluster);
      const other = await storeOver(redisClients.cluster[0]!, cluster);
      for (const master of cluster.masters) {
        const id = await idOn(cluster, master);
        await store.create(id, fresh());
        await store.commit(id, put('own'));
        await watcher.caughtUp();
        expect(watcher.changes(id)).toBe(0);
        const told = watcher.next(`changed ${id}`);
        await other.commit(id, put('foreign'));
        await told;
      }
    });

    test(`${kind.name}: a slot that moves takes its sessions along, and they are watched where they are then`, async () => {
      const { store, watcher } = await watching(kind, cluster);
      const other = await storeOver(redisClients.cluster[0]!, cluster);
      const [from, to] = cluster.masters as [RedisServer, RedisServer];
      const id = await idOn(cluster, from);
      await store.create(id, fresh());
      const moved = watcher.next(`changed ${id}`);
      const back = await moveSlot(cluster, `s:${id}`, from, to);
      try {
        await moved;
        expect(String((await store.load(id))?.fields.get('field'))).toBe('first'); // MOVED: the ordinary way
        const known = watcher.changes(id);
        await until('it is read on a link again', async () => {
          const before = watcher.changes(id);
          await store.load(id);
          return watcher.changes(id) === before;
        });
        expect(known).toBeGreaterThanOrEqual(2);
        const told = watcher.next(`changed ${id}`);
        await other.commit(id, put('foreign'));
        await told;
        expect(watcher.told.filter((what) => what === 'deaf')).toEqual([]);
      } finally {
        await back();
      }
    });
  }
});

/** As an operator reshards. Returns the way back. */
async function moveSlot(cluster: RedisCluster, key: string, from: RedisServer, to: RedisServer) {
  const slot = Number(await from.raw('CLUSTER', 'KEYSLOT', key));
  const [source, target] = [String(await from.raw('CLUSTER', 'MYID')), String(await to.raw('CLUSTER', 'MYID'))];
  await to.raw('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source);
  await from.raw('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target);
  const keys = (await from.raw('CLUSTER', 'GETKEYSINSLOT', slot, 100)) as readonly string[];
  if (keys.length > 0) await from.raw('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
  await to.raw('CLUSTER', 'SETSLOT', slot, 'NODE', target);
  await Promise.all(cluster.masters.map((each) => each.raw('CLUSTER', 'SETSLOT', slot, 'NODE', target)));
  return (): Promise<unknown> => moveSlot(cluster, key, to, from);
}

/** As an application does: a load, which waits for no longer than a guard would let it. */
async function tryToLoad(store: ReturnType<typeof redis>, id: string): Promise<unknown> {
  const late = new Promise((resolve) => setTimeout(resolve, 500));
  return Promise.race([Promise.resolve(store.load(id)).catch(() => {}), late]);
}

describe('a cluster that loses a master', () => {
  for (const kind of redisClients.cluster) {
    test(`${kind.name}: deaf at once, and hears again from the replica that took over`, {
      concurrent: true,
    }, async () => {
      const cluster = await startRedisCluster({ replicasPerMaster: 1, nodeTimeout: 1000 });
      const { store, watcher } = await watching(kind, cluster);
      const master = cluster.masters[0]!;
      const id = await idOn(cluster, master);
      await store.create(id, fresh());
      await until('the replica has it', async () => {
        const replica = cluster.replicas[0]?.[0];
        return (
          String(
            await replica?.raw(
              'CLUSTER',
              'COUNTKEYSINSLOT',
              Number(await replica.raw('CLUSTER', 'KEYSLOT', `s:${id}`)),
            ),
          ) === '1'
        );
      });
      const deaf = watcher.next('deaf');
      await master.kill();
      await deaf;
      // node-redis 5 knows no other master of these slots before the old one says so.
      if (kind.name === 'node-redis 5') await comesBackAsReplica(master, cluster.replicas[0]![0]!);
      await until('it is heard again', async () => {
        await tryToLoad(store, id);
        return !watcher.isDeaf;
      });
      expect(String((await store.load(id))?.fields.get('field'))).toBe('first');
      const other = await storeOver(redisClients.cluster[2]!, cluster);
      const told = watcher.next(`changed ${id}`);
      await until('the other store finds it too', async () => (await other.commit(id, put('foreign'))).status === 'ok');
      await told;
    });

    test(`${kind.name}: a master that was demoted is noticed, though it answers`, { concurrent: true }, async () => {
      const cluster = await startRedisCluster({ replicasPerMaster: 1 });
      const { store, watcher } = await watching(kind, cluster);
      const id = await idOn(cluster, cluster.masters[0]!);
      await store.create(id, fresh());
      const replica = cluster.replicas[0]![0]!;
      // Replication is asynchronous, and a takeover waits for nobody: without the session there would be nothing to tell.
      await until('the replica has it', async () => Number(await replica.raw('DBSIZE')) === 1);
      const deaf = watcher.next('deaf');
      await replica.raw('CLUSTER', 'FAILOVER', 'TAKEOVER');
      await deaf;
      await until('it is heard again', async () => {
        await tryToLoad(store, id);
        return !watcher.isDeaf;
      });
      const other = await storeOver(redisClients.cluster[2]!, cluster);
      expect(await store.load(id)).not.toBeNull();
      const told = watcher.next(`changed ${id}`);
      expect(await other.commit(id, put('foreign'))).toMatchObject({ status: 'ok' });
      await told;
    });
  }
});

async function comesBackAsReplica(master: RedisServer, replica: RedisServer): Promise<void> {
  const role = async (server: RedisServer) => String(await server.raw('ROLE')).split(',')[0];
  await until('the replica took over', async () => (await role(replica)) === 'master');
  await master.restart();
  await until('the old master is a replica', async () => (await role(master)) === 'slave');
}

/** A cluster that changes under its clients: keys are found where they went, and the list of masters is never an old one. */
import { beforeAll, expect } from 'vitest';
import { need } from '../../../../test/support/needs.js';
import { type RedisServer, until } from '../../../../test/support/redis.js';
import { redisClients } from '../../../../test/support/redis-clients.js';
import { type RedisCluster, startRedisCluster } from '../../../../test/support/redis-cluster.js';
import type { Node } from '../door.js';
import { doorOf } from './door-of.js';

const { describe, test } = need('redis');

let cluster: RedisCluster;
beforeAll(async () => {
  cluster = await startRedisCluster({ replicasPerMaster: 1 });
});

for (const { name, connect } of redisClients.cluster) {
  describe(name, () => {
    test('follows ASK while a slot moves, and MOVED when it has moved', async () => {
      const { client } = await connect(cluster);
      const door = doorOf(client);
      const key = await cluster.keyOn(0, name);
      const move = await beginMove(cluster, key);

      // The key is new: only the slot's new owner may make it, and it wants to be asked in so many words.
      expect(await door.send(key, ['SET', key, 'made in between'])).toEqual(Buffer.from('OK'));
      expect(await move.to.raw('CLUSTER', 'COUNTKEYSINSLOT', move.slot)).toBe(1);
      const script = "return redis.call('GET', KEYS[1])";
      expect(await door.send(key, ['EVAL', script, '1', key])).toEqual(Buffer.from('made in between'));

      await move.finish();
      expect(await door.send(key, ['GET', key])).toEqual(Buffer.from('made in between'));
    });

    test('lists the master that took over, never the one that stepped down', async () => {
      const { client } = await connect(cluster);
      const door = doorOf(client);
      const before = await masterAndReplica(cluster);
      expect(sorted(await door.masters())).toEqual(namesWith(cluster, before.master));

      await until('the replica is in step', async () =>
        String(await before.replica.raw('INFO', 'replication')).includes('master_link_status:up'),
      );
      await before.replica.raw('CLUSTER', 'FAILOVER', 'TAKEOVER');
      await until('they have changed places', async () => (await masterAndReplica(cluster)).master === before.replica);

      // The client may say that it does not know yet; it must not give an old answer.
      const answers: unknown[] = [];
      await until('the client knows', async () => {
        answers.push(await door.masters().then(sorted, (error) => error));
        return Array.isArray(answers.at(-1));
      });
      expect(answers.pop()).toEqual(namesWith(cluster, before.replica));
      for (const error of answers)
        expect(error).toMatchObject({ message: expect.stringContaining('changing its shape') });
    });
  });
}

describe('a master that crashes for good', () => {
  for (const { name, connect } of redisClients.cluster) {
    test(`${name} finds the replica that took over`, { concurrent: true }, async () => {
      const crashing = await startRedisCluster({ replicasPerMaster: 1, nodeTimeout: 500 });
      const { client } = await connect(crashing);
      const door = doorOf(client);
      const key = await crashing.keyOn(1);
      await door.send(key, ['SET', key, 'kept']);
      await crashing.masters[1]?.raw('WAIT', 1, 1000);

      await crashing.masters[1]?.kill();
      const waiting = door.send(key, ['GET', key]).catch((error) => error); // whatever becomes of it
      const heir = crashing.replicas[1]?.[0];
      await until('the replica took over', async () => String(await heir?.raw('ROLE')).startsWith('master'));

      await until('the client finds it', async () => {
        const silence = new Promise((resolve) => setTimeout(resolve, 500, undefined)); // as the guard would
        const reply = await Promise.race([door.send(key, ['GET', key]), silence]);
        return String(reply) === 'kept';
      });
      const names = (await door.masters()).map((master) => master.name);
      expect(names).toContain(`127.0.0.1:${heir?.port}`);
      await waiting;
    });
  }
});

/** Of the last third of the slots, as of now. */
async function masterAndReplica({
  masters,
  replicas,
}: RedisCluster): Promise<{ master: RedisServer; replica: RedisServer }> {
  const [a, b] = [masters[2], replicas[2]?.[0]] as [RedisServer, RedisServer];
  const [roleOfA, roleOfB] = await Promise.all(
    [a, b].map(async (node) => String(await node.raw('ROLE')).split(',')[0]),
  );
  if (roleOfA === roleOfB) throw new Error(`both are ${roleOfA}`);
  return roleOfA === 'master' ? { master: a, replica: b } : { master: b, replica: a };
}

function namesWith({ masters }: RedisCluster, third: RedisServer): string[] {
  return [masters[0], masters[1], third].map((server) => `127.0.0.1:${server?.port}`).sort();
}

function sorted(masters: readonly Node[]): string[] {
  return masters.map((master) => master.name).sort();
}

interface Move {
  readonly slot: number;
  readonly to: RedisServer;
  finish(): Promise<void>;
}

async function beginMove(cluster: RedisCluster, key: string): Promise<Move> {
  const [from, to] = cluster.masters as [RedisServer, RedisServer];
  const slot = Number(await from.raw('CLUSTER', 'KEYSLOT', key));
  const [fromId, toId] = await Promise.all([from.raw('CLUSTER', 'MYID'), to.raw('CLUSTER', 'MYID')]);
  await to.raw('CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
  await from.raw('CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
  return {
    slot,
    to,
    async finish() {
      for (const node of [to, from]) await node.raw('CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
    },
  };
}

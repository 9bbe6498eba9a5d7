/**
 * Sessions and their callers, for histories that the linearizability checker looks at.
 *
 * Several callers at once on each session: they load, set, delete, swap what they saw last, rotate, log in, and now and then one
 * destroys it. Trouble of the store is part of the life of a session; any other error is not.
 */
import { randomBytes } from 'node:crypto';
import { type Delta, isFailure, type Store, type Stored, type Write } from 'sojourn';

export type Server = Pick<Store, 'load' | 'create' | 'commit' | 'destroy'>;

export interface LifeOptions {
  /** So many calls in all. */
  readonly operations: number;
  readonly callers: number;
  /** One call in a hundred ends the session. Default true. */
  readonly ends?: boolean;
}

const EXPIRES_AT = Date.now() + 3_600_000;
const FIELDS = ['a', 'b', 'c'];

/** A session, from its creation to what is left when its callers are done with it. They take the servers in turn. */
export async function life(
  servers: readonly Server[],
  id: string,
  { operations, callers, ends = true }: LifeOptions,
): Promise<void> {
  const [first] = servers as [Server];
  await quietly(() => first.create(id, born));
  let left = operations;
  const caller = async (n: number): Promise<void> => {
    const store = servers[n % servers.length] as Server;
    let seen: Stored = born;
    while (left-- > 0) {
      const dice = Math.random();
      if (dice < 0.4) seen = (await quietly(() => store.load(id))) ?? seen;
      else if (dice < 0.41 && ends) await quietly(() => store.destroy(id));
      else await quietly(() => store.commit(id, delta(seen, dice)));
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, n) => caller(n)));
  await quietly(() => first.load(id));
}

const born: Stored = {
  head: { createdAt: Date.now(), expiresAt: EXPIRES_AT, version: 1, generation: 0, secret: randomBytes(32) },
  fields: new Map([['a', Buffer.from('0')]]),
};

/** A change that builds on what this caller saw last. */
function delta({ head, fields }: Stored, dice: number): Delta {
  const field = FIELDS[Math.floor(Math.random() * FIELDS.length)] as string;
  const value = randomBytes(4);
  const { generation } = head;
  const change = (write: Write, more: Partial<Delta['head']> = {}): Delta => ({
    generation,
    head: { expiresAt: EXPIRES_AT, ...more },
    fields: new Map([[field, write]]),
  });
  if (dice < 0.5) return change({ op: 'delete' });
  if (dice < 0.52) return change({ op: 'set', value }, { secret: randomBytes(32), generation: generation + 1 });
  if (dice < 0.6) {
    const rotation = change({ op: 'set', value }, { secret: randomBytes(32) });
    return head.secret ? { ...rotation, replaces: head.secret } : rotation;
  }
  return change(dice < 0.8 ? { op: 'set', value } : { op: 'swap', expect: fields.get(field) ?? null, value });
}

async function quietly<R>(run: () => R): Promise<Awaited<R> | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!isFailure(error, 'SOJOURN_STORE')) throw error;
    return undefined;
  }
}

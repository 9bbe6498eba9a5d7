/**
 * Sessions that others have placed, by a ring of points: `placed(nodes, { by })` finds them, and `importFrom` brings them into a ring of ours.
 *
 * Clients of memcached and their heirs (libketama, npm hashring, uhashring), and the ring of the post that sojourn began with, say where a
 * session is by arithmetic of their own (src/ring). What lies on any other node than that is left over from some change of their list:
 * it may be years old, so it is neither listed nor moved. For taking over only; new data belongs into `ring`, which moves less and
 * spreads better.
 *
 * Rejected: a rule as an option of `ring` (copies, weights and a resize mean nothing there), and moving with a loop of our own: a session
 * that is written to while it moves is what `migrating` is about.
 */
import type { Listable, Store } from '../../contract.js';
import { checked, oneOf, show } from '../../core/options.js';
import { failure } from '../../errors.js';
import { type CountRule, type HostNode, ketama } from '../../ring/ketama.js';
import { type SeedRule, seedRing } from '../../ring/seed-ring.js';
import type { MoveOptions } from '../migrating/mover.js';
import { migrating } from '../migrating.js';
import { wrong } from './options.js';
import { type Able, plainRing } from './plain.js';

/** A node as those clients know it. */
export interface PlacedNode<S extends Store = Store> {
  /** Part of every point, so it must be spelled as it was: `10.0.0.1:6379`. */
  readonly host: string;
  /** A whole number from 1. Default 1. */
  readonly weight?: number;
  readonly store: S;
}

/**
 * Whose arithmetic. 'libketama', 'hashring' (npm, 3.x) and 'uhashring' (Python) are one ring that rounds shares in three ways; 'seed-fixed' is the
 * post's ring as it was meant, 'seed-exact' as it was written: there some ids have no node at all.
 */
export type PlacedBy = 'libketama' | 'hashring' | 'uhashring' | SeedRule;

export interface PlacedOptions {
  readonly by: PlacedBy;
  /** The text that was hashed for a session. Default: its id. With `sess:` in front of it: `(id) => 'sess:' + id`. */
  readonly keyOf?: (id: string) => string;
  /** What errors and events call this store. Default: the rule. */
  readonly name?: string;
}

/** A store over several, each session on the node that the rule names. */
export type PlacedStore<S extends Store> = Store & (S extends Listable ? Listable : unknown);

const RULES: Readonly<Record<Exclude<PlacedBy, SeedRule>, CountRule>> = {
  libketama: 'float32',
  hashring: 'float64',
  uhashring: 'integer',
};

/**
 * Sessions on several stores, where another client has placed them. For reading them while they move over.
 * @example
 * import { createClient } from 'redis';
 * import { redis } from 'sojourn/redis';
 * import { placed } from 'sojourn/ring';
 *
 * const at = async (url: string) => redis(await createClient({ url }).connect());
 * const old = placed(
 *   [
 *     { host: '10.0.0.1:6379', weight: 15, store: await at('redis://10.0.0.1') },
 *     { host: '10.0.0.2:6379', weight: 20, store: await at('redis://10.0.0.2') },
 *   ],
 *   { by: 'hashring' },
 * );
 */
export function placed<S extends Store>(nodes: readonly PlacedNode<S>[], options: PlacedOptions): PlacedStore<S> {
  const { by: rule, keyOf = (id: string) => id, name } = checked('placed', options, ['by', 'keyOf', 'name']);
  const by = oneOf('by of placed', rule as PlacedBy, [
    'libketama',
    'hashring',
    'uhashring',
    'seed-fixed',
    'seed-exact',
  ]);
  if (typeof keyOf !== 'function')
    throw wrong('keyOf of placed', 'must be a function from an id to the text that was hashed', keyOf);
  const { hosts, stores } = checkedNodes(nodes);
  const hostFor = hostsBy(by, hosts);
  const homeOf = (id: string): Able => {
    const host = hostFor(keyOf(id));
    return host === null ? NOWHERE : stores.get(host)!;
  };
  const all = [...stores.values()];
  const list = async function* (): ReturnType<Listable['list']> {
    for (const store of all) {
      for await (const entry of store.list!()) if (homeOf(entry[0]) === store) yield entry;
    }
  };
  const { load, create, commit, destroy } = plainRing({ nodesFor: (id) => [homeOf(id)] }, all);
  const verbs = { name: name ?? by, load, create, commit, destroy, close: () => closeAll(all) };
  return (all.every((store) => store.list) ? { ...verbs, list } : verbs) as PlacedStore<S>;
}

/** What came of an import. */
export interface Imported {
  readonly moved: number;
  /** Sessions that the old store still has: somebody signed in there meanwhile. Import again, or use `migrating` around both. */
  readonly left: number;
}

/**
 * Brings all sessions of one store over to another, and takes them away from the first. Each stays what it was: id, secret, deadlines and
 * fields, so nobody is signed out. While servers still use the old store, put `migrating` around both instead, which this uses: then
 * every session is found on its way as well. May be repeated after a crash.
 * @example
 * import { memory } from 'sojourn';
 * import { importFrom, placed, ring } from 'sojourn/ring';
 *
 * const old = placed([{ host: '10.0.0.1:6379', store: memory() }, { host: '10.0.0.2:6379', store: memory() }], { by: 'hashring' });
 * const own = ring([{ name: 'one', store: memory() }, { name: 'two', store: memory() }], { copies: 2 });
 * const { moved, left } = await importFrom(old, own);
 */
export async function importFrom(from: Store & Listable, to: Store, options?: MoveOptions): Promise<Imported> {
  const both = migrating({ from, to, phase: 'moving' });
  const { moved } = await both.move(options).done;
  return { moved, left: (await both.verify()).left };
}

function hostsBy(by: PlacedBy, hosts: readonly HostNode[]): (key: string) => string | null {
  if (by === 'seed-exact' || by === 'seed-fixed') {
    const { hostFor } = seedRing(hosts, by);
    return hostFor;
  }
  const { hostsFor } = ketama(hosts, RULES[by]);
  return (key) => hostsFor(key, 1)[0]!;
}

function checkedNodes(nodes: readonly PlacedNode[]): { hosts: HostNode[]; stores: ReadonlyMap<string, Able> } {
  if (!Array.isArray(nodes) || nodes.length === 0)
    throw wrong('nodes of placed', 'must be an array of { host, weight, store }, with one at least', nodes);
  const stores = new Map<string, Able>();
  const hosts = nodes.map((node, i) => {
    const { host, weight = 1, store } = checked<PlacedNode>(`nodes[${i}] of placed`, node, ['host', 'weight', 'store']);
    if (typeof host !== 'string') throw wrong(`host of nodes[${i}] of placed`, 'must be a text', host);
    if (typeof store?.load !== 'function') throw wrong(`store of nodes[${i}] of placed`, 'must be a store', store);
    stores.set(host, store);
    return { host, weight };
  });
  return { hosts, stores };
}

/** The ids that the post's code could not place: nobody has ever stored anything under one. */
const NOWHERE: Able = {
  name: 'nowhere',
  load: () => null,
  commit: () => ({ status: 'gone' }),
  destroy: () => {},
  create: () => {
    const problem = `${show('seed-exact')} has no node for this id`;
    throw failure('SOJOURN_STORE', { store: 'seed-exact', operation: 'create', problem });
  },
};

async function closeAll(stores: readonly Store[]): Promise<void> {
  await Promise.all(stores.map(async (store) => store.close?.()));
}

/**
 * The ring: `ring(nodes)` spreads sessions over several stores by weight, and keeps as many copies of each as wanted.
 *
 * Where a session lives is arithmetic (src/ring) over a table that lies on the nodes: the first one is made of the list of nodes, each
 * further one by a resize. The home of a session never changes because a node is down. What copies know is kept in cells (`Celled`): a node
 * only compares and replaces, and all knowledge of stamps, tombstones and merging is here, in ring/. The first owner that
 * answers decides; another one stands in, and leaves hints.
 *
 *     place.ts  where      node.ts    one node, its deadline and breaker     read.ts, write.ts   finding and changing a session
 *     replica.ts, merge.ts, apply.ts  what a copy knows                     hints.ts, synced.ts, repair.ts   nodes that come back
 *     tables.ts  which table is in force    resize.ts, mover.ts   from one table to the next, while everything goes on
 *     operators.ts  what operators get beside the store, and what a ring says of itself
 *
 * Not promised: that reads and writes look as on one server (two halves of a split network both go on, and merge). Rejected: a
 * consensus protocol (three nodes and a round trip more for each write), and master with replicas (an election for each death).
 */
import type { Celled, Ended, Indexed, Listable, Store, Sweepable, Watchable, Watcher } from '../contract.js';
import { Deadlines } from '../core/deadline.js';
import { wholeNumber } from '../core/options.js';
import { failure } from '../errors.js';
import { firstTable } from '../ring/first-table.js';
import { ringOf } from '../ring/ring.js';
import { fingerprint, type RingTable } from '../ring/table.js';
import { Care } from './ring/care.js';
import { Carrying } from './ring/carry.js';
import { checkAll, troubles } from './ring/check.js';
import { newWriter, stampClock } from './ring/clock.js';
import { SYNCED } from './ring/control.js';
import { EndedNews } from './ring/ended.js';
import { Hints } from './ring/hints.js';
import { Memo } from './ring/memo.js';
import { Mending } from './ring/mend.js';
import { Mover } from './ring/mover.js';
import { News } from './ring/news.js';
import { Node } from './ring/node.js';
import { described, type RingControls, stateOf } from './ring/operators.js';
import { type Checked, checkedRing, type RingNodeOptions, type RingOptions, wrong } from './ring/options.js';
import { Places, type View } from './ring/place.js';
import { plainRing, sweepAll } from './ring/plain.js';
import { Reads } from './ring/read.js';
import { Repair } from './ring/repair.js';
import { storedOf } from './ring/replica.js';
import { Resize } from './ring/resize.js';
import { Servers } from './ring/servers.js';
import { newFigures, type Shared } from './ring/shared.js';
import { Steps } from './ring/steps.js';
import { Synced } from './ring/synced.js';
import { Tables } from './ring/tables.js';
import { Walks } from './ring/walk.js';
import { watchAll } from './ring/watch.js';
import { Watchers } from './ring/watchers.js';
import { Writes } from './ring/write.js';

export type { PlannedMove, ResizePlan, RingChange } from './ring/change.js';
export type { RingEvents, RingListener, RingWrite } from './ring/news.js';
export type { NodeDescription, RingControls, RingDescription } from './ring/operators.js';
export type { RingNodeOptions, RingOptions } from './ring/options.js';
export {
  type Imported,
  importFrom,
  type PlacedBy,
  type PlacedNode,
  type PlacedOptions,
  type PlacedStore,
  placed,
} from './ring/placed.js';
export type { Progress as RepairProgress, RepairOptions } from './ring/repair.js';
export type { Figures as RingFigures } from './ring/shared.js';
export type { MoveProgress, ResizeOptions, ResizePhase, ResizeStatus, RingServer } from './ring/status.js';

/** A store over several stores, and those abilities that all of them have. */
export type RingStore<S extends Store> = Store &
  Required<Pick<Store, 'check' | 'close'>> &
  RingControls &
  (S extends Celled ? Indexed & Listable : unknown) &
  (S extends Indexed ? Indexed : unknown) &
  (S extends Listable ? Listable : unknown) &
  (S extends Sweepable ? Sweepable : unknown) &
  (S extends Watchable ? Watchable : unknown);

/**
 * Sessions on several stores. All servers of an application give the same list.
 * What it promises, and what not: docs/decisions/0018-what-is-acknowledged-lies-on-two-nodes.md.
 * @example
 * import { createClient } from 'redis';
 * import { redis } from 'sojourn/redis';
 * import { ring } from 'sojourn/ring';
 *
 * const at = async (url: string) => redis(await createClient({ url }).connect());
 * const store = ring(
 *   [
 *     { name: 'one', weight: 15, store: await at('redis://10.0.0.1') },
 *     { name: 'two', weight: 20, store: await at('redis://10.0.0.2') },
 *     { name: 'three', weight: 10, store: await at('redis://10.0.0.3') },
 *   ],
 *   { copies: 2 },
 * );
 */
export function ring<S extends Store>(nodes: readonly RingNodeOptions<S>[], options?: RingOptions): RingStore<S> {
  const own = checkedRing(nodes, options);
  const { table } = firstTable(own.specs, { copies: own.copies });
  const stores = [...own.stores.values()];
  const isCelled = stores.every((store) => 'cells' in store && store.cells !== undefined);
  if (!isCelled && own.copies > 1) {
    throw wrong('copies of ring', 'must be 1 over stores that keep no cells, such as a cluster', own.copies);
  }
  return (isCelled ? celledRing(own, table) : routedRing(own, table)) as RingStore<S>;
}

function routedRing<S extends Store>(own: Checked<S>, table: RingTable): Store & RingControls {
  const routed = ringOf(table, ({ name }) => own.stores.get(name)!);
  const stores = table.nodes.map(({ name }) => own.stores.get(name)!);
  return {
    name: own.name,
    ...plainRing(routed, stores),
    figures: newFigures(),
    ...unresizable,
    on: () => () => {},
    repair: async () => ({ looked: 0, written: 0, corrupt: 0 }),
    describe: () =>
      described(own.write, table, routed.fingerprint, () => ({ state: 'up', synced: 'unknown', hintsPending: 0 })),
    check: () => checkAll(own.stores, () => false),
    renew() {
      for (const store of stores) store.renew?.();
    },
    close: () => closeAll(stores),
  };
}

/** Over stores that keep no cells nothing stops a server that has an older table. */
const cannot = async (): Promise<never> => {
  throw wrong('nodes of ring', 'must be stores that keep cells (redis, memory, lmdb) to be resized', 'others');
};
const unresizable = {
  plan: cannot,
  resize: cannot,
  pause: cannot,
  resume: cannot,
  abort: cannot,
  settled: cannot,
  status: cannot,
};

/** When a ring begins that nobody has asked for anything, and how often it tries again. */
const BEGUN_BY_MS = 1000;

/** A ring of cells: its parts, put together. */
function celledRing<S extends Store>(own: Checked<S>, table: RingTable): Store & RingControls & Indexed & Listable {
  const { environment, name } = own;
  const deadlines = new Deadlines(environment, own.deadlineMs);
  const news = new News();
  const nodeOf = (node: string, store: Store & Celled): Node =>
    new Node({ name: node, store, cells: store.cells, deadlines, environment, probeId: SYNCED, down, up });
  const listed = table.nodes.map(({ name: node }) => nodeOf(node, own.stores.get(node)! as Store as Store & Celled));
  const byName = new Map(listed.map((node) => [node.name, node]));
  /** A table may come to name a node that this process has not got: it counts as one that does not answer. */
  const known = (node: string): Node => {
    const found = byName.get(node) ?? nodeOf(node, unknownStore(node));
    byName.set(node, found);
    return found;
  };
  const places = new Places(firstView(table), listed, known);
  const shared: Shared = {
    name,
    nodes: listed,
    places,
    clock: stampClock(environment.now, newWriter(environment.random)),
    environment,
    deadlines,
    news,
    memo: new Memo(),
    figures: newFigures(),
    awaitStep: (step) => tables.after(step - 1),
    write: own.write,
  };
  const stores = places.nodes.map(({ store }) => store);
  const isWatchable = stores.every((store) => 'watch' in store);
  const synced = new Synced({
    shared,
    help: (node) => care.help(node),
    orphaned: (name, keeper) => void hints.bequeath(name, keeper).catch(() => {}),
  });
  const mending = new Mending(shared);
  const repair = new Repair(shared, mending, own.pace);
  const hints = new Hints(shared, synced, own.maxHints);
  const tables: Tables = new Tables({
    shared,
    changed: followed,
    impatient: () => steps.hurry(),
    looked: (node) => void synced.look(node),
  });
  const care: Care = new Care({ shared, synced, hints, repair, restore: (node) => tables.bring(node) });
  const carrying = new Carrying(shared, hints);
  const reads = new Reads(shared, synced, mending, carrying);
  const ends = new EndedNews(shared);
  const hasEnded = (id: string): void => {
    if (isWatchable) ends.add(id);
  };
  const writes = new Writes({ shared, reads, hints, mending, hasEnded });
  const walks = new Walks(shared, reads);
  const servers = new Servers(shared);
  const mover = new Mover({ shared, carrying, pace: own.pace });
  const steps: Steps = new Steps({ shared, tables, synced, mover, servers });
  const resize = new Resize({ shared, tables, synced, mover, servers, steps, pace: own.pace });
  const watchers = new Watchers(() => !hasBegun || tables.isAllFresh());
  let hasBegun = false;
  const begin = async (): Promise<void> => {
    await tables.begin();
    await synced.begin();
    steps.begin();
    hasBegun = true;
    stopEarly();
  };
  // Also without a request: servers that nobody asks for anything still fill a node that came back empty.
  const stopEarly = environment.every(BEGUN_BY_MS, () => void begin().catch(() => {}));
  /** Operators ask about now, and not about a second ago. */
  const lookedAt = (): Promise<void> => begin().then(() => tables.lookAtAll());
  /** Before anything is asked of the nodes of a session. */
  const isReady = (id: string): boolean => hasBegun && tables.isFresh(places.of(id));
  const makeReady = async (id: string): Promise<void> => {
    if (!hasBegun) await begin();
    if (!tables.isFresh(places.of(id))) await tables.refresh(id);
  };

  return {
    name,
    async load(id, atLeast) {
      if (!isReady(id)) await makeReady(id);
      const copy = places.of(id).isAnnounced
        ? await tables.whileOpen(id, () => reads.find(id, atLeast))
        : await reads.find(id, atLeast);
      left(id);
      if (copy === null) return null;
      shared.memo.set(id, copy);
      const stored = storedOf(copy.replica);
      return stored !== null && stored.head.expiresAt > environment.now() ? stored : null;
    },
    async create(id, session) {
      if (!isReady(id)) await makeReady(id);
      const answer = await writes.create(id, session);
      left(id);
      return answer;
    },
    async commit(id, delta) {
      if (!isReady(id)) await makeReady(id);
      const outcome = await writes.commit(id, delta);
      left(id);
      return outcome;
    },
    async destroy(id) {
      if (!isReady(id)) await makeReady(id);
      return writes.destroy(id);
    },
    async *byUser(user) {
      await begin();
      if (!tables.isAllFresh()) await tables.lookAtAll();
      yield* walks.byUser(user);
    },
    async *list() {
      await begin();
      if (!tables.isAllFresh()) await tables.lookAtAll();
      yield* walks.list();
    },
    ...abilitiesOf(stores, () => places.table.owners.width, ends, watchers),
    figures: shared.figures,
    plan: (change) => lookedAt().then(() => resize.plan(change)),
    resize: (plan, options) => lookedAt().then(() => resize.resize(plan, options)),
    pause: () => lookedAt().then(() => resize.pause()),
    resume: () => lookedAt().then(() => resize.resume()),
    abort: () => lookedAt().then(() => resize.abort()),
    settled: () => lookedAt().then(() => resize.settled()),
    status: () => lookedAt().then(() => resize.status()),
    on: (event, listener) => news.on(event, listener),
    async repair(options) {
      await begin();
      if (options?.pace !== undefined) wholeNumber('pace of repair', options.pace, 1, 10_000_000);
      return repair.all(options);
    },
    describe: () => described(own.write, places.table, places.fingerprint, (node) => stateOf(known(node))),
    async check() {
      await begin();
      const sentences = await checkAll(own.stores, () => places.table.owners.width > 1);
      return [...sentences, ...troubles(places.nodes), ...resize.troubles()];
    },
    renew() {
      for (const node of places.nodes) if (!node.isUp) node.store.renew?.();
    },
    async close() {
      stopEarly();
      tables.close();
      await steps.close();
      await servers.leave().catch(() => {});
      repair.close();
      mending.close();
      for (const node of places.nodes) node.close();
      await care.close();
      deadlines.close();
      await closeAll(stores);
    },
  };

  function down(node: Node): void {
    news.tell('nodeDown', { node: node.name });
    if (places.table.owners.width > 1) care.lost(node);
  }

  function up(node: Node, downMs: number): void {
    news.tell('nodeUp', { node: node.name, downMs });
    void tables.look(node).then(
      () => synced.look(node),
      () => {},
    );
    // Others may have waited for what it keeps.
    for (const other of places.nodes) if (other.isUp && other.behind.has(node)) care.help(other);
  }

  /** Something of it has been handed over, and may be kept by near caches. */
  function left(id: string): void {
    const { isAnnounced, isMoving, holders } = places.of(id);
    watchers.left(id, isAnnounced || isMoving, holders);
  }

  /** Another document is followed. */
  function followed({ document: before }: View): void {
    const { document } = places.view;
    for (const node of listed) {
      node.isUnfenced = document.unfenced.includes(node.name);
      if (node.isUnfenced || !before.unfenced.includes(node.name)) continue;
      // Its mark was taken from it, whether or not this process has seen that.
      node.mark = null;
      void synced.look(node);
    }
    synced.forgetLeavers();
    const isOther = (['table', 'leaving', 'next'] as const).some((name) => document[name] !== before[name]);
    if (isOther) watchers.deaf();
    if (hasBegun) void servers.say(true);
  }
}

/** The document of a ring that is new. */
function firstView(table: RingTable): View {
  const nodes = table.nodes.map(({ name }) => name);
  const none = { leaving: null, next: null };
  const document = {
    step: 1,
    table: fingerprint(table),
    ...none,
    nodes,
    unfenced: [],
    dead: [],
    isPaused: false,
    isBack: false,
  };
  return { document, table, ...none };
}

/** What stands for the store of a node that is not in the list. */
function unknownStore(node: string): Store & Celled {
  const fail = async (): Promise<never> => {
    const problem = 'it is not in the list of nodes of this server; add it there';
    throw failure('SOJOURN_STORE', { store: node, operation: 'be reached', problem });
  };
  const none = (): AsyncIterable<string> => ({ [Symbol.asyncIterator]: () => ({ next: fail }) });
  const cells = { read: fail, replace: fail, remove: fail, fence: fail, byUser: none, ids: none };
  return { name: node, load: fail, create: fail, commit: fail, destroy: fail, cells };
}

/** What hangs on what the stores can do. */
function abilitiesOf(
  stores: readonly (Store & Partial<Sweepable & Watchable>)[],
  copies: () => number,
  ends: EndedNews,
  watchers: Watchers,
): Partial<Sweepable & Watchable> {
  /** Copies that were removed and make no whole session yet. */
  let odd = 0;
  return {
    ...(stores.some(({ sweep }) => sweep) && {
      async sweep(limit: number) {
        odd += await sweepAll(stores, limit);
        const sessions = Math.floor(odd / copies());
        odd -= sessions * copies();
        return sessions;
      },
    }),
    ...(stores.every(({ watch }) => watch) && {
      async watch(watcher: Watcher, everyMs: number) {
        const [onward, leave, deafTo] = watchers.add(watcher);
        const stop = await watchAll(stores as readonly Watchable[], onward, everyMs, deafTo);
        return async () => {
          leave();
          await stop();
        };
      },
      listen: (ended: (id: string, how: Ended) => void) => ends.listen(ended),
    }),
  };
}

async function closeAll(stores: readonly Store[]): Promise<void> {
  const closed = await Promise.allSettled(stores.map(async (store) => store.close?.()));
  const failed = closed.find((one) => one.status === 'rejected');
  if (failed) throw failed.reason;
}

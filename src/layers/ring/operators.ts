/**
 * What a ring offers its operators: the controls that stand beside the store, and how it describes its table and its nodes.
 *
 * A description is what this process knows at once, without asking a node, and holds no session. What all servers agree on (how a resize
 * stands) is asked of the nodes: `status`.
 */
import type { RingTable } from '../../ring/table.js';
import type { ResizePlan, RingChange } from './change.js';
import type { RingEvents, RingListener } from './news.js';
import type { Node } from './node.js';
import type { Progress, RepairOptions } from './repair.js';
import type { Figures } from './shared.js';
import type { ResizeOptions, ResizeStatus } from './status.js';

/** What operators get beside the store. */
export interface RingControls {
  /**
   * What a change would come to. Changes nothing. Counts the sessions of every node, so it takes a while where there are millions.
   * SOJOURN_OPTION for a change that cannot be, SOJOURN_STORE while sessions move.
   * @example
   * const several = ring(['one', 'two'].map((name) => ({ name, store: memory() })), { copies: 2 });
   * const plan = await several.plan({ weights: { one: 3, two: 1 } });
   * console.log(plan.sessions, plan.slots, plan.minimum);
   * await several.resize(plan);
   */
  plan(change: RingChange): Promise<ResizePlan>;
  /**
   * Begins a planned change, and resolves when all servers know of it and sessions begin to move. They go on being served and
   * written meanwhile. The moving itself is done in the background, by this process or whichever is left: see `status`, or await `settled`.
   * SOJOURN_OPTION where the plan is not one for the table in force, SOJOURN_STORE where too few nodes answer.
   */
  resize(plan: ResizePlan, options?: ResizeOptions): Promise<void>;
  /** Sessions stop moving, on all servers. What has moved stays where it is, and everything is served as before. */
  pause(): Promise<void>;
  /** They go on moving. Also takes over at once from a process that has died; otherwise others do so after some seconds. */
  resume(): Promise<void>;
  /**
   * Takes a change back. Before sessions move: at once. 'back': some have moved; the rest follows, and then a second
   * resize brings all back to nodes, weights and copies as they were. 'nothing': there is no resize.
   */
  abort(): Promise<'undone' | 'back' | 'nothing'>;
  /** Resolves when nothing moves any more. Rejects when the store is closed before. */
  settled(): Promise<void>;
  /** How a resize stands, for all servers. */
  status(): Promise<ResizeStatus>;
  /** Compares all copies of all sessions, and brings them together. For now and then, and after trouble. */
  repair(options?: RepairOptions): Promise<Progress>;
  on<E extends keyof RingEvents>(event: E, listener: RingListener<E>): () => void;
  /** The table and the state of each node, as JSON. Holds no session. */
  describe(): RingDescription;
  readonly figures: Readonly<Figures>;
}

export interface RingDescription {
  readonly copies: number;
  readonly write: 'degrade' | 'strict';
  readonly epoch: number;
  readonly fingerprint: string;
  readonly nodes: readonly NodeDescription[];
}

export interface NodeDescription {
  readonly name: string;
  readonly weight: number;
  readonly zone: string | null;
  /** Slots of which it holds a copy, and those of which it is the home. */
  readonly slots: number;
  readonly homes: number;
  readonly state: 'up' | 'down';
  /**
   * 'outdated': it was away for a day, and is emptied and filled anew. 'unknown': it has not been looked at, or the ring keeps one copy in
   * plain stores.
   */
  readonly synced: 'yes' | 'empty' | 'behind' | 'outdated' | 'unknown';
  /** Hints that this process has left for it, as far as it knows. */
  readonly hintsPending: number;
  /** Epoch milliseconds. */
  readonly lastSeenAt?: number;
  /** About 99 of 100 answers come within so many milliseconds. */
  readonly slowMs?: number;
}

/** What this process has seen of a node. */
type Seen = Pick<NodeDescription, 'state' | 'synced' | 'hintsPending' | 'lastSeenAt' | 'slowMs'>;

export function stateOf(node: Node): Seen {
  return {
    state: node.isReached ? 'up' : 'down',
    synced: syncedOf(node),
    hintsPending: node.hintsPending,
    ...(node.lastSeenAt !== undefined && { lastSeenAt: node.lastSeenAt }),
    slowMs: Math.round(node.slowMs),
  };
}

function syncedOf(node: Node): NodeDescription['synced'] {
  if (node.mark === null) return 'empty';
  if (node.isOutdated) return 'outdated';
  if (node.behind.size > 0) return 'behind';
  return node.mark === undefined ? 'unknown' : 'yes';
}

/** A table, and what `stateOf` tells of each of its nodes. */
export function described(
  write: RingDescription['write'],
  { copies, epoch, nodes, owners: { width, entries } }: RingTable,
  fingerprint: string,
  stateOf: (node: string) => Seen,
): RingDescription {
  const slots = nodes.map(() => 0);
  const homes = nodes.map(() => 0);
  for (const [i, node] of entries.entries()) {
    slots[node]!++;
    if (i % width === 0) homes[node]!++;
  }
  const described = nodes.map(({ name, weight, zone }, i) => {
    return { name, weight, zone, slots: slots[i]!, homes: homes[i]!, ...stateOf(name) };
  });
  return { copies, write, epoch, fingerprint, nodes: described };
}

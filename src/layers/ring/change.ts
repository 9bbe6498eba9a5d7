/**
 * A change of the ring, and what it would come to: the plan that an operator looks at before anything moves.
 *
 * A plan is data: both tables in their one spelling, and figures about what travels between them. So it can be kept, shown to
 * somebody else, and carried out later by another process, as long as the ring still has the table that it was made from.
 */
import { checked, show, wholeNumber } from '../../core/options.js';
import { compareTables } from '../../ring/compare.js';
import { nextTable } from '../../ring/next-table.js';
import { type NodeSpec, SLOTS } from '../../ring/nodes.js';
import type { Warning } from '../../ring/quota.js';
import { fingerprint, type RingTable, tableText } from '../../ring/table.js';
import { wrong } from './options.js';

/** What is to be different. Several at once are one change, and move less than one after the other. */
export interface RingChange {
  /** Nodes that join. Every server must know their stores: they are in the list of `ring`, and own nothing yet. */
  readonly add?: readonly NodeSpec[];
  /** Nodes that leave. They may go from the list of `ring` once the resize is done. */
  readonly remove?: readonly string[];
  /** By name. 0 drains: the node stays, and keeps nothing. */
  readonly weights?: Readonly<Record<string, number>>;
  readonly zones?: Readonly<Record<string, string>>;
  readonly copies?: number;
}

/** Plain JSON. */
export interface ResizePlan {
  /** The table that it was made from, and the one that would follow; each with SHA-256 over it. */
  readonly before: string;
  readonly after: string;
  readonly beforeFingerprint: string;
  readonly afterFingerprint: string;
  /** Copies of slots that travel, the fewest that could, and one by the other. */
  readonly slots: number;
  readonly minimum: number;
  readonly ratio: number;
  readonly newHomes: number;
  readonly moves: readonly PlannedMove[];
  /** Copies of sessions that travel: counted when the plan was made. */
  readonly sessions: number;
  /** What they weigh, from a sample of them. */
  readonly bytes: number;
  /** How long that takes at the pace of this ring. Longer when requests would suffer. */
  readonly estimatedMs: number;
  /** Nodes of which nothing could be counted, for they do not answer. */
  readonly uncounted: readonly string[];
  /** Where the nodes cannot have what their weights ask for. */
  readonly warnings: readonly Warning[];
}

export interface PlannedMove {
  readonly from: string;
  readonly to: string;
  readonly slots: number;
  readonly sessions: number;
  readonly bytes: number;
}

/** The table after a change. SOJOURN_OPTION where that cannot be. */
export function changedTable(
  before: RingTable,
  change: RingChange,
): { table: RingTable; warnings: readonly Warning[] } {
  const { add = [], remove = [], weights = {}, zones = {}, copies } = checkedChange(before, change);
  const kept = before.nodes.filter(({ name }) => !remove.includes(name));
  const specs: NodeSpec[] = kept.map(({ name, weight, zone }) => {
    const own = { name, weight: weights[name] ?? weight };
    const where = zones[name] ?? zone;
    return where === null ? own : { ...own, zone: where };
  });
  return nextTable(before, [...specs, ...add], copies === undefined ? {} : { copies });
}

type Way = Omit<PlannedMove, 'sessions' | 'bytes'>;
type Figures = Omit<ResizePlan, 'moves' | 'sessions' | 'bytes' | 'estimatedMs' | 'uncounted' | 'warnings'>;
export type TablesCompared = Figures & { readonly moves: readonly Way[] };

/** The figures of a change that do not depend on how many sessions there are. */
export function tablesCompared(before: RingTable, after: RingTable): TablesCompared {
  const { moved, minimum, ratio, newHomes, moves } = compareTables(before, after);
  return {
    before: tableText(before),
    after: tableText(after),
    beforeFingerprint: fingerprint(before),
    afterFingerprint: fingerprint(after),
    slots: moved,
    minimum,
    ratio,
    newHomes,
    moves,
  };
}

export interface ChangedRow {
  readonly slot: number;
  readonly old: readonly string[];
  readonly now: readonly string[];
}

/** The slots that have other owners afterwards, or the same in another order, with the names of both. */
export function* changedRows(before: RingTable, after: RingTable): Generator<ChangedRow> {
  const [a, b] = [namesOf(before), namesOf(after)];
  for (let slot = 0; slot < SLOTS; slot++) {
    const [old, now] = [a(slot), b(slot)];
    if (old.length !== now.length || old.some((name, k) => name !== now[k])) yield { slot, old, now };
  }
}

function namesOf({ nodes, owners: { width, entries } }: RingTable): (slot: number) => readonly string[] {
  const names = nodes.map(({ name }) => name);
  return (slot) => Array.from(entries.subarray(slot * width, (slot + 1) * width), (node) => names[node]!);
}

function checkedChange({ nodes }: RingTable, change: RingChange): RingChange {
  const own = checked<RingChange>('a change of the ring', change, ['add', 'remove', 'weights', 'zones', 'copies']);
  const { add = [], remove = [], weights = {}, zones = {}, copies } = own;
  const names = nodes.map(({ name }) => name);
  for (const name of [...remove, ...Object.keys(weights), ...Object.keys(zones)]) {
    if (!names.includes(name))
      throw wrong('a change of the ring', `names a node that is not in it (there are ${names.join(', ')})`, name);
  }
  for (const { name } of add) {
    if (names.includes(name))
      throw wrong('add of a change of the ring', `must name new nodes, and ${show(name)} is in it`, name);
  }
  for (const name of remove) {
    if (name in weights || name in zones)
      throw wrong('a change of the ring', 'must not remove a node and change it', name);
  }
  if (copies !== undefined) wholeNumber('copies of a change of the ring', copies, 1, 5);
  return own;
}

/**
 * How many sessions a change would move, and what they weigh: every id of the nodes that give something up is looked at, and one
 * session in so many is read.
 *
 * Rejected: an estimate from how many slots move (slots are even by number, not by what is in them, when sessions are few).
 */
import { SLOTS } from '../../ring/nodes.js';
import type { RingTable } from '../../ring/table.js';
import { changedRows, type PlannedMove } from './change.js';
import { isControl } from './control.js';
import type { Node } from './node.js';
import type { Shared } from './shared.js';

/** Sizes are read of so many sessions of a node at most, one in so many. */
const MOST_READ = 256;
const ONE_IN = 16;

export interface Counted {
  readonly moves: readonly PlannedMove[];
  readonly uncounted: readonly string[];
}

/** `moves` with what is on the nodes that they come from. */
export async function countMoves(
  shared: Shared,
  before: RingTable,
  after: RingTable,
  moves: readonly { readonly from: string; readonly to: string; readonly slots: number }[],
): Promise<Counted> {
  const uncounted: string[] = [];
  const counted: PlannedMove[] = [];
  const ways = waysOf(before, after);
  for (const from of new Set(moves.map((move) => move.from))) {
    const node = shared.nodes.find(({ name }) => name === from);
    const content = node === undefined ? null : await contentOf(node, shared);
    if (content === null) uncounted.push(from);
    for (const move of moves) {
      if (move.from !== from) continue;
      const slots = ways.get(`${from} ${move.to}`) ?? [];
      const sessions = content === null ? 0 : slots.reduce((sum, slot) => sum + content.sessions[slot]!, 0);
      counted.push({ ...move, sessions, bytes: Math.round(sessions * (content?.bytesEach ?? 0)) });
    }
  }
  return { moves: moves.map(({ from, to }) => counted.find((one) => one.from === from && one.to === to)!), uncounted };
}

/** The slots that go from one node to another, by both names. The same pairs as in `compareTables`. */
function waysOf(before: RingTable, after: RingTable): Map<string, number[]> {
  const ways = new Map<string, number[]>();
  for (const { slot, old, now } of changedRows(before, after)) {
    const left = old.filter((name) => !now.includes(name));
    for (const [k, name] of now.filter((each) => !old.includes(each)).entries()) {
      const way = `${left[k] ?? old[0]} ${name}`;
      const slots = ways.get(way);
      if (slots === undefined) ways.set(way, [slot]);
      else slots.push(slot);
    }
  }
  return ways;
}

interface Content {
  readonly sessions: Uint32Array;
  readonly bytesEach: number;
}

async function contentOf(node: Node, { places }: Shared): Promise<Content | null> {
  const sessions = new Uint32Array(SLOTS);
  let [met, read, bytes] = [0, 0, 0];
  try {
    for await (const id of node.walk('count its cells', () => node.cells.ids())) {
      if (isControl(id)) continue;
      sessions[places.of(id).slot]!++;
      if (met++ % ONE_IN !== 0 || read >= MOST_READ) continue;
      const cell = await node.ask('count its cells', () => node.cells.read(id));
      if (cell === null) continue;
      read++;
      bytes += cell.bytes.length;
    }
  } catch {
    return null;
  }
  return { sessions, bytesEach: read === 0 ? 0 : bytes / read };
}

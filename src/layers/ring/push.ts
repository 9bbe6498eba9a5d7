/**
 * Bringing a copy to a node, whatever is there already: compare-and-set, and where something else was there, both together.
 *
 * Merging makes it safe to do late, twice, and in any order; so a hint that is replayed, a repair and a write that was held up by a
 * stopped server are all the same thing.
 */
import type { Cell, Replaced } from '../../contract.js';
import { type Copy, cellOf, copyIn } from './copy.js';
import type { Node } from './node.js';
import type { Place } from './place.js';
import { joinedAloud, type Shared, trouble } from './shared.js';

/** Others may write the same session meanwhile; after so many times in a row something is wrong. */
const MOST_TRIES = 16;

/**
 * One compare-and-set. SOJOURN_STORE where the slot is closed for this table. `late`: the node took it after all, when nobody
 * waited any more.
 */
export async function replaceAt(
  shared: Shared,
  node: Node,
  place: Place,
  id: string,
  expect: Uint8Array | null,
  copy: Copy,
  late?: () => void,
): Promise<Exclude<Replaced, { status: 'fenced' }>> {
  const answer = await node.ask(
    'write',
    () => node.cells.replace(id, expect, cellOf(copy), place.fence),
    late && (({ status }) => status === 'ok' && late()),
  );
  if (answer.status !== 'fenced') return answer;
  const error = trouble(
    shared,
    'write',
    `slot ${place.slot} is moving, and the table of step ${answer.epoch} is not here yet`,
  );
  refusals.set(error, answer.epoch);
  throw error;
}

/** Which step closed the slot, of errors that say so. */
const refusals = new WeakMap<object, number>();

/** The step that a write has to wait for; undefined for any other error. */
export function fencedFor(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null ? refusals.get(error) : undefined;
}

/** Leaves the node with all that `copy` knows. Returns what it has then. `expect`: the mark of what is probably there. */
export async function push(
  shared: Shared,
  node: Node,
  place: Place,
  id: string,
  expect: Uint8Array | null,
  copy: Copy,
): Promise<Copy> {
  return pushed(shared, id, expect, copy, (mark, next) => replaceAt(shared, node, place, id, mark, next));
}

/** The same by any compare-and-set. */
export async function pushed(
  shared: Shared,
  id: string,
  expect: Uint8Array | null,
  copy: Copy,
  replace: (expect: Uint8Array | null, next: Copy) => Promise<Replaced>,
): Promise<Copy> {
  let [next, mark] = [copy, expect];
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const answer = await replace(mark, next);
    if (answer.status === 'ok') return next;
    const present = answer.status === 'other' ? presentIn(answer.cell, id) : null;
    mark = present?.mark ?? null;
    if (present === null) continue;
    next = joinedAloud(shared, id, present, copy);
    if (next === present) return present;
  }
  throw trouble(shared, 'write', `others were quicker ${MOST_TRIES} times`);
}

export function presentIn(cell: Cell | null, id: string): Copy | null {
  return cell === null ? null : copyIn(cell, id);
}

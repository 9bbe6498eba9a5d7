/**
 * Finding a session whose slot is moving: the owners first, then where it comes from, then the owners once more.
 *
 * An owner that stays is asked as ever. What a newcomer has is good, for it was brought whole and is written since; what it
 * lacks may not have been brought yet. So the sources are asked, and what is found there is carried over at once. Has it none
 * of them either, somebody may have carried it in between: the newcomers are asked again, and only then there is no such session.
 */
import type { Carrying } from './carry.js';
import type { Copy } from './copy.js';
import type { Node } from './node.js';
import type { Place } from './place.js';
import { joinedAloud, type Shared } from './shared.js';

export interface Found {
  readonly copy: Copy | null;
  /** For no copy: there is no such session. For a copy: a sure node has it, or all have been asked. */
  readonly isBelieved: boolean;
  /** All that were asked have said what they have, but those that are down by now. */
  readonly isHeard: boolean;
}

/** Asks these nodes. `newcomers`: those of them that prove nothing when they have no such session. */
export type Ask = (nodes: readonly Node[], newcomers: readonly Node[]) => Promise<Found>;

const UNKNOWN: Found = Object.freeze({ copy: null, isBelieved: false, isHeard: false });

export async function findMoving(
  shared: Shared,
  carrying: Pick<Carrying, 'later'>,
  id: string,
  { owners, newcomers, sources }: Place,
  ask: Ask,
): Promise<Found> {
  const first = await ask(owners, newcomers);
  if (first.isBelieved) return first;
  const second = sources.some(({ isUp }) => isUp) ? await ask(sources, []) : UNKNOWN;
  if (second.copy !== null) {
    carrying.later(id, sources);
    // It may be old by now: an owner who has not said anything may have a later one.
    if (!first.isHeard) return UNKNOWN;
    const copy = first.copy === null ? second.copy : joinedAloud(shared, id, first.copy, second.copy);
    return { copy, isBelieved: true, isHeard: true };
  }
  if (first.copy !== null) return { ...first, isBelieved: true };
  const third = await ask(owners, []);
  if (third.copy !== null) return { ...third, isBelieved: true };
  return { ...third, isBelieved: second.isBelieved && third.isBelieved };
}

/**
 * Stand-ins: nodes that do not own a session, and keep its copy for an owner that is away.
 *
 * An owner is away, and the other one takes its writes: were that one to die now, what it has acknowledged would be gone. So the
 * copy goes to a third node as well, as a hint with the data in it (hints.ts), and whoever finds no sure owner asks there. As long as
 * two nodes live, everything that was acknowledged lies on two. Of three nodes there is one to choose from; of two there is none, and a
 * ring of two has one copy while one of them is away.
 *
 * Who stands in is arithmetic, too: the first that answers, counted from the slot on. Those who ask look at the first two.
 */
import type { Cell } from '../../contract.js';
import { behindId, hintPrefix } from './control.js';
import { type Copy, copyIn, isCorrupt } from './copy.js';
import type { Node } from './node.js';
import type { Place } from './place.js';
import { joinedAloud, type Shared } from './shared.js';

/** Who writes and who reads may not see the same nodes. */
const ASKED = 2;

/** Nodes that do not own the slot, those that are up, in the order in which they stand in. */
export function standInsOf({ nodes }: Pick<Shared, 'nodes'>, { slot, owners }: Place): Node[] {
  const from = slot % nodes.length;
  return [...nodes.slice(from), ...nodes.slice(0, from)].filter((node) => node.isUp && !owners.includes(node));
}

/** What stand-ins keep of a session. Rejects when one of them does not answer. */
export async function keptBy(shared: Shared, place: Place, id: string): Promise<Copy | null> {
  const asked = standInsOf(shared, place).slice(0, ASKED);
  const kept = await Promise.all(
    asked.flatMap((keeper) => place.owners.map((owner) => keptFor(shared, keeper, owner, id))),
  );
  return kept.reduce<Copy | null>((a, b) => (a && b ? joinedAloud(shared, id, a, b) : (a ?? b)), null);
}

/** A hint counts for as long as the keeper says that it has some. Otherwise it is of a write that was never acknowledged, and may be old. */
async function keptFor(shared: Shared, keeper: Node, owner: Node, id: string): Promise<Copy | null> {
  const ask = (what: string) => keeper.ask('ask a stand-in', () => keeper.cells.read(what));
  const [word, hint] = await Promise.all([ask(behindId(owner.name)), ask(hintPrefix(owner.name) + id)]);
  return hint === null || word === null ? null : copyInHint(shared, keeper, hint, id);
}

/** Null for a hint that only names the session, and for one that cannot be read. */
export function copyInHint({ news }: Pick<Shared, 'news'>, keeper: Node, hint: Cell, id: string): Copy | null {
  if (hint.bytes.length === 0) return null;
  try {
    return copyIn(hint, id);
  } catch (error) {
    if (!isCorrupt(error)) throw error;
    news.tell('corrupt', { id, node: keeper.name });
    return null;
  }
}

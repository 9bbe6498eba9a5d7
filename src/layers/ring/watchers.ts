/**
 * Near caches above a ring: what is told to them beside what nodes tell, when a node is not heard and while sessions move.
 *
 * A session of which a node is not heard is not kept: others may change it there, and only there.
 *
 * A copy is kept as long as the node that handed it over is heard. When the session moves, others change it on another node, of which
 * this one says nothing. So all copies go when a move is announced, and until a slot has moved none of its sessions is kept. A process
 * that has not looked at the nodes for a while may not know of a move; then nothing counts as heard.
 */
import type { Watcher } from '../../contract.js';
import type { Node } from './node.js';

export class Watchers {
  /** With the stores that each does not hear. */
  readonly #watchers = new Map<Watcher, Set<object>>();
  readonly #isFresh: () => boolean;

  /** `isFresh`: whether this process knows the table that is in force. */
  constructor(isFresh: () => boolean) {
    this.#isFresh = isFresh;
  }

  /** The watcher to hand on to the nodes, and the way to stop. */
  add(watcher: Watcher): readonly [onward: Watcher, leave: () => void, deafTo: Set<object>] {
    const deafTo = new Set<object>();
    this.#watchers.set(watcher, deafTo);
    const onward: Watcher = {
      changed: (id) => watcher.changed(id),
      deaf: () => watcher.deaf(),
      heard: (asOf) => {
        if (this.#isFresh()) watcher.heard(asOf);
      },
    };
    return [onward, () => void this.#watchers.delete(watcher), deafTo];
  }

  /** Everything that is kept goes. */
  deaf(): void {
    for (const watcher of this.#watchers.keys()) watcher.deaf();
  }

  /** What was loaded or written just now is not to be kept: by nobody, where it may be moving, and else by who does not hear one of these. */
  left(id: string, mayMove: boolean, holders: readonly Node[]): void {
    for (const [watcher, deafTo] of this.#watchers) {
      if (mayMove || (deafTo.size > 0 && holders.some(({ store }) => deafTo.has(store)))) watcher.changed(id);
    }
  }
}

/**
 * Near caches above a ring, while it is resized: what is told to them beside what nodes tell.
 *
 * A copy is kept as long as the node that handed it over is heard. When the session moves, others change it on another node, of which
 * this one says nothing. So all copies go when a move is announced, and until a slot has moved none of its sessions is kept. A process
 * that has not looked at the nodes for a while may not know of a move; then nothing counts as heard.
 */
import type { Watcher } from '../../contract.js';

export class Watchers {
  readonly #watchers = new Set<Watcher>();
  readonly #isFresh: () => boolean;

  /** `isFresh`: whether this process knows the table that is in force. */
  constructor(isFresh: () => boolean) {
    this.#isFresh = isFresh;
  }

  /** The watcher to hand on to the nodes, and the way to stop. */
  add(watcher: Watcher): readonly [Watcher, () => void] {
    this.#watchers.add(watcher);
    const onward: Watcher = {
      changed: (id) => watcher.changed(id),
      deaf: () => watcher.deaf(),
      heard: (asOf) => {
        if (this.#isFresh()) watcher.heard(asOf);
      },
    };
    return [onward, () => void this.#watchers.delete(watcher)];
  }

  /** Everything that is kept goes. */
  deaf(): void {
    for (const watcher of this.#watchers) watcher.deaf();
  }

  /** What is being loaded is not to be kept. */
  changed(id: string): void {
    for (const watcher of this.#watchers) watcher.changed(id);
  }
}

/**
 * Walking over the sessions of a user, or over all: what the nodes name is looked up one by one, as any load would.
 *
 * Every node that is up is asked, since a session may be filed on any of its owners. Where all owners of some slot are down, a
 * session could be missing, and the walk fails instead: "log out everywhere" must not skip one.
 */
import type { Head } from '../../contract.js';
import { SLOTS } from '../../ring/nodes.js';
import { hintPrefix, hintUser, isControl } from './control.js';
import type { Node } from './node.js';
import type { Reads } from './read.js';
import { type Shared, trouble } from './shared.js';

export class Walks {
  readonly #shared: Shared;
  readonly #reads: Reads;

  constructor(shared: Shared, reads: Reads) {
    this.#shared = shared;
    this.#reads = reads;
  }

  async *byUser(user: string): AsyncIterableIterator<readonly [id: string, head: Head]> {
    const seen = new Set<string>();
    for (const node of this.#twice(() => this.#askable('byUser'))) {
      for await (const id of this.#filed(node, user)) {
        if (isControl(id) || seen.has(id)) continue;
        seen.add(id);
        const head = await this.#live(id);
        if (head?.user === user) yield [id, head];
      }
    }
  }

  /** Under the user, and under nodes that this one stands in for: an owner that was away has not heard of the login. */
  async *#filed(node: Node, user: string): AsyncIterableIterator<string> {
    yield* node.walk('byUser', () => node.cells.byUser(user));
    for (const { name, behind } of this.#shared.nodes) {
      if (!behind.has(node)) continue;
      const prefix = hintPrefix(name);
      for await (const id of node.walk('byUser', () => node.cells.byUser(hintUser(name)))) {
        if (id.startsWith(prefix)) yield id.slice(prefix.length);
      }
    }
  }

  async *list(): AsyncIterableIterator<readonly [id: string, head: Head]> {
    const nodes = this.#askable('list');
    const namers = new Map<readonly Node[], Node>();
    const seen = new Set<string>();
    for (const node of this.#twice(() => nodes)) {
      for await (const id of node.walk('list', () => node.cells.ids())) {
        if (isControl(id) || seen.has(id)) continue;
        if (this.#shared.places.isMoving) {
          seen.add(id);
          const head = await this.#live(id);
          if (head !== null) yield [id, head];
          continue;
        }
        const { owners } = this.#shared.places.of(id);
        if (!namers.has(owners)) namers.set(owners, namer(owners, nodes));
        // Named by each of its owners, and listed once.
        const head = namers.get(owners) === node ? await this.#live(id) : null;
        if (head !== null) yield [id, head];
      }
    }
  }

  /** While sessions move, one may go from a node that was not looked at yet to one that was; so all are looked at once more. */
  *#twice(nodes: () => readonly Node[]): Generator<Node> {
    const { places } = this.#shared;
    const [step, wasMoving] = [places.step, places.isMoving];
    yield* nodes();
    if (wasMoving || places.step !== step) yield* nodes();
  }

  async #live(id: string): Promise<Head | null> {
    const copy = await this.#reads.find(id);
    if (copy === null || copy.replica.kind === 'ended') return null;
    const { head } = copy.replica;
    return head.expiresAt > this.#shared.environment.now() ? head : null;
  }

  /** The nodes that are up. SOJOURN_STORE when they do not know all sessions between them. */
  #askable(operation: string): readonly Node[] {
    const { nodes, places } = this.#shared;
    const up = nodes.filter(({ isUp }) => isUp);
    if (up.length === nodes.length) return up;
    for (let slot = 0; slot < SLOTS; slot++) {
      const { owners } = places.ofSlot(slot);
      if (owners.some(({ isUp }) => isUp)) continue;
      const names = owners.map(({ name }) => name).join(', ');
      throw trouble(this.#shared, operation, `none of the nodes that own slot ${slot} answers (${names})`);
    }
    return up;
  }
}

/** Whose word counts in the whole of a walk: the first owner that can be believed. */
function namer(owners: readonly Node[], nodes: readonly Node[]): Node {
  const up = owners.filter((owner) => nodes.includes(owner));
  return up.find((owner) => owner.isSure) ?? up[0]!;
}

/**
 * Which nodes have all that they should have: the synced mark, and the list of who is behind.
 *
 * A node without its mark has lost everything, or never had anything. When a ring starts and no node has a mark, it is a new
 * ring, and all get one; all of them must answer for that. Afterwards a node without one is filled first (repair.ts). Whoever keeps
 * hints for another node says so in a cell of its own (hints.ts). Both are looked at when a node comes back, and once a second, so
 * that every process hears of what it did not see itself. So is the time at which a node was in use last: of one that comes back after a day
 * nothing is believed (care.ts).
 */
import type { Cell } from '../../contract.js';
import {
  ALIVE,
  BEHIND_USER,
  controlCell,
  eraIn,
  FOR_EVER,
  markText,
  newEra,
  nodeBehind,
  SYNCED,
  textIn,
} from './control.js';
import { AWAY_MOST_MS, type Node } from './node.js';
import { type Shared, trouble } from './shared.js';

/** How often it is written down that a node is in use. */
const ALIVE_EVERY_MS = 600_000;

export interface SyncedSettings {
  readonly shared: Shared;
  /** Called for a node that needs help, whenever that may be possible. */
  readonly help: (node: Node) => void;
  /** Called for each node that keeps something for one that has left the ring. */
  readonly orphaned: (name: string, keeper: Node) => void;
}

export class Synced {
  readonly #shared: Shared;
  readonly #help: SyncedSettings['help'];
  readonly #orphaned: SyncedSettings['orphaned'];
  /** When this process last wrote down, or read, that a node is in use. */
  readonly #aliveSaidAt = new Map<Node, number>();
  readonly #looking = new Set<Node>();
  #era: string | undefined;
  #begun: Promise<void> | undefined;
  #hasBegun = false;

  constructor({ shared, help, orphaned }: SyncedSettings) {
    this.#shared = shared;
    this.#help = help;
    this.#orphaned = orphaned;
  }

  /** True once it is known which nodes have what. Then nobody needs to wait for `begin`. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Before anything else. Rejects while too little is known of the nodes; the next call tries again. */
  begin(): Promise<void> {
    this.#begun ??= this.#begin().then(
      () => {
        this.#hasBegun = true;
      },
      (error) => {
        this.#begun = undefined;
        throw error;
      },
    );
    return this.#begun;
  }

  /** Whether a node that knows nothing of a session has lost nothing: it still has the mark that it had before it was asked. */
  async isStillMarked(node: Node, before: string): Promise<boolean> {
    try {
      return (await this.#readMark(node)) === before;
    } catch {
      return false;
    }
  }

  /** Looks at a node: whether it is synced, and for whom it keeps hints. Never rejects. */
  async look(node: Node): Promise<void> {
    if (!this.#hasBegun || this.#looking.has(node)) return;
    this.#looking.add(node);
    try {
      await this.#readMark(node);
      // What an outdated node keeps for others is as old as all that it has.
      if (node.isUp) await this.#readBehind(node);
      await this.#readAlive(node);
    } catch {
      // Counted where it failed; there is a next time.
    } finally {
      this.#looking.delete(node);
    }
    if (node.isReached && !node.isSure) this.#help(node);
  }

  /** Says of a node that has been filled that it is. */
  async markSynced(node: Node): Promise<void> {
    const { random } = this.#shared.environment;
    const next = controlCell(random, markText(this.#era!, random), FOR_EVER);
    for (let expect: Cell | null = null; ; ) {
      const answer = await node.ask('mark it synced', () => node.cells.replace(SYNCED, expect?.mark ?? null, next));
      if (answer.status === 'ok') break;
      expect = answer.status === 'other' ? answer.cell : null;
    }
    this.#seen(node, textIn(next));
  }

  /** The node has lost its mark, or shall not be believed any more. */
  async unmark(node: Node): Promise<void> {
    const cell = await node.ask('take its mark away', () => node.cells.read(SYNCED));
    if (cell !== null) await node.ask('take its mark away', () => node.cells.remove(SYNCED, cell.mark));
    this.#seen(node, null);
  }

  async #begin(): Promise<void> {
    const { nodes } = this.#shared;
    const seen = await Promise.allSettled(nodes.map((node) => this.#readText(node)));
    const texts = seen.map((one) => (one.status === 'fulfilled' ? one.value : undefined));
    this.#era = commonest(texts.filter((text) => typeof text === 'string').map(eraIn));
    if (this.#era === undefined) {
      const silent = nodes.filter((_, i) => texts[i] === undefined);
      if (silent.length > 0) throw this.#tooSoon(silent, seen);
      await this.#beginAnew();
    } else {
      for (const [i, node] of nodes.entries()) if (texts[i] !== undefined) this.#seen(node, texts[i]!);
    }
    await this.#ofAllUp((node) => this.#readBehind(node));
    await this.#ofAllUp((node) => this.#readAlive(node));
    for (const node of nodes) if (node.isReached && !node.isSure) this.#help(node);
  }

  async #ofAllUp(run: (node: Node) => Promise<void>): Promise<void> {
    await Promise.all(this.#shared.nodes.filter(({ isUp }) => isUp).map((node) => run(node).catch(() => {})));
  }

  /** The first node by name decides on the era, so that processes that begin together agree. */
  async #beginAnew(): Promise<void> {
    const { nodes, environment } = this.#shared;
    const [first] = nodes;
    this.#era = newEra(environment.random);
    this.#era = eraIn(await this.#firstMark(first!));
    await Promise.all(nodes.map(async (node) => this.#seen(node, await this.#firstMark(node))));
  }

  /**
   * The mark that the node has from now on. Once more where the answer is lost: a ring whose beginning ended half way takes the nodes
   * without a mark for emptied ones, and has to fill them first.
   */
  async #firstMark(node: Node): Promise<string> {
    const { random } = this.#shared.environment;
    const next = controlCell(random, markText(this.#era!, random), FOR_EVER);
    const put = () => node.ask('mark it synced', () => node.cells.replace(SYNCED, null, next));
    const answer = await put().catch(put);
    return answer.status === 'other' && answer.cell !== null ? textIn(answer.cell) : textIn(next);
  }

  #tooSoon(silent: readonly Node[], seen: readonly PromiseSettledResult<unknown>[]): unknown {
    const names = silent.map(({ name }) => name).join(', ');
    const cause = seen.find((one) => one.status === 'rejected')?.reason;
    return trouble(this.#shared, 'begin', `all nodes must answer when a ring is new, and ${names} did not`, cause);
  }

  async #readText(node: Node): Promise<string | null> {
    const cell = await node.ask('read its mark', () => node.cells.read(SYNCED));
    return cell === null ? null : textIn(cell);
  }

  async #readMark(node: Node): Promise<string | null> {
    this.#seen(node, await this.#readText(node));
    return node.mark!;
  }

  #seen(node: Node, text: string | null): void {
    const before = node.mark;
    const wasSure = node.isSure;
    node.mark = text !== null && eraIn(text) === this.#era ? text : null;
    if (node.mark === null && before !== null) {
      this.#shared.news.tell('unsynced', { node: node.name, why: 'empty' });
      if (this.#hasBegun) this.#help(node);
    }
    if (!wasSure && node.isSure && before !== undefined) this.#shared.news.tell('synced', { node: node.name });
  }

  async #readBehind(keeper: Node): Promise<void> {
    const { nodes, places } = this.#shared;
    if (!places.isPart(keeper.name)) return;
    const named = new Set<string>();
    for await (const id of keeper.walk('see who is behind', () => keeper.cells.byUser(BEHIND_USER))) {
      const name = nodeBehind(id);
      if (name !== undefined) named.add(name);
    }
    for (const name of named) {
      const node = nodes.find((each) => each.name === name);
      if (!places.isPart(name)) this.#orphaned(name, keeper);
      else if (node !== undefined) this.fallBehind(node, keeper);
    }
  }

  /** Reads when it was in use last, and says that it is now. */
  async #readAlive(node: Node): Promise<void> {
    const { environment, nodes, places } = this.#shared;
    const now = environment.now();
    if (now - (this.#aliveSaidAt.get(node) ?? Number.NEGATIVE_INFINITY) < ALIVE_EVERY_MS) {
      node.aliveAt = now;
      return;
    }
    const cell = await node.ask('see when it was in use', () => node.cells.read(ALIVE));
    const said = cell === null ? now : Number(textIn(cell));
    node.aliveAt = Math.max(node.aliveAt ?? said, said);
    // Somebody who is not here may know that it has missed something.
    const isKnown = nodes.every((other) => other.isUp || other === node || !places.isPart(other.name));
    if (node.isOutdated || (now - node.aliveAt >= AWAY_MOST_MS && !isKnown)) return;
    await this.sayAlive(node);
  }

  /** From now on it counts. */
  async sayAlive(node: Node): Promise<void> {
    const { environment } = this.#shared;
    const now = environment.now();
    const next = controlCell(environment.random, String(now), FOR_EVER);
    const present = await node.ask('say that it is in use', () => node.cells.read(ALIVE));
    await node.ask('say that it is in use', () => node.cells.replace(ALIVE, present?.mark ?? null, next));
    this.#aliveSaidAt.set(node, now);
    node.aliveAt = now;
  }

  /** Nobody waits any more for what nodes keep that have left the ring. */
  forgetLeavers(): void {
    const { nodes, places } = this.#shared;
    for (const node of nodes)
      for (const keeper of node.behind) if (!places.isPart(keeper.name)) node.behind.delete(keeper);
  }

  /** `keeper` keeps what `node` has missed. */
  fallBehind(node: Node, keeper: Node): void {
    if (node === keeper || node.behind.has(keeper)) return;
    const wasSure = node.isSure;
    node.behind.add(keeper);
    if (wasSure) this.#shared.news.tell('unsynced', { node: node.name, why: 'behind' });
    if (this.#hasBegun && node.isReached) this.#help(node);
  }

  /** The node has all that `keeper` kept for it, if nothing was left there again since it had been so often. */
  catchUp(node: Node, keeper: Node, falls: number): void {
    if (node.falls !== falls) return;
    if (node.behind.delete(keeper) && node.isSure) this.#shared.news.tell('synced', { node: node.name });
  }
}

/** What most have; of equal numbers, the first by name. */
function commonest(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];
}

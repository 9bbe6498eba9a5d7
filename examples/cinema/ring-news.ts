/**
 * What happens to the nodes of a ring, as lines for people.
 *
 * Each server has a ring of its own and finds out by itself that a node does not answer. It hands what it hears to the fleet, which
 * says everything once: when the first one noticed, when the first one got an answer again, and when the last one trusts the node.
 */
import type { RingControls } from 'sojourn/ring';

/** From a server to its fleet. */
export type RingNews =
  | { readonly node: string; readonly is: 'away' }
  | { readonly node: string; readonly is: 'back'; readonly awayMs: number }
  | { readonly node: string; readonly is: 'empty' }
  /** `hinted`: writes of this server that passed the node by, and were noted for it. */
  | { readonly node: string; readonly is: 'whole'; readonly hinted: number };

/** Listens to a ring for as long as it lives. */
export function listenToRing(ring: RingControls, tell: (news: RingNews) => void): void {
  const hinted = new Map<string, number>();
  ring.on('degraded', ({ missed }) => {
    for (const node of missed) hinted.set(node, (hinted.get(node) ?? 0) + 1);
  });
  ring.on('nodeDown', ({ node }) => tell({ node, is: 'away' }));
  ring.on('nodeUp', ({ node, downMs }) => tell({ node, is: 'back', awayMs: downMs }));
  ring.on('unsynced', ({ node, why }) => {
    if (why === 'empty') tell({ node, is: 'empty' });
  });
  ring.on('synced', ({ node }) => {
    tell({ node, is: 'whole', hinted: hinted.get(node) ?? 0 });
    hinted.delete(node);
  });
}

/** What the fleet knows of a node that had trouble. */
interface Trouble {
  /** Servers that do not trust it yet. */
  readonly servers: Set<string>;
  readonly since: number;
  hinted: number;
  isBack: boolean;
  isEmpty: boolean;
}

/** Says once what several servers tell. `names`: all nodes of the ring. */
export class RingReporter {
  readonly #troubles = new Map<string, Trouble>();

  constructor(
    private readonly names: readonly string[],
    private readonly say: (line: string) => void,
    private readonly now: () => number = Date.now,
  ) {}

  hear(server: string, news: RingNews): void {
    const { node } = news;
    if (news.is === 'whole') {
      this.#whole(server, news.hinted, node);
      return;
    }
    const trouble = this.#troubles.get(node) ?? this.#begin(node);
    trouble.servers.add(server);
    if (news.is === 'away' && trouble.servers.size === 1 && !trouble.isBack) {
      this.say(
        `ring: ${node} does not answer. ${this.#others(node)} for it, and keep notes of the writes that it misses.`,
      );
    } else if (news.is === 'back' && !trouble.isBack) {
      trouble.isBack = true;
      this.say(`ring: ${node} answers again, after ${seconds(news.awayMs)}. It gets what it has missed.`);
    } else if (news.is === 'empty' && !trouble.isEmpty) {
      trouble.isEmpty = true;
      this.say(
        `ring: ${node} has come back empty. It is filled from ${this.#listed(node)}, and not believed before that.`,
      );
    }
  }

  /** A server that dies cannot tell that all is well. */
  forget(server: string): void {
    for (const node of [...this.#troubles.keys()]) this.#whole(server, 0, node);
  }

  #begin(node: string): Trouble {
    const trouble = { servers: new Set<string>(), since: this.now(), hinted: 0, isBack: false, isEmpty: false };
    this.#troubles.set(node, trouble);
    return trouble;
  }

  #whole(server: string, hinted: number, node: string): void {
    const trouble = this.#troubles.get(node);
    if (!trouble?.servers.delete(server)) return;
    trouble.hinted += hinted;
    if (trouble.servers.size > 0) return;
    this.#troubles.delete(node);
    const writes = `${trouble.hinted || 'no'} ${trouble.hinted === 1 ? 'write' : 'writes'}`;
    this.say(
      `ring: ${node} has everything again, ${seconds(this.now() - trouble.since)} after it went; ${writes} had passed it by. Nobody was signed out.`,
    );
  }

  #others(node: string): string {
    const others = this.names.filter((name) => name !== node);
    return others.length === 1 ? `${others[0]} stands in` : `${others.join(' and ')} stand in`;
  }

  #listed(node: string): string {
    return this.names.filter((name) => name !== node).join(' and ');
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

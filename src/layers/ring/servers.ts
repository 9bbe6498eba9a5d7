/**
 * Which processes have the ring open, and what they know: each leaves a small cell with the time, and writes it anew now and then.
 *
 * Operators see by it whether all servers follow one table, and a resize is refused that one of them could not follow, for a node is
 * missing in its list. Nothing else hangs on it: a server that was stopped has no such cell, and goes on later.
 */
import { controlCell, FOR_EVER, SERVER_USER, serverId, textIn } from './control.js';
import type { Node } from './node.js';
import type { Shared } from './shared.js';
import type { RingServer } from './status.js';

const EVERY_MS = 2000;
/** Who has said nothing for so long is gone. Clocks may differ by some of it. */
const SILENT_MS = 20_000;
/** What such a one has left is taken away. */
const FORGOTTEN_MS = 3_600_000;

export class Servers {
  readonly id: string;
  readonly #shared: Shared;
  #left: { readonly node: Node; readonly mark: Uint8Array } | undefined;
  #isSaying = false;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(shared: Shared) {
    this.#shared = shared;
    this.id = Buffer.from(shared.environment.random(6)).toString('base64url');
  }

  /** Says what this process knows, unless it just did. Never rejects. */
  async say(isUrgent = false): Promise<void> {
    const now = this.#shared.environment.now();
    const isDue = isUrgent || now - this.#saidAt >= EVERY_MS || now < this.#saidAt;
    if (!isDue || this.#isSaying) return;
    this.#saidAt = now;
    this.#isSaying = true;
    await this.#say(now);
    this.#isSaying = false;
  }

  async #say(now: number): Promise<void> {
    const node = this.#shared.nodes.find(({ isUp }) => isUp);
    if (node === undefined) return;
    const { places, nodes, figures } = this.#shared;
    const own: Said = {
      at: now,
      id: this.id,
      step: places.step,
      nodes: nodes.map(({ name }) => name),
      pulled: figures.pulled,
      refused: figures.refused,
    };
    const cell = controlCell(this.#shared.environment.random, JSON.stringify(own), FOR_EVER, SERVER_USER);
    const id = serverId(this.id);
    try {
      let expect: Uint8Array | null = this.#left?.node === node ? this.#left.mark : null;
      let answer = await node.ask('say what it knows', () => node.cells.replace(id, expect, cell));
      if (answer.status === 'other') {
        expect = answer.cell?.mark ?? null;
        answer = await node.ask('say what it knows', () => node.cells.replace(id, expect, cell));
      }
      this.#left = answer.status === 'ok' ? { node, mark: cell.mark } : undefined;
    } catch {
      // The node's trouble, and counted there.
    }
  }

  /** All that have said something lately, in the order of their names, as far as nodes answer. */
  async all(): Promise<{ readonly servers: readonly RingServer[]; readonly silent: readonly string[] }> {
    const latest = new Map<string, RingServer>();
    const silent: string[] = [];
    await Promise.all(
      this.#shared.nodes.map(async (node) => {
        try {
          for (const { at, ...server } of await this.#on(node)) {
            if (at < this.#shared.environment.now() - SILENT_MS) continue;
            const known = latest.get(server.id);
            if (known === undefined || known.step <= server.step) latest.set(server.id, server);
          }
        } catch {
          silent.push(node.name);
        }
      }),
    );
    const servers = [...latest.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    return { servers, silent: silent.sort() };
  }

  /** Goes without leaving anything behind. */
  async leave(): Promise<void> {
    const left = this.#left;
    this.#left = undefined;
    if (left?.node.isUp) await left.node.ask('leave', () => left.node.cells.remove(serverId(this.id), left.mark));
  }

  async #on(node: Node): Promise<Said[]> {
    const all: Said[] = [];
    for await (const id of node.walk('list servers', () => node.cells.byUser(SERVER_USER))) {
      if (!id.startsWith(SERVER_USER)) continue;
      const cell = await node.ask('list servers', () => node.cells.read(id));
      if (cell === null) continue;
      const said = saidIn(textIn(cell));
      const isForgotten = said === null || said.at < this.#shared.environment.now() - FORGOTTEN_MS;
      if (isForgotten) await node.ask('forget a server', () => node.cells.remove(id, cell.mark));
      else all.push(said);
    }
    return all;
  }
}

interface Said extends RingServer {
  /** By the server's own clock. */
  readonly at: number;
}

function saidIn(text: string): Said | null {
  try {
    const { id, at, step, nodes, pulled, refused } = JSON.parse(text) as Partial<Said>;
    if (typeof id !== 'string' || typeof at !== 'number' || typeof step !== 'number' || !Array.isArray(nodes))
      return null;
    return { id, at, step, nodes: nodes.map(String), pulled: Number(pulled), refused: Number(refused) };
  } catch {
    return null;
  }
}

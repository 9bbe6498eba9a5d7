/**
 * Filling a node that lacks something, and comparing all copies: slot by slot in the order in which the nodes name their cells.
 *
 * A node is filled from the others while it serves and takes writes: nothing is done twice that a merge would not undo. Its synced
 * mark comes last. The work is paced, so that requests hardly notice. Of several processes one fills a node: it holds a lease,
 * a cell on that very node, which ends by itself. A node that is emptied once more in the meantime loses the
 * lease with all the rest, and so does not get the mark.
 */
import { SLOTS } from '../../ring/nodes.js';
import { controlCell, isControl, REPAIR } from './control.js';
import { isCorrupt } from './copy.js';
import type { Mending } from './mend.js';
import type { Node } from './node.js';
import { presentIn, push } from './push.js';
import { inParallel, rest, type Shared, trouble } from './shared.js';

const LEASE_MS = 10_000;
const AT_A_TIME = 32;
/** The pace is kept over so many cells: a timer for each would cost more than the cell. */
const BATCH = 64;

export interface Progress {
  /** Sessions that were looked at, and copies that were written. */
  readonly looked: number;
  readonly written: number;
  /** Copies that cannot be read, and so were left alone. */
  readonly corrupt: number;
}

export interface RepairOptions {
  /** Sessions a second at most. Default 2000. */
  readonly pace?: number;
  /** Only this slot. */
  readonly slot?: number;
  /** Called now and then, and at the end. */
  readonly onProgress?: (progress: Progress) => void;
}

export class Repair {
  readonly #shared: Shared;
  readonly #mending: Mending;
  readonly #pace: number;
  #isClosed = false;

  constructor(shared: Shared, mending: Mending, pace: number) {
    this.#shared = shared;
    this.#mending = mending;
    this.#pace = pace;
  }

  /**
   * Brings to `node` what others have of its sessions: all others, or only these. 'part': some of its sessions have no other owner among
   * them that is up. 'not': somebody else is doing it, or the node has lost everything once more.
   */
  async fill(node: Node, sources: readonly Node[] = this.#shared.nodes): Promise<'whole' | 'part' | 'not'> {
    const lease = await this.#takeLease(node);
    if (lease === null) return 'not';
    const from = sources.filter((source) => source !== node && source.isUp);
    const isWhole = this.#isWhole(node, from);
    const pacer = new Pacer(this.#shared, this.#pace);
    let mark = lease;
    for (const source of from) {
      const ids = this.#idsOf(source, (id) => this.#sourceOf(id, node, from) === source);
      await inParallel(ids, AT_A_TIME, async (id) => {
        await pacer.step();
        await this.#copyOver(id, source, node);
        if (pacer.isNewBatch) mark = (await this.#renewLease(node, mark)) ?? mark;
      });
    }
    const isMine = await node.ask('end a repair', () => node.cells.remove(REPAIR, mark));
    return isMine ? (isWhole ? 'whole' : 'part') : 'not';
  }

  /** Compares all copies of all sessions, and brings them together. */
  async all(options: RepairOptions = {}): Promise<Progress> {
    const { slot, onProgress } = options;
    const pacer = new Pacer(this.#shared, options.pace ?? this.#pace);
    const progress = { looked: 0, written: 0, corrupt: 0 };
    for (const node of this.#shared.nodes) {
      if (!node.isUp) continue;
      const ids = this.#idsOf(node, (id) => slot === undefined || this.#shared.places.of(id).slot === slot);
      await inParallel(ids, AT_A_TIME, async (id) => {
        await pacer.step();
        if (await this.#isMetElsewhere(id, node)) return;
        progress.looked++;
        try {
          const { written } = await this.#mending.mend(id);
          progress.written += written;
        } catch (error) {
          if (!isCorrupt(error)) throw error;
          progress.corrupt++;
        }
        if (pacer.isNewBatch) onProgress?.({ ...progress });
      });
    }
    onProgress?.({ ...progress });
    return progress;
  }

  close(): void {
    this.#isClosed = true;
  }

  async *#idsOf(node: Node, isWanted: (id: string) => boolean): AsyncIterableIterator<string> {
    for await (const id of node.walk('list its cells', () => node.cells.ids())) {
      if (this.#isClosed) throw trouble(this.#shared, 'repair', 'it was closed');
      if (!isControl(id) && isWanted(id)) yield id;
    }
  }

  /** From which of these a session of `node` is taken. */
  #sourceOf(id: string, node: Node, from: readonly Node[]): Node | undefined {
    const { owners } = this.#shared.places.of(id);
    if (!owners.includes(node)) return undefined;
    const others = owners.filter((owner) => owner !== node && from.includes(owner));
    return others.find((owner) => owner.isSure) ?? others[0];
  }

  /** A session is met on each of its owners. All but the first look away, unless the first one has not got it. */
  async #isMetElsewhere(id: string, node: Node): Promise<boolean> {
    const first = this.#shared.places.of(id).owners.find(({ isUp }) => isUp);
    if (first === undefined || first === node) return false;
    return (await first.ask('compare', () => first.cells.read(id))) !== null;
  }

  /** Whether every slot of the node has one of these as an owner, too. */
  #isWhole(node: Node, from: readonly Node[]): boolean {
    const lists = new Set<readonly Node[]>();
    for (let slot = 0; slot < SLOTS; slot++) lists.add(this.#shared.places.ofSlot(slot).owners);
    for (const owners of lists) {
      if (!owners.includes(node) || owners.length === 1) continue;
      if (!owners.some((owner) => owner !== node && from.includes(owner))) return false;
    }
    return true;
  }

  async #copyOver(id: string, source: Node, node: Node): Promise<void> {
    try {
      const copy = presentIn(await source.ask('repair', () => source.cells.read(id)), id);
      if (copy === null) return;
      await push(this.#shared, node, this.#shared.places.of(id), id, null, copy);
      this.#shared.figures.mended++;
    } catch (error) {
      if (!isCorrupt(error)) throw error;
      this.#shared.news.tell('corrupt', { id, node: source.name });
    }
  }

  async #takeLease(node: Node): Promise<Uint8Array | null> {
    const lease = this.#lease();
    const answer = await node.ask('begin a repair', () => node.cells.replace(REPAIR, null, lease));
    return answer.status === 'ok' ? lease.mark : null;
  }

  async #renewLease(node: Node, mark: Uint8Array): Promise<Uint8Array | undefined> {
    const lease = this.#lease();
    const answer = await node.ask('go on with a repair', () => node.cells.replace(REPAIR, mark, lease));
    return answer.status === 'ok' ? lease.mark : undefined;
  }

  #lease() {
    const { random, now } = this.#shared.environment;
    return controlCell(random, '', now() + LEASE_MS + (2 * BATCH * 1000) / this.#pace);
  }
}

/** Lets so many through in a second. */
class Pacer {
  readonly #shared: Shared;
  readonly #restMs: number;
  #steps = 0;
  #gate: Promise<void> | undefined;
  #isNewBatch = false;

  constructor(shared: Shared, perSecond: number) {
    this.#shared = shared;
    this.#restMs = (BATCH * 1000) / perSecond;
  }

  /** True once for each batch. */
  get isNewBatch(): boolean {
    const is = this.#isNewBatch;
    this.#isNewBatch = false;
    return is;
  }

  async step(): Promise<void> {
    if (++this.#steps % BATCH === 0) {
      this.#isNewBatch = true;
      if (Number.isFinite(this.#restMs) && this.#restMs >= 1) this.#gate = rest(this.#shared.environment, this.#restMs);
    }
    await this.#gate;
  }
}

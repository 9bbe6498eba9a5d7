/**
 * Filling a node that lacks something, and comparing all copies: slot by slot in the order in which the nodes name their cells.
 *
 * A node is filled from the others while it serves and takes writes: nothing is done twice that a merge would not undo. Its synced
 * mark comes last. The work is paced, so that requests hardly notice. Of several processes one fills a node: it holds a lease,
 * a cell on that very node, which it writes anew every second. Others take it when they have seen it stand still: no clock is compared
 * with another one. A node that is emptied once more in the meantime loses the lease with all the rest, and so does not get the mark.
 */

import type { Cell } from '../../contract.js';
import { SLOTS } from '../../ring/nodes.js';
import { controlCell, FOR_EVER, isControl, isLasting, REPAIR } from './control.js';
import { isCorrupt } from './copy.js';
import type { Mending } from './mend.js';
import type { Node } from './node.js';
import type { Place } from './place.js';
import { presentIn, push } from './push.js';
import { inParallel, rest, type Shared, trouble } from './shared.js';

/** How often a lease is written anew, and how long it must stand still before it is somebody else's. */
const RENEWED_MS = 1000;
const STILL_MS = 5000;
const AT_A_TIME = 32;
/** The pace is kept over so many cells at most: a timer for each would cost more than the cell. */
const MOST_IN_BATCH = 64;
const BATCHES_PER_SECOND = 8;

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
  /** Leases that others hold, by node, and since when each has been the same. */
  readonly #others = new Map<Node, { readonly mark: Buffer; readonly since: number }>();
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
    for (const source of from) {
      const ids = this.#idsOf(source, (id) => this.#sourceOf(id, node, from, source) === source);
      await inParallel(ids, AT_A_TIME, async (id) => {
        await pacer.step();
        await this.#copyOver(id, source, node);
        await this.#renewLease(node, lease);
      });
    }
    const isMine = await node.ask('end a repair', () => node.cells.remove(REPAIR, lease.mark));
    return isMine ? (isWhole ? 'whole' : 'part') : 'not';
  }

  /** Takes away whatever `node` keeps, of its own and for others. 'not': somebody else is doing it, or has gone on with it. */
  async empty(node: Node): Promise<'empty' | 'not'> {
    const lease = await this.#takeLease(node);
    if (lease === null) return 'not';
    const ids = node.walk('list its cells', () => node.cells.ids());
    await inParallel(ids, AT_A_TIME, async (id) => {
      if (this.#isClosed) throw trouble(this.#shared, 'empty a node', 'it was closed');
      if (isLasting(id)) return;
      const cell = await node.ask('empty it', () => node.cells.read(id));
      if (cell !== null) await node.ask('empty it', () => node.cells.remove(id, cell.mark));
      await this.#renewLease(node, lease);
    });
    return (await node.ask('end a repair', () => node.cells.remove(REPAIR, lease.mark))) ? 'empty' : 'not';
  }

  /** Whether others have all that this node should have. */
  hasOthers(node: Node): boolean {
    return this.#isWhole(
      node,
      this.#shared.nodes.filter((other) => other !== node && other.isUp && typeof other.mark === 'string'),
    );
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
  #sourceOf(id: string, node: Node, from: readonly Node[], source: Node): Node | undefined {
    const { owners, isMoving, holders } = this.#shared.places.of(id);
    if (!owners.includes(node)) return undefined;
    // Some of it is still where it comes from, and some is only where it goes.
    if (isMoving) return holders.includes(source) ? source : undefined;
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
    for (let slot = 0; slot < SLOTS; slot++) {
      const place = this.#shared.places.ofSlot(slot);
      if (!place.isMoving) lists.add(place.owners);
      else if (!isWholeWhileMoving(place, node, from)) return false;
    }
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

  async #takeLease(node: Node): Promise<Lease | null> {
    const { random, now } = this.#shared.environment;
    const present = await node.ask('begin a repair', () => node.cells.read(REPAIR));
    if (present !== null && !this.#standsStill(node, present)) return null;
    const next = controlCell(random, '', FOR_EVER);
    const answer = await node.ask('begin a repair', () => node.cells.replace(REPAIR, present?.mark ?? null, next));
    return answer.status === 'ok' ? { mark: next.mark, renewedAt: now() } : null;
  }

  #standsStill(node: Node, { mark }: Cell): boolean {
    const now = this.#shared.environment.now();
    const seen = this.#others.get(node);
    if (seen?.mark.equals(mark) && now >= seen.since) return now - seen.since >= STILL_MS;
    this.#others.set(node, { mark: Buffer.from(mark), since: now });
    return false;
  }

  /** Now and then. Of somebody else's lease nothing is renewed, and then this repair ends in vain. */
  async #renewLease(node: Node, lease: Lease): Promise<void> {
    const { random, now } = this.#shared.environment;
    if (Math.abs(now() - lease.renewedAt) < RENEWED_MS) return;
    lease.renewedAt = now();
    const next = controlCell(random, '', FOR_EVER);
    const answer = await node.ask('go on with a repair', () => node.cells.replace(REPAIR, lease.mark, next));
    if (answer.status === 'ok') lease.mark = next.mark;
  }
}

/** What only newcomers have of a slot is not all of it; and a source that has lost everything knows nothing of it any more. */
function isWholeWhileMoving(
  { owners, newcomers, sources, awaited }: Place,
  node: Node,
  from: readonly Node[],
): boolean {
  const elders = [...owners.filter((owner) => !newcomers.includes(owner)), ...sources];
  const isNeeded = owners.includes(node) || sources.includes(node);
  const isAlone = awaited.length === 0 && elders.every((elder) => elder === node);
  if (!isNeeded || isAlone) return true;
  return !sources.includes(node) && elders.some((elder) => elder !== node && from.includes(elder));
}

interface Lease {
  mark: Uint8Array;
  renewedAt: number;
}

/** Lets so many through in a second. */
class Pacer {
  readonly #shared: Shared;
  readonly #batch: number;
  readonly #batchMs: number;
  #steps = 0;
  #gate: Promise<void> | undefined;
  #dueAt: number;
  #isNewBatch = false;

  constructor(shared: Shared, perSecond: number) {
    this.#shared = shared;
    this.#batch = Math.max(1, Math.min(MOST_IN_BATCH, Math.floor(perSecond / BATCHES_PER_SECOND)));
    this.#batchMs = (this.#batch * 1000) / perSecond;
    this.#dueAt = shared.environment.now();
  }

  /** True once for each batch. */
  get isNewBatch(): boolean {
    const is = this.#isNewBatch;
    this.#isNewBatch = false;
    return is;
  }

  async step(): Promise<void> {
    const gate = this.#gate;
    if (++this.#steps % this.#batch === 0) {
      this.#isNewBatch = true;
      this.#gate = this.#nextBatch();
    }
    await gate;
  }

  /** Each batch has its own time, however many wait. */
  #nextBatch(): Promise<void> | undefined {
    const { environment } = this.#shared;
    const now = environment.now();
    this.#dueAt = Math.max(this.#dueAt + this.#batchMs, now);
    const restMs = this.#dueAt - now;
    return restMs >= 1 ? rest(environment, restMs) : undefined;
  }
}

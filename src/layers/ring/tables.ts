/**
 * What this process knows of the document of its ring, and how it hears of a new one.
 *
 * It looks at every node once a second. A node that was not seen for longer than a lease (this process may have been stopped)
 * is looked at before it is used; so when a move was announced a lease ago, everybody who reads anything knows of it. A node that
 * has an older document, or none, is given the one there is, with the fences that belong to it.
 *
 * Rejected: hearing of a new table by being refused (reads are never refused), and pushing it to servers (nobody knows them all).
 */
import { failure } from '../../errors.js';
import { fingerprint, type RingTable, readTable, tableText } from '../../ring/table.js';
import { controlCell, FOR_EVER, tableId, textIn } from './control.js';
import type { NodeState, RingDocument } from './document.js';
import type { Node } from './node.js';
import type { Place, View } from './place.js';
import { Register } from './register.js';
import { rest, type Shared, trouble } from './shared.js';

const BEAT_MS = 1000;
/** How long a look at a node is good for. */
export const LEASE_MS = 2000;
/** How long a refused write waits for the next table. */
const PATIENCE_MS = 1000;
const IMPATIENT_AFTER_MS = 200;
/** How often something is read again that may have been old by the time it was there. */
const MOST_READS = 8;
const LOOK_AGAIN_MS = 20;
/** A fence is put up for so many slots in one call. */
const SLOTS_AT_ONCE = 512;

export interface TablesSettings {
  readonly shared: Shared;
  /** Called when another document is followed, with the one before. */
  readonly changed: (before: View) => void;
  /** Called when somebody has waited long for the next table: who should publish it may have died. */
  readonly impatient: () => void;
  /** Called for each node that was looked at and answered, once a beat. */
  readonly looked: (node: Node) => void;
}

export class Tables {
  readonly register: Register;
  readonly #shared: Shared;
  readonly #changed: (before: View) => void;
  readonly #impatient: () => void;
  readonly #looked: (node: Node) => void;
  readonly #looking = new Set<Node>();
  readonly #known = new Map<string, RingTable>();
  /** When each node was asked for what was seen last. */
  readonly #seenAt = new Map<Node, number>();
  #begun: Promise<void> | undefined;
  #hasBegun = false;
  #isClosed = false;
  #following: Promise<unknown> = Promise.resolve();
  #stopBeat: (() => void) | undefined;

  constructor({ shared, changed, impatient, looked }: TablesSettings) {
    this.#shared = shared;
    this.#changed = changed;
    this.#impatient = impatient;
    this.#looked = looked;
    this.register = new Register(shared);
    this.#keep(shared.places.table, shared.places.fingerprint);
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get document(): RingDocument {
    return this.#shared.places.view.document;
  }

  /** Before anything else: follows the document that there is, or agrees on the first one. Rejects while too few nodes answer. */
  begin(): Promise<void> {
    this.#begun ??= this.#begin().then(
      () => {
        this.#hasBegun = true;
        if (!this.#isClosed) this.#stopBeat = this.#shared.environment.every(BEAT_MS, () => this.#beat());
      },
      (error) => {
        this.#begun = undefined;
        throw error;
      },
    );
    return this.#begun;
  }

  /** Whether all nodes of this place that can be asked were seen a moment ago. */
  isFresh({ holders }: Place): boolean {
    for (const node of holders) if (node.isUp && !this.#isSeen(node)) return false;
    return true;
  }

  isAllFresh(): boolean {
    return this.#shared.nodes.every((node) => !node.isUp || this.#isSeen(node));
  }

  /** Looks at all nodes that are up. Never rejects. */
  async lookAtAll(): Promise<void> {
    await Promise.allSettled(this.#shared.nodes.map((node) => (node.isUp ? this.look(node) : undefined)));
  }

  /** Sees to that. SOJOURN_STORE where no node of this place can be seen. */
  async refresh(id: string): Promise<void> {
    const up = this.#shared.places.of(id).holders.filter(({ isUp }) => isUp);
    const looked = await Promise.allSettled(up.map((node) => this.look(node)));
    // However long that took: whoever answered was asked after this session was asked for.
    if (looked.some(({ status }) => status === 'fulfilled')) return;
    const { holders } = this.#shared.places.of(id);
    const cause = looked.find((one) => one.status === 'rejected')?.reason;
    const names = holders.map(({ name }) => name).join(', ');
    throw trouble(this.#shared, 'look at the table', `none of ${names} answers`, cause);
  }

  /** Looks at a node, and follows what is newer. */
  async look(node: Node): Promise<NodeState> {
    const askedAt = this.#shared.environment.now();
    const state = await this.register.read(node);
    if (state.chosen !== null && state.chosen.step > this.document.step) await this.follow(state.chosen);
    else if (this.#hasBegun && (state.chosen === null || state.chosen.step < this.document.step))
      await this.bring(node);
    this.#seenAt.set(node, askedAt);
    return state;
  }

  /**
   * What is read of a session whose move is announced. Its nodes may have been closed before the read came to them, and what they said be
   * old by now: so they are looked at once more, and where one is closed, all is read again by the next table.
   */
  async whileOpen<R>(id: string, read: () => Promise<R>): Promise<R> {
    for (let reads = 1; ; reads++) {
      const { isAnnounced, owners } = this.#shared.places.of(id);
      const { step } = this.document;
      const result = await read();
      if (!isAnnounced) return result;
      const looked = await Promise.allSettled(owners.filter(({ isUp }) => isUp).map((node) => this.look(node)));
      const isClosed = looked.some((one) => one.status === 'fulfilled' && one.value.closed > step);
      const isKnown = looked.every((one) => one.status === 'fulfilled');
      if (isKnown && !isClosed && this.document.step === step) return result;
      if (reads === MOST_READS) throw trouble(this.#shared, 'load', 'its nodes do not answer often enough');
      if (isClosed) await this.after(step);
    }
  }

  /** Resolves when a later step than this one is followed. SOJOURN_STORE when that takes too long. */
  async after(step: number): Promise<void> {
    const { environment } = this.#shared;
    for (let waitedMs = 0; this.document.step <= step; waitedMs += LOOK_AGAIN_MS) {
      await this.lookAtAll();
      if (this.document.step > step) return;
      if (waitedMs === IMPATIENT_AFTER_MS) this.#impatient();
      if (waitedMs >= PATIENCE_MS)
        throw trouble(this.#shared, 'write', 'the slot is moving, and the new table is not there yet');
      await rest(environment, LOOK_AGAIN_MS);
    }
  }

  /** The same when it is there already, or comes to this process in another way. */
  follow(document: RingDocument): Promise<void> {
    const next = this.#following.then(() => this.#follow(document));
    this.#following = next.catch(() => {});
    return next;
  }

  /** Leaves a node with the document, its tables, and the fences that belong to it. */
  async bring(node: Node): Promise<void> {
    const { view } = this.#shared.places;
    for (const table of [view.table, view.leaving, view.next]) if (table !== null) await this.#putTable(node, table);
    if (view.leaving !== null)
      await this.fence(
        node,
        this.#shared.places.slots(({ isMoving }) => isMoving),
        view.document.step,
      );
    await this.register.tell([node], view.document);
  }

  /** Closes slots on a node for steps before this one. */
  async fence(node: Node, slots: readonly number[], step: number): Promise<void> {
    for (let from = 0; from < slots.length; from += SLOTS_AT_ONCE) {
      const some = slots.slice(from, from + SLOTS_AT_ONCE);
      await node.ask('close slots', () => node.cells.fence(some, step));
    }
  }

  /** Puts a table on all nodes that are up. Returns its fingerprint. */
  async publish(table: RingTable): Promise<string> {
    const name = nameOf(table);
    this.#keep(table, name);
    await Promise.allSettled(this.#shared.nodes.map((node) => this.#putTable(node, table)));
    return name;
  }

  /** Takes a table away that no document names any more. */
  async forget(name: string): Promise<void> {
    await Promise.allSettled(
      this.#shared.nodes.map(async (node) => {
        const cell = await node.ask('drop a table', () => node.cells.read(tableId(name)));
        if (cell !== null) await node.ask('drop a table', () => node.cells.remove(tableId(name), cell.mark));
      }),
    );
  }

  close(): void {
    this.#isClosed = true;
    this.#stopBeat?.();
  }

  async #begin(): Promise<void> {
    const { nodes, places } = this.#shared;
    const seen = await Promise.allSettled(nodes.map((node) => this.register.read(node)));
    let latest: RingDocument | null = null;
    for (const one of seen) {
      const chosen = one.status === 'fulfilled' ? one.value.chosen : null;
      if (chosen !== null && (latest === null || chosen.step > latest.step)) latest = chosen;
    }
    if (latest === null) {
      await this.publish(places.table);
      latest = (await this.register.propose((present) => (present === null ? places.view.document : null))).document;
    }
    this.#refuseUnknown(latest);
    // It stands for nothing yet, so whatever is there counts as later.
    await this.follow(latest);
    await this.lookAtAll();
  }

  async #follow(document: RingDocument): Promise<void> {
    const { places } = this.#shared;
    const before = places.view;
    if (this.#hasFollowed && document.step <= before.document.step) return;
    const [table, leaving, next] = await Promise.all(
      [document.table, document.leaving, document.next].map((name) => (name === null ? null : this.#table(name))),
    );
    places.follow({ document, table: table!, leaving: leaving!, next: next! });
    this.#hasFollowed = true;
    const named = [document.table, document.leaving, document.next];
    for (const name of this.#known.keys()) if (!named.includes(name)) this.#known.delete(name);
    this.#changed(before);
  }
  #hasFollowed = false;

  async #table(name: string): Promise<RingTable> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    let cause: unknown;
    for (const node of this.#shared.nodes) {
      try {
        const cell = await node.ask('read a table', () => node.cells.read(tableId(name)));
        if (cell === null) continue;
        const table = readTable(textIn(cell));
        if (fingerprint(table) !== name) continue;
        this.#keep(table, name);
        return table;
      } catch (error) {
        cause = error;
      }
    }
    throw trouble(this.#shared, 'read a table', 'no node that answers has it', cause);
  }

  async #putTable(node: Node, table: RingTable): Promise<void> {
    const id = tableId(nameOf(table));
    if ((await node.ask('write a table', () => node.cells.read(id))) !== null) return;
    const cell = controlCell(this.#shared.environment.random, tableText(table), FOR_EVER);
    await node.ask('write a table', () => node.cells.replace(id, null, cell));
  }

  #keep(table: RingTable, name: string): void {
    this.#known.set(name, table);
    names.set(table, name);
  }

  #isSeen(node: Node): boolean {
    const seenAt = this.#seenAt.get(node);
    if (seenAt === undefined) return false;
    const age = this.#shared.environment.now() - seenAt;
    return age >= 0 && age < LEASE_MS;
  }

  /** Everybody must be able to reach all of them. */
  #refuseUnknown({ nodes }: RingDocument): void {
    const own = this.#shared.nodes.map(({ name }) => name);
    const unknown = nodes.filter((name) => !own.includes(name));
    if (unknown.length === 0) return;
    throw failure('SOJOURN_OPTION', {
      option: `nodes of ${this.#shared.name}`,
      wanted: `must name all nodes of the table that the nodes have agreed on, and ${unknown.join(', ')} is missing; a node leaves by a resize first, and then this list`,
    });
  }

  #beat(): void {
    for (const node of this.#shared.nodes) {
      if (!node.isReached || this.#looking.has(node)) continue;
      this.#looking.add(node);
      void this.look(node)
        .then(
          () => this.#looked(node),
          // Counted where it failed; there is a next time.
          () => {},
        )
        .finally(() => this.#looking.delete(node));
    }
  }
}

/** Fingerprints that were computed before: it takes some time. */
const names = new WeakMap<RingTable, string>();

function nameOf(table: RingTable): string {
  const name = names.get(table) ?? fingerprint(table);
  names.set(table, name);
  return name;
}

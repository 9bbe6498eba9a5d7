/**
 * The mover: walks over the nodes that sessions are leaving, and carries what it finds, until a whole walk finds nothing.
 *
 * It keeps no list and no cursor. What is left on a source is what is not done, so another process can go on at any time.
 * Where nobody leaves a slot (a copy is added), or who leaves it cannot be asked, an owner that stays is walked over
 * instead; there nothing is removed, and one whole walk without a failure is enough.
 *
 * It is polite: it goes at the pace that it is given, and slower while nodes take longer to answer than they did.
 */
import { SLOTS } from '../../ring/nodes.js';
import type { Carrying } from './carry.js';
import { isControl } from './control.js';
import type { Node } from './node.js';
import { Pace } from './pace.js';
import type { Place } from './place.js';
import { inParallel, type Shared, trouble } from './shared.js';
import type { MoveProgress } from './status.js';

const AT_A_TIME = 16;

export interface MoverSettings {
  readonly shared: Shared;
  readonly carrying: Carrying;
  /** Sessions a second at most. */
  readonly pace: number;
}

export class Mover {
  readonly #settings: MoverSettings;
  #progress: Omit<MoveProgress, 'by'> | undefined;
  #isStopped = false;

  constructor(settings: MoverSettings) {
    this.#settings = settings;
  }

  get progress(): Omit<MoveProgress, 'by'> | undefined {
    return this.#progress;
  }

  /** What is under way comes to its end; `run` returns soon after. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Carries everything. 'done': a whole walk found nothing left to carry. 'stopped': by `stop`, or since another document is
   * followed. Rejects when nodes that are needed do not answer: try again.
   */
  async run(): Promise<'done' | 'stopped'> {
    this.#isStopped = false;
    const { shared } = this.#settings;
    const { places } = shared;
    const { step } = places;
    const pace = new Pace(shared.environment, this.#settings.pace, () => slowestOf(shared.nodes));
    const left = await this.#count(step);
    if (left === null) return 'stopped';
    const fed = new Uint8Array(SLOTS);
    for (;;) {
      let progress = 0;
      for (const node of shared.nodes) {
        if (this.#isOver(step)) return 'stopped';
        const task = taskOf(node, shared, fed);
        if (task === null) continue;
        const { mark } = node;
        progress += await this.#walk(node, task, step, pace, left);
        if (this.#isOver(step)) return 'stopped';
        if (node.mark !== mark) continue;
        for (const slot of task.feeds) fed[slot] = 1;
        progress += task.feeds.size;
      }
      if (progress > 0) continue;
      this.#refuseUnfed(fed);
      return 'done';
    }
  }

  /** Carries what lies on a node and does not belong there, whatever moves. */
  async clear(node: Node): Promise<void> {
    const { shared, carrying } = this.#settings;
    const pace = new Pace(shared.environment, this.#settings.pace, () => slowestOf(shared.nodes));
    await inParallel(idsOf(node), AT_A_TIME, async (id) => {
      if (shared.places.of(id).owners.includes(node)) return;
      await pace.step();
      await carrying.carry(id, node);
    });
  }

  /** How many sessions of each slot are to be carried. */
  async #count(step: number): Promise<Uint32Array | null> {
    const { shared } = this.#settings;
    const left = new Uint32Array(SLOTS);
    const fed = new Uint8Array(SLOTS);
    let sessions = 0;
    for (const node of shared.nodes) {
      const task = taskOf(node, shared, fed);
      if (task === null) continue;
      for await (const id of idsOf(node)) {
        if (this.#isOver(step)) return null;
        const place = shared.places.of(id);
        if (!isIn(task, place, node)) continue;
        left[place.slot]!++;
        sessions++;
      }
    }
    const slots = shared.places.slots(({ isMoving }) => isMoving);
    const slotsDone = slots.filter((slot) => left[slot] === 0).length;
    this.#progress = {
      slots: slots.length,
      slotsDone,
      sessions,
      sessionsDone: 0,
      bytesDone: 0,
      perSecond: 0,
      slowMs: 0,
    };
    return left;
  }

  /** Returns how many were taken away from the node. */
  async #walk(node: Node, task: Task, step: number, pace: Pace, left: Uint32Array): Promise<number> {
    const { shared, carrying } = this.#settings;
    let removed = 0;
    await inParallel(idsOf(node), AT_A_TIME, async (id) => {
      if (this.#isOver(step)) throw STOPPED;
      const place = shared.places.of(id);
      if (!isIn(task, place, node)) return;
      await pace.step();
      const bytes = await carrying.carry(id, node);
      if (bytes === undefined) return;
      if (place.sources.includes(node)) removed++;
      this.#carried(place.slot, bytes, pace, left);
    }).catch((error) => {
      if (error !== STOPPED) throw error;
    });
    return removed;
  }

  #isOver(step: number): boolean {
    return this.#isStopped || this.#settings.shared.places.step !== step;
  }

  #carried(slot: number, bytes: number, pace: Pace, left: Uint32Array): void {
    const before = this.#progress!;
    pace.done();
    const isSlotDone = left[slot]! > 0 && --left[slot]! === 0;
    const sessionsDone = before.sessionsDone + 1;
    const perSecond = Math.round(pace.lately);
    this.#progress = {
      ...before,
      slotsDone: before.slotsDone + (isSlotDone ? 1 : 0),
      sessions: Math.max(before.sessions, sessionsDone),
      sessionsDone,
      bytesDone: before.bytesDone + bytes,
      perSecond,
      slowMs: Math.round(slowestOf(this.#settings.shared.nodes)),
      ...(perSecond > 0 && { leftMs: Math.round((Math.max(0, before.sessions - sessionsDone) * 1000) / perSecond) }),
    };
  }

  /** Every newcomer has been given what was there. */
  #refuseUnfed(fed: Uint8Array): void {
    const { shared } = this.#settings;
    const unfed = shared.places.slots((place) => needsFeeding(place, fed));
    if (unfed.length === 0) return;
    throw trouble(shared, 'move', `of ${unfed.length} slots no node that has all of their sessions answers`);
  }
}

const STOPPED = new Error('stopped');

/** What is to be done on a node. */
interface Task {
  /** Slots whose sessions are brought from here to the newcomers. */
  readonly feeds: ReadonlySet<number>;
}

/** Null: nothing. `fed`: slots that need no feeding any more. */
function taskOf(node: Node, { places }: Shared, fed: Uint8Array): Task | null {
  if (!node.isUp) return null;
  const feeds = new Set<number>();
  let isSource = false;
  for (let slot = 0; slot < SLOTS; slot++) {
    const place = places.ofSlot(slot);
    isSource ||= place.sources.includes(node);
    if (needsFeeding(place, fed) && feederOf(place) === node) feeds.add(slot);
  }
  return isSource || feeds.size > 0 ? { feeds } : null;
}

function isIn({ feeds }: Task, place: Place, node: Node): boolean {
  return feeds.has(place.slot) || place.sources.includes(node);
}

function needsFeeding({ slot, newcomers }: Place, fed: Uint8Array): boolean {
  return newcomers.length > 0 && fed[slot] === 0;
}

/** The node that has all sessions of a slot: one that leaves it, for its sessions are carried in any case, or one that stays. */
function feederOf({ sources, owners, newcomers }: Place): Node | undefined {
  const isSure = (node: Node): boolean => node.isUp && node.isSure;
  return sources.find(isSure) ?? owners.find((node) => !newcomers.includes(node) && isSure(node));
}

async function* idsOf(node: Node): AsyncIterableIterator<string> {
  for await (const id of node.walk('list its cells', () => node.cells.ids())) if (!isControl(id)) yield id;
}

function slowestOf(nodes: readonly Node[]): number {
  return Math.max(0, ...nodes.map(({ isUp, slowMs }) => (isUp ? slowMs : 0)));
}
